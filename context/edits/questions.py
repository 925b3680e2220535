"""What one search asks a text and its syntax tree: nothing twice, and no more than is answered between keys.

A text in which a name stands a hundred times is asked about each of them by several kinds of patterns. Not:
what the answers mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..syntax.names import NamedPlace, named_place
from ..syntax.tree import SyntaxTree
from .lexing import Token, tokens_in

MOST_ASKED = 200
"""Names of one search that a tree is asked about; each takes some 50 µs."""

MOST_REFUSED = 12
"""Places of one search that may prove unsound: each is parsed, which takes 0.3 ms or more."""

_T = TypeVar("_T")


class TreeQuestions:
    """The questions of one search. State: the answers, and how many were given.

    Attributes:
        asked: names that the tree was asked about so far.
        refused: places that would have left something broken.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.refused = 0
        self._places: dict[tuple[int, int], NamedPlace] = {}
        self._tokens: dict[tuple[int, int], list[Token]] = {}
        self._kept: dict[tuple[str, str], Any] = {}

    @property
    def is_spent(self) -> bool:
        """Whether so much was asked that what is still unknown stays so."""
        return self.asked >= MOST_ASKED

    @property
    def has_failed(self) -> bool:
        """Whether so many places were refused that the edits mean something else."""
        return self.refused >= MOST_REFUSED

    def named(self, tree: SyntaxTree, start: int, end: int) -> NamedPlace:
        """What a name is that stands between two places, in code points."""
        found = self._places.get((start, end))
        if found is None:
            self.asked += 1
            found = self._places[start, end] = named_place(tree, start, end)
        return found

    def tokens(self, text: str, start: int, end: int) -> list[Token]:
        """The tokens between two places of the text, in code points."""
        if (start, end) not in self._tokens:
            self._tokens[start, end] = tokens_in(text, start, end)
        return self._tokens[start, end]

    def once(self, what: str, name: str, find: Callable[[], _T]) -> _T:
        """The answer to a question about a name, found when it is first asked."""
        if (what, name) not in self._kept:
            self._kept[what, name] = find()
        return self._kept[what, name]
