"""A prompt's pieces as servers take them: one text, or ids and texts of which none holds a marker.

What the pieces are is `text_prompt`'s decision, what looks like a marker `escaping`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..prompts.layout import Marker, PromptPiece, Text
from .escaping import broken_up, holds_marker, parts


def one_text(pieces: Iterable[PromptPiece], own: tuple[str, ...]) -> str:
    """All pieces as one text, markers spelled out; what the user wrote holds none."""
    return "".join(
        marker_text(piece) if isinstance(piece, Marker) else broken_up(piece.text, own) for piece in pieces
    )


def ids_and_texts(pieces: Iterable[PromptPiece], own: tuple[str, ...]) -> list[int | str]:
    """Markers by id, and between them texts none of which holds a marker."""
    row: list[int | str] = []
    for piece in pieces:
        row += [piece.id] if isinstance(piece, Marker) else parts(piece.text, own)
    return row


def imitates_markers(pieces: Iterable[PromptPiece], own: tuple[str, ...]) -> bool:
    """Whether something that the user wrote is spelled like a marker."""
    return any(isinstance(piece, Text) and holds_marker(piece.text, own) for piece in pieces)


def marker_text(marker: Marker) -> str:
    """How a server finds a marker in text; SentencePiece writes a blank in front as U+2581."""
    return f" {marker.text[1:]}" if marker.text.startswith("▁") else marker.text
