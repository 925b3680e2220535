"""The prompt: the window, related code and the file's path, put together.

Pure: everything it needs comes in. The order is the caller's: most stable first, never reshuffled here.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..shared.values import Prompt, RelatedPart
from ..syntax.snapshot import Snapshot
from .size import ContextSize
from .window import Window, window_around


def assemble(
    snapshot: Snapshot,
    offset: int,
    size: ContextSize,
    previous: Window | None = None,
    related: Sequence[RelatedPart] = (),
    *,
    repository: str = "",
) -> tuple[Prompt, Window]:
    """The prompt for a cursor, and the window to pass as `previous` next time.

    Of `size` the window's two parts count here; how much related code there is was decided by who chose it.
    """
    seen = window_around(snapshot, offset, size.prefix, size.suffix, previous)
    prompt = Prompt(
        seen.prefix, seen.suffix, snapshot.path, snapshot.file_language, tuple(related), repository
    )
    return prompt, seen
