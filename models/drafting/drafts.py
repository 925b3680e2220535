"""Where draft tokens come from, and which of them are worth verifying.

Every source has one method, `propose(tokens)`: what may follow these tokens, or nothing rather than a bad
guess. Sources here: the rest of the previous suggestion, and look-ups in the prompt (file, suffix where
the model sees it, related code), in the suffix where it does not, in recent completions, and in the
workspace's n-grams. `Drafts` combines them for one session: it asks all, takes the draft that promises
most tokens per ms (`acceptance`, `draft_length`), and learns from what the model then really chose, whether
or not the draft was verified. Whether drafts are worth verifying at all is told by what they save (`events`,
`benefit`). Verification itself is `loop`'s work.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import attrs

from ..cache.step_costs import MAX_DRAFT, CostCurve
from .acceptance import Acceptance, DraftEvidence, odds
from .draft_length import draft_length
from .events import DraftEvents, DraftWatch
from .lookup import LONGEST_MATCH, TokenIndex


@attrs.frozen
class Draft:
    """Tokens that may come next.

    Attributes:
        tokens: at most `step_costs.MAX_DRAFT`.
        kind: of source; acceptance is counted for each kind.
        cost: of making one of the tokens, in units of a batch of one.
        match: what was looked up, where something was.
    """

    tokens: list[int]
    kind: str
    cost: float = 0.0
    match: DraftEvidence | None = None

    def log_odds(self, limit: int, company: int) -> list[float]:
        """Of the first `limit` tokens, before experience; see `acceptance.DraftEvidence.log_odds`."""
        count = min(limit, len(self.tokens))
        if self.match is not None:
            return self.match.log_odds(count, company)
        first, following = PRIORS.get(self.kind, UNKNOWN_KIND)
        return [odds(following if at else first) for at in range(count)]


class Source(Protocol):
    """Something that drafts."""

    def propose(self, tokens: Sequence[int]) -> Draft | None:
        """What may follow `tokens`, the text left of the place to be continued, without markers."""
        ...


@attrs.define
class Lookup:
    """Prompt lookup in one index.

    Attributes:
        name: the kind of its drafts.
        index: what is looked up.
        live: what is being continued is the index's end.
    """

    name: str
    index: TokenIndex
    live: bool = False

    def propose(self, tokens: Sequence[int]) -> Draft | None:
        """See `Source`."""
        found = self.index.find(tokens)
        if found is None:
            return None
        following = self.index.following(found.position, MAX_DRAFT, at_end=self.live)
        if not following:
            return None
        # What is not live begins where the text left of the cursor ends.
        distance = len(self.index) - found.position if self.live else found.position
        match = DraftEvidence(
            found.matched,
            distance,
            found.agreeing,
            split=found.opposing > 0,
            differing=found.differing > 0,
            elsewhere=not self.live,
        )
        return Draft(following, self.name, match=match)


PRIORS: dict[str, tuple[float, float]] = {"previous": (0.85, 0.93), "workspace": (0.55, 0.75)}
"""Probabilities of the first token and of each further one, for what isn't looked up in a text."""

UNKNOWN_KIND = (0.4, 0.75)


@attrs.define
class Previous:
    """The rest of the previous suggestion. State: the tokens expected from the request's first one on.

    It drafts as long as the model follows it. Where it does not, `recent` finds the way back.
    """

    _expected: list[int] = attrs.field(factory=list[int])
    _at: int = 0

    def begin(self, expected: list[int]) -> None:
        """A request begins; what it is expected to generate, or nothing."""
        self._expected, self._at = expected, 0

    def chose(self, token: int) -> None:
        """The model chose a token."""
        if self._at < len(self._expected) and self._expected[self._at] == token:
            self._at += 1
        else:
            self._expected, self._at = [], 0

    def propose(self, tokens: Sequence[int]) -> Draft | None:  # noqa: ARG002 - the protocol's signature
        """See `Source`."""
        rest = self._expected[self._at : self._at + MAX_DRAFT]
        return Draft(rest, "previous") if rest else None


class Recent:
    """Completions of late, of all sessions, in one bounded index. State: the index."""

    def __init__(self, limit: int = 4096) -> None:
        """Hold at most `limit` tokens; the older half goes when they are reached."""
        self.index = TokenIndex(barriers={-1})
        self._limit = limit

    def add(self, context: Sequence[int], tokens: Sequence[int]) -> None:
        """Remember a completion behind the tokens it continued."""
        self.index.extend([-1, *context[-LONGEST_MATCH:], *tokens])
        if len(self.index) > self._limit:
            kept = self.index.tokens[-self._limit // 2 :]
            self.index.clear()
            self.index.extend(kept)


@attrs.define
class _Shadow:
    """A proposal that is compared with what the model chooses, verified or not."""

    draft: Draft
    log_odds: list[float]
    at: int = 0


@attrs.define
class Speculation:
    """What the drafts of all sessions share.

    Attributes:
        barriers: markers and whatever else is no text.
        costs: what batches cost right now.
        watch: by what drafts are judged.
        acceptance: of all drafts so far.
        recent: completions of all sessions.
        others: further sources.
    """

    barriers: Collection[int]
    costs: Callable[[], CostCurve]
    watch: DraftWatch = attrs.field(factory=DraftWatch)
    acceptance: Acceptance = attrs.field(factory=Acceptance)
    recent: Recent = attrs.field(factory=Recent)
    others: list[Source] = attrs.field(factory=list[Source])

    def session(self, *others: Source) -> Drafts:
        """Drafts for one more session, with further sources of its own."""
        return Drafts(self, others)


class Drafts:
    """All sources of one session, and what became of their drafts.

    State: the session's indexes and acceptance, and during a generation the text left of the cursor.
    """

    def __init__(self, shared: Speculation, others: Sequence[Source] = ()) -> None:
        """Start empty."""
        self.shared = shared
        self.prompt = TokenIndex(shared.barriers)
        self.suffix = TokenIndex(shared.barriers)
        self.previous = Previous()
        self.acceptance = Acceptance(shared.acceptance)
        self.events = DraftEvents(shared.costs, shared.watch)
        self._suffix_text = ""
        self._context: list[int] = []
        self._began = 0
        self._shadows: list[_Shadow] = []
        self.sources: list[Source] = [
            self.previous,
            Lookup("prompt", self.prompt, live=True),
            Lookup("suffix", self.suffix),
            Lookup("recent", shared.recent.index),
            *shared.others,
            *others,
        ]

    def follow_suffix(self, text: str, encode: Callable[[str], list[int]]) -> None:
        """What stands below the cursor, where the model itself does not see it.

        Args:
            text: from the end of the cursor's line on.
            encode: makes tokens of it; called only when it has changed.
        """
        if text != self._suffix_text:
            with self.events.looking():
                self._suffix_text = text
                self.suffix.sync(encode(text))

    def begin(self, prompt: list[int], context: list[int], expected: list[int]) -> None:
        """A generation begins.

        Args:
            prompt: the prompt's tokens up to the cursor, markers included: the index follows it.
            context: the text left of the cursor, without markers; the last few tokens are enough.
            expected: the rest of the previous suggestion, or nothing.
        """
        self.events.begin()
        with self.events.looking():
            self.prompt.sync(prompt)
        self.previous.begin(expected)
        self._context = context[-LONGEST_MATCH:]
        self._began = len(self._context)
        self._shadows.clear()

    def chose(self, token: int) -> None:
        """The model chose a token, drafted or not."""
        with self.events.looking():
            self.events.chose(token)
            self._learn(token)

    def _learn(self, token: int) -> None:
        for shadow in self._shadows:
            hit = shadow.draft.tokens[shadow.at] == token
            expected = shadow.log_odds[shadow.at]
            self.acceptance.learn(shadow.draft.kind, expected, first=not shadow.at, hit=hit)
            shadow.at = shadow.at + 1 if hit else len(shadow.log_odds)
        self._shadows = [shadow for shadow in self._shadows if shadow.at < len(shadow.log_odds)]
        self.previous.chose(token)
        self._context.append(token)
        self.prompt.extend((token,))

    def propose(self, limit: int) -> list[int]:
        """The draft to verify now, at most `limit` tokens; empty where plain decoding is faster."""
        with self.events.looking():
            return self.events.proposed(self._best(limit)) if self.events.may_look() else []

    def _best(self, limit: int) -> list[int]:
        context = self._context[-LONGEST_MATCH:]
        ratios = self.shared.costs().ratios()
        best, length, gain = None, 0, 1.0
        proposals = (source.propose(context) for source in self.sources)
        drafts = [draft for draft in proposals if draft is not None]
        for draft in drafts:
            log_odds = draft.log_odds(limit, company(draft, drafts))
            self._watch(draft, log_odds)
            chances = self.acceptance.chances(draft.kind, log_odds)
            choice = draft_length(chances, ratios, draft_cost=draft.cost, risk=self.events.risk)
            if choice.gain > gain:
                best, length, gain = draft, choice.length, choice.gain
        return best.tokens[:length] if best is not None else []

    def verified(self, drafted: int, accepted: int) -> None:
        """A batch of one chosen token and so many drafted ones was evaluated."""
        self.events.verified(drafted, accepted)

    def end(self) -> None:
        """The generation is over: what was chosen is remembered as a recent completion."""
        self.events.end()
        self.shared.recent.add(self._context[: self._began], self._context[self._began :])

    def _watch(self, draft: Draft, log_odds: list[float]) -> None:
        if log_odds and not any(shadow.draft.kind == draft.kind for shadow in self._shadows):
            self._shadows.append(_Shadow(draft, log_odds))


def company(draft: Draft, drafts: Sequence[Draft]) -> int:
    """1 if another draft begins with the same token, -1 if all others begin with another one, 0 if alone."""
    others = [other.tokens[0] for other in drafts if other is not draft]
    if not others:
        return 0
    return 1 if draft.tokens[0] in others else -1
