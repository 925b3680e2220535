"""What a request for inline completions ends in: items to show, and an account of what was done.

Values only; `requests` makes them, `server` and `fallback` put them into the protocol's words.
"""

from __future__ import annotations

import enum
from typing import Any

import attrs

from ...context.imports import Import
from ...context.prompt.rules import TriggerRule
from ...context.shared.values import Completion
from ..documents.document import Document
from ..documents.target import Target
from ..statistics.ledger import Offer
from .import_argument import as_argument
from .suggestions import Rest, Suggestion, rest_at

_MORE = "\0"
"""What no document of code goes on with."""


@attrs.frozen
class InlineItem:
    """One thing to show.

    Attributes:
        id: the suggestion's.
        uri: the document.
        text: what replaces the range.
        start: offset in code points where the range begins.
        end: offset where it ends, on the same line.
        filter_text: what an editor compares with the text it has in the range.
        document_text: the document's text that all of this is about.
        offer: how much of the suggestion that is.
        cached: it was answered without the model.
        imports: what the document has to import when it is accepted.
    """

    id: str
    uri: str
    text: str
    start: int
    end: int
    filter_text: str
    document_text: str = attrs.field(repr=False, eq=False)
    offer: Offer
    cached: bool = False
    imports: tuple[Import, ...] = ()

    @property
    def arguments(self) -> list[Any]:
        """Those of the command that runs when it is accepted: the suggestion's id, and what it imports."""
        return [self.id, as_argument(self.uri, self.imports)] if self.imports else [self.id]


class Outcome(enum.StrEnum):
    """How a request ended, where no rule of `context.prompt.rules` declined it."""

    CACHED = "cached"
    SHOWN = "shown"
    EMPTY = "empty"
    STALE = "stale"
    CANCELLED = "cancelled"
    DISABLED = "disabled"
    DISMISSED = "dismissed"
    FAILED = "failed"


@attrs.frozen
class Report:
    """What one request did, for status and statistics. It holds no code.

    Attributes:
        uri: the document.
        language: its language.
        outcome: how it ended, or the rule that declined it.
        context_ms: time in ms until the backend was asked.
        total_ms: time in ms until the answer.
        offers: the suggestions that it was answered with.
        completion: the backend's answer without its text, where there was one.
    """

    uri: str
    language: str
    outcome: Outcome | TriggerRule
    context_ms: float = 0.0
    total_ms: float = 0.0
    offers: tuple[Offer, ...] = ()
    completion: Completion | None = None


@attrs.frozen
class BetterSuggestion:
    """The store has something better for the place where the cursor is.

    Attributes:
        uri: the document.
        suggestion: the id of the better one.
        replaces: the id of the early one; "" where nothing was shown.
    """

    uri: str
    suggestion: str
    replaces: str

    def for_editors(self, version: int) -> dict[str, object]:
        """As the notification `BETTER` carries it, for the document in a version."""
        document = {"uri": self.uri, "version": version}
        return {"textDocument": document, "suggestion": self.suggestion, "replaces": self.replaces}


def item(rest: Rest, place: Target, document_text: str, *, cached: bool = False) -> InlineItem:
    """The item that shows what is left of a suggestion at a place."""
    return InlineItem(
        id=rest.suggestion.id,
        uri=rest.suggestion.uri,
        text=place.said + rest.text,
        start=place.start,
        end=place.end + rest.replace_right,
        filter_text=place.typed + rest.text,
        document_text=document_text,
        offer=Offer(rest.suggestion.id, characters(rest.text), _standing(rest), characters(place.said)),
        cached=cached,
        imports=rest.suggestion.imports,
    )


def characters(text: str) -> int:
    """Code points of a text, a line end being one."""
    return len(text) - text.count("\r\n")


def standing_in(document: Document, suggestion: Suggestion) -> int | None:
    """How many characters of a suggestion stand in a document since its last change; None: it doesn't fit."""
    unfinished = attrs.evolve(suggestion, text=suggestion.text + _MORE)
    rest = rest_at(unfinished, document.whole, document.before + document.edited_offset)
    return None if rest is None else _standing(rest)


def _standing(rest: Rest) -> int:
    return max(0, characters(rest.suggestion.text) - characters(rest.text))
