"""A completion on its way through the rules of `trim`."""

from __future__ import annotations

import attrs


@attrs.frozen
class Draft:
    """What is left of a completion so far.

    Attributes:
        text: the text to insert.
        replace_right: code points right of the cursor that it replaces.
        cut_off: whether generation ended in the middle of the last line.
    """

    text: str
    replace_right: int = 0
    cut_off: bool = False
