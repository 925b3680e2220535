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
    """

    text: str
    replace_right: int = 0
    cut_off: bool = False
    ended: bool = False

    def cut(self, text: str) -> DraftText:
        """The draft with less text: one that no longer ends where the model did."""
        return attrs.evolve(self, text=text, cut_off=False, ended=False)
