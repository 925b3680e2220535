"""What `foretype bench` types: a stretch of a file, key by key, with the prompt that each key would lead to.

Reads the file and makes prompts as the language server does, without related code. No model is asked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

from ...context.languages import identify, language
from ...context.prompt.assemble import assemble
from ...context.prompt.rules import should_trigger, stop_rules
from ...context.shared.problem import Problem
from ...context.shared.values import Prompt, StopRules
from ...context.syntax.snapshot import Snapshot
from ...context.syntax.tree_work import parse, parse_again
from ...models.bench import ReplayedKey
from ..settings.context_size import size_for
from ..settings.settings import CompletionSettings

MAX_FILE_BYTES = 4 * 1024 * 1024
KEYS = 160
PLACES = 12

_CODE = re.compile(r"\S.{11,}")
_LONGEST_LINE = 400


class TypingProblem(Problem):
    """The file cannot be typed."""


@attrs.frozen
class Subject:
    """A file to type in.

    Attributes:
        path: as the user named it.
        text: of the file, line ends as they are.
        language: its identifier, "" when unknown.
    """

    path: Path
    text: str
    language: str


def read_replay(path: Path) -> Subject:
    """A source file.

    Raises:
        TypingProblem: it cannot be read, is no text, is too large, or has nothing to type.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise TypingProblem(f"There is no file {path}.") from None
    except OSError as error:
        raise TypingProblem(f"{path} cannot be read ({error.strerror}). Name a source file.") from error
    if len(data) > MAX_FILE_BYTES:
        raise TypingProblem(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB. Name a smaller source file.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise TypingProblem(f"{path} is no text in UTF-8. Name a source file.")
    subject = Subject(path, text, identify("", path.name, text))
    if not _lines_of_code(subject):
        raise TypingProblem(f"{path} has no line of code to type. Name a source file of some lines.")
    return subject


def own() -> Subject:
    """The file that is typed where the user names none: Python that never changes with the project."""
    data = Path(__file__).with_name("bench_sample.py.txt").read_bytes()
    return Subject(Path("cache.py"), data.decode("utf-8"), "python")


def keys(subject: Subject, settings: CompletionSettings) -> Iterator[ReplayedKey]:
    """The keys of a stretch in the middle of the file; the text right of it is there from the beginning."""
    start = _nearest(_lines_of_code(subject), len(subject.text) // 2)
    end = _line_end(subject.text, min(len(subject.text), start + KEYS))
    before, after = subject.text[:start], subject.text[end:]
    tree = parse(before + after, subject.language)
    offset, seen = start, None
    bounds = size_for(settings)
    for key in re.findall(r"\r\n|.", subject.text[start:end], re.DOTALL)[:KEYS]:
        before += key
        text = before + after
        if tree is not None:
            tree = parse_again(tree, text, offset, offset, offset + len(key))
        offset += len(key)
        snapshot = Snapshot("", subject.path.name, subject.language, text, tree=tree)
        if should_trigger(snapshot, offset, invoked=False).trigger:
            prompt, seen = assemble(snapshot, offset, bounds, seen)
            yield ReplayedKey(key, prompt, _rules(snapshot, offset, settings))
        else:
            yield ReplayedKey(key, None)


def places(subject: Subject, settings: CompletionSettings) -> list[tuple[Prompt, StopRules]]:
    """Beginnings of lines all over the file, with the prompt at each; the rest of the file stands below."""
    starts = _lines_of_code(subject)
    tree = parse(subject.text, subject.language)
    snapshot = Snapshot("", subject.path.name, subject.language, subject.text, tree=tree)
    found: list[tuple[Prompt, StopRules]] = []
    chosen = sorted({starts[len(starts) * number // PLACES] for number in range(PLACES)})
    for start in chosen:
        prompt, _ = assemble(snapshot, start, size_for(settings))
        # The line itself is what is to be written.
        rest = prompt.suffix[_line_end(prompt.suffix, 0) :]
        rules = StopRules(multiline=True, reference_indent=-1, max_tokens=settings.max_tokens)
        found.append((attrs.evolve(prompt, suffix=rest), rules))
    return found


def _rules(snapshot: Snapshot, offset: int, settings: CompletionSettings) -> StopRules:
    return stop_rules(snapshot, offset, settings.max_tokens, settings.latency_budget_ms, settings.multiline)


def _lines_of_code(subject: Subject) -> list[int]:
    """Where lines that are worth typing begin, behind their indentation; any text when there are none."""
    marks = tuple(language(subject.language).comments.line)
    lines = [
        match.start()
        for match in _CODE.finditer(subject.text)
        if len(match[0]) < _LONGEST_LINE and not (marks and match[0].startswith(marks))
    ]
    return lines or [match.start() for match in re.finditer(r"\S", subject.text)][:1]


def _nearest(starts: list[int], offset: int) -> int:
    return min(starts, key=lambda start: abs(start - offset))


def _line_end(text: str, offset: int) -> int:
    """Offset of the next line end at or after `offset`, or the text's end."""
    found = re.compile(r"[\r\n]").search(text, offset)
    return found.start() if found else len(text)
