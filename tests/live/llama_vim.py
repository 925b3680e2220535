"""The same model asked as llama.vim asks it, typed with the same keys in the same time.

llama-server runs as for the benchmarks (`bench.peer`). Every key takes the suggestion away and asks, unless
more than 8 characters stand right of the cursor or an answer is remembered that begins with what was typed
since. While one request runs no other is sent: 100 ms later it is tried again, and nothing ends a request
that nobody wants any more. An answer is remembered, and shown if it still fits where the cursor is. Left out
are two things that would cost it time here: the ring of chunks from other files, and the
request for what would follow. What was done before the first key makes no difference to it.

llama-server refuses llama.vim's requests for a model without fill-in-the-middle markers, such as the default
one, so with that llama.vim would show nothing at all. There it is asked for what comes after the same lines
above instead, with the same cache and limits and the most probable token each time: kind to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import attrs
import httpx
from foretype.lsp.replay.place import Place
from foretype.lsp.replay.screen import EditorScreen, Ghost
from foretype.tests.bench.peer import infill_body
from foretype.tests.live.scenarios import LOOKS_S, typed
from foretype.tests.live.session import Played, Seen, look

AGAIN_S = 0.1
MOST_RIGHT = 8
LOOK_BACK = 128


class Server(Protocol):
    """Who answers `/infill`."""

    async def infill(self, body: dict[str, Any]) -> str:
        """The text that the model says."""
        ...


class LlamaServer:
    """A llama-server at an address."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=120.0)
        self._fills = True

    async def infill(self, body: dict[str, Any]) -> str:
        """See `Server`."""
        answer = await self._client.post("/infill", json=body) if self._fills else None
        if answer is None or answer.status_code == httpx.codes.NOT_IMPLEMENTED:
            self._fills = False
            answer = await self._client.post("/completion", json=continuing(body))
        return str(answer.raise_for_status().json()["content"])

    async def aclose(self) -> None:
        """Let go of its connections."""
        await self._client.aclose()


def continuing(body: dict[str, Any]) -> dict[str, Any]:
    """The request for what comes after the text above the cursor, made of one for what stands between."""
    kept = ("n_predict", "cache_prompt", "t_max_predict_ms", "stream")
    above = body["input_prefix"] + body["prompt"]
    return {"prompt": above, "top_k": 1, "samplers": ["top_k"], **{name: body[name] for name in kept}}


def shown_of(content: str, text: str, offset: int) -> str:
    """What llama.vim shows of an answer: nothing where it repeats what stands there already.

    Args:
        content: the answer.
        text: the document.
        offset: the cursor, in code points.
    """
    lines = content.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return ""
    rest, *below = text[offset:].split("\n")
    next_code = next((number for number, line in enumerate(below) if line.strip()), len(below))
    following = below[next_code:]
    if len(lines) == 1 and lines[0] == rest:
        return ""
    if not lines[0] and lines[1:] == below[: len(lines) - 1]:
        return ""
    start = text.rfind("\n", 0, offset) + 1
    if following and text[start:offset] + lines[0] == following[0]:
        more = following[1 : len(lines)]
        if (
            len(lines) == 1
            or (len(lines) == 2 and more and more[0].startswith(lines[1]))
            or lines[1:] == more
        ):
            return ""
    return "\n".join(lines)


@attrs.define
class VimTypist:
    """Somebody with llama.vim. Its state: the screen, what was answered, a request and a timer that run."""

    server: Server
    screen: EditorScreen
    answered: dict[tuple[str, str], str] = attrs.field(factory=dict[tuple[str, str], str])
    first_shown: float | None = None
    answer_ms: list[float] = attrs.field(factory=list[float])
    job: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None

    def press(self, character: str) -> None:
        """One key."""
        self.screen.type(character)
        self.screen.ghost = None
        self.ask()

    def ask(self) -> None:
        """Show what is remembered for the cursor's place, or send a request, or try again later."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.job is not None:
            self.timer = asyncio.get_running_loop().call_later(AGAIN_S, self.ask)
            return
        before, after = self._around()
        if len(after.split("\n", 1)[0]) > MOST_RIGHT:
            return
        if not self._show():
            self.job = asyncio.create_task(self._request(before, after))

    def close(self) -> None:
        """Whatever still comes isn't wanted."""
        if self.timer is not None:
            self.timer.cancel()
        if self.job is not None:
            self.job.cancel()

    def _around(self) -> tuple[str, str]:
        return self.screen.text[: self.screen.offset], self.screen.text[self.screen.offset :]

    async def _request(self, before: str, after: str) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            self.answered[before, after] = await self.server.infill(infill_body(before, after))
        except httpx.HTTPError:
            return
        finally:
            self.job = None
        if (before, after) == self._around():
            self.answer_ms.append(1000 * (loop.time() - began))
        self._show()

    def _show(self) -> bool:
        """Show what is remembered for here, or up to 128 characters back; False where nothing is."""
        before, after = self._around()
        for back in range(min(LOOK_BACK, len(before)) + 1):
            content = self.answered.get((before[: len(before) - back], after))
            since = before[len(before) - back :]
            if content is None or not content.startswith(since):
                continue
            text = shown_of(content[back:], self.screen.text, self.screen.offset)
            self.screen.ghost = Ghost(text, 0, "") if text else None
            if text and self.first_shown is None:
                self.first_shown = asyncio.get_running_loop().time()
            return True
        return False


async def play_vim(server: Server, place: Place, processor_s: Callable[[], float]) -> Played:
    """Type a place and look at the screen, as `session.play` does."""
    before = processor_s()
    typist = VimTypist(server, EditorScreen(place.text, place.offset))
    began = asyncio.get_running_loop().time()
    keys = typed(place)
    for key, pause in zip(keys.keys, (0.0, *keys.pauses), strict=True):
        await asyncio.sleep(pause)
        typist.press(key)
    seen: list[Seen] = []
    waited = 0.0
    for after in LOOKS_S:
        await asyncio.sleep(after - waited)
        waited = after
        seen.append(look(typist.screen, after))
    typist.close()
    shown = typist.first_shown
    return Played(
        typist.screen.text,
        typist.screen.offset,
        tuple(seen),
        tuple(typist.answer_ms),
        None if shown is None else shown - began,
        processor_s=processor_s() - before,
    )
