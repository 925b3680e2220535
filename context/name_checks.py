"""Whether the names of a completion are known: the decision, given everything around it.

What a name is and where it is visible is asked of `names`, what a language brings of `languages`, what other
files have of whoever knows the workspace. Precision comes first: what can't be decided counts as known.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from .lines import line_start
from .names import Use, is_visible, mentioned, near_match, uses
from .snapshot import Snapshot
from .syntax import SyntaxTree

Symbols = Callable[[str], bool]
"""Whether a name is known to the workspace."""

_NEARBY = 30_000


@attrs.frozen
class NameCheck:
    """What decides whether the names of one completion are known: its sound tree, and everything around."""

    snapshot: Snapshot
    tree: SyntaxTree
    offset: int
    start: int
    end: int
    symbols: Symbols | None
    mentions: Symbols | None
    brought: frozenset[str] = frozenset()
    """Names that an import brings which is added with the completion."""

    def first_unknown(self) -> tuple[Use, str] | None:
        """The first name that exists nowhere, and the reason to give."""
        for use in uses(self.tree, self.start, self.end):
            reason = "" if use.name in self.brought else self._objection(use)
            if reason:
                return use, reason
        return None

    def _objection(self, use: Use) -> str:
        described = self.snapshot.described
        if use.name in described.known_words or use.name.startswith("__") or not use.name.strip("_"):
            return ""
        if self.symbols is not None and self.symbols(use.name):
            return ""
        if use.kind == "own":
            return "unknown member" if _is_unknown_member(use, self.tree, self.snapshot) else ""
        whole = self.snapshot.text
        if use.kind == "imported":
            invented = not mentioned(whole, use.name) and self._is_never_mentioned(use)
            return "unknown name" if invented else ""
        if self._is_visible(use):
            return ""
        if use.kind == "use" and not self._is_open(whole):
            return "unknown name"
        if mentioned(whole, use.name):
            return ""
        if self._is_local(use) or self._is_closed_type(use, whole) or self._is_never_mentioned(use):
            return "unknown name"
        nearby = whole[max(0, self.offset - _NEARBY) : self.offset + _NEARBY]
        return "misspelt name" if near_match(use.name, nearby) else ""

    def _is_open(self, whole: str) -> bool:
        """Whether names come in here that nobody can see."""
        names = self.snapshot.described.names
        unseen = names.visibility == "open" or (names.visibility == "workspace" and self.symbols is None)
        return unseen or any(mark in whole for mark in names.opaque)

    def _is_local(self, use: Use) -> bool:
        """Whether a name can only be a variable of this code, whatever comes in unseen."""
        if not self.snapshot.described.names.locals or self.symbols is None or use.kind != "use":
            return False
        behind = self.tree.text[use.start + len(use.name) :][:20].lstrip()[:1]
        return use.name == use.name.lower() and behind not in {"(", "!", ":", "<", "{"}

    def _is_closed_type(self, use: Use, whole: str) -> bool:
        """Whether a type must be declared or imported here, since the workspace doesn't have it."""
        names = self.snapshot.described.names
        closed = bool(names.types) and self.symbols is not None and not self._is_open(whole)
        return use.kind == "type" and closed and not names.has_type(use.name)

    def _is_never_mentioned(self, use: Use) -> bool:
        """Whether no file of a large workspace has such a name, though it could come in unseen."""
        names = self.snapshot.described.names
        if not names.mentioned or self.mentions is None or names.has_type(use.name):
            return False
        return not self.mentions(use.name)

    def _is_visible(self, use: Use) -> bool:
        whole = self.snapshot.tree
        if is_visible(self.tree, use.name, use.start, self.start, self.end):
            return True
        if whole is None:
            return mentioned(self.snapshot.text, use.name)
        return is_visible(whole, use.name, self.offset)


def _is_unknown_member(use: Use, tree: SyntaxTree, snapshot: Snapshot) -> bool:
    """Whether a member of the code's own object is mentioned nowhere, and can't come from a base class."""
    names = snapshot.described.names
    if not names.inherits or mentioned(snapshot.text, use.name):
        return False
    if any(mark in snapshot.text for mark in names.dynamic):
        return False
    classes = [scope for scope in tree.scopes(use.start) if scope.class_like]
    if not classes:
        return False
    start, body = line_start(tree.text, classes[-1].start), classes[-1].body_start
    header = tree.text[start : max(min(body, classes[-1].end), classes[-1].start)]
    return not any(mark in header for mark in names.inherits)
