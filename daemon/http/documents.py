"""Which document a request is about, and what of an earlier request's context it keeps.

A plugin that talks to llama-server sends the lines around the cursor and chunks of other code, and no name.
Its window moves with the cursor and its chunks change, so that each request differs from the one before far
in front of the cursor, where every difference costs evaluating all that follows. So a request is recognised
by what it has in common with earlier ones, its window keeps the edges that it had, and chunks are taken over
when the prompt is evaluated anew in any case. Then a key costs what was typed, as for our own front ends.

Pure but for the memory of the last requests. What is evaluated is the engine's to know.
"""

from __future__ import annotations

from collections import OrderedDict

import attrs

from ...context.shared.values import Prompt, RelatedPart
from ...context.syntax.cells import changed
from .asked import PREFIX_CHARACTERS, SUFFIX_CHARACTERS, Wanted

MOST_DOCUMENTS = 8
_HEAD = 200
"""Code points at the beginning of a text by which it is found in another."""
_NEAR_LINES = 3
"""Lines above the cursor that may be others without its being another place."""


@attrs.frozen
class HeldContext:
    """What was last asked about one document, as it went to the engine."""

    prefix: str
    suffix: str
    related: tuple[RelatedPart, ...]
    path: str
    language: str


@attrs.define
class ServedDocuments:
    """The documents of the last requests, newest last. State: what was last asked about each."""

    _held: OrderedDict[int, HeldContext] = attrs.field(factory=OrderedDict[int, HeldContext])
    _next: int = 0

    def place(self, asked: Wanted) -> tuple[str, Prompt]:
        """The session that a request belongs to, and the prompt that it becomes."""
        candidates = ((number, continued(held, asked)) for number, held in reversed(self._held.items()))
        known = next(((number, kept) for number, kept in candidates if kept is not None), None)
        if known is None:
            self._next += 1
            known = self._next, _as_new(asked)
        number, kept = known
        self._held[number] = kept
        self._held.move_to_end(number)
        while len(self._held) > MOST_DOCUMENTS:
            self._held.popitem(last=False)
        return f"serve {number}", Prompt(kept.prefix, kept.suffix, kept.path, kept.language, kept.related)


def continued(held: HeldContext, asked: Wanted) -> HeldContext | None:
    """A request in the context of an earlier one about the same document; None where it is about another."""
    prefix = _prefix_kept(held.prefix, asked.prefix)
    line, mark, below = asked.suffix.partition("\n")
    held_below = held.suffix.partition("\n")[2]
    kept_below = _below_kept(held_below, below)
    known = prefix if prefix is not None else asked.prefix
    moved = prefix is None
    if moved and not (kept_below is not None and len(below.strip()) >= _HEAD // 4):
        return None
    stays = kept_below is not None and not moved and _is_near(held.prefix, known)
    suffix = line + mark + (below if kept_below is None else kept_below)
    return HeldContext(
        known,
        suffix,
        held.related if stays else asked.related,
        held.path if stays else asked.path or held.path,
        asked.language if asked.language != "plaintext" else held.language,
    )


def _as_new(asked: Wanted) -> HeldContext:
    return HeldContext(asked.prefix, asked.suffix, asked.related, asked.path, asked.language)


def _prefix_kept(held: str, asked: str) -> str | None:
    """What is asked with the beginning that the earlier prefix has; None where they have little in common."""
    head = asked[:_HEAD]
    at = held.find(head) if len(head.strip()) > 1 else (0 if held.startswith(head) else -1)
    if at < 0 and head.startswith(held):
        at = 0
    if at < 0:
        return None
    common = changed(held[at:], asked)[0]
    if common < min(len(held) - at, len(asked)) // 2:
        return None
    known = held[:at] + asked
    return known if len(known) <= min(2 * len(asked) + 8000, PREFIX_CHARACTERS) else asked


def _below_kept(held: str, asked: str) -> str | None:
    """The lines below, as long as they were, where what is asked agrees with them; None where it doesn't."""
    held, asked = held.rstrip("\n"), asked.rstrip("\n")
    if held.startswith(asked):
        return held + "\n" if asked or not held else None
    if asked.startswith(held):
        kept = held if len(asked) <= 2 * len(held) else asked
        return kept + "\n"
    at = held.find("\n" + asked[:_HEAD])
    if at >= 0 and asked.startswith(held[at + 1 :]):
        return asked[:SUFFIX_CHARACTERS] + "\n"
    return None


def _is_near(held: str, known: str) -> bool:
    """Whether two prefixes differ in no more than their last lines."""
    common = changed(held, known)[0]
    return held.count("\n", common) <= _NEAR_LINES
