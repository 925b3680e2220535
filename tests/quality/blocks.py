"""What suggesting several lines is worth: `python -m foretype.tests.quality.blocks`, into build/quality.json.

Holes are groups of lines as their authors wrote them, found by blank lines and indentation alone: the
body of a block, the rest of a function below its docstring, a paragraph (a function, a test, a table), an
element's children, an entry of a list. Each is asked twice: with blocks only where one was just opened, as it
was before (`before`), and with all that `context.prompt.blocks` sees. A block is shown where two lines or
more are; whether lines are exact is counted from the first on. `block.ground.…` is the same of what is sound,
before the model's own doubt cuts it: a small model doubts most second lines.

The model sees the window alone. Answers are kept, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence

import attrs
import click
from foretype.context.prompt.assemble import assemble
from foretype.context.prompt.rules import should_trigger, stop_rules
from foretype.tests.quality.answers import Answers, sees_suffix
from foretype.tests.quality.corpus import BUILD
from foretype.tests.quality.holes import Hole, is_held_out
from foretype.tests.quality.score import completed_by
from foretype.tests.quality.stages import MAX_TOKENS, WINDOW, checked
from foretype.tests.truth.corpus import File, fetched, files
from rich.console import Console
from rich.progress import track
from rich.table import Table

RESULTS = BUILD.parent / "quality.json"
LANGUAGES = ("python", "typescript", "typescriptreact", "go", "rust", "java", "c", "html", "yaml", "toml")
KINDS = ("opened", "documented", "paragraph", "children", "entry")
STAGES = {"sure": "", "ground": "ground."}
"""The stages that are compared, and how their figures begin."""
FILES = 40
FEWEST, MOST = 2, 10
"""Lines with code that a block has."""

_TAG = re.compile(r"^\s*<(?!/)[\w.:-]+(?:\s(?:=>|[^<>])*)?>$")
_DOCUMENTED = re.compile(r'(?:r?"""[^"]*"""|[^"]+""")$')
_LETTERS = 3


@attrs.frozen
class BlockAnswer:
    """What is shown in a hole, by lines.

    Attributes:
        shown: how many.
        right: how many of them are as the authors wrote them, from the first on.
        whole: whether the document is as theirs.
    """

    shown: int
    right: int
    whole: bool


@attrs.frozen
class Measured:
    """A hole, and what each stage shows there, before and now."""

    hole: Hole
    pairs: dict[str, tuple[BlockAnswer, BlockAnswer]]


def block_holes(file: File, kind: str) -> Iterator[Hole]:
    """The holes of a kind in a file, in its order."""
    lines = file.text.split("\n")
    for number in range(5, len(lines) - 1):
        last = _ENDS[kind](lines, number)
        code = [line for line in lines[number : last + 1] if line.strip()]
        telling = sum(letter.isalnum() for letter in "".join(code)) >= _LETTERS * len(code)
        if FEWEST <= len(code) <= MOST and telling and not _prose(code[0]):
            yield _hole(file, kind, lines, number, last)


def _hole(file: File, kind: str, lines: list[str], first: int, last: int) -> Hole:
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    mark = "- " if kind == "entry" and lines[first].lstrip().startswith("- ") else ""
    before = "\n".join([*lines[:first], indent + mark])
    text = "\n".join([before, *lines[last + 1 :]])
    held_out = is_held_out(file.source, file.path)
    return Hole(file.source, file.path, file.language, kind, text, len(before), file.text, held_out)


def _depth(line: str) -> int:
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip()) if line.strip() else -1


def _prose(line: str) -> bool:
    return line.lstrip().startswith(
        ("#", "//", "/*", "*", '"""', "<!--", "import ", "from ", "use ", "package ")
    )


def _deeper(lines: list[str], first: int) -> int:
    """The last line of the body that begins at `first`, below a line that is less deep."""
    header, last = _depth(lines[first - 1]), first - 1
    for number in range(first, min(first + 2 * MOST, len(lines))):
        depth = _depth(lines[number])
        if depth > header:
            last = number
        elif depth >= 0:
            break
    return last


def _opened(lines: list[str], first: int) -> int:
    opens = lines[first - 1].rstrip().endswith((":", "{"))
    return _deeper(lines, first) if opens and _depth(lines[first]) > _depth(lines[first - 1]) >= 0 else -1


def _children(lines: list[str], first: int) -> int:
    opens = _TAG.search(lines[first - 1].rstrip())
    return _deeper(lines, first) if opens and _depth(lines[first]) > _depth(lines[first - 1]) else -1


def _documented(lines: list[str], first: int) -> int:
    """Below a docstring, to the function's end."""
    depth = _depth(lines[first])
    if depth <= 0 or _depth(lines[first - 1]) != depth or not _DOCUMENTED.match(lines[first - 1].strip()):
        return -1
    last = first
    for number in range(first, min(first + 2 * MOST, len(lines))):
        if 0 <= _depth(lines[number]) < depth:
            break
        last = number if lines[number].strip() else last
    return last


def _paragraph(lines: list[str], first: int) -> int:
    """Between two blank lines, no line less deep than the first and none above it less deep."""
    depth = _depth(lines[first])
    above = next((line for line in reversed(lines[:first]) if line.strip()), "")
    if lines[first - 1].strip() or depth < 0 or _depth(above) < depth or _closes(lines[first]):
        return -1
    last = first
    while last + 1 < len(lines) and _depth(lines[last + 1]) >= depth:
        last += 1
    below = lines[last + 1] if last + 1 < len(lines) else ""
    return last if _depth(below) < depth and not _opens(lines[last]) else -1


def _entry(lines: list[str], first: int) -> int:
    """An entry behind another one that takes several lines."""
    depth = _depth(lines[first])
    above = next((line for line in reversed(lines[:first]) if 0 <= _depth(line) <= depth), "")
    several = _depth(lines[first - 1]) > depth
    if not several or not (lines[first].lstrip().startswith("- ") and above.lstrip().startswith("- ")):
        return -1
    last = first
    while last + 1 < len(lines) and _depth(lines[last + 1]) > depth:
        last += 1
    return last


def _closes(line: str) -> bool:
    return line.lstrip().startswith((")", "]", "}", "</", "else", "elif", "except", "finally"))


def _opens(line: str) -> bool:
    return line.rstrip().endswith(("{", "(", "[", ":"))


_ENDS: dict[str, Callable[[list[str], int], int]] = {
    "opened": _opened,
    "documented": _documented,
    "paragraph": _paragraph,
    "children": _children,
    "entry": _entry,
}


def sample(count: int, seed: int) -> list[Hole]:
    """About `count` holes, spread evenly over languages and kinds, where something is suggested unasked."""
    folders, _ = fetched()
    streams: list[Iterator[Hole]] = []
    for language in LANGUAGES:
        found = files(language, folders, FILES)
        streams += [_shuffled(found, kind, random.Random(f"{seed} {language} {kind}")) for kind in KINDS]
    chosen: list[Hole] = []
    while len(chosen) < count and streams:
        for stream in list(streams):
            hole = next(stream, None)
            if hole is None:
                streams.remove(stream)
            else:
                chosen.append(hole)
    return chosen[:count]


def _shuffled(found: list[File], kind: str, chance: random.Random) -> Iterator[Hole]:
    chance.shuffle(found)
    for file in found:
        holes = list(block_holes(file, kind))
        chance.shuffle(holes)
        for hole in holes[:1]:
            snapshot = hole.snapshot()
            prose = snapshot.tree is not None and snapshot.tree.prose_at(hole.offset)
            if not prose and should_trigger(snapshot, hole.offset, invoked=False).trigger:
                yield hole


def answered(hole: Hole, answers: Answers, multiline: str, *, suffix: bool) -> dict[str, BlockAnswer]:
    """What is shown in a hole with these rules, by the stages of `STAGES`."""
    snapshot = hole.snapshot()
    rules = stop_rules(snapshot, hole.offset, MAX_TOKENS, 0.0, multiline)
    prompt, _ = assemble(snapshot, hole.offset, WINDOW, repository=hole.source)
    prompt = prompt if suffix else attrs.evolve(prompt, suffix="")
    shown = checked(hole, rules, answers.complete(prompt, rules), None)
    return {each: compared(hole, shown[each].text, shown[each].replace_right) for each in STAGES}


def compared(hole: Hole, text: str, replace_right: int = 0) -> BlockAnswer:
    """What is shown, beside what the authors wrote."""
    if not text.strip():
        return BlockAnswer(0, 0, whole=False)
    ours = [line.rstrip() for line in text.rstrip().split("\n")]
    theirs = [line.rstrip() for line in hole.expected.rstrip().split("\n")]
    right = 0
    while right < min(len(ours), len(theirs)) and ours[right] == theirs[right]:
        right += 1
    whole = completed_by(hole, text, replace_right).rstrip() == hole.expected.rstrip()
    return BlockAnswer(len([line for line in ours if line.strip()]), right, whole=whole)


def figures(pairs: Sequence[tuple[BlockAnswer, BlockAnswer]], stage: str = "") -> dict[str, float]:
    """Blocks shown and what they are worth, before and after.

    `exact`: of the blocks that are shown, those whose first line is the authors'; `whole`: those that are
    theirs to the end; `lines`: holes, shown as a line or a block, whose first line is; `right`: lines that
    are theirs, of all that are shown in blocks.
    """
    found: dict[str, float] = {"block.holes": float(len(pairs))}
    for name, each in ((".before", [pair[0] for pair in pairs]), ("", [pair[1] for pair in pairs])):
        blocks = [answer for answer in each if answer.shown >= FEWEST]
        found |= {
            f"block.{stage}shown{name}": float(len(blocks)),
            f"block.{stage}exact{name}": _share(sum(answer.right > 0 for answer in blocks), len(blocks)),
            f"block.{stage}whole{name}": _share(sum(answer.whole for answer in blocks), len(blocks)),
            f"block.{stage}right{name}": _share(
                sum(answer.right for answer in blocks), sum(answer.shown for answer in blocks)
            ),
            f"block.{stage}lines{name}": float(sum(answer.right > 0 for answer in each)),
        }
    shown, before = (int(found[f"block.{stage}shown{name}"]) for name in ("", ".before"))
    return {**found, f"block.{stage}shown.ratio": _share(shown, before)}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


@click.command()
@click.option("--holes", default=300, show_default=True, help="How many holes.")
@click.option("--seed", default=7, show_default=True, help="Decides which.")
def main(holes: int, seed: int) -> None:
    """Measure what suggesting several lines is worth."""
    console, answers, suffix = Console(), Answers(), sees_suffix()
    found: list[Measured] = []
    try:
        for hole in track(sample(holes, seed), "blocks", console=Console(stderr=True)):
            before, after = (answered(hole, answers, how, suffix=suffix) for how in ("opened", "auto"))
            found.append(Measured(hole, {stage: (before[stage], after[stage]) for stage in STAGES}))
    finally:
        answers.close()
    numbers: dict[str, float] = {}
    for stage, prefix in STAGES.items():
        console.print(_table(found, stage))
        numbers |= figures([each.pairs[stage] for each in found], prefix)
    known: dict[str, float] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({**known, **numbers}, indent=2) + "\n", encoding="utf-8")
    console.print(numbers)


def _table(found: list[Measured], stage: str) -> Table:
    """Before and now, in all, by kind and by language."""
    columns = ("shown", "exact", "whole", "right", "lines")
    table = Table(title=f"blocks, {stage}")
    for name in ("holes", "", *columns):
        table.add_column(name, justify="right")
    parts = {"all": found} | {kind: [each for each in found if each.hole.kind == kind] for kind in KINDS}
    parts |= {name: [each for each in found if each.hole.language == name] for name in LANGUAGES}
    for name, part in parts.items():
        numbers = figures([each.pairs[stage] for each in part])
        for when, label in ((".before", f"{name} ({len(part)})"), ("", "")):
            row = [f"{numbers[f'block.{each}{when}']:g}" for each in columns]
            table.add_row(label, "before" if when else "now", *row)
    return table


if __name__ == "__main__":
    sys.exit(main())
