"""Whether the names of a completion are known: the decision, given everything around it.

What a name is and where it is visible is asked of `names`, what a language brings of `languages`, what other
files have of whoever knows the workspace. Precision comes first: what can't be decided counts as known.
"""

from __future__ import annotations

import re

import attrs

from ..languages import Names
from ..languages.lists import World, in_headers, worlds
from ..syntax.includes import Headers
from ..syntax.names import Use, is_visible, mentioned, near_match, uses
from ..syntax.origins import brings_unlisted, brings_values, has_foreign_prefix, has_own_prefix, is_package
from ..syntax.snapshot import Snapshot
from ..syntax.tree import SyntaxTree
from ..syntax.tree_work import parse_again
from ..text.lines import line_end, line_start
from .allowance import Allowance
from .facts import KnownNames

_NEARBY = 30_000
_CONFIRM_MS = 8.0
_CONFIRM_LENGTH = 200_000
_MIXIN = re.compile(r"\b\w*(?:mixin|Mixin)\w*\b")
_DECORATOR = re.compile(r"@([\w.]+)")


@attrs.frozen
class NameCheck:
    """What decides whether the names of one completion are known: its sound tree, and everything around.

    Attributes:
        snapshot: the document, without the completion.
        tree: of the piece of it that the completion stands in.
        offset: the cursor in the document.
        start, end: the completion's place in the tree's text.
        names: who knows a name of the workspace.
        allowance: the time that it may take; where that is over, `OutOfTimeError` is raised.
        headers: what the workspace's headers include; None where they may bring in anything.
    """

    snapshot: Snapshot
    tree: SyntaxTree
    offset: int
    start: int
    end: int
    names: KnownNames
    allowance: Allowance
    headers: Headers | None = None
    brought: frozenset[str] = frozenset()
    """Names that an import brings which is added with the completion."""

    def first_unknown(self) -> tuple[Use, str] | None:
        """The first name that exists nowhere, and the reason to give."""
        with self.allowance.charged():
            used = uses(self.tree, self.start, self.end)
        for use in used:
            if use.name in self.brought or (use.start < self.start and self.names.defined is None):
                continue  # where the user began the word, only who knows the workspace knows better
            with self.allowance.charged():
                reason = self.objection(use)
            if reason:
                return use, reason
        return None

    def confirmed(
        self, culprit: tuple[Use, str], replaced: int, finish: int, *, complete: bool
    ) -> tuple[Use, str] | None:
        """An objection, unless the whole document is against it.

        Cut out of its surroundings, code may look like other code, and the middle of a string like code; only
        the latter is looked at where the document is too large to be parsed again in time.

        Args:
            culprit: what was found.
            replaced: code points right of the cursor that the completion replaces.
            finish: code points that were put at the end of the cursor's line to close what is open.
            complete: whether the definition around the cursor was seen from its beginning; else nothing is
                wrong with a name unless the whole document says so.
        """
        whole = self._in_document(replaced, finish)
        if whole is None:
            known = self.snapshot.tree
            prose = known is not None and known.prose_at(self.offset) != self.tree.prose_at(self.start)
            return culprit if complete and not prose else None
        if whole.tree.defects(whole.start, whole.end, 1) or whole.first_unknown() is None:
            return None
        return culprit

    def _in_document(self, replaced: int, finish: int) -> NameCheck | None:
        """The same completion in the tree of the whole document; None where that would take too long."""
        known, text = self.snapshot.tree, self.snapshot.text
        if known is None or len(text) > _CONFIRM_LENGTH:
            return None
        end = line_end(text, self.offset)
        rest = max(end - self.offset - replaced, 0)
        line = self.tree.text[self.start : self.end + rest + finish]
        new_text = text[: self.offset] + line + text[end:]
        tree = parse_again(known, new_text, self.offset, end, self.offset + len(line), limit_ms=_CONFIRM_MS)
        if tree is None:
            return None
        return attrs.evolve(self, tree=tree, start=self.offset, end=self.offset + self.end - self.start)

    def objection(self, use: Use) -> str:
        """Why a name can't be there; "" when it can. The one place where that is decided."""
        if self._is_given(use.name) or (self.names.defined is not None and self.names.defined(use.name)):
            return ""
        if use.kind == "own":
            return "unknown member" if _is_unknown_member(use, self.tree, self.snapshot) else ""
        if use.kind == "imported":
            named = self.names.named  # the workspace's own file says it, however few there are
            absent = named is not None and not named(use.name)
            return "unknown name" if absent and not mentioned(self.snapshot.text, use.name) else ""
        names = self.snapshot.described.names
        if self._is_visible(use) or is_package(use.name, self._text, names):
            return ""
        return self._suspicion(use)

    def _suspicion(self, use: Use) -> str:
        """Why a name that nothing around declares is none that comes in unseen; "" when it may be."""
        whole = self.snapshot.text
        if use.kind == "use" and not self._is_open:
            return "unknown name"
        if mentioned(whole, use.name, self.snapshot.described.names.sigil):
            return ""
        if self._is_local(use) or self._is_closed_type(use):
            return "unknown name"
        if self._is_never_mentioned(use) and not self._comes_from_outside(use.name):
            return "unknown name"
        nearby = whole[max(0, self.offset - _NEARBY) : self.offset + _NEARBY]
        return "misspelt name" if near_match(use.name, nearby, firmly=not self._is_variable(use)) else ""

    def _is_given(self, name: str) -> bool:
        """Whether the language or a framework that is in use here brings a name."""
        described = self.snapshot.described
        if name in described.known_words or name.startswith("__") or not name.strip("_"):
            return True
        if described.names.reserved and re.match(described.names.reserved, name):
            return True
        if name in in_headers(described.names.headers):
            return True
        return any(name in world.names and self._is_in(world) for world in worlds(described.names.worlds))

    def _is_in(self, world: World) -> bool:
        """Whether a framework is in use: the document or its path says so, or another file does."""
        text, path, asked = self._text, self.snapshot.path, self.names.mentioned
        return not world.marks or any(
            mark in text or mark in path or (asked is not None and mark.isidentifier() and asked(mark))
            for mark in world.marks
        )

    @property
    def _text(self) -> str:
        """The document, and the completion, which may bring in names as well."""
        return f"{self.snapshot.text}\n{self.tree.text[self.start : self.end]}"

    @property
    def _is_open(self) -> bool:
        """Whether names come in here that nobody can see."""
        names = self.snapshot.described.names
        unseen = names.visibility == "open" or (
            names.visibility == "workspace" and self.names.defined is None
        )
        return unseen or any(mark in self._text for mark in names.opaque)

    def _is_variable(self, use: Use) -> bool:
        """Whether a name looks like a variable: in small letters at its start, and not called."""
        behind = self.tree.text[use.start + len(use.name) :][:20].lstrip()[:1]
        return use.kind == "use" and not use.name[:1].isupper() and behind not in {"(", "!", ":", "<", "{"}

    def _is_local(self, use: Use) -> bool:
        """Whether a name can only be a variable of this code, whatever comes in unseen."""
        names = self.snapshot.described.names
        if not names.locals or self.names.defined is None or not self._is_variable(use):
            return False
        if use.name != use.name.lower():
            return False
        if names.members and (self.names.mentioned is None or self.names.mentioned(use.name)):
            return False
        text = self._text
        return not brings_values(text, names) and not has_foreign_prefix(use.name, text, self.names.defined)

    def _is_closed_type(self, use: Use) -> bool:
        """Whether a type must be declared or imported here, since the workspace doesn't have it."""
        names = self.snapshot.described.names
        if (
            use.kind not in {"type", "namespace"}
            or not names.types
            or self.names.defined is None
            or self._is_open
        ):
            return False
        return not names.has_type(use.name)

    def _is_never_mentioned(self, use: Use) -> bool:
        """Whether no file of a large workspace has such a name, though it could come in unseen."""
        names = self.snapshot.described.names
        if not names.mentioned or self.names.mentioned is None or names.has_type(use.name):
            return False
        return not self.names.mentioned(use.name)

    def _comes_from_outside(self, name: str) -> bool:
        """Whether a name that the workspace never mentions may come from a library all the same.

        What comes in unseen from there has names that nobody can list; but a library has no part in names
        that begin as the workspace's own do.
        """
        snapshot, names = self.snapshot, self.snapshot.described.names
        if not brings_unlisted(self._text, snapshot.path, names, self.headers):
            return False
        return not has_own_prefix(name, snapshot.text, names, self.names.defined)

    def _is_visible(self, use: Use) -> bool:
        whole = self.snapshot.tree
        if is_visible(self.tree, use.name, use.start, min(self.start, use.start), self.end):
            return True
        if whole is None:
            return mentioned(self.snapshot.text, use.name)
        return is_visible(whole, use.name, self.offset)


def _is_unknown_member(use: Use, tree: SyntaxTree, snapshot: Snapshot) -> bool:
    """Whether a member of the code's own object is mentioned nowhere, and can't come from elsewhere.

    It can where the class has bases, is a mixin, is decorated by something that isn't known to leave members
    alone, or where the code makes members by their names.
    """
    names = snapshot.described.names
    if not names.inherits or mentioned(snapshot.text, use.name):
        return False
    if any(mark in snapshot.text for mark in names.dynamic):
        return False
    decorators, header = _own_class(tree, use.start, names)
    if not header or any(mark in header for mark in names.inherits) or _MIXIN.search(header):
        return False
    return all(name.rpartition(".")[2] in names.harmless for name in _DECORATOR.findall(decorators + header))


def _own_class(tree: SyntaxTree, at: int, names: Names) -> tuple[str, str]:
    """The decorators and the header of the class whose object `self` or `this` is at a place.

    Empty where that is another's object, or nobody knows whose.
    """
    scopes = tree.scopes(at)
    holders = [number for number, scope in enumerate(scopes) if scope.function or scope.class_like]
    for number in reversed(holders):
        scope = scopes[number]
        if scope.class_like:
            around = scopes[number - 1] if number else scope
            start = around.start if around.end == scope.end and around.definition else scope.start
            line = line_start(tree.text, scope.start)
            return tree.text[start:line], tree.text[line : max(min(scope.body_start, scope.end), scope.start)]
        outer = next((scopes[other] for other in reversed(holders) if other < number), None)
        if scope.kind in names.rebinding and (outer is None or not outer.class_like):
            break
    return "", ""
