"""A document at one instant: what every question in `context/` is asked about.

Immutable, and cheap to make: the text is shared, the tree is shared. It knows no editor and no disk.
"""

from __future__ import annotations

import re

import attrs

from ..languages import Language, in_notebooks, inside_another
from ..languages import language as described_language
from ..text.indentation import NOTHING_SAID, TAB_WIDTH, IndentOptions
from .cells import changed, code_of
from .parsing import FIRST_PARSE_MS
from .tree import SyntaxTree
from .tree_work import parse, parse_again


@attrs.frozen
class EmbeddedCode:
    """Code of another language in a document.

    Attributes:
        language, host: the identifiers of the inner and the outer language.
        start, end: from where to where, in code points.
        ends: a regular expression for what ends it in the outer language; "" for nothing of its own.
        strict: whether a defect in it means a mistake.
    """

    language: str
    host: str
    start: int
    end: int
    ends: str = ""
    strict: bool = True

    def end_in(self, text: str) -> int:
        """Where a text that goes on with the code would end it; the text's length where it doesn't."""
        found = re.search(self.ends, text) if self.ends else None
        return len(text) if found is None else found.start()


@attrs.frozen
class Snapshot:
    """One version of one document.

    Attributes:
        uri: the document's URI, as the editor spells it; "" for a file read from disk.
        path: relative to the workspace, with forward slashes; "" for an untitled document.
        language: the language identifier that the editor sent ("python", "typescriptreact" …).
        text: the whole text, line ends as they are in the document (LF, CRLF or CR).
        version: the editor's version number.
        tree: the syntax tree of this text, or None where there is none.
        tab_width: columns of a tab, as the editor shows it.
        sheet: names the text among all that are open: the document's URI, or for cells of a notebook, whose
            text is one, what they share; "" stands for the URI.
        notebook: whether the text is that of a notebook's cells. Then commands of its kernel, which are no
            code, are hidden from the tree by something of the same length.
        editor_indent: what the editor says about indentation.
        project_indent: what the project's .editorconfig says about it.
        embedded: the part of the document that `language` and `tree` are about, where that is the language of
            a part alone; None where it is the document's own.
    """

    uri: str
    path: str
    language: str
    text: str
    version: int = 0
    tree: SyntaxTree | None = None
    tab_width: int = TAB_WIDTH
    sheet: str = ""
    notebook: bool = False
    editor_indent: IndentOptions = NOTHING_SAID
    project_indent: IndentOptions = NOTHING_SAID
    embedded: EmbeddedCode | None = None

    @property
    def file_language(self) -> str:
        """The identifier of the document's own language, whichever one the cursor stands in."""
        return self.language if self.embedded is None else self.embedded.host

    @property
    def described(self) -> Language:
        """What is known about the document's language."""
        if self.embedded is not None:
            return inside_another(self.language)
        return in_notebooks(self.language) if self.notebook else described_language(self.language)

    @property
    def session(self) -> str:
        """What the text is called among all that are open."""
        return self.sheet or self.uri

    def parse(self, text: str, limit_ms: float = FIRST_PARSE_MS) -> SyntaxTree | None:
        """The tree of another text, as if it stood in this document; None where there is none."""
        return parse(self.code(text), self.language, limit_ms)

    def code(self, text: str) -> str:
        """A text as this document's language has to read it, of the same length."""
        return code_of(text, self.described) if self.notebook else text

    def with_text(self, text: str) -> Snapshot:
        """The document with another text, which shares most with the present one."""
        tree, code, embedded = self.tree, self.code(text), self.embedded
        if tree is not None:
            tree = parse_again(tree, code, *changed(tree.text, code))
        if embedded is not None:
            embedded = attrs.evolve(embedded, end=embedded.end + len(text) - len(self.text))
        return attrs.evolve(self, text=text, tree=tree, embedded=embedded)
