"""Makes syntax trees: of a text, and of a text after an edit; at once, or in parts.

It chooses what is parsed and from which earlier tree; how tree-sitter parses within a time limit is
`parsing`'s knowledge, what a tree answers `tree`'s.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import tree_sitter

from ..languages import language
from ..languages.grammars import load_grammar
from .parsing import (
    EDIT_MS,
    FIRST_PARSE_MS,
    FRESH_BELOW,
    MAX_CHARACTERS,
    PARSED_WHOLE,
    ByteParse,
    Region,
    TreeEdit,
    byte_at,
    encoded,
    region_around,
)
from .tree import SyntaxTree


class TreeWork:
    """What has to be done to have a text's tree: in one go, or in parts and in whichever thread.

    Attributes:
        text: the text.
        around: the place that matters; None is all of it.
        tree: its tree, once `run` has returned True; None where none is to be had until the text becomes
            shorter.
        spent_ms: processor time that parsing took so far.
    """

    def __init__(
        self,
        text: str,
        language_id: str,
        *,
        base: SyntaxTree | None = None,
        edit: TreeEdit | None = None,
        around: int | None = None,
        limit_ms: float | None = None,
    ) -> None:
        """Plan it; nothing is parsed yet.

        Args:
            text: the text.
            language_id: the language.
            base: the tree of an earlier text.
            edit: what happened to that text since; no tree is taken up again without it.
            around: the place that matters, in code points: of a text larger than `WHOLE` only the region
                around it is parsed. None has the whole text parsed.
            limit_ms: processor time that parsing may take in all; None leaves that to the kind of work.
        """
        self.text = text
        self.tree: SyntaxTree | None = None
        self.spent_ms = 0.0
        self._language = language(language_id)
        self._base = base
        self._edit = edit
        self.around = around
        self._limit_ms = limit_ms
        self._left_ms = 0.0
        self._steps = self._parses()
        self._parse: ByteParse | None = None

    @property
    def follows(self) -> bool:
        """Whether it continues from an earlier tree; if that fails, the text may still be parsed afresh."""
        return self._base is not None and self._edit is not None

    def run(self, limit_ms: float = float("inf")) -> bool:
        """Work for at most `limit_ms` ms of this thread's processor time. Returns whether it is finished."""
        until = time.thread_time() + limit_ms / 1000
        while True:
            self._parse = parse = self._parse or next(self._steps, None)
            if parse is None:
                return True
            began = time.thread_time()
            done = parse.run(max(0.0, min(self._left_ms, 1000 * (until - began))))
            spent_ms = 1000 * (time.thread_time() - began)
            self.spent_ms += spent_ms
            self._left_ms -= spent_ms
            if not done and self._left_ms > 0:
                return False
            self._parse = None

    def _parses(self) -> Iterator[ByteParse]:
        """One parse after another; each is done, or out of time, when the next is asked for."""
        grammar, text = load_grammar(self._language.grammar), self.text
        if grammar is None or len(text) > MAX_CHARACTERS:
            return
        data = encoded(text)
        old, region = self._followed(data)
        within = None if region is None else (byte_at(text, region.start), byte_at(text, region.end))
        self._left_ms = self._limit_ms or (FIRST_PARSE_MS if old is None else EDIT_MS)
        parse = ByteParse(grammar, data, old, within)
        yield parse
        tree = parse.tree
        if old is not None and tree is not None and tree.root_node.has_error and len(data) <= FRESH_BELOW:
            fresh = ByteParse(grammar, data, None, within)
            yield fresh
            tree = fresh.tree or tree
        if tree is not None:
            self.tree = SyntaxTree(self._language, text, data, tree, region)

    def _followed(self, data: bytes) -> tuple[tree_sitter.Tree | None, Region | None]:
        """The earlier tree, told of the edit, or None where it is of no use; and the region to parse."""
        base, edit, around, length = self._base, self._edit, self.around, len(self.text)
        if base is not None and edit is not None and base.language == self._language:
            region = base.region and base.region.moved(edit)
            if region is not None:
                useful = around is None or region.serves(around, length)
            else:
                useful = base.region is None and (around is None or length <= 2 * PARSED_WHOLE)
            if useful:
                return base.told_of(edit, self.text, data), region
        return None, None if around is None or length <= PARSED_WHOLE else region_around(self.text, around)


def parse(text: str, language_id: str, limit_ms: float = FIRST_PARSE_MS) -> SyntaxTree | None:
    """Parse a text.

    Returns None where there is no grammar for the language, the text is larger than `MAX_CHARACTERS`, or
    parsing took longer than `limit_ms` of processor time. Asking again for the same text would give the same
    answer: don't, until the document has become smaller.
    """
    work = TreeWork(text, language_id, limit_ms=limit_ms)
    work.run()
    return work.tree


def parse_again(
    tree: SyntaxTree,
    new_text: str,
    start: int,
    old_end: int,
    new_end: int,
    *,
    limit_ms: float = EDIT_MS,
) -> SyntaxTree | None:
    """The tree of a text after one edit.

    `new_text` is the tree's text with `text[start:old_end]` replaced by `new_text[start:new_end]`; all
    offsets are code points. Several edits between two parses may be given as one that covers them.

    tree-sitter's error recovery can depend on the history of edits. Small texts with defects are
    therefore parsed afresh, which makes the result equal to that of `parse`; in large ones it may differ
    within the defects, and nowhere when there are none.

    Returns None when the text has become too large or parsing took longer than `limit_ms`.
    """
    edit = TreeEdit(start, old_end, new_end)
    work = TreeWork(new_text, tree.language.id, base=tree, edit=edit, limit_ms=limit_ms)
    work.run()
    return work.tree
