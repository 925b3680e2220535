"""What context costs: a keystroke in a 5,000-line file in a workspace of 10,000 files, and the index of it.

The workspace is generated from a seed (Python, TypeScript and Go), once, under build/bench. The long file is
the standard library's decimal arithmetic in pure Python, cut at 5,000 lines, which begins to use what the
workspace defines. It measures and asserts nothing.
"""

from __future__ import annotations

import _pydecimal
import asyncio
import contextlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path

import attrs
from foretype.context.checking.check import CheckRequest, KnownNames, WorkspaceFacts, check
from foretype.context.prompt.assemble import assemble
from foretype.context.prompt.rules import stop_rules
from foretype.context.prompt.size import LARGEST
from foretype.context.prompt.window import Window
from foretype.context.related.choose import select_related
from foretype.context.related.sources import Sources
from foretype.context.shared.values import Completion, RelatedPart, StopReason
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree import SyntaxTree
from foretype.context.syntax.tree_work import parse, parse_again
from foretype.context.workspace.ignore import read_text
from foretype.context.workspace.index import Index
from foretype.context.workspace.walk import Limits, WalkProgress, survey
from foretype.context.workspace.watch import Watch

BUILD = Path(__file__).resolve().parents[2] / "build" / "bench"
FILES = 10_000
LINES = 5_000
PLACES = 60
KEYS = 8
RELATED_CHARACTERS = 2000
RELATED_PARTS = 5
_SEED = 204
# fmt: off
_WORDS = [
    "order", "invoice", "ledger", "price", "stock", "customer", "route", "parcel", "batch", "event",
    "token", "buffer", "window", "cursor", "frame", "packet", "socket", "stream", "query", "table",
    "column", "index", "page", "block", "record", "field", "value", "number", "text", "line", "path",
]
# fmt: on
# fmt: off
_VERBS = [
    "make", "read", "write", "find", "count", "merge", "split", "load", "keep", "send", "take", "parse",
    "check", "apply", "close",
]
# fmt: on


_MOST_LOOKS = 30


def workspace() -> Path:
    """A folder with `FILES` source files; made once."""
    root = BUILD / f"workspace-{_SEED}-{FILES}"
    if root.is_dir():
        return _repository(root)
    chance = random.Random(_SEED)
    unfinished = root.with_suffix(".new")
    for number in range(FILES):
        suffix, source = chance.choice((("py", _python), ("py", _python), ("ts", _typescript), ("go", _go)))
        folder = unfinished / f"part{number % 40}" / chance.choice(_WORDS)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{chance.choice(_WORDS)}_{number}.{suffix}").write_text(source(chance, number), "utf-8")
    unfinished.rename(root)
    return _repository(root)


def _repository(root: Path) -> Path:
    """The folder as a repository of its own: the one around it says that build folders are left out."""
    (root / ".git").mkdir(exist_ok=True)
    return root


def library() -> Path:
    """A copy of the standard library's modules; made once."""
    root = BUILD / "library"
    if not root.is_dir():
        unfinished = root.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        leave = shutil.ignore_patterns("site-packages", "test", "tests", "__pycache__", "*.so", "*.pyc")
        shutil.copytree(Path(_pydecimal.__file__).parent, unfinished, ignore=leave)
        unfinished.rename(root)
    return _repository(root)


def _names(chance: random.Random) -> tuple[str, str, str]:
    return chance.choice(_VERBS), chance.choice(_WORDS), chance.choice(_WORDS)


def _python(chance: random.Random, number: int) -> str:
    parts = ['"""Generated."""\n\nfrom __future__ import annotations\n']
    for kind in range(chance.randint(1, 4)):
        parts.append(f'\n\nclass {chance.choice(_WORDS).title()}{number}{kind}:\n    """Keeps things."""\n')
        for method in range(chance.randint(2, 8)):
            verb, one, other = _names(chance)
            parts.append(
                f'\n    def {verb}_{one}_{method}(self, {one}: int, {other}_: str = "") -> int:\n'
                f'        """{verb.title()} the {one}."""\n        total = {one}\n'
                f"        for each in range({one}):\n            if each % 3 == {method}:\n"
                f"                total += self._{other}(each, {other}_)\n        return total\n"
            )
    return "".join(parts)


def _typescript(chance: random.Random, number: int) -> str:
    parts: list[str] = []
    for kind in range(chance.randint(2, 6)):
        verb, one, other = _names(chance)
        parts.append(
            f"export interface {one.title()}{number}{kind} {{\n  {other}: string;\n  size: number;\n}}\n\n"
            f"export function {verb}{other.title()}{number}{kind}({one}: number): number {{\n"
            f"  const found = [];\n  for (let i = 0; i < {one}; i++) {{\n    found.push(i * {kind + 2});\n"
            "  }\n  return found.length;\n}\n\n"
        )
    return "".join(parts)


def _go(chance: random.Random, number: int) -> str:
    parts = ["package generated\n"]
    for kind in range(chance.randint(2, 6)):
        verb, one, other = _names(chance)
        parts.append(
            f"\n// {verb.title()}{number}{kind} does what it says.\n"
            f"func {verb.title()}{other.title()}{number}{kind}({one} int) (int, error) {{\n"
            f"\ttotal := 0\n\tfor i := 0; i < {one}; i++ {{\n\t\ttotal += i * {kind}\n\t}}\n"
            "\treturn total, nil\n}\n"
        )
    return "".join(parts)


def long_file(index: Index) -> str:
    """Five thousand lines of Python that import from the workspace."""
    text = Path(_pydecimal.__file__).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)[:LINES]
    modules = [path for path in sorted(index.paths()) if path.endswith(".py")][:: FILES // 20][:20]
    imports: list[str] = []
    for path in modules:
        classes = [each.name for each in index.symbols_in(path) if each.kind == "class"]
        imports += (
            [f"from {path.removesuffix('.py').replace('/', '.')} import {classes[0]}\n"] if classes else []
        )
    first = next(number for number, line in enumerate(lines) if line.startswith("import "))
    return "".join([*lines[:first], *imports, *lines[first:]])


@attrs.frozen
class Costs:
    """Times in ms, one for each keystroke, choice or completion."""

    parse: list[float] = attrs.field(factory=list[float])
    assemble: list[float] = attrs.field(factory=list[float])
    choose: list[float] = attrs.field(factory=list[float])
    check: list[float] = attrs.field(factory=list[float])


@contextlib.contextmanager
def _timed(into: list[float]) -> Generator[None, None, None]:
    started = time.perf_counter()
    yield
    into.append((time.perf_counter() - started) * 1000)


def keystrokes(root: Path, index: Index, text: str) -> Costs:
    """Type at many places of the file; at each, check what could have been suggested there."""
    costs = Costs()
    chance = random.Random(_SEED)
    tree = parse(text, "python", 10_000)
    if tree is None:
        return costs
    starts = [at for at in _line_starts(text) if text[at : text.find("\n", at)].strip()]
    sources = Sources(
        index=index,
        paths=index.paths(),
        read=lambda path: read_text(root / path),
    )
    related = _related(sources)
    for _ in range(PLACES):
        start = chance.choice(starts[20:-20])
        typed = text[start : text.index("\n", start)]
        _type_line(costs, tree, start, related)
        _rest(costs, tree, start + len(typed), sources)
        _check_completion(costs, index, text, start + len(typed) - len(typed.lstrip()))
    return costs


def _line_starts(text: str) -> list[int]:
    return [0, *(at + 1 for at, character in enumerate(text) if character == "\n")][:-1]


def _related(sources: Sources) -> tuple[RelatedPart, ...]:
    """Related code as the last choice left it for a request: several parts, the budget used up."""
    size = RELATED_CHARACTERS // RELATED_PARTS
    paths = [path for path in sorted(sources.paths)[:200] if len(sources.read(path) or "") >= size]
    chosen = paths[:: len(paths) // RELATED_PARTS][:RELATED_PARTS]
    return tuple(RelatedPart(path, (sources.read(path) or "")[:size], "definition", 1.0) for path in chosen)


def _type_line(costs: Costs, tree: SyntaxTree, start: int, related: tuple[RelatedPart, ...]) -> None:
    """Type the beginning of a line that has been taken out; related code is there, as it is for a request."""
    text = tree.text
    typed = text[start : text.index("\n", start)]
    blanks = len(typed) - len(typed.lstrip())
    before, after = text[: start + blanks], text[start + len(typed) :]
    window: Window | None = None
    now_tree = parse_again(tree, before + after, start + blanks, start + len(typed), start + blanks)
    for key in typed[blanks : blanks + KEYS]:
        place = len(before)
        before += key
        with _timed(costs.parse):
            now_tree = now_tree and parse_again(now_tree, before + after, place, place, place + 1)
        snapshot = Snapshot("", "part0/decimals.py", "python", before + after, 1, now_tree)
        with _timed(costs.assemble):
            _, window = assemble(snapshot, len(before), LARGEST, window, related)


def _rest(costs: Costs, tree: SyntaxTree, offset: int, sources: Sources) -> None:
    """Choose related code anew at a place, as the language server does when the user rests there."""
    snapshot = Snapshot("", "part0/decimals.py", "python", tree.text, 1, tree)
    _, window = assemble(snapshot, offset, LARGEST)
    with _timed(costs.choose):
        select_related(snapshot, offset, sources, RELATED_CHARACTERS, seen=window.seen())


def _check_completion(costs: Costs, index: Index, text: str, offset: int) -> None:
    """Trim and ground the ten lines that stood at a place, as if the model had written them."""
    end = offset
    for _ in range(10):
        end = text.index("\n", end) + 1
    without = text[:offset] + text[end - 1 :]
    snapshot = Snapshot("", "part0/decimals.py", "python", without, 1, parse(without, "python"))
    rules = stop_rules(snapshot, offset, 400, 0, "always")
    said, known = (
        Completion(text[offset:end], StopReason.END),
        WorkspaceFacts(KnownNames(index.knows, index.mentions)),
    )
    with _timed(costs.check):
        check(CheckRequest(said, snapshot, offset, rules, known))


def megabytes_per_second() -> tuple[float, float]:
    """Bytes of source for each second of one core, the standard library's: (indexed, only parsed)."""
    root = library()
    read = 0
    started = time.process_time()
    for each in survey(root, Limits(files=600), []):
        if isinstance(each, WalkProgress):
            read = each.read_bytes
        if read > 12_000_000:
            break
    indexed = read / 1e6 / (time.process_time() - started)
    texts = [path.read_text("utf-8") for path in sorted(root.glob("*.py"))]
    started = time.process_time()
    for text in texts:
        parse(text, "python", 10_000)
    return indexed, sum(map(len, texts)) / 1e6 / (time.process_time() - started)


def fresh(program: str, *arguments: str) -> dict[str, float]:
    """What a program says that runs in a Python of its own."""
    code = f"from foretype.tests.bench.context import {program}; import sys; {program}(*sys.argv[1:])"
    said = subprocess.run(  # noqa: S603 - a fixed program
        [sys.executable, "-P", "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(said.stdout.splitlines()[-1])


def cold(root: str, cache: str) -> None:
    """Index a workspace from nothing and keep it; says how much memory this process takes with it."""
    import psutil  # ru_maxrss won't do: it begins with what the parent had when it forked
    from foretype.context.workspace.refresh import refresh

    index = Index(Path(root), Path(cache))
    asyncio.run(refresh(index, lambda _: None))
    index.save()
    print(json.dumps({"rss_mb": psutil.Process().memory_info().rss / 1e6}))


def warm(root: str, cache: str) -> None:
    """Read the cache of an earlier run; says how long that took."""
    index = Index(Path(root), Path(cache))
    started = time.perf_counter()
    count = index.load()
    print(json.dumps({"warm_ms": (time.perf_counter() - started) * 1000, "files": count}))


async def visible_ms(root: Path, index: Index, times: int = 10) -> list[float]:
    """From a file's change on disk to the index knowing it, in ms, through the system's watch."""
    file = root / "part0" / "changing.py"
    watch = Watch(root, index.folders)
    seen = asyncio.Event()

    async def follow() -> None:
        async for changes in watch.changes():
            await asyncio.to_thread(index.update, changes.paths)
            seen.set()

    following = asyncio.ensure_future(follow())
    found: list[float] = []
    try:
        number = 0
        while not seen.is_set() and not following.done():  # watching begins at a moment that nobody is told
            number += 1
            if number > _MOST_LOOKS:
                raise TimeoutError("The system reports no change of the workspace's files.")
            file.write_text(f"begin_{number} = 1\n", "utf-8")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(seen.wait(), 1)
        for change in range(times):
            await asyncio.sleep(0.3)
            started = time.perf_counter()
            file.write_text(f"def visible_{change}(): pass\n", "utf-8")
            while not index.knows(f"visible_{change}") and not following.done():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            found.append((time.perf_counter() - started) * 1000)
    finally:
        watch.stop()
        file.unlink(missing_ok=True)
        await following
    return found


Add = Callable[[str, "float | None"], None]
Percentile = Callable[[list[float], float], float]


def measure(add: Add, percentile: Percentile) -> None:
    """Everything, once; a figure at a time is given to `add`."""
    root = workspace()
    with tempfile.TemporaryDirectory() as cache:
        add("index.rss_mb", fresh("cold", str(root), cache)["rss_mb"])
        add("index.warm_ms", fresh("warm", str(root), cache)["warm_ms"])
        index = Index(root, Path(cache))
        index.load()
        for _ in index.steps():
            pass
    indexed, parsed = megabytes_per_second()
    add("index.mb_per_s", indexed)
    add("index.parsing_alone_mb_per_s", parsed)
    add("index.visible_ms", percentile(asyncio.run(visible_ms(root, index)), 0.5))
    costs = keystrokes(root, index, long_file(index))
    for name, times in attrs.asdict(costs).items():
        add(f"context.{name}.p95_ms", percentile(times, 0.95))
