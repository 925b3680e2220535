"""What became of each suggestion: shown, accepted, accepted in part, typed by hand, dismissed or passed over.

One suggestion per document is open at a time, with the other candidates that came with it. It is settled by
the user's acceptance or dismissal, by the next suggestion, or when the document closes. The figures:

- characters: code points of the suggestion at its longest, a line end being one. It may grow when shown.
- accepted: how many of those came into the document because the user accepted them, wholly or in part.
- typed: how many the user typed by hand. Each character counts once, as the one or the other.
- shown: the editor drew it. An editor that never says so draws what it is answered.

Pure bookkeeping: counts and times, never code.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

import attrs


class Fate(enum.StrEnum):
    """How a suggestion ended."""

    ACCEPTED = "accepted"
    PARTLY = "partly"
    DISMISSED = "dismissed"
    IGNORED = "ignored"


@attrs.frozen
class Settled:
    """A suggestion whose fate is known.

    Attributes:
        language: of its document.
        fate: see `Fate`.
        characters: code points at its longest.
        accepted: how many of those were accepted.
        shown: the editor reported that it drew it, or never reports that.
        latency_ms: time in ms until it was first answered.
        typed: how many of its characters were typed by hand.
    """

    language: str
    fate: Fate
    characters: int
    accepted: int
    shown: bool
    latency_ms: float
    typed: int = 0


@attrs.frozen
class Offer:
    """A suggestion as one answer offers it.

    Attributes:
        name: the suggestion's id.
        characters: code points that the answer would add of it.
        typed: how many of the suggestion stand in the document already; None where its length tells.
        ahead: code points that the answer's text begins with and that aren't the suggestion's.
    """

    name: str
    characters: int
    typed: int | None = None
    ahead: int = 0


@attrs.frozen
class _Open:
    """Its first `standing` characters stand or stood in the document: `accepted` of them were accepted.

    `jump` of them came with the last change of the document: whether those were accepted is told later.
    `begins` says for each length of an answer's text where in the suggestion the answer began.
    """

    name: str
    language: str
    latency_ms: float
    characters: int = 0
    standing: int = 0
    accepted: int = 0
    jump: int = 0
    shown: bool = False
    begins: dict[int, int] = attrs.field(factory=dict[int, int])

    def offered(self, offer: Offer) -> _Open:
        typed = max(0, self.characters - offer.characters) if offer.typed is None else offer.typed
        grown = attrs.evolve(self, characters=max(self.characters, typed + offer.characters))
        begins = {**self.begins, offer.ahead + offer.characters: typed - offer.ahead}
        return attrs.evolve(grown.reached(typed), begins=begins)

    def reached(self, standing: int) -> _Open:
        """`standing` characters of it are in the document, typed by hand unless the editor says otherwise."""
        new = min(standing, self.characters) - self.standing
        return attrs.evolve(self, standing=self.standing + new, jump=new) if new > 0 else self

    def took(self, until: int) -> _Open:
        """The user accepted what there is up to a place in it."""
        new = min(until, self.characters) - self.standing
        if new > 0:
            return attrs.evolve(
                self, shown=True, standing=self.standing + new, accepted=self.accepted + new, jump=0
            )
        last = self.jump if until >= self.standing else 0  # the change of the document came before the news
        return attrs.evolve(self, shown=True, accepted=self.accepted + last, jump=0)

    def settled(self, fate: Fate, *, shown: bool) -> Settled:
        return Settled(
            self.language,
            fate,
            self.characters,
            self.accepted,
            self.shown or shown,
            self.latency_ms,
            self.standing - self.accepted,
        )


class Ledger:
    """Its state: each document's open suggestion and its rivals; whether the editor says what it draws."""

    def __init__(self, on_settled: Callable[[Settled], None]) -> None:
        self._on_settled = on_settled
        self._open: dict[str, _Open] = {}
        self._rivals: dict[str, dict[str, _Open]] = {}
        self._tells = False

    def answered(self, uri: str, name: str, language: str, characters: int, latency_ms: float) -> None:
        """A suggestion was answered that adds `characters` code points; of a known one, what is left."""
        self.offered(uri, language, latency_ms, (Offer(name, characters),))

    def offered(self, uri: str, language: str, latency_ms: float, offers: tuple[Offer, ...]) -> None:
        """Suggestions were answered, the one that editors show first in front."""
        if not offers:
            return
        known = self._open.get(uri)
        rivals = self._rivals.get(uri, {})
        first, *others = offers
        if known is None or known.name != first.name:
            if known is not None and first.name not in rivals:
                self.closed(uri)
            known = rivals.get(first.name) or _Open(first.name, language, latency_ms)
        self._open[uri] = known.offered(first)
        self._rivals[uri] = {
            other.name: (rivals.get(other.name) or _Open(other.name, language, latency_ms)).offered(other)
            for other in others
        }

    def name(self, uri: str) -> str:
        """The id of a document's open suggestion; "" for none."""
        current = self._open.get(uri)
        return "" if current is None else current.name

    def reached(self, uri: str, standing: int) -> None:
        """A change of the document left so many characters of its suggestion standing in it."""
        current = self._open.get(uri)
        if current is not None:
            self._open[uri] = current.reached(standing)

    def shown(self, name: str) -> None:
        """The editor drew it."""
        self._tells = True
        self._change(name, lambda one: attrs.evolve(one, shown=True))

    def partly(self, name: str, characters: int, of: int | None = None) -> None:
        """The user accepted so many code points so far of an answer's text, which has `of` in all.

        Without `of`, they are counted from the suggestion's beginning.
        """
        self._change(name, lambda one: one.took((0 if of is None else one.begins.get(of, 0)) + characters))

    def accepted(self, name: str) -> None:
        """The user accepted all of it."""
        self._change(name, lambda one: one.took(one.characters))
        self._settle(name, Fate.ACCEPTED)

    def dismissed(self, name: str) -> None:
        """The user did not want it."""
        self._change(name, lambda one: one)
        self._settle(name, Fate.DISMISSED)

    def closed(self, uri: str) -> None:
        """The document's suggestion is settled: no more events about it will come."""
        self._rivals.pop(uri, None)
        current = self._open.pop(uri, None)
        if current is not None:
            self._tell(current, Fate.PARTLY if current.accepted else Fate.IGNORED)

    def close_all(self) -> None:
        """The editor leaves."""
        for uri in tuple(self._open):
            self.closed(uri)

    def _tell(self, one: _Open, fate: Fate) -> None:
        self._on_settled(one.settled(fate, shown=not self._tells))

    def _change(self, name: str, change: Callable[[_Open], _Open]) -> None:
        for uri, one in self._open.items():
            rivals = self._rivals.get(uri, {})
            if name in rivals:  # the user looks at another candidate
                rivals[one.name], self._open[uri] = one, rivals.pop(name)
            if self._open[uri].name == name:
                self._open[uri] = change(self._open[uri])
                return

    def _settle(self, name: str, fate: Fate) -> None:
        for uri, one in tuple(self._open.items()):
            if one.name == name:
                del self._open[uri]
                self._rivals.pop(uri, None)
                self._tell(one, fate)
