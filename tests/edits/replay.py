"""One group of edits, typed in its order: after each something may be offered, and is taken if it is right.

Right is what brings the document nearer to what its author made of it and needs no mending: whatever it takes
away the author took away there, and whatever it writes the author wrote. A wrong one is dismissed, and with
it its pattern; nothing more is looked at until the author's next edit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

import attrs
from foretype.context.edits.history import EditHistory, TextChange
from foretype.context.edits.propose import Proposal
from foretype.context.syntax.cells import changed
from foretype.context.syntax.tree import SyntaxTree
from foretype.context.syntax.tree_work import parse, parse_again
from foretype.tests.edits.groups import Group, Unit, is_nearer

NAME = "file:///edited"
TAB, ESCAPE = 2, 1
"""Keys that taking a proposal costs (one to jump, one to take), and that dismissing one does."""


@attrs.frozen
class Standing:
    """A document after an edit, as whoever proposes something sees it.

    Attributes:
        language: its identifier.
        text: all of it.
        tree: its tree.
        history: what the user did.
        near: where the user is.
        refused: the patterns that were dismissed.
    """

    language: str
    text: str
    tree: SyntaxTree | None
    history: EditHistory
    near: int
    refused: frozenset[str]


class Proposer(Protocol):
    """Whoever offers edits."""

    def __call__(self, standing: Standing) -> Iterator[Proposal]:
        """The proposals, the one that would be shown first in front."""
        ...


@attrs.frozen
class Shown:
    """One proposal that was shown: its kind, whether it was right, and the keys that taking it saved."""

    kind: str
    right: bool
    keys: int
    where: str = ""


@attrs.frozen
class Played:
    """What came of one group.

    Attributes:
        group: which.
        shown: the proposals.
        offered: for each edit but the first, whether proposals made it before its author did.
        keys: what the author had to press for all of it without proposals.
        times_ms: processor time of each search, until its first proposal.
    """

    group: Group
    shown: tuple[Shown, ...]
    offered: tuple[bool, ...]
    keys: int
    times_ms: tuple[float, ...]


@attrs.define
class _Pending:
    """An edit that its author has not come to: where it stands now, and what it has to become."""

    start: int
    text: str
    unit: Unit

    @property
    def done(self) -> bool:
        return self.text == self.unit.new


class _Desk:
    """The document while a group is typed.

    State: text, tree, history, what of the release is left to do, and which part of that is typed here.
    """

    def __init__(self, group: Group) -> None:
        self.group = group
        self.text = group.text
        self.tree = parse(group.text, group.language)
        self.history = EditHistory()
        self.near = 0
        every = sorted((*group.units, *group.others), key=lambda unit: unit.start)
        self.left = [_Pending(each.start, each.old, each) for each in every]
        self.typed = [each for each in self.left if each.unit in group.units]

    def edit(self, start: int, end: int, new: str) -> None:
        old = self.text[start:end]
        first, old_end, new_end = changed(old, new)
        change = TextChange(start + first, old[first:old_end], new[first:new_end])
        text = self.text[:start] + new + self.text[end:]
        self.history = self.history.changed(NAME, [change], text)
        if self.tree is not None:
            self.tree = parse_again(self.tree, text, *changed(self.text, text))
        self.text, self.near = text, start + len(new)

    def write(self, pending: _Pending, new: str) -> None:
        """Make something of an edit's lines."""
        longer = len(new) - len(pending.text)
        self.edit(pending.start, pending.start + len(pending.text), new)
        at = self.left.index(pending)
        pending.text = new
        for each in self.left[at + 1 :]:
            each.start += longer

    def judge(self, proposal: Proposal) -> tuple[_Pending, str] | None:
        """The edit that a proposal makes, or a part of, and the lines then; None where nobody wanted it."""
        for each in self.left:
            end = each.start + len(each.text)
            if not each.done and each.start <= proposal.start and proposal.end <= end:
                new = (
                    each.text[: proposal.start - each.start]
                    + proposal.text
                    + each.text[proposal.end - each.start :]
                )
                if is_nearer(each.text, new, each.unit.new):
                    return each, new
        return None


def played(group: Group, propose: Proposer) -> Played:
    """Type a group with somebody who proposes something after each edit."""
    desk = _Desk(group)
    refused: frozenset[str] = frozenset()
    shown: list[Shown] = []
    times: list[float] = []
    offered: list[bool] = []
    for number, pending in enumerate(desk.typed):
        if number:
            offered.append(pending.done)
        if pending.done:
            continue
        desk.write(pending, pending.unit.new)
        while len(shown) < 1000:
            standing = Standing(group.language, desk.text, desk.tree, desk.history, desk.near, refused)
            began = time.thread_time()
            proposal = next(propose(standing), None)
            times.append(1000 * (time.thread_time() - began))
            if proposal is None:
                break
            wanted = desk.judge(proposal)
            line = desk.text.count("\n", 0, proposal.start) + 1
            shown.append(_shown(proposal, f"{group.name}:{line}", right=wanted is not None))
            if wanted is None:
                refused |= {proposal.pattern}
                break
            desk.write(*wanted)
    keys = sum(_keys(each.old, each.new) for each in group.units)
    return Played(group, tuple(shown), tuple(offered), keys, tuple(times))


def _shown(proposal: Proposal, where: str, *, right: bool) -> Shown:
    keys = _keys(proposal.old, proposal.text) - TAB if right else -ESCAPE
    return Shown(proposal.kind, right, keys, f"{where} {proposal.old!r} → {proposal.text!r}")


def _keys(old: str, new: str) -> int:
    """Keys that making one text of another takes on the spot: one for each character, two to erase."""
    start, old_end, new_end = changed(old, new)
    return new_end - start + min(2, old_end - start)
