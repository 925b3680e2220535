"""Lines that a model writes anew: its prompt, laid out as the model was trained, and what its answer says.

Pure functions, driven by `edit_formats`. Text is only ever tokenised with special tokens off. Whether an
answer may be shown is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ...context.shared.values import EditedLines, Prompt, RelatedPart, Rewrite
from .edit_formats import EditFormat, EditRecognition
from .formats import is_token
from .layout import Marker, PromptPiece, Text, filled, joined

_LEAST_BLOCK, _MOST_BLOCK, _NUDGED = 6, 16, 5
_MARK = re.compile(r"<\|marker_(\d{1,4})\|>")
_TAIL_WORDS = ("break", "continue", "return", "throw", "end")


def rewrite_pieces(recognition: EditRecognition, prompt: Prompt) -> tuple[PromptPiece, ...]:
    """The whole prompt for a stretch of lines; of a prompt without one, nothing."""
    asked, known = prompt.rewrite, recognition.format
    if asked is None:
        return ()
    pieces: list[PromptPiece] = []
    for item in known.prompt:
        if item == "{files}":
            pieces += _files(recognition, prompt.related)
        elif item == "{changes}":
            pieces += _changes(recognition, asked.edits)
        else:
            pieces += _items(recognition, [item], _values(known, prompt.path, asked))
    return joined(pieces)


def rewritten(known: EditFormat, asked: Rewrite, answer: str) -> str | None:
    """What a stretch of lines becomes by an answer, without its last line end; None where it says nothing."""
    if known.end:
        answer = answer.split(known.end, 1)[0]
    if known.cursor:
        answer = answer.replace(known.cursor, "")
    if not answer.strip() or (known.unchanged and answer.startswith(known.unchanged)):
        return None
    if known.answer == "marks":
        return _between_marks(f"{asked.region}\n", answer)
    if known.begin and known.begin in answer:
        answer = answer.split(known.begin, 1)[1] if known.begin != "\n" else answer.removeprefix("\n")
    return answer.rstrip("\n")


def _values(known: EditFormat, path: str, asked: Rewrite) -> dict[str, str]:
    marks = known.answer == "marks"
    after = asked.after.removeprefix("\n") if marks else asked.after
    return {
        "path": path,
        "before": asked.before,
        "after": after if after.endswith("\n") else f"{after}\n",
        "region": _with_cursor(asked.region, asked.cursor, known.cursor),
        "marked": marked(f"{asked.region}\n", asked.cursor, known.cursor) if marks else "",
        "original": asked.original,
        "start": known.start if asked.from_start else "",
    }


def _with_cursor(text: str, at: int, cursor: str) -> str:
    return text[:at] + cursor + text[at:]


def _files(recognition: EditRecognition, related: Iterable[RelatedPart]) -> list[PromptPiece]:
    known = recognition.format
    found: list[PromptPiece] = []
    for part in related if known.file else ():
        text = part.text if part.text.endswith("\n") else f"{part.text}\n"
        found += _items(recognition, known.file, {"path": part.path, "text": text})
    return [*found, *_items(recognition, known.after_files, {})] if found else []


def _changes(recognition: EditRecognition, edits: Iterable[EditedLines]) -> list[PromptPiece]:
    known = recognition.format
    found: list[PromptPiece] = []
    for each in edits:
        values = {"path": each.path, "old": each.old, "new": each.new, "diff": as_diff(each)}
        between = [Text(known.between_changes)] if found and known.between_changes else []
        found += [*between, *_items(recognition, known.change, values)]
    if not found:
        return []
    before = _items(recognition, known.before_changes, {})
    return [*before, *found, *_items(recognition, known.after_changes, {})]


def as_diff(edit: EditedLines) -> str:
    """An edit as a hunk of a unified diff, each line with its end."""
    old, new = edit.old.split("\n") if edit.old else [], edit.new.split("\n") if edit.new else []
    head = f"@@ -{edit.line},{len(old)} +{edit.line},{len(new)} @@"
    return "".join(
        f"{line}\n" for line in (head, *(f"-{line}" for line in old), *(f"+{line}" for line in new))
    )


def _items(
    recognition: EditRecognition, items: Iterable[str], values: Mapping[str, str]
) -> list[PromptPiece]:
    found: list[PromptPiece] = []
    for item in items:
        if not is_token(item):
            text = filled(item[1:], values)
            found += [Text(text)] if text else []
        elif item in recognition.ids:
            found.append(Marker(recognition.ids[item], item))
        else:
            found.append(Text(item))
    return found


# -- numbered marks, as Zeta 2.1 has them: where they stand, and what an answer between two of them means


def marked(region: str, cursor: int, spelt: str) -> str:
    """A stretch of lines with its marks and the cursor."""
    places = mark_places(region)
    pieces: list[str] = []
    for number, (start, end) in enumerate(zip(places, [*places[1:], places[-1]], strict=True)):
        here = start <= cursor < end
        block = region[start:end]
        pieces += [f"<|marker_{number + 1}|>", _with_cursor(block, cursor - start, spelt) if here else block]
    return "".join(pieces)


def mark_places(region: str) -> list[int]:
    """Where the marks of a stretch stand, in code points: at its ends, and where a block of lines begins.

    A block has 6 to 16 lines. It begins behind a blank line, or where one would become too long; not with
    what closes something, if a better line is near.
    """
    lines = region.split("\n")
    if region.endswith("\n") and len(lines) > 1:
        lines.pop()
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    places, last, at = [0], 0, 0
    while at < len(lines):
        behind_blank = at > 0 and lines[at].strip() and not lines[at - 1].strip()
        due = at - last >= _LEAST_BLOCK and behind_blank
        target = _good_start(lines, at)
        if (due and len(lines) - target >= _LEAST_BLOCK) or at - last >= _MOST_BLOCK:
            places.append(starts[target])
            last, at = target, target
        at += 1
    return places if places[-1] == len(region) and len(places) > 1 else [*places, len(region)]


def _good_start(lines: list[str], at: int) -> int:
    """The first line from one on that a block may begin with; that one itself where none is near."""
    near = range(at, min(len(lines), at + _NUDGED))
    return next((number for number in near if not _is_tail(lines[number].strip())), at)


def _is_tail(line: str) -> bool:
    return not line or line[0] in "}])" or line.rstrip(";") in _TAIL_WORDS


def _between_marks(region: str, answer: str) -> str | None:
    marks = list(_MARK.finditer(answer))
    if len(marks) < 2 or marks[0][1] == marks[-1][1]:
        return None
    places = mark_places(region)
    first, last = int(marks[0][1]) - 1, int(marks[-1][1]) - 1
    if not 0 <= first < last < len(places):
        return None
    written = _MARK.sub("", answer[marks[0].end() : marks[-1].start()])
    return (region[: places[first]] + written + region[places[last] :]).removesuffix("\n")
