"""A completion on its way through the rules of `trim`."""

from __future__ import annotations

import attrs


@attrs.frozen
class DraftText:
    """What is left of a completion so far.

    Attributes:
        text: the text to insert.
        replace_right: code points right of the cursor that it replaces.
        cut_off: whether generation ended in the middle of the last line.
        ended: whether the text still ends where the model itself ended: then its end means something.
        whole_line: whether its last line is known to be whole.
    """

    text: str
    replace_right: int = 0
    cut_off: bool = False
    ended: bool = False
    whole_line: bool = False

    def cut(self, text: str) -> DraftText:
        """The draft with less text: one that no longer ends where the model did."""
        removed = self.text[len(text) :].lstrip(" \t") if self.text.startswith(text) else "…"
        whole = removed[:1] in {"\n", "\r"} or (self.whole_line and not removed)
        return attrs.evolve(self, text=text, cut_off=False, ended=False, whole_line=whole)
