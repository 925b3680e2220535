"""The patterns of the query files, read here, so that tree-sitter has almost nothing of them to compile.

Compiling a query looks through the grammar's whole parse table, and again for each pattern that says what
stands in a node; it lets no other thread do anything until it is done. For C++ that is 190 ms for the file
about definitions, and 10 to 20 for a few patterns, during which keys wait. So tree-sitter is only asked for
nodes of certain types, one query for a file, and what has to stand in them is compared here, in steps that
any thread may come between.

Understood is what the files use: node types, `(_)`, quoted tokens, fields, `!field`, alternatives, anchors,
captures and the predicates `#match?`, `#not-match?` and `#any-of?`. What else tree-sitter's query syntax has
is refused.

It only reads: `syntax.matching` compares.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

import attrs

_TOKEN = re.compile(
    r"""\s+|;[^\n]*|(?P<string>"(?:[^"\\]|\\.)*")|(?P<predicate>\#[\w-]+\?)|(?P<field>[\w]+:)|(?P<absent>![\w]+)"""
    r"""|(?P<capture>@[\w.-]+)|(?P<name>[A-Za-z_][\w.-]*)|(?P<sign>[()\[\].])"""
)

_PREDICATES = ("#match?", "#not-match?", "#any-of?")


class PatternError(Exception):
    """A query file has something that isn't understood."""


@attrs.frozen
class Predicate:
    """What the text of a capture has to be.

    Attributes:
        capture: the capture's name.
        pattern: a regular expression to be found in it.
        wanted: whether it has to be found, or must not be.
    """

    capture: str
    pattern: re.Pattern[str]
    wanted: bool


@attrs.frozen
class NodePattern:
    """A node, and what stands in it.

    Attributes:
        kinds: its type is one of these; None is any.
        named: whether it is a named node, or a token that the grammar quotes.
        field: the field of the node around it that it is in; "" for any or none.
        captures: what it is captured as.
        absent: fields that it doesn't have.
        children: what stands in it, in this order, with anything between.
        first: nothing named stands between it and the pattern before it, or the beginning.
        last: nothing named stands between it and the end of the node around it.
        predicates: of a whole pattern.
    """

    kinds: frozenset[str] | None
    named: bool = True
    field: str = ""
    captures: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    children: tuple[NodePattern, ...] = ()
    first: bool = False
    last: bool = False
    predicates: tuple[Predicate, ...] = ()

    @property
    def is_flat(self) -> bool:
        """Whether it is about a node's type alone."""
        return not (self.children or self.absent or self.predicates)


def read_patterns(text: str) -> list[NodePattern]:
    """The patterns of a query file, alternatives apart, in order.

    Raises:
        PatternError: for anything that isn't understood.
    """
    return _Reader(text).patterns()


class _Reader:
    """Reads one file. State: its tokens and how many of them were read."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def patterns(self) -> list[NodePattern]:
        found: list[NodePattern] = []
        while self._at < len(self._tokens):
            found += self._item()
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise PatternError("the file ends within a pattern")
        self._at += 1
        return token

    def _item(self) -> list[NodePattern]:
        """What begins here, with its captures."""
        begins = self._next()
        if begins == "(":
            found = self._group() if self._peek() in ("(", "[") else self._node()
        elif begins == "[":
            found = list[NodePattern]()
            while self._peek() != "]":
                found += self._item()
            self._next()
        elif begins.startswith('"'):
            found = [NodePattern(frozenset({_unquoted(begins)}), named=False)]
        else:
            raise PatternError(f"a pattern can't begin with {begins}")
        names: list[str] = []
        while self._peek().startswith("@"):
            names.append(self._next()[1:])
        found = [attrs.evolve(each, captures=(*each.captures, *names)) for each in found]
        return _together(found)

    def _group(self) -> list[NodePattern]:
        """A pattern and its predicates, in brackets of their own."""
        found, predicates = self._item(), list[Predicate]()
        while self._peek() == "(":
            self._next()
            predicates.append(self._predicate())
        self._close()
        return [attrs.evolve(each, predicates=(*each.predicates, *predicates)) for each in found]

    def _predicate(self) -> Predicate:
        name, capture, values = self._next(), self._next(), list[str]()
        if name not in _PREDICATES or not capture.startswith("@"):
            raise PatternError(f"{name} isn't understood")
        while self._peek().startswith('"'):
            values.append(_unquoted(self._next()))
        self._close()
        if name == "#any-of?":
            return Predicate(capture[1:], re.compile(rf"\A(?:{'|'.join(map(re.escape, values))})\Z"), True)
        return Predicate(capture[1:], re.compile(values[0]), name == "#match?")

    def _node(self) -> list[NodePattern]:
        """The rest of a node behind its opening bracket."""
        kind = self._next()
        absent, places = list[str](), list[list[NodePattern]]()
        anchored = last = False
        while (ahead := self._peek()) != ")":
            if ahead == ".":
                self._next()
                anchored = last = True
                continue
            if ahead.startswith("!"):
                absent.append(self._next()[1:])
                continue
            field = self._next()[:-1] if ahead.endswith(":") and not ahead.startswith('"') else ""
            places.append([attrs.evolve(each, field=field, first=anchored) for each in self._item()])
            anchored = last = False
        self._close()
        if last and places:
            places[-1] = [attrs.evolve(each, last=True) for each in places[-1]]
        kinds = None if kind == "_" else frozenset({kind})
        return [
            NodePattern(kinds, absent=tuple(absent), children=children)
            for children in itertools.product(*places)
        ]

    def _close(self) -> None:
        if (token := self._next()) != ")":
            raise PatternError(f"there is {token} where a bracket should close")


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise PatternError(f"{text[at : at + 20]!r} isn't understood")
        if found.lastgroup:
            yield found.group()
        at = found.end()


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1])


def _together(found: Sequence[NodePattern]) -> list[NodePattern]:
    """Alternatives that differ in nothing but their types are one pattern."""
    whole: dict[NodePattern, set[str]] = {}
    rest: list[NodePattern] = []
    for each in found:
        if each.kinds is None or not each.is_flat:
            rest.append(each)
        else:
            whole.setdefault(attrs.evolve(each, kinds=None), set()).update(each.kinds)
    return rest + [attrs.evolve(each, kinds=frozenset(kinds)) for each, kinds in whole.items()]
