"""The default model on a machine of any speed: real answers, made-up time.

The cells keep books and take the time that such a machine would; the real model computes logits only where
somebody looks at them. Nothing of the product is replaced but the llama context, the clock and the sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from typing import Any, cast

import attrs
import numpy as np
import numpy.typing as npt
from foretype.daemon.server import service
from foretype.daemon.server.in_process import InProcess
from foretype.daemon.settings.settings import CompletionSettings
from foretype.lsp.completions.better import BETTER
from foretype.lsp.completions.items import Report
from foretype.lsp.demo.client import RequestFailedError
from foretype.models.cache.kv_cache import KVCache, common_prefix
from foretype.models.engine.interface import EngineInfo, EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.llama import DecodeResult
from foretype.tests.live.lockstep import LockstepThread
from foretype.tests.support.fake_cells import FakeCells
from foretype.tests.support.lsp_inside import InsideServer
from foretype.tests.support.private_home import default_model

CELLS = 16384
KEPT = 3000
"""Logits that are remembered; each has 200 KB."""


@attrs.frozen
class Machine:
    """How fast a machine computes.

    Attributes:
        name: for the figures.
        step_ms: for each batch.
        token_ms: for each token in it.
        least_ms: a batch takes that long at least, however small it is: the weights have to be read.
    """

    name: str
    step_ms: float
    token_ms: float
    least_ms: float = 0.0

    def batch_ms(self, tokens: int) -> float:
        """How long a batch takes."""
        return max(self.least_ms, self.step_ms + self.token_ms * tokens)


MACHINES = {
    machine.name: machine
    for machine in (
        Machine("untuned", 7.0, 3.0),
        Machine("tuned", 5.0, 1.15),
        Machine("slow", 30.0, 12.0),
        Machine("pulled", 6.0, 1.5),
        Machine("shape-0.5b", 5.0, 3.6, 43.0),
        Machine("shape-1.5b", 5.0, 11.4, 125.0),
    )
}
"""Two cores with the default model as it was published, as `foretype tune` and as `foretype models pull`
leave it, and with a model ten times as large; and as fast as models of 0.5 and 1.5 billion weights are there:
275 and 87 tokens of a prompt a second, 23 and 8 of an answer. Their text is the default model's, so what
counts is how much of the context an answer saw.
"""


class Truth:
    """The real model. Its state: a few sequences of its own, and the logits of the last contexts."""

    def __init__(self) -> None:
        path = default_model()
        settings = EngineSettings(context_tokens=CELLS, tuned=False)
        self.engine = load_engine(path, settings, lambda _: None)
        self._sequences = [self.engine.cache.acquire() for _ in range(6)]
        self._known: OrderedDict[bytes, npt.NDArray[np.float32]] = OrderedDict()

    def logits(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """What the model thinks comes after `tokens`."""
        key = np.asarray(tokens, np.int32).tobytes()
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._compute(list(tokens))
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return known

    def _compute(self, tokens: list[int]) -> npt.NDArray[np.float32]:
        cache = self.engine.cache
        live = [sequence for sequence in self._sequences if sequence is not None]
        grown = max(live, key=lambda one: common_prefix(one.tokens, tokens))
        lost = len(grown.tokens) - common_prefix(grown.tokens, tokens)
        sequence = grown if lost < 32 else min(live, key=lambda one: one.used)
        cache.truncate(sequence, min(common_prefix(sequence.tokens, tokens), len(tokens) - 1))
        if sequence is not grown:
            cache.sync(sequence, tokens[:-1], Cancellation())
        cache.sync(sequence, tokens, Cancellation())
        found = cache.logits(sequence)
        if found is None:
            cache.truncate(sequence, len(tokens) - 1)
            cache.sync(sequence, tokens, Cancellation())
            found = cache.logits(sequence)
        assert found is not None
        return np.array(found, np.float32)


class Cells(FakeCells):
    """Books and a machine's time; the model is asked for logits when somebody looks at them."""

    def __init__(self, truth: Truth, machine: Machine) -> None:
        longest = min(CELLS, truth.engine.cache.longest)
        super().__init__(len(truth.engine.vocabulary.pieces), size=CELLS, sequences=24, longest=longest)
        self.cancellation: Cancellation | None = None
        self._truth = truth
        self._machine = machine
        self._ends: list[list[int]] = []

    def decode(self, tokens: Sequence[int], sequence: int, position: int, *, logits: int = 1) -> DecodeResult:
        thread = LockstepThread.current
        assert thread is not None
        seconds = self._machine.batch_ms(len(tokens)) / 1000
        if not thread.spend(seconds, self.cancellation):
            return DecodeResult.ABORTED
        held = self.held.setdefault(sequence, [])
        assert position == len(held)
        if len({cell for cells in self.held.values() for cell, _ in cells}) + len(tokens) > self.size:
            return DecodeResult.NO_SLOT
        self._append(held, tokens)
        ids = self.tokens(sequence)
        self._ends = [ids[: len(ids) - back] for back in range(logits - 1, -1, -1)]
        return DecodeResult.DONE

    def logits(self, index: int = -1) -> npt.NDArray[np.float32]:
        return self._truth.logits(self._ends[index])

    @contextlib.contextmanager
    def abortable(self, cancellation: Cancellation) -> Generator[None]:
        self.cancellation = cancellation
        try:
            yield
        finally:
            self.cancellation = None

    def close(self) -> None:
        pass


class _Source:
    def __init__(self, engine: LocalEngine) -> None:
        self._engine = engine

    def name(self) -> str:
        return "simulated"

    def fingerprint(self) -> object:
        return 1

    def load(self, on_progress: Callable[[float], None]) -> LocalEngine:
        on_progress(1.0)
        return self._engine


def engine(truth: Truth, machine: Machine, budget_ms: float) -> LocalEngine:
    """The product's engine over simulated cells, in the running loop's time."""
    real = truth.engine
    cells = Cells(truth, machine)
    clock = asyncio.get_running_loop().time
    made = LocalEngine(
        KVCache(cells),
        real.vocabulary,
        real.layout,
        ends=real.continuation.ends,
        max_prompt_tokens=real.planner.max_prompt_tokens,
        running=cells,
        info=EngineInfo("simulated", "", 0, CELLS, "", 0, real.layout.sees_suffix),
        latency_budget_ms=budget_ms,
        clock=clock,
    )
    made.cache.clock = clock
    made.cache.speed.learn(256, machine.batch_ms(256))
    return made


class InsideClient:
    """The language server in this process, spoken to like a real one's client.

    Its state: requests that wait, and in `contexts` which part of the prompt each suggestion's answer saw.
    """

    def __init__(self, truth: Truth, machine: Machine, completion: CompletionSettings) -> None:
        cast("Any", service).EngineThread = LockstepThread
        clock = asyncio.get_running_loop().time
        made = engine(truth, machine, completion.latency_budget_ms)
        self._backend = InProcess(_Source(made), clock=clock)
        self.inside = InsideServer(self._backend, self._answered, completion=completion)
        self._open: dict[int | str, asyncio.Future[Any]] = {}
        self.contexts: dict[str, float] = {}
        self.contexts: dict[str, float] = {}
        self._counted: Callable[[Report], None] = lambda _: None
        self._number = 0
        self._version = 0

    @property
    def notifications(self) -> list[dict[str, Any]]:
        """What came unasked."""
        for message in self.inside.told:
            if message["method"] == BETTER:  # only what saw everything is called better
                self.contexts[message["params"]["suggestion"]] = 1.0
        return self.inside.told

    def _reported(self, report: Report) -> None:
        if report.completion is not None:
            for offer in report.offers:
                self.contexts.setdefault(offer.name, report.completion.context)
        self._counted(report)

    @property
    def spent_s(self) -> float:
        """How long the machine has computed."""
        assert LockstepThread.current is not None
        return LockstepThread.current.spent_s

    def _answered(self, number: int | str, message: dict[str, Any]) -> None:
        future = self._open.pop(number, None)
        if future is None or future.done():
            return
        if message.get("error") is not None:
            future.set_exception(RequestFailedError(0, "refused"))
        else:
            future.set_result(message.get("result"))

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self.inside.feed({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, params: Any) -> tuple[int, asyncio.Future[Any]]:
        """Send a request."""
        self._number += 1
        future = self._open[self._number] = asyncio.get_running_loop().create_future()
        self.inside.feed({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number, future

    def open(self, uri: str, text: str, language: str) -> None:
        """Open a document."""
        self._version = 1
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def insert(self, uri: str, line: int, character: int, text: str) -> int:
        """Type at a position."""
        self._version += 1
        place = {"line": line, "character": character}
        change = {"range": {"start": place, "end": place}, "text": text}
        document = {"uri": uri, "version": self._version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        return self._version

    async def begin(self) -> None:
        """The handshake, with positions that count code points."""
        self.inside.begin(betterSuggestions=True)
        await asyncio.sleep(0)
        books = self.inside.server.session.books
        self._counted = books.reported
        cast("Any", books).reported = self._reported
        encoding = self.inside.server.session.documents.encoding
        self.inside.server.session.documents.encoding = type(encoding).UTF32

    async def end(self) -> None:
        """Let go of everything."""
        await self.inside.end()


__all__ = ["MACHINES", "InsideClient", "Machine", "Truth"]
