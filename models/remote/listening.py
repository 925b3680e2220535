"""Follows one answer as it comes: what was taken back is said again, where it ends, how likely it is.

Ends are decided as for the local engine's answers, by `decoding/stops`, on the text. Chances of tokens that
say what was typed already are taken among those that could have said it. Nothing is received here.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import attrs

from ...context.shared.values import Completion, Stage, StopReason, StopRules, Timings
from ..decoding.stops import Stop, StopWatch
from .speaking import Said, TokenChance
from .text_healing import Respelling

CONTRADICTED = "The engine elsewhere goes on differently from what was typed."


@attrs.define
class Listening:
    """One answer. State: its text, what is still to be said again, chances, and what the server counted.

    Attributes:
        watch: the text so far, and where it stops.
        respelling: what has to be said again.
        markers: texts that end the answer where a server lets them through.
        stop: why it has ended; None while it goes on.
    """

    watch: StopWatch
    respelling: Respelling
    markers: tuple[str, ...] = ()
    stop: Stop | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    decoded_tokens: int = 0
    events: int = 0
    _chances: list[tuple[float, int]] = attrs.field(factory=list[tuple[float, int]])  # log probability, end
    _chanceless: bool = False
    _ahead: deque[TokenChance] = attrs.field(factory=deque[TokenChance])  # whose text is not all there yet
    _spelled: int = 0  # bytes of the first of them that are
    _left_before: bytes = b""  # what was to be said again when that one began

    @classmethod
    def to(cls, rules: StopRules, line: str, required: bytes, markers: Sequence[str]) -> Listening:
        """Begin to listen.

        Args:
            rules: where to stop.
            line: the cursor's line up to the cursor.
            required: bytes that the answer must say again.
            markers: texts of the model's markers.
        """
        return cls(StopWatch(rules, line), Respelling(required), tuple(markers))

    @property
    def text(self) -> str:
        """What was said and remains."""
        return self.watch.text if self.stop is None else self.watch.text[: self.stop.keep]

    @property
    def contradicted(self) -> bool:
        """It says something else than what was typed."""
        return self.respelling.contradicted

    @property
    def settled(self) -> str:
        """What no later event takes back."""
        if self.stop is not None:
            return self.text
        text = self.watch.text[: self.watch.settled()]
        starts = (text.rfind(marker[:1]) for marker in self.markers)
        cut = max(
            (at for at in starts if any(each.startswith(text[at:]) for each in self.markers)), default=-1
        )
        return text if cut < 0 else text[:cut]

    def take(self, said: Said) -> None:
        """Take one event."""
        self.events += 1
        self.prompt_tokens = self.prompt_tokens if said.prompt_tokens is None else said.prompt_tokens
        self.cached_tokens = self.cached_tokens if said.cached_tokens is None else said.cached_tokens
        self.decoded_tokens = max(self.decoded_tokens, said.decoded_tokens or 0)
        if self.stop is None and not self.contradicted:
            self._take_text(said)
        if self.stop is None and said.stop is not None:
            self.stop = Stop(said.stop, len(self.watch.text))
            while self._ahead:  # what a stop text cut off
                self._count_chance()
            if self.respelling.left:
                self.respelling.contradicted = True

    def completion(self, *, first_ms: float, total_ms: float) -> Completion:
        """The answer as the other rooms know one; times in ms, since it was asked for."""
        kept = len(self.text)
        logprobs = () if self._chanceless else tuple(chance for chance, _ in self._chances)
        cached = self.cached_tokens or 0
        return Completion(
            self.text,
            StopReason.END if self.stop is None else self.stop.reason,
            Stage.DONE,
            Timings(
                prefill_ms=first_ms,
                prefill_tokens=max(0, (self.prompt_tokens or 0) - cached),
                cached_tokens=cached,
                decode_ms=max(0.0, total_ms - first_ms),
                decode_tokens=max(self.decoded_tokens, len(self._chances)),
            ),
            sum(logprobs) / max(1, len(logprobs)),
            logprobs,
            tuple(min(end, kept) for _, end in self._chances) if logprobs else (),
        )

    def _take_text(self, said: Said) -> None:
        """Feed it token by token; a server that looks out for stop texts says tokens before their text."""
        spelled = said.text.encode("utf-8", "replace")
        self._ahead.extend(said.tokens)
        while spelled and self.stop is None and not self.contradicted:
            if self._chanceless or not self._ahead:
                self._go_on_without_chances(spelled)
                return
            if not self._spelled:
                self._left_before = self.respelling.left
            rest = self._ahead[0].text[self._spelled :]
            shared = min(len(rest), len(spelled))
            if rest[:shared] != spelled[:shared]:
                self._go_on_without_chances(spelled)
                return
            self._feed(spelled[:shared])
            self._spelled, spelled = self._spelled + shared, spelled[shared:]
            if self._spelled == len(self._ahead[0].text):
                self._count_chance()

    def _go_on_without_chances(self, spelled: bytes) -> None:
        self._chanceless = True
        self._ahead.clear()
        self._feed(spelled)

    def _count_chance(self) -> None:
        """The token whose text is there is one of the answer."""
        chance = chance_among(self._ahead.popleft(), self._left_before)
        self._chances.append((chance, len(self.watch.text)))
        self._spelled = 0

    def _feed(self, spelled: bytes) -> None:
        new = self.respelling.take(spelled)
        if not new:
            return
        text = new.decode("utf-8", "surrogateescape")
        seen = self.watch.text + text
        from_ = max(0, len(self.watch.text) - max(map(len, self.markers), default=0))
        found = [at for marker in self.markers if (at := seen.find(marker, from_)) >= 0]
        if found:
            text = seen[: min(found)][len(self.watch.text) :]
        whole, unreadable, _ = text.partition("\ufffd")
        stop = self.watch.feed(whole)
        if stop is None and unreadable:
            stop = Stop(StopReason.LENGTH, len(self.watch.text))
        elif stop is None and found:
            stop = Stop(StopReason.END, min(found))
        self.stop = stop


def chance_among(token: TokenChance, left: bytes) -> float:
    """The natural-log probability of a token among those that say what is left to be said.

    Args:
        token: the one that was chosen.
        left: bytes that have to be said first; with none it is the token's own.
    """
    if not left:
        return token.logprob
    own = math.exp(token.logprob)
    rivals = sum(
        math.exp(chance) for text, chance in token.rivals if text != token.text and agrees(text, left)
    )
    return math.log(own / (own + rivals)) if own > 0 else 0.0


def agrees(text: bytes, left: bytes) -> bool:
    """Whether a token can be the beginning of what is left to be said, or goes on from it."""
    return bool(text) and (text.startswith(left) or left.startswith(text))
