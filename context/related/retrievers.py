"""Where related code comes from: small functions with one signature, each with an idea of what is relevant.

A retriever takes what is asked (`Query`) and what there is (`Sources`) and gives candidates, best first. It
ranks only its own; how the ideas are weighed against each other, and what fits, is decided in `choose`. None
of them reads a file by itself: `Sources.read` does, under `ignore`'s rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

import attrs

from ..languages import language, language_of
from ..syntax.names import Areas, uses
from ..syntax.snapshot import Snapshot
from ..syntax.tree import Scope, SyntaxTree
from ..text.lines import line_end, line_start, next_line_start, split_lines
from ..workspace.symbols import Symbol, outline
from .bm25 import WORD, Windows, scores, windows
from .sources import Sources

_IMPORT = re.compile(
    r"^\s*(?:import|from|use|using|#\s*include|require|package|const .*require|export .* from)\b.*$"
)
_NEAR_BEFORE = 20
_NEAR_AFTER = 5
_NAMES = 40
_LINES = 16
_EXCERPT_LINES = 12
_LARGEST = 100_000
_HEADERS = 40
_LONGEST_HEADER = 400
_REACH = 40_000
_SIBLINGS = 8
_AROUND = 15
_SHALLOW = 6
_COMMONPLACE = 6
_FAMILIES = (
    frozenset({"javascript", "typescript", "typescriptreact"}),
    frozenset({"c", "cpp", "cuda-cpp", "objective-c"}),
)
_PARTS = frozenset({"field", "constant", "variable"})


@attrs.frozen
class Query:
    """What is asked: a place in a file, and the words that matter there.

    Attributes:
        path: the file, relative to the workspace.
        language: its language's own identifier.
        names: names near the cursor, nearest first, without keywords and builtins.
        imported: words of the file's imports.
        own: names that the file itself defines, the variables around the cursor among them.
        free: names near the cursor that stand alone, not behind a dot or in prose, and aren't the file's own.
        above, below: the file before and behind what the model sees of it anyway, whole lines.
        below_line: the line where `below` begins, from 1.
    """

    path: str
    language: str
    names: tuple[str, ...]
    imported: frozenset[str]
    own: frozenset[str]
    free: frozenset[str]
    above: str = attrs.field(default="", repr=False)
    below: str = attrs.field(default="", repr=False)
    below_line: int = 1


@attrs.frozen
class Candidate:
    """A piece of code that may be worth showing.

    Attributes:
        path: its file.
        line, end_line: the lines it stands for, from 1, the last included.
        text: what would be shown, ending with a line end.
        origin: the retriever's name.
    """

    path: str
    line: int
    end_line: int
    text: str
    origin: str


Retriever = Callable[[Query, Sources], list[Candidate]]


def query_at(snapshot: Snapshot, offset: int, seen: tuple[int, int] | None = None) -> Query:
    """What to ask for a cursor.

    Args:
        snapshot: the document.
        offset: the cursor, in code points.
        seen: from where to where the model sees the document anyway, in code points; all of it when None.
    """
    text = snapshot.text
    offset = min(max(offset, 0), len(text))
    start = end = offset
    for _ in range(_NEAR_BEFORE):
        start = line_start(text, max(start - 1, 0))
    for _ in range(_NEAR_AFTER):
        end = next_line_start(text, end)
    start, end = max(start, offset - _LARGEST), min(end, offset + _LARGEST)
    headers = ""
    own: frozenset[str] = frozenset()
    free: frozenset[str] | None = None
    if snapshot.tree is not None:
        scopes = [scope for scope in snapshot.tree.scopes(offset) if scope.definition]
        headers = "\n".join(
            text[scope.start : min(line_end(text, scope.start), scope.end, scope.start + _LONGEST_HEADER)]
            for scope in scopes[-_HEADERS:]
        )
        own = _own_names(snapshot.tree, start, end, scopes)
        if snapshot.described.names_queries:
            free = frozenset(use.name for use in uses(snapshot.tree, start, end)) - own
    known = snapshot.described.known_words
    nearest_first = [*reversed(WORD.findall(text[start:offset])), *WORD.findall(text[offset:end])]
    words = [word for word in (*nearest_first, *WORD.findall(headers)) if word not in known]
    imports = "\n".join(line for line in split_lines(text[:_LARGEST])[:200] if _IMPORT.match(line))
    names = tuple(dict.fromkeys(words))[:_NAMES]
    imported = frozenset(WORD.findall(imports))
    free = frozenset(names) - own if free is None else free
    asked = Query(snapshot.path, snapshot.described.id, names, imported, own, free)
    return asked if seen is None else _with_the_rest(asked, text, *seen)


def _with_the_rest(query: Query, text: str, start: int, end: int) -> Query:
    """The query with what the model doesn't see of the file, as far as it is near."""
    start, end = line_start(text, start), next_line_start(text, end)
    first = next_line_start(text, start - _REACH) if start > _REACH else 0
    last = line_start(text, end + _REACH) if end + _REACH < len(text) else len(text)
    below_line = len(split_lines(text[:end])) + 1
    return attrs.evolve(query, above=text[first:start], below=text[end:last], below_line=below_line)


def _own_names(tree: SyntaxTree, start: int, end: int, scopes: Sequence[Scope]) -> frozenset[str]:
    functions = [scope for scope in scopes if scope.function]
    if functions:
        start = min(start, max(functions[0].start, end - _LARGEST))
    captures = tree.captures(start, end)
    areas = Areas(capture for capture in captures if capture.name.startswith("binds"))
    return frozenset(definition.name for definition in tree.definitions(depth=_SHALLOW)) | frozenset(
        tree.text[each.start : each.end] for each in captures if each.name == "use" and areas.enclose(each)
    )


def definitions(query: Query, sources: Sources) -> list[Candidate]:
    """Definitions of the names near the cursor: signatures with documentation, classes with their members.

    A name that many files define is taken only from where the file imports; a method only when its class is
    mentioned too; a value only where it is imported, in languages that require imports.
    """
    found: list[Candidate] = []
    for name in query.names:
        if name in query.own and name not in query.imported:
            continue
        symbols = [each for each in sources.index.find(name) if _may_help(each, query)]
        if len(symbols) > _COMMONPLACE:
            symbols = [each for each in symbols if _is_imported(each.path, query)]
        fitness = {
            each: (_is_imported(each.path, query), _nearness(each.path, query.path)) for each in symbols
        }
        best = [each for each in symbols if fitness[each] == max(fitness.values())]
        for symbol in sorted(best, key=lambda each: each.path)[:2]:
            text = outline(sources.index.symbols_in(symbol.path), symbol)
            end = symbol.line + text.count("\n") - 1
            found.append(Candidate(symbol.path, symbol.line, end, text, "definition"))
    return found


def _may_help(symbol: Symbol, query: Query) -> bool:
    if symbol.path == query.path or not _related_languages(language_of(symbol.path), query.language):
        return False
    if symbol.kind == "module":
        return False  # that there is one says nothing about what is in it
    if not symbol.container:
        if symbol.name in query.imported or _is_imported(symbol.path, query):
            return True
        # What isn't imported yet may be a function somebody is about to use; a value is a local of that name.
        must_be_imported = language(query.language).names.visibility == "file"
        return symbol.name in query.free and not (must_be_imported and symbol.kind in _PARTS)
    return symbol.kind not in _PARTS and symbol.container.rsplit(".", 1)[-1] in {
        *query.names,
        *query.imported,
    }


def _is_imported(path: str, query: Query) -> bool:
    pure = PurePosixPath(path)
    stem = pure.parent.name if pure.stem in {"__init__", "index", "mod", "lib"} else pure.stem
    return stem in query.imported or pure.parent.name in query.imported


def _nearness(one: str, other: str) -> int:
    """How many folders two paths share from the root on."""
    shared = 0
    for left, right in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
        if left != right:
            break
        shared += 1
    return shared


def _related_languages(one: str, other: str) -> bool:
    return one == other or any(one in family and other in family for family in _FAMILIES)


def _recent_edits(query: Query, sources: Sources) -> list[Candidate]:
    """What was edited elsewhere a short time ago, newest first."""
    return [
        Candidate(edit.path, edit.line, edit.line + edit.text.count("\n"), _ended(edit.text), "recent-edit")
        for edit in sources.edits
        if edit.path != query.path and edit.text.strip()
    ]


def open_places(query: Query, sources: Sources) -> list[Candidate]:
    """The lines around the cursors of other open files, most recently visited first."""
    found: list[Candidate] = []
    for each in sources.open_files:
        text = each.snapshot.text
        if each.snapshot.path == query.path or not text.strip():
            continue
        start = end = min(max(each.offset, 0), len(text))
        for _ in range(_AROUND):
            start = line_start(text, max(start - 1, 0))
            end = next_line_start(text, end)
        piece = text[max(start, each.offset - _LARGEST) : min(end, each.offset + _LARGEST)]
        line = text.count("\n", 0, start) + 1
        found.append(
            Candidate(each.snapshot.path, line, line + piece.count("\n"), _ended(piece), "open-file")
        )
    return found


def overlap(query: Query, sources: Sources) -> list[Candidate]:
    """Stretches of open files and of neighbours in the folder that share the names near the cursor."""
    texts = {each.snapshot.path: each.snapshot.text for each in sources.open_files}
    within = query.path[: query.path.rfind("/") + 1]
    size = len(within)
    siblings = [
        path
        for path in sources.paths
        if path.startswith(within) and path.find("/", size) < 0 and path not in texts
    ]
    for path in siblings[:_SIBLINGS]:
        text = sources.read(path) if _related_languages(language_of(path), query.language) else None
        if text is not None:
            texts[path] = text
    texts.pop(query.path, None)
    found = [(path, 1, windows(text[:_LARGEST], _LINES)) for path, text in texts.items()]
    return _ranked(query.names, found, "overlap")


def same_file(query: Query, sources: Sources) -> list[Candidate]:
    """Stretches of the file itself, out of the model's sight, that share the names near the cursor.

    Code repeats itself most within one file, and nothing else helps a small model more.
    """
    del sources
    above, below = (windows(text, _EXCERPT_LINES) for text in (query.above, query.below))
    return _ranked(query.names, [(query.path, 1, above), (query.path, query.below_line, below)], "same-file")


def _ranked(names: Sequence[str], texts: Sequence[tuple[str, int, Windows]], origin: str) -> list[Candidate]:
    """The windows that share names, those that share most first; of texts with their path and first line."""
    fitness = scores(names, [text for _, _, text in texts])
    found = [
        (-worth, path, line + text.line(number) - 1, number, text)
        for (path, line, text), worths in zip(texts, fitness, strict=True)
        for number, worth in enumerate(worths)
        if worth > 0
    ]
    found.sort(key=lambda each: each[:3])
    candidates: list[Candidate] = []
    for _, path, line, number, text in found[:20]:
        piece = text.piece(number)
        candidates.append(Candidate(path, line, line + len(split_lines(piece)) - 1, _ended(piece), origin))
    return candidates


def counterpart(query: Query, sources: Sources) -> list[Candidate]:
    """The tests of the file, or the file of the tests: the outline of what it defines."""
    stem = PurePosixPath(query.path).stem
    bare = re.sub(r"^test_|_test$|_spec$|[.-](test|spec)$|Tests?$", "", stem)
    wanted = (
        {bare}
        if bare != stem
        else {
            *(
                f"test_{stem}",
                f"{stem}_test",
                f"{stem}_spec",
                f"{stem}.test",
                f"{stem}.spec",
                f"{stem}Test",
                f"{stem}Tests",
            ),
        }
    )
    found: list[Candidate] = []
    # It is in each of the wanted names, and found far sooner than ten thousand paths are taken apart.
    for path in [path for path in sources.paths if bare in path]:
        if path == query.path or PurePosixPath(path).stem not in wanted:
            continue
        if not _related_languages(language_of(path), query.language):
            continue
        symbols = sources.index.symbols_in(path)
        tops = [outline(symbols, each) for each in symbols if not each.container][:20]
        if tops:
            found.append(Candidate(path, 1, len(tops), "".join(tops), "tests"))
    found.sort(key=lambda each: (-_nearness(each.path, query.path), each.path))
    return found[:2]


RETRIEVERS: tuple[Retriever, ...] = (
    definitions,
    counterpart,
    open_places,
    overlap,
    same_file,
    _recent_edits,
)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
