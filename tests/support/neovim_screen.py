"""A screen for Neovim: what a user would see, cell by cell, with ghost text and next edits marked.

Follows the `ext_linegrid` events of Neovim's UI protocol; only one grid, no windows of its own. Cells in the
colour of ghost text or of an edit are found by their foreground, so a test's colours must give that one to
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

GHOST_COLOUR = 0x123456

ADDED_COLOUR, DELETED_COLOUR = 0x123457, 0x123458
"""What a next edit inserts, and what it deletes."""

_MARKS = {GHOST_COLOUR: ("⟦", "⟧"), ADDED_COLOUR: ("{+", "+}"), DELETED_COLOUR: ("[-", "-]")}
"""What stands before and behind text in a colour."""

_NOTHING = ("", "")


@attrs.define
class Cell:
    """One cell: its text ("" right of a wide character) and the number of its highlight."""

    text: str = " "
    highlight: int = 0


class Screen:
    """Its state: the cells, what highlights mean, where the cursor is, and every frame that was shown."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.cursor = (0, 0)
        self.frames: list[str] = []
        self._cells = [[Cell() for _ in range(columns)] for _ in range(rows)]
        self._marked: dict[int, tuple[str, str]] = {}
        self._handlers: dict[str, Callable[..., None]] = {
            "grid_resize": self._resize,
            "grid_clear": self._clear,
            "grid_line": self._line,
            "grid_scroll": self._scroll,
            "grid_cursor_goto": self._goto,
            "hl_attr_define": self._define,
            "flush": self._flush,
        }

    def redraw(self, batches: list[Any]) -> None:
        """Take one `redraw` notification."""
        for name, *calls in batches:
            handler = self._handlers.get(name)
            if handler is not None:
                for arguments in calls:
                    handler(*arguments)

    def text(self) -> str:
        """The screen's lines without trailing blanks; ghost text stands between ⟦ and ⟧, and what
        a next edit inserts and deletes as wdiff writes it."""
        return "\n".join(self._render(row) for row in range(self.rows)).rstrip("\n")

    def row(self, number: int) -> str:
        """One line, as in `text`."""
        return self._render(number)

    def _render(self, row: int) -> str:
        parts: list[str] = []
        around = _NOTHING
        for cell in self._cells[row]:
            mark = self._marked.get(cell.highlight, _NOTHING)
            if mark != around:
                parts.extend((around[1], mark[0]))
                around = mark
            parts.append(cell.text)
        return "".join((*parts, around[1])).rstrip()

    def _resize(self, _grid: int, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._cells = [[Cell() for _ in range(columns)] for _ in range(rows)]

    def _clear(self, _grid: int) -> None:
        self._cells = [[Cell() for _ in range(self.columns)] for _ in range(self.rows)]

    def _line(self, _grid: int, row: int, column: int, cells: list[list[Any]], _wrap: bool = False) -> None:
        highlight = 0
        for text, *more in cells:
            highlight = more[0] if more else highlight
            for _ in range(more[1] if len(more) > 1 else 1):
                self._cells[row][column] = Cell(text, highlight)
                column += 1

    def _scroll(
        self, _grid: int, top: int, bottom: int, left: int, right: int, by: int, _columns: int
    ) -> None:
        rows = range(top, bottom - by) if by > 0 else range(bottom - 1, top - by - 1, -1)
        for row in rows:
            self._cells[row][left:right] = [attrs.evolve(cell) for cell in self._cells[row + by][left:right]]

    def _goto(self, _grid: int, row: int, column: int) -> None:
        self.cursor = (row, column)

    def _define(self, number: int, rgb: dict[str, Any], _cterm: Any, _info: Any) -> None:
        mark = _MARKS.get(rgb.get("foreground", -1))
        if mark is not None:
            self._marked[number] = mark
        else:
            self._marked.pop(number, None)

    def _flush(self) -> None:
        self.frames.append(self.text())
