"""A document at one instant: what every question in `context/` is asked about.

Immutable, and cheap to make: the text is shared, the tree is shared. It knows no editor and no disk.
"""

from __future__ import annotations

import attrs

from .languages import Language
from .languages import language as described_language
from .syntax import SyntaxTree


@attrs.frozen
class Snapshot:
    """One version of one document.

    Attributes:
        uri: the document's URI, as the editor spells it; "" for a file read from disk.
        path: relative to the workspace, with forward slashes; "" for an untitled document.
        language: the language identifier that the editor sent ("python", "typescriptreact" …).
        text: the whole text, line ends as they are in the document (LF, CRLF or CR).
        version: the editor's version number.
        tree: the syntax tree of exactly this text, or None where there is none.
        tab_width: columns of a tab, as the editor shows it.
    """

    uri: str
    path: str
    language: str
    text: str
    version: int = 0
    tree: SyntaxTree | None = None
    tab_width: int = 4

    @property
    def described(self) -> Language:
        """What is known about the document's language."""
        return described_language(self.language)
