"""Syntax trees: the questions that the other modules ask of one. `tree_work` makes them.

Everything that comes in or goes out is a code point offset. A tree is immutable and may be shared between
threads. Half-typed code is the normal case: a tree of it has defects, and every question still has an answer.

It doesn't judge code, and knows no language by name: what a definition or a comment is stands in
`languages`.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator

import attrs
import tree_sitter

from ..languages import Language
from ..languages.grammars import load_query
from ..text.lines import line_start
from . import macros
from .matching import Match, matches
from .nodes import defective_nodes, shallow_nodes
from .parsing import Region, TreeEdit, encoded, point

_STEP = 1024
_MARKED = 4096
_MAX_DEPTH = 4000
_MOST_SCOPES = 64
"""How many of the outermost scopes around a place are reported, and how many of the innermost."""

_CALLABLE = {"function", "method"}
_SCOPE = "scope"


@attrs.frozen
class Span:
    """A stretch of the text: code points from `start` to before `end`, and what stands there."""

    start: int
    end: int
    kind: str


@attrs.frozen
class Scope:
    """A definition that encloses a place: a function, a class, a module.

    Attributes:
        kind: the node's type.
        start, end: its extent in code points.
        body_start: where its body begins; `end` when it has none.
        function: whether it has local names.
        class_like: whether it has members that the functions inside don't see as names.
        definition: whether it has a header line of its own.
    """

    kind: str
    start: int
    end: int
    body_start: int
    function: bool
    class_like: bool
    definition: bool


@attrs.frozen
class Capture:
    """What a language's queries found: the capture's name, without `@`, and where."""

    name: str
    start: int
    end: int


@attrs.frozen
class Definition:
    """Something that a file defines.

    Attributes:
        name: its identifier.
        kind: "function", "class", "method", "constant" …, as the language's queries call it.
        start, end: its extent in code points.
        body_start: where its body begins; `end` when it has none.
        container: the names of the definitions around it, joined with dots; "" at the top.
    """

    name: str
    kind: str
    start: int
    end: int
    body_start: int
    container: str


class SyntaxTree:
    """The tree of one text. Immutable.

    Attributes:
        language: what is known about the language.
        text: the whole text.
        region: the part of it that was parsed, of which alone the tree knows something; None is all of it.
    """

    __slots__ = ("_around", "_data", "_marks", "_tree", "language", "region", "text")

    def __init__(
        self, of: Language, text: str, data: bytes, tree: tree_sitter.Tree, region: Region | None = None
    ) -> None:
        self.language = of
        self.text = text
        self.region = region
        self._data = data
        self._tree = tree
        self._marks: list[int] | None = None
        self._around: dict[int, tuple[tree_sitter.Node, ...]] = {}

    def __repr__(self) -> str:
        state = "defects" if self._tree.root_node.has_error else "sound"
        return f"<SyntaxTree {self.language.id} {len(self.text)} characters, {state}>"

    def told_of(self, edit: TreeEdit, new_text: str, new_data: bytes) -> tree_sitter.Tree:
        """A copy of the tree that knows of an edit: its nodes have moved, but nothing is parsed."""
        start, old_end = self._byte(edit.start), self._byte(edit.old_end)
        new_end = start + len(encoded(new_text[edit.start : edit.new_end]))
        old = self._tree.copy()
        old.edit(
            start,
            old_end,
            new_end,
            point(self._data, start),
            point(self._data, old_end),
            point(new_data, new_end),
        )
        return old

    def covers(self, start: int, end: int) -> bool:
        """Whether the tree knows what stands from `start` to `end`."""
        return self.region is None or (self.region.start <= start and end <= self.region.end)

    def structure(self) -> str:
        """The whole tree as an S-expression; for comparisons in tests and for debugging."""
        return str(self._tree.root_node)

    @property
    def has_defects(self) -> bool:
        """Whether anything in the text doesn't parse."""
        if not self._tree.root_node.has_error or not self._has_macros:
            return self._tree.root_node.has_error
        return bool(self.defects(0, len(self.text), 1))

    @property
    def _has_macros(self) -> bool:
        return self.language.grammar is not None and self.language.grammar.statement_macros

    def scopes(self, offset: int) -> tuple[Scope, ...]:
        """The definitions that enclose a place, outermost first; of hundreds, those in the middle go."""
        nodes = self.language.nodes
        wanted = {*nodes.definitions, *nodes.functions, *nodes.classes}
        around = [node for node in self._ancestors(offset) if node.type in wanted]
        if len(around) > 2 * _MOST_SCOPES:
            around = around[:_MOST_SCOPES] + around[-_MOST_SCOPES:]
        return tuple(self._scope(node) for node in around)

    def kinds_at(self, offset: int) -> tuple[str, ...]:
        """The types of the nodes that enclose the character at a place, outermost first."""
        return tuple(node.type for node in self._ancestors(offset))

    def spans_at(self, offset: int, kinds: tuple[str, ...]) -> tuple[Span, ...]:
        """The nodes of some types that enclose the character at a place, outermost first."""
        around = self._ancestors(offset) if kinds else ()
        return tuple(Span(*self._span(node), node.type) for node in around if node.type in kinds)

    def prose_at(self, offset: int) -> str:
        """What kind of prose a place lies in: "comment", "string", or "" for code.

        A place at the very start of a comment or string is code; one at the end of a comment that runs to
        the line's end is still inside it.
        """
        nodes = self.language.nodes
        telling = {*nodes.comments, *nodes.strings, *nodes.code_in_strings}
        found = ""
        for node in self._ancestors(max(offset - 1, 0)):
            kind = node.type
            if kind not in telling:
                continue
            start, end = self._span(node)
            if not start < offset <= end:
                continue
            if kind in nodes.comments:
                ended = offset == end and self.text[start:end].endswith(_block_ends(self.language))
                found = found if ended else "comment"
            elif kind in nodes.strings:
                found = "string" if offset < end or node.has_error else found
            else:
                found = ""
        if not found and self._quote_open(offset):
            return "string"
        return found

    def _quote_open(self, offset: int) -> bool:
        """Whether a string that the grammar doesn't see begins on `offset`'s line and is still open."""
        start = max(line_start(self.text, offset), offset - _STEP)
        if not self.defects(start, offset, 1):
            return False
        before = self.text[start:offset]
        quotes = self.language.layout.quotes
        opened = ""
        position = 0
        while position < len(before):
            character = before[position]
            if character == "\\":
                position += 1
            elif character == opened:
                opened = ""
            elif not opened and character in quotes:
                opened = character
            position += 1
        return bool(opened)

    def defects(self, start: int, end: int, limit: int = 100) -> tuple[Span, ...]:
        """Where the text from `start` to `end` doesn't parse: `ERROR` and `MISSING` nodes touching it.

        At most `limit` of them, in order. A MISSING node's kind is "MISSING" and the type that is missing. A
        semicolon behind a macro that is written like a statement is none.
        """
        first, last = self._byte(start), self._byte(end)
        found = (
            Span(*self._span(node), "ERROR" if node.is_error else f"MISSING {node.type}")
            for node in defective_nodes(self._tree.root_node, first, last)
        )
        if self._has_macros:
            found = (
                span
                for span in found
                if span.kind != "MISSING ;" or not macros.is_head(self.text, span.start)
            )
        return tuple(itertools.islice(found, limit))

    def declaration_starts(self, start: int, end: int, limit: int = 2000) -> tuple[int, ...]:
        """Where definitions begin between two places, in order: good places to cut."""
        wanted = set(self.language.nodes.definitions)
        first, last = self._byte(start), self._byte(end)
        found = (
            node.start_byte
            for node in shallow_nodes(self._tree.root_node, first, last, limit)
            if node.type in wanted and first <= node.start_byte <= last
        )
        return tuple(sorted({self._offset(byte) for byte in found}))

    def statements(
        self, offset: int = 0, inside: frozenset[str] = frozenset(), limit: int = 3000
    ) -> list[Span]:
        """What a text consists of at its outermost level, in order, comments included; at most `limit`.

        With `inside`, the same of the innermost node of such a type around `offset`, where there is one. Of
        what doesn't parse, the parts that do.
        """
        around = [node for node in self._ancestors(offset) if node.type in inside] if inside else []
        top = around[-1] if around else self._tree.root_node
        found: list[Span] = []
        for node in (top.child_by_field_name("body") or top).named_children[:limit]:
            if node.is_error:
                found += [Span(*self._span(child), child.type) for child in node.named_children[:limit]]
            else:
                found.append(Span(*self._span(node), node.type))
        return found

    def captures(self, start: int = 0, end: int | None = None) -> tuple[Capture, ...]:
        """What the language's queries find that reaches between two places, in order of the text."""
        first, last = self._byte(start), self._byte(len(self.text) if end is None else end)
        found = {
            (node.start_byte, node.end_byte, name)
            for match in self._matches(self.language.names_queries, (first, last))
            for name, nodes in match.items()
            for node in nodes
            if node.start_byte < last and node.end_byte > first
        }
        return tuple(
            Capture(name, self._offset(first), self._offset(last)) for first, last, name in sorted(found)
        )

    def definitions(self, limit: int = 1000, depth: int | None = None) -> tuple[Definition, ...]:
        """What the text defines, in order; at most `limit` of them, without the locals of functions.

        With `depth`, only nodes at most that deep are searched: much faster in a large file.
        """
        found: dict[int, tuple[int, str, tree_sitter.Node, tree_sitter.Node]] = {}
        for captures in self._matches(self.language.definitions_queries, (0, len(self._data)), depth):
            name = captures.pop("name")[0]
            kind, node = next(((kind, nodes[0]) for kind, nodes in captures.items()), ("", name))
            found.setdefault(name.start_byte, (node.start_byte, kind, node, name))
        ordered = sorted(found.values(), key=lambda each: each[0])
        return tuple(self._contained(ordered)[:limit])

    def _matches(
        self, files: tuple[str, ...], within: tuple[int, int], depth: int | None = None
    ) -> Iterator[Match]:
        """What query files of the language find between two places, in bytes."""
        query = load_query(self.language.grammar, files)
        if query is not None:
            yield from matches(query, self._tree.root_node, self._data, within, depth)

    def _contained(
        self, found: list[tuple[int, str, tree_sitter.Node, tree_sitter.Node]]
    ) -> list[Definition]:
        """Definitions with the names of what encloses them; what stands in a function's body is left out."""
        around: list[tuple[int, str, bool, int]] = []  # end, container for what is inside, local, start
        definitions: list[Definition] = []
        data, offset = self._data, self._offset
        for start, kind, node, name in found:
            while around and (around[-1][0] <= start or around[-1][3] == start):
                around.pop()
            _, container, local, _ = around[-1] if around else (0, "", False, 0)
            text = data[name.start_byte : name.end_byte].decode("utf-8", "surrogatepass")
            end = node.end_byte
            if not local and kind != _SCOPE:
                body = node.child_by_field_name("body")
                after = offset(end)
                body_start = after if body is None else offset(body.start_byte)
                definitions.append(Definition(text, kind, offset(start), after, body_start, container))
            if end > name.end_byte:
                inside = f"{container}.{text}" if container else text
                around.append((end, inside, local or kind in _CALLABLE, start))
        return definitions

    def _scope(self, node: tree_sitter.Node) -> Scope:
        nodes = self.language.nodes
        start, end = self._span(node)
        body = node.child_by_field_name("body")
        return Scope(
            node.type,
            start,
            end,
            end if body is None else self._offset(body.start_byte),
            node.type in nodes.functions,
            node.type in nodes.classes,
            node.type in nodes.definitions,
        )

    def _ancestors(self, offset: int) -> tuple[tree_sitter.Node, ...]:
        """The nodes around a place, outermost first. A key asks several times of the same two places."""
        place = self._byte(offset)
        found = self._around.get(place)
        if found is None:
            found = tuple(self._walk_down(place))
            self._around = {**dict(list(self._around.items())[-1:]), place: found}
        return found

    def _walk_down(self, place: int) -> Iterator[tree_sitter.Node]:
        cursor = self._tree.walk()
        node = cursor.node
        for _ in range(_MAX_DEPTH):
            if node is None:
                return
            yield node
            if cursor.goto_first_child_for_byte(place) is None:
                return
            node = cursor.node
            if node is not None and node.start_byte > place:
                return

    def _span(self, node: tree_sitter.Node) -> tuple[int, int]:
        return self._offset(node.start_byte), self._offset(node.end_byte)

    def _byte(self, offset: int) -> int:
        """The byte offset of a code point offset."""
        if len(self._data) == len(self.text):
            return min(max(offset, 0), len(self._data))
        offset = min(max(offset, 0), len(self.text))
        marks = self._byte_marks()
        near = offset // _MARKED
        return marks[near] + len(self.text[near * _MARKED : offset].encode("utf-8", "surrogatepass"))

    def _offset(self, byte: int) -> int:
        """The code point offset of a byte offset."""
        if len(self._data) == len(self.text):
            return byte
        marks = self._byte_marks()
        near = bisect.bisect_right(marks, byte, 0, len(marks) - 1) - 1
        return near * _MARKED + len(self._data[marks[near] : byte].decode("utf-8", "surrogatepass"))

    def _byte_marks(self) -> list[int]:
        """The byte offset of every 4096th code point."""
        if self._marks is None:
            marks = [0]
            for start in range(0, len(self.text), _MARKED):
                marks.append(
                    marks[-1] + len(self.text[start : start + _MARKED].encode("utf-8", "surrogatepass"))
                )
            self._marks = marks
        return self._marks


def _block_ends(of: Language) -> tuple[str, ...]:
    return tuple(closing for _, closing in of.comments.block)
