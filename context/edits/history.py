"""What the user changed lately, as a bounded sequence of small edits across documents. Pure values.

Changes that touch each other are one edit, as people think of them: a word that is renamed letter by letter
is one. What undoes itself is none. An edit's place moves along with the edits around it, so it always says
where it stands in its document's text of now. Whatever is too large to have been typed (a formatter's work, a
paste, another branch) is not kept, and what it ran over is forgotten.

It is never written anywhere, and it doesn't know what an edit means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

MOST_EDITS = 48
"""Edits that are kept, of all documents together."""

LARGEST_EDIT = 1500
"""Code points of an edit, before or after, from which on it is not something that somebody typed."""

MOST_AT_ONCE = 24
"""Places that one notification changes beyond which a program made the changes."""

_MOST_PIECES = 400
"""Changes in one notification that are looked at: keys that somebody pressed in the meantime are few."""

MOST_DIFFERENT = 3
"""Different edits in one notification beyond which a program made them, such as a formatter: several
cursors make the same one everywhere, and a completion may bring an import with it."""


@attrs.frozen
class TextChange:
    """One change of a text: at `start`, in code points, `new` took the place of `old`."""

    start: int
    old: str
    new: str

    @property
    def old_end(self) -> int:
        """Where what went had ended, in the text before."""
        return self.start + len(self.old)

    @property
    def longer(self) -> int:
        """By how much the text grew, in code points."""
        return len(self.new) - len(self.old)


@attrs.frozen
class DocumentEdit:
    """One edit as it stands now.

    Attributes:
        document: what the document is called, a URI.
        start, end: what the edit left, in code points of the document's text of now.
        old: what stood there before.
        number: grows with each change; the largest is the newest.
    """

    document: str
    start: int
    end: int
    old: str
    number: int


@attrs.frozen
class EditHistory:
    """The latest edits, the newest last. Every method gives another history."""

    edits: tuple[DocumentEdit, ...] = ()
    number: int = 0

    def of(self, document: str) -> tuple[DocumentEdit, ...]:
        """Those of one document, the newest last."""
        return tuple(each for each in self.edits if each.document == document)

    def forgotten(self, document: str) -> EditHistory:
        """Without those of one document."""
        return attrs.evolve(self, edits=tuple(each for each in self.edits if each.document != document))

    def changed(self, document: str, changes: Sequence[TextChange], text: str) -> EditHistory:
        """After one notification of an editor.

        Args:
            document: which one.
            changes: what happened, in order; each one's places are those of the text before it.
            text: the document's text after all of them.
        """
        if len(changes) > _MOST_PIECES:
            return self.forgotten(document)
        found = self
        for change in changes:
            found = found._with(document, change)
        # An editor may send several keys at once: what counts is what became of them.
        fresh = [each for each in found.edits if each.document == document and each.number > self.number]
        different = {(each.old, text[each.start : each.end]) for each in fresh}
        if len(fresh) > MOST_AT_ONCE or len(different) > MOST_DIFFERENT:
            return self.forgotten(document)
        kept = (each for each in found.edits if each.document != document or not _is_undone(each, text))
        return attrs.evolve(found, edits=tuple(kept)[-MOST_EDITS:])

    def _with(self, document: str, change: TextChange) -> EditHistory:
        """After one change."""
        number = self.number + 1
        touched: list[DocumentEdit] = []
        others: list[DocumentEdit] = []
        for each in self.edits:
            if each.document != document or each.end < change.start:
                others.append(each)
            elif each.start > change.old_end:
                others.append(
                    attrs.evolve(each, start=each.start + change.longer, end=each.end + change.longer)
                )
            else:
                touched.append(each)
        edit = _joined(document, change, touched, number)
        is_small = max(len(edit.old), edit.end - edit.start) <= LARGEST_EDIT
        return EditHistory((*others, edit) if is_small else tuple(others), number)


def original(text: str, edits: Iterable[DocumentEdit], start: int, end: int) -> str:
    """What stood between two places before some edits.

    Args:
        text: the document's text of now.
        edits: of that document; those that don't lie between the places count for nothing.
        start: in code points, in no edit's midst.
        end: the same.
    """
    pieces: list[str] = []
    at = start
    for each in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if start <= each.start and each.end <= end:
            pieces += [text[at : each.start], each.old]
            at = each.end
    return "".join([*pieces, text[at:end]])


def _joined(document: str, change: TextChange, touched: list[DocumentEdit], number: int) -> DocumentEdit:
    """One edit made of a change and of those that it touches, whose places are those before it."""
    touched = sorted(touched, key=lambda edit: (edit.start, edit.end))
    start = min([change.start, *(each.start for each in touched)])
    end = max([change.old_end, *(each.end for each in touched)])
    pieces: list[str] = []
    at = change.start
    for each in touched:
        if each.start > at:
            pieces.append(change.old[at - change.start : each.start - change.start])
        pieces.append(each.old)
        at = max(at, each.end)
    if at < change.old_end:
        pieces.append(change.old[at - change.start :])
    return DocumentEdit(document, start, end + change.longer, "".join(pieces), number)


def _is_undone(edit: DocumentEdit, text: str) -> bool:
    return text[edit.start : edit.end] == edit.old
