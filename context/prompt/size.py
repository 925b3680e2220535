"""How much the model is shown: as much as this machine evaluates while somebody rests.

Pure arithmetic on code points, tokens and seconds; how fast the machine is comes in. Where the window's edges
lie is `window`'s, what the related code is `related/`'s.
"""

from __future__ import annotations

import math

import attrs

READ_IN_S = 3.0
"""Seconds of rest after which the model should have read all that it is shown."""

CHARACTERS_PER_TOKEN = 3.2
"""Of code, about: 2.9 to 3.6 in the languages of `make quality`, with the vocabularies at hand."""

STEP = 1.25
"""Sizes differ by this factor: a speed that wavers doesn't move the window, and saved states stay usable."""


@attrs.frozen
class ContextSize:
    """How much the model sees, in code points.

    Attributes:
        prefix: before the cursor, at most.
        suffix: after it, at most.
        related: of related code, at most.
    """

    prefix: int
    suffix: int
    related: int


LARGEST = ContextSize(6000, 2000, 2000)
"""Where the machine is fast, and while its speed is not known."""

SMALLEST = ContextSize(1600, 600, 800)
"""With less the answers are worth little, however long it takes to read this much."""

AUTOMATIC = -1
"""A part that follows the machine."""


def context_size(wanted: ContextSize, tokens_per_s: float = 0.0, *, sees_suffix: bool = True) -> ContextSize:
    """How much the model is shown.

    Args:
        wanted: the user's sizes; `AUTOMATIC` parts are chosen here, the others are taken as they are.
        tokens_per_s: what the machine evaluates of a prompt; 0 when that is not known yet.
        sees_suffix: whether the model is shown what stands behind the cursor.
    """
    largest = attrs.astuple(LARGEST)
    all_of_it = sum(largest) - (0 if sees_suffix else LARGEST.suffix)
    share = tokens_per_s * READ_IN_S * CHARACTERS_PER_TOKEN / all_of_it if tokens_per_s > 0 else 1.0
    stepped = 1.0 if share >= 1 else STEP ** math.floor(math.log(share, STEP))
    automatic = (
        max(least, int(most * stepped)) for least, most in zip(attrs.astuple(SMALLEST), largest, strict=True)
    )
    return ContextSize(
        *(
            chosen if set_ == AUTOMATIC else set_
            for chosen, set_ in zip(automatic, attrs.astuple(wanted), strict=True)
        )
    )
