"""Lines around the cursor for a model to write anew, and what of its answer may be proposed. Pure.

The stretch is what next-edit models were trained with: the cursor's line and ten on either side. An answer
is taken as lines; of the places where it differs the one nearest to the cursor is proposed, if the document
still parses with it and its names exist. Not: a model's own format.
"""

from __future__ import annotations

from difflib import SequenceMatcher

import attrs

from ..languages import language
from ..shared.values import EditedLines, Prompt, RelatedPart, Rewrite
from .changes import line_changes
from .history import DocumentEdit, original
from .places import EditPlace
from .propose import EditedDocument, Proposal, is_left_alone, is_sound, trimmed

MODEL_KIND = "model"

AROUND = 10
"""Lines on either side of the cursor's that are written anew."""

SHOWN = 60
"""Lines on either side of those that the model sees."""

MOST_REWRITTEN = 16_000
"""Code points of the lines that are written anew, and of an answer: what is longer no model was trained for,
and checking it takes longer than anybody waits."""

MOST_TOLD = 6
"""Of the latest edits that the model is told of."""


@attrs.frozen
class RewriteRequest:
    """What a model is asked.

    Attributes:
        prompt: with the lines in it.
        start, end: the lines, in code points of the document's text.
        cursor: where the user is, in code points of that text.
        undone: what the lines were before the latest edit: nobody wants that back.
    """

    prompt: Prompt
    start: int
    end: int
    cursor: int
    undone: str


def rewrite_request(
    document: EditedDocument,
    cursor: int,
    path: str,
    *,
    line: bool,
    related: tuple[RelatedPart, ...] = (),
) -> RewriteRequest | None:
    """What a model is asked after an edit; None where nothing is to be proposed in a document.

    Args:
        document: the one that was edited last.
        cursor: where the user is, in code points.
        path: of the document, relative to its workspace.
        line: an ordinary model may write the cursor's line anew.
        related: code from elsewhere.
    """
    text = document.text
    if not document.edits or is_left_alone(text):
        return None
    start, end = _lines(text, cursor, cursor, AROUND)
    if end - start > MOST_REWRITTEN:
        return None
    first, last = _lines(text, start, end, SHOWN)
    newest = max(document.edits, key=lambda edit: edit.number)
    before_it = original(text, [newest], start, end)
    at = text.rfind("\n", 0, cursor) + 1
    stop = text.find("\n", cursor)
    rewrite = Rewrite(
        text[first:start],
        text[start:end],
        text[end:last],
        cursor - start,
        before_it,
        _told(text, document.edits, path),
        from_start=first == 0,
        line=line and bool(text[at : None if stop < 0 else stop].strip()),
    )
    prefix, suffix = _hole(text, cursor, first, last, document.language)
    prompt = Prompt(prefix, suffix, path, document.language, related, rewrite=rewrite)
    return RewriteRequest(prompt, start, end, cursor, before_it)


def proposal_of(request: RewriteRequest, document: EditedDocument, answer: str) -> Proposal | None:
    """What an answer proposes: its change nearest to the cursor; None where nothing may be shown."""
    old = document.text[request.start : request.end]
    if not answer or len(answer) > MOST_REWRITTEN or answer in (old, request.undone):
        return None
    found = min(
        _hunks(request, old, answer), key=lambda place: _distance(place, request.cursor), default=None
    )
    if found is None or not is_sound(document, found, declared=False):
        return None
    least = trimmed(found, document.text[found.start : found.end])
    gone = document.text[least.start : least.end]
    return Proposal(
        document.name,
        least.start,
        least.end,
        gone,
        least.text,
        MODEL_KIND,
        f"{MODEL_KIND}\0{gone}\0{least.text}",
        0,
    )


def _lines(text: str, start: int, end: int, more: int) -> tuple[int, int]:
    """From where to where whole lines go, with some more on either side; without the last line end."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    for _ in range(more):
        first = text.rfind("\n", 0, max(0, first - 1)) + 1
        last = last if last < 0 else text.find("\n", last + 1)
    return first, len(text) if last < 0 else last


def _told(text: str, edits: tuple[DocumentEdit, ...], path: str) -> tuple[EditedLines, ...]:
    """The latest changes of lines, the oldest first."""
    found = line_changes(text, edits, MOST_TOLD)[:MOST_TOLD]
    told = (
        EditedLines(path, text.count("\n", 0, each.start) + 1, each.old.strip("\n"), each.new.strip("\n"))
        for each in reversed(found)
    )
    return tuple(each for each in told if each.old.strip() or each.new.strip())


def _hole(text: str, cursor: int, first: int, last: int, language_id: str) -> tuple[str, str]:
    """What stands above and below the cursor's line, that line itself as a comment where there are any."""
    start, end = _lines(text, cursor, cursor, 0)
    line = text[start:end]
    indent = line[: len(line) - len(line.lstrip())]
    marks = language(language_id).comments.line
    said = f"{indent}{marks[0]} {line.strip()}\n" if marks else ""
    return f"{text[first:start]}{said}{indent}", text[end:last]


def _hunks(request: RewriteRequest, old: str, new: str) -> list[EditPlace]:
    """The places where the lines differ, each with what it becomes."""
    before, after = old.split("\n"), new.split("\n")
    starts = [request.start]
    for line in before:
        starts.append(starts[-1] + len(line) + 1)
    found: list[EditPlace] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, first, last, new_first, new_last in matcher.get_opcodes():
        if kind == "equal":
            continue
        come = "\n".join(after[new_first:new_last])
        if first < last and new_first < new_last:
            found.append(EditPlace(starts[first], starts[last] - 1, come))
        elif first < last:
            found.append(_without(starts, first, last, request))
        elif first < len(before):
            found.append(EditPlace(starts[first], starts[first], f"{come}\n"))
        else:
            found.append(EditPlace(request.end, request.end, f"\n{come}"))
    return found


def _without(starts: list[int], first: int, last: int, request: RewriteRequest) -> EditPlace:
    """Lines that go, with a line end of theirs."""
    if starts[last] - 1 < request.end:
        return EditPlace(starts[first], starts[last], "")
    return EditPlace(max(request.start, starts[first] - 1), request.end, "")


def _distance(place: EditPlace, cursor: int) -> int:
    return max(place.start - cursor, cursor - place.end, 0)
