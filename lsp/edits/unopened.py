"""Files of the workspace that nobody has open, as documents in which edits may go on.

The folder's index names the files that mention what a pattern needs; of those the nearest few are read,
one after the other, as they are asked for. Files that must not be read are not read. Not: what is proposed
in them.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from ...context.edits.propose import EditedDocument
from ...context.languages import language_of
from ...context.syntax.tree_work import parse

if TYPE_CHECKING:
    from ..workspace.folders import Folder

MOST_NAMED = 200
"""Files that the index may name for a pattern: what more of them mention is no name of anybody's."""

MOST_READ = 6
"""Files that are read for one search."""

LARGEST_READ = 120_000
"""Code points of a file from which on it is passed over: parsing it would take too long."""


@attrs.frozen
class UnopenedFiles:
    """The files of one folder beside the open ones.

    Attributes:
        folder: the folder, with its index.
        path: the document from which the search starts, relative to the folder.
        language: its identifier.
        opened: the paths of the open documents, relative to the folder.
    """

    folder: Folder
    path: str
    language: str
    opened: Collection[str]

    def mentioning(self, wanted: Sequence[tuple[str, ...]]) -> Iterator[EditedDocument]:
        """The files that mention all words of a wanted group, those nearest to the document first."""
        found: dict[str, None] = {}
        for words in wanted:
            named = list(itertools.islice(self.folder.index.mentioning(words), MOST_NAMED + 1))
            if len(named) <= MOST_NAMED:
                found |= dict.fromkeys(filter(self._is_wanted, named))
        nearest = sorted(found, key=lambda path: (-_in_common(path, self.path), path))
        for path in nearest[:MOST_READ]:
            text = self.folder.read(path)
            if text is not None and len(text) <= LARGEST_READ:
                uri = (self.folder.root / path).as_uri()
                yield EditedDocument(uri, self.language, text, parse(text, self.language), ())

    def _is_wanted(self, path: str) -> bool:
        return path != self.path and path not in self.opened and language_of(path) == self.language


def _in_common(one: str, other: str) -> int:
    """How many folders two paths have in common."""
    pairs = zip(one.split("/")[:-1], other.split("/")[:-1], strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
