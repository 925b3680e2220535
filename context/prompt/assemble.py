"""The prompt: the window, related code and the file's path, put together.

Pure: everything it needs comes in. The order is the caller's: most stable first, never reshuffled here.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ..shared.values import Prompt, RelatedPart
from ..syntax.snapshot import Snapshot
from .window import Window, window_around


@attrs.frozen
class WindowSettings:
    """How much of the file the model sees.

    Attributes:
        prefix_characters: code points before the cursor, at most.
        suffix_characters: code points after it, at most.
    """

    prefix_characters: int = 6000
    suffix_characters: int = 2000


def assemble(
    snapshot: Snapshot,
    offset: int,
    window_settings: WindowSettings,
    previous: Window | None = None,
    related: Sequence[RelatedPart] = (),
    *,
    repository: str = "",
) -> tuple[Prompt, Window]:
    """The prompt for a cursor, and the window to pass as `previous` next time."""
    seen = window_around(
        snapshot,
        offset,
        window_settings.prefix_characters,
        window_settings.suffix_characters,
        previous,
    )
    prompt = Prompt(seen.prefix, seen.suffix, snapshot.path, snapshot.language, tuple(related), repository)
    return prompt, seen
