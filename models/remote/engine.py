"""One engine elsewhere: recognised once, asked in its own words, followed to the end of an answer.

Every request can be taken back: the task that runs it is cancelled, and the stream is closed with it.
Failures are counted by a circuit breaker that says when to ask again. State: the connection, what was
recognised, the prompts' anchors and the counts. Which request goes first, and what answers meanwhile, is the
daemon's decision.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Mapping

import attrs

from ...context.shared.values import Completion, Prompt, StopReason, StopRules
from ..decoding.stops import cursor_line
from ..prompts.user_formats import from_overrides
from .address import checked_address
from .breaker import CircuitBreaker
from .failure import FailureKind, RemoteFailedError
from .following import RemoteQuestion, follow
from .key import read_key
from .listening import Listening
from .openai_completions import OpenAiCompletions
from .recognising import PING, recognise_server
from .speaking import ServerFacts, SpeaksProtocol, Wish
from .text_prompt import TextPrompts
from .transport import Access, RemoteConnection, slow

DEFAULT_PARALLEL = 4
KEPT_BACK = "What stands here is not sent to an engine elsewhere."

_SLOTS = 64


@attrs.frozen
class RemoteTarget:
    """Which engine elsewhere, as the user's settings say; see `settings.RemoteSettings`.

    Attributes:
        url: where.
        protocol: "auto" or a protocol's name.
        model: which of its models; "" for the first.
        key: where the key is kept.
        headers: further headers.
        ca_file: certificates that vouch for it; "" for the system's.
        proxy: an address, "" or "none".
        connect_timeout_s: seconds to wait for a connection.
        timeout_s: seconds after which an answer is given up.
        parallel: requests at a time; 0 for what the server says.
        fim: the user's own formats.
    """

    url: str
    protocol: str = "auto"
    model: str = ""
    key: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    ca_file: str = ""
    proxy: str = attrs.field(default="", repr=False)
    connect_timeout_s: float = 2.0
    timeout_s: float = 10.0
    parallel: int = 0
    fim: Mapping[str, object] = attrs.field(factory=dict[str, object])

    @property
    def shown(self) -> str:
        """Where code goes, for people."""
        try:
            return checked_address(self.url).shown
        except RemoteFailedError:
            return self.url


@attrs.define
class RemoteCounts:
    """What was asked since the start.

    Attributes:
        requests: answers that were asked for.
        answered: how many came to their end.
        aborted: how many were taken back before.
        contradicted: how many said something else than was typed.
        prompt_tokens: of the prompts of which the server said how many it had cached.
        cached_tokens: of these.
        decode_tokens: generated.
        wasted_tokens: of these, in answers that nobody got.
    """

    requests: int = 0
    answered: int = 0
    aborted: int = 0
    contradicted: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    decode_tokens: int = 0
    wasted_tokens: int = 0


class RemoteEngine:
    """See the module's opening. To be used in one event loop."""

    def __init__(
        self,
        target: RemoteTarget,
        environment: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make it; nothing is asked before the first request.

        Args:
            target: which.
            environment: where a key may be.
            clock: seconds.
        """
        self.target = target
        self.counts = RemoteCounts()
        self.breaker = CircuitBreaker(clock)
        self._environment = environment
        self._clock = clock
        self._speaker: SpeaksProtocol | None = None
        self._prompts: TextPrompts | None = None
        self._connection: RemoteConnection | None = None
        self._recognising = asyncio.Lock()
        self._slots: dict[str, int] = {}
        self._parallel = 0

    @property
    def facts(self) -> ServerFacts | None:
        """What the server said of itself; None before it was asked."""
        return None if self._speaker is None else self._speaker.facts

    @property
    def capacity(self) -> int:
        """How many requests it takes at a time."""
        return self.target.parallel or self._parallel or DEFAULT_PARALLEL

    async def recognise(self) -> ServerFacts:
        """Find out what the server is, unless that is known.

        Raises:
            RemoteFailedError: it can't be found out.
        """
        speaker, _, _ = await self._ready()
        return speaker.facts

    async def complete(
        self,
        session: str,
        prompt: Prompt,
        rules: StopRules,
        *,
        on_text: Callable[[str], None] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Completion:
        """Ask for one answer.

        Args:
            session: the document.
            prompt: what stands around the cursor.
            rules: where to stop.
            on_text: called with text that nothing takes back.
            temperature: 0 is greedy.
            seed: makes sampling repeatable.

        Returns:
            the answer; UNAVAILABLE where it contradicts what was typed, or may not be asked for.

        Raises:
            RemoteFailedError: there is none. The breaker knows already.
        """
        if prompt.rewrite is not None:
            return Completion("", StopReason.END)  # what it was trained for isn't known
        async with self._guarded():
            speaker, prompts, connection = await self._ready()
            asked = prompts.of(session, prompt)
            if asked is None:
                return Completion("", StopReason.UNAVAILABLE, detail=KEPT_BACK)
            markers = _markers(speaker.facts)
            wish = Wish(rules.max_tokens, temperature, seed, stops_for(rules, markers), self._slot(session))
            listening = Listening.to(rules, cursor_line(prompt.prefix), asked.required, markers)
            return await self._listen(RemoteQuestion(speaker, connection, asked, wish, on_text), listening)

    async def warm(self, session: str, prompt: Prompt) -> None:
        """Have a prompt evaluated; it takes a new anchor where the old one has become old.

        Raises:
            RemoteFailedError: it can't. The breaker knows already.
        """
        async with self._guarded():
            speaker, prompts, connection = await self._ready()
            asked = prompts.of(session, prompt, renew=True)
            if asked is not None:
                call = await speaker.call(asked, Wish(0, slot=self._slot(session)))
                await connection.call(call.path, call.body)

    async def ping(self) -> None:
        """Ask something that needs no model: how long that takes is the way there and back.

        Raises:
            RemoteFailedError: there is no answer.
        """
        speaker, _, connection = await self._ready()
        await connection.call(PING[speaker.facts.protocol])

    def forget(self, session: str) -> None:
        """A document was closed."""
        self._slots.pop(session, None)
        if self._prompts is not None:
            self._prompts.forget(session)

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.aclose()

    async def _ready(self) -> tuple[SpeaksProtocol, TextPrompts, RemoteConnection]:
        async with self._recognising:
            if self._speaker is None or self._prompts is None or self._connection is None:
                target = self.target
                access = Access(
                    checked_address(target.url),
                    read_key(target.key, self._environment),
                    target.headers,
                    target.ca_file,
                    target.proxy,
                    target.connect_timeout_s,
                    target.timeout_s,
                )
                if self._connection is not None:
                    await self._connection.aclose()
                self._connection = RemoteConnection(access)
                overrides = from_overrides(target.fim)[0]
                self._speaker = await recognise_server(
                    self._connection, target.protocol, target.model, overrides
                )
                self._prompts = TextPrompts(self._speaker.facts.recognition)
                self._parallel = self._speaker.facts.parallel
            return self._speaker, self._prompts, self._connection

    @contextlib.asynccontextmanager
    async def _guarded(self) -> AsyncGenerator[None]:
        """Inside, time is limited, and how it ends is told the breaker."""
        try:
            async with asyncio.timeout(self.target.timeout_s):
                yield
        except TimeoutError as error:
            late = slow(self.target.shown)
            self.breaker.failed(late)
            raise late from error
        except RemoteFailedError as error:
            if error.kind in (FailureKind.REFUSED, FailureKind.NO_JSON, FailureKind.KEY):
                self._speaker = None  # another server may be there by the next time
            self.breaker.failed(error)
            raise
        except BaseException:
            self.breaker.given_up()
            raise
        else:
            self.breaker.succeeded()

    async def _listen(self, question: RemoteQuestion, listening: Listening) -> Completion:
        """Ask, once more in simpler words where a server refuses the first ones, and follow the answer."""
        self.counts.requests += 1
        try:
            completion = await follow(question, listening, self._clock)
        except RemoteFailedError as error:
            speaker = question.speaker
            refused = error.kind is FailureKind.REFUSED and not listening.events
            if not (refused and isinstance(speaker, OpenAiCompletions) and speaker.simpler()):
                self._count(listening, wasted=True)
                raise
            completion = await follow(question, listening, self._clock)
        except BaseException:
            self.counts.aborted += 1
            self._count(listening, wasted=True)
            raise
        self.counts.answered += 1
        self.counts.contradicted += listening.contradicted
        self._count(listening, wasted=listening.contradicted)
        return completion

    def _count(self, listening: Listening, *, wasted: bool) -> None:
        counts = self.counts
        counts.decode_tokens += listening.decoded_tokens
        counts.wasted_tokens += listening.decoded_tokens if wasted else 0
        if listening.prompt_tokens is not None and listening.cached_tokens is not None:
            counts.prompt_tokens += listening.prompt_tokens
            counts.cached_tokens += min(listening.cached_tokens, listening.prompt_tokens)

    def _slot(self, session: str) -> int:
        """The document's number; the longest unused one's is given to a new document."""
        free = next(number for number in range(_SLOTS + 1) if number not in self._slots.values())
        self._slots[session] = self._slots.pop(session, free)
        while len(self._slots) > _SLOTS:
            del self._slots[next(iter(self._slots))]
        return self._slots[session]


def stops_for(rules: StopRules, markers: tuple[str, ...]) -> tuple[str, ...]:
    """Texts at which the server can end the answer: markers, and the line's end where it is the end."""
    goes_on = rules.multiline or rules.openers or rules.opening_pattern or rules.in_brackets
    return markers if goes_on else ("\n", *markers)


def _markers(facts: ServerFacts) -> tuple[str, ...]:
    """Texts of the model's markers: no answer holds one."""
    if facts.recognition is None:
        return ()
    return tuple(text for text in facts.recognition.texts.values() if len(text) > 2)
