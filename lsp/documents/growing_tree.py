"""The newest tree of one text that is being typed in: what has to be parsed for the next one.

It parses nothing by itself unless it is told to `follow`; when, and in which thread, is `trees`'s decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from ...context.syntax.tree import SyntaxTree
    from ...context.syntax.tree_work import TreeWork

_ELSEWHERE = 50_000
"""Code points from where parsing was given up at which it is tried once more."""


@attrs.define(eq=False)
class GrowingTree:
    """The newest tree of one text. State: that, and where parsing was given up: the length and the place."""

    tree: SyntaxTree | None = None
    _given_up: tuple[int, int] | None = None

    def work(self, code: str, language: str, place: int) -> TreeWork | None:
        """What is to be done for the tree of a text, of a large one that around a place; None: nothing."""
        from ...context.syntax.cells import changed
        from ...context.syntax.parsing import TreeEdit
        from ...context.syntax.tree_work import TreeWork

        if self._is_hopeless(code, place):
            self.tree = None
            return None
        tree = self.tree
        if tree is None:
            return TreeWork(code, language, around=place)
        if tree.text is code or tree.text == code:
            served = tree.region is None or tree.region.serves(place, len(code))
            return None if served else TreeWork(code, language, around=place)
        return TreeWork(code, language, base=tree, edit=TreeEdit(*changed(tree.text, code)), around=place)

    def took(self, work: TreeWork) -> None:
        """Some work is finished."""
        self.tree = work.tree
        self._given_up = (
            (len(work.text), work.around or 0) if work.tree is None and not work.follows else None
        )

    def of(self, code: str) -> SyntaxTree | None:
        """The tree of a text, if that is the one it has."""
        return self.tree if self.tree is not None and self.tree.text == code else None

    def follow(self, code: str, language: str, place: int) -> SyntaxTree | None:
        """The tree of a text; parses what differs, however long that takes."""
        work = self.work(code, language, place)
        if work is not None:
            work.run()
            self.took(work)
        return self.tree

    def _is_hopeless(self, code: str, place: int) -> bool:
        if "\x00" in code:
            return True
        given_up = self._given_up
        return given_up is not None and len(code) >= given_up[0] and abs(place - given_up[1]) < _ELSEWHERE
