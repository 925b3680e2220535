"""Who decides how a text is indented: the block at hand, the editor, the file, the project, the language.

Pure, like everything here: what the editor says comes with a request, what the project's .editorconfig says
was read by somebody else. How an answer is brought into that style is `reindent`'s knowledge.
"""

from __future__ import annotations

import attrs

from ..languages import BlockStyle
from .lines import IndentStyle, Seen, indent_of, line_end, line_start, next_code_line, seen_around

TAB_WIDTH = 4
"""Columns of a tab where nobody says how many."""

_CLEARLY = 10
"""This number of lines indented one way, and none the other, shows how the file is indented."""

_SURELY = 5
"""A step that was seen so often is the file's."""

_FILLED_WIDTH = 8


@attrs.frozen
class IndentOptions:
    """What somebody says about a document's indentation.

    Attributes:
        blanks: whether it is indented with blanks rather than tabs; None where that isn't said.
        size: columns of one step; 0 where that isn't said.
        tab_width: columns of a tab; 0 where that isn't said.
    """

    blanks: bool | None = None
    size: int = 0
    tab_width: int = 0


NOTHING_SAID = IndentOptions()


def decide_style(
    text: str,
    offset: int,
    layout: BlockStyle,
    *,
    editor: IndentOptions = NOTHING_SAID,
    project: IndentOptions = NOTHING_SAID,
    tab_width: int = TAB_WIDTH,
) -> IndentStyle:
    """How to indent at `offset`.

    Tab or blanks is decided by the first of these that applies:

    1. the language, where it knows only one of them: YAML has no tabs, a Makefile's recipes nothing else;
    2. the block at hand: the cursor's own line if it is indented, else the line that its block goes on with.
       Tabs and blanks are never mixed within one block, whatever comes below;
    3. the editor's `formattingOptions`, unless the file around is clearly indented the other way, with many
       lines and no exception: then they are the editor's default and say nothing about this file;
    4. the lines around, else the beginning of the file;
    5. .editorconfig;
    6. what the language is used to.

    The size of a step of blanks follows the same order from 3 on; there, what the file shows counts as clear
    where one step is seen often and others rarely.

    Args:
        text: the document.
        offset: the cursor, in code points.
        layout: the language's.
        editor: what came with the request.
        project: what .editorconfig says.
        tab_width: columns of a tab where neither says so.
    """
    seen = seen_around(text, offset)
    tab_width = editor.tab_width or project.tab_width or tab_width
    if seen.filled and not layout.only and editor.blanks is not True:
        return IndentStyle(" " * seen.step, _FILLED_WIDTH, filled=True)
    told = _contradicted(editor, seen)
    shown = seen.unit == "\t" if seen.unit else None
    if layout.unit == "\t" and "\n\t" in text:
        shown = True  # lines of blanks in such a file are a long string's
    wishes = (
        layout.only == "tabs" if layout.only else None,
        _tabs_at_hand(text, offset),
        None if told.blanks is None else not told.blanks,
        shown,
        None if project.blanks is None else not project.blanks,
    )
    tabs = next((wish for wish in wishes if wish is not None), layout.unit == "\t")
    if tabs:
        known = any(wish is not None for wish in wishes)
        return IndentStyle("\t", tab_width, known, mixed=seen.blanks > 0 or bool(layout.only))
    sizes = (
        told.size if told.blanks is not False else 0,
        seen.step,
        _step_at_hand(text, offset),
        project.size if project.blanks is not False else 0,
    )
    size = next((size for size in sizes if size), 0)
    usual = layout.unit if layout.unit != "\t" else " " * TAB_WIDTH
    mixed = seen.tabs > 0
    width = _FILLED_WIDTH if mixed else max(tab_width, size or len(usual))
    rivals = seen.rivals if size == seen.step else ()
    return IndentStyle(" " * size or usual, width, bool(size), mixed=mixed, rivals=rivals)


def _contradicted(editor: IndentOptions, seen: Seen) -> IndentOptions:
    """What the editor says, without what the file clearly contradicts."""
    if editor.blanks is True and seen.tabs >= _CLEARLY and not seen.blanks:
        return NOTHING_SAID
    if editor.blanks is False and seen.blanks >= _CLEARLY and not seen.tabs:
        return NOTHING_SAID
    sure = seen.votes >= _SURELY and seen.votes >= 2 * seen.others
    if editor.blanks and sure and seen.step != editor.size and not seen.tabs:
        return attrs.evolve(editor, size=0)
    return editor


def _step_at_hand(text: str, offset: int) -> int:
    """How much deeper than the line above the cursor's line is, in blanks, where it holds nothing else."""
    start = line_start(text, offset)
    line, above = text[start : line_end(text, offset)], text[line_start(text, max(start - 1, 0)) : start]
    return 0 if line.strip() or not above.strip() else max(len(line) - len(indent_of(above)), 0)


def _tabs_at_hand(text: str, offset: int) -> bool | None:
    """Whether the block at hand is indented with tabs; None where it shows no indentation yet."""
    start = line_start(text, offset)
    line = text[start : line_end(text, offset)]
    own = indent_of(line)
    if "\t" in own or len(own) > 1:
        return "\t" in own
    if own:
        return None
    inside = indent_of(next_code_line(text, offset))
    if not inside and not line.strip() and start:
        above = text[line_start(text, start - 1) : start]
        inside = indent_of(above) if above.strip() else ""
    return "\t" in inside if "\t" in inside or len(inside) > 1 else None
