"""Source with edits marked in it: `⟦old→new⟧`, made one after the other, from the first to the last.

What is typed reaches the history as an editor sends it: the characters that differ.
"""

from __future__ import annotations

import re

from foretype.context.edits.history import EditHistory, TextChange
from foretype.context.edits.propose import EditedDocument, Proposal, proposals
from foretype.context.syntax.cells import changed
from foretype.context.syntax.tree_work import parse

NAME = "file:///edited"
MOST = 60
_MARK = re.compile("⟦(.*?)→(.*?)⟧", re.DOTALL)


class EditedText:
    """A document that is edited. State: its text, what was done to it, and where the last edit ended."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self.language = language
        self.history = EditHistory()
        self.near = 0

    @classmethod
    def marked(cls, source: str, language: str) -> EditedText:
        """A document in which the marked edits were made."""
        found = cls(_MARK.sub(lambda match: match[1], source), language)
        moved = 0
        for match in _MARK.finditer(source):
            start = match.start() + moved
            found.edit(start, start + len(match[1]), match[2])
            moved += len(match[2]) - len(match.group())
        return found

    def edit(self, start: int, end: int, new: str) -> None:
        """Replace what stands between two places."""
        old = self.text[start:end]
        first, old_end, new_end = changed(old, new)
        change = TextChange(start + first, old[first:old_end], new[first:new_end])
        self.text = self.text[:start] + new + self.text[end:]
        self.history = self.history.changed(NAME, [change], self.text)
        self.near = start + len(new)

    def document(self) -> EditedDocument:
        """It as it is now, with its tree."""
        tree = parse(self.text, self.language)
        return EditedDocument(NAME, self.language, self.text, tree, self.history.of(NAME))

    def proposals(self) -> list[Proposal]:
        """What is proposed now, in order."""
        return list(proposals(self.document(), self.near))

    def take(self, proposal: Proposal) -> None:
        """Accept a proposal."""
        assert self.text[proposal.start : proposal.end] == proposal.old
        self.edit(proposal.start, proposal.end, proposal.text)

    def take_all(self) -> str:
        """Accept the first proposal, then what is first then, and so on; returns the text."""
        for _ in range(MOST):
            found = self.proposals()
            if not found:
                return self.text
            self.take(found[0])
        raise AssertionError(f"after {MOST} proposals there are still more: {self.proposals()[0]}")
