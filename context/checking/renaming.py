"""Another name where a completion was cut at an unknown one: which could stand there, and which is kept.

The names are those that `ground` has nothing against: declared where they can be seen, defined near by in the
workspace, brought by the language, or for members those of the same object. The model chooses among them and
says how likely that was. Pure; asking it is done elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from ..imports import statements_of
from ..shared.values import Completion, Restriction
from ..syntax.declared import NamesAround, names_around
from ..syntax.tree import SyntaxTree
from ..text.lines import line_start
from .unknown import UnknownName

MOST_NAMES = 500
"""Names that a model gets to choose from, at most: the nearest ones."""

LEAST_LIKELY = -3.0
"""Natural-log probability of a name below which it is no better than the unknown one.

Calibrated with `make quality` on the half of its files that rules are made on, with and without related code:
of 13 answers below it none became the authors' line, of ten above it two did, and two stayed it.
"""

_NEARBY = 20_000
"""Code points around the cursor in which declarations are looked for."""

_HEAD = 6_000
"""Code points at a document's beginning in which they are looked for as well: imports stand there."""

_ASSIGNS = re.compile(r"(?<![=!<>:+\-*/%&|^?~])=(?![=>])")

_VALUES = frozenset({"True", "False", "None", "true", "false", "null", "nil", "undefined", "NULL", "this"})
"""Keywords that stand where names stand."""


def restriction_at(unknown: UnknownName, raw: str) -> Restriction | None:
    """What an answer must be like to have a known name where `raw` has an unknown one; or None.

    Args:
        unknown: where the answer was cut.
        raw: the answer, as the model gave it.
    """
    beginning = _as_said(unknown.before, unknown.use.name[len(unknown.typed) :], raw)
    if beginning is None:
        return None
    typed = len(unknown.typed)
    fitting = (
        name[typed:]
        for name in names_for(unknown)
        if name.startswith(unknown.typed) and len(name) > typed and name != unknown.use.name
    )
    names = tuple(name for name, _ in zip(dict.fromkeys(fitting), range(MOST_NAMES), strict=False))
    return Restriction(beginning, names) if names else None


def is_likely(completion: Completion, least: float = LEAST_LIKELY) -> bool:
    """Whether a name that was chosen under a restriction is likely enough to be shown.

    Args:
        completion: the answer; without a chosen name it is not.
        least: the natural-log probability that the name needs.
    """
    return completion.name_logprob is not None and completion.name_logprob >= least


def reaches_the_name(shown: str, restriction: Restriction) -> bool:
    """Whether what is left of a restricted answer still has the name in it."""
    return len(shown.strip()) > len(restriction.beginning.strip())


def names_for(unknown: UnknownName) -> Iterator[str]:
    """The names that could stand in the place of an unknown one, the nearest first; some more than once."""
    use, check = unknown.use, unknown.check
    if use.kind == "imported":
        yield from _importable(unknown)
        return
    own = (_own_statement(check.tree.text, use.start), check.end)
    near = [_around(check.tree, use.start, own, seen_from=use.start)]
    if check.snapshot.tree is not None:
        # On a line that is still empty nobody can tell which definitions it is in; the piece can.
        near.append(_around(check.snapshot.tree, check.offset))
    if use.kind == "own":
        yield from _members(unknown, near)
        return
    for each in near:
        yield from _nearest(each.seen, use.start if each is near[0] else check.offset)
    names = check.snapshot.described.names
    yield from (word for word in names.keywords.split() if word in _VALUES)
    foreign = [name for each in near for name, kind in each.foreign.items() if kind == use.kind]
    defined = check.names.defined
    if use.kind != "use" or names.visibility == "open":
        yield from foreign  # names come in unseen: what others use without declaring it is there
    elif names.visibility == "workspace" and defined is not None:
        yield from filter(defined, foreign)
    if check.names.nearby is not None:
        yield from check.names.nearby.offered("")
    yield from names.builtins.split()
    if use.kind != "use":
        yield from (word for word in names.types.split() if not word.endswith("*"))


def _importable(unknown: UnknownName) -> Iterator[str]:
    """What the module of an import statement has, as far as the workspace knows."""
    check, at = unknown.check, unknown.use.start
    nearby = check.names.nearby
    if nearby is None:
        return
    completed = attrs.evolve(check.snapshot, text=check.tree.text, tree=check.tree)
    for each in statements_of(completed, at):
        if each.start <= at < each.end and each.module:
            yield from nearby.offered(each.module)


def _own_statement(text: str, at: int) -> int:
    """From where names don't count: what `x = ` declares is no name yet behind it."""
    begun = line_start(text, at)
    return begun if _ASSIGNS.search(text, begun, at) else at


def _around(
    tree: SyntaxTree, at: int, but: tuple[int, int] = (0, 0), *, seen_from: int | None = None
) -> NamesAround:
    """The names of a text near a place and at its head; see `declared.names_around`."""
    start = max(0, at - _NEARBY)
    found = names_around(tree, seen_from, start, min(len(tree.text), at + _NEARBY), but)
    if not start:
        return found
    head = names_around(tree, seen_from, 0, min(_HEAD, start))
    return NamesAround({**head.seen, **found.seen}, {**head.foreign, **found.foreign}, found.own)


def _nearest(names: dict[str, int], at: int) -> list[str]:
    """Those in front of a place, the nearest first; then those behind it."""
    before = [name for name, place in names.items() if place < at]
    behind = [name for name, place in names.items() if place >= at]
    return sorted(before, key=lambda name: -names[name]) + behind


def _members(unknown: UnknownName, near: list[NamesAround]) -> Iterator[str]:
    """The members of the code's own object: those that are used, and what its class defines."""
    check, document = unknown.check, unknown.check.snapshot.tree
    yield from _nearest(near[0].own, unknown.use.start)
    if document is None:
        return
    holders = [scope for scope in document.scopes(check.offset) if scope.class_like]
    if holders:
        inside = holders[-1]
        yield from (
            each.name
            for each in document.definitions()
            if inside.start < each.start < inside.end and each.container
        )
        yield from (name for name, place in near[-1].own.items() if inside.start < place < inside.end)


def _as_said(before: str, name: str, raw: str) -> str | None:
    """What an answer says in front of a name where trimming left `before`; None where that isn't clear.

    Trimming puts and takes blanks at the beginning, and writes line ends as the document does.
    """
    before = before.replace("\r\n", "\n")
    blanks = raw[: len(raw) - len(raw.lstrip())]
    said = (before, blanks + before.lstrip())
    return next((each for each in said if raw.startswith(each + name)), None)
