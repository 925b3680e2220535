"""Prompts as tokens: the layouts of `fim` with markers by id and text tokenised with special tokens off.

Which format a model has is decided in `fim`; where a prompt is anchored, in `anchor`.
"""

from __future__ import annotations

from ..context.values import RelatedPart
from .vocabulary import Vocabulary, to_bytes


class PlainLayout:
    """Models without fill-in-the-middle markers continue the prefix."""

    prefix_is_fixed = False
    sees_suffix = False

    def __init__(self, vocabulary: Vocabulary, beginning: int | None) -> None:
        """`beginning` is the BOS token, or None."""
        self._vocabulary = vocabulary
        self._beginning = beginning

    def head(self, related: tuple[RelatedPart, ...], path: str, repository: str, language: str) -> list[int]:
        """BOS and related code."""
        del path, repository, language
        tokens = [] if self._beginning is None else [self._beginning]
        for part in related:
            tokens += self._vocabulary.encode(to_bytes(part.text))
        return tokens

    def before_tail(self, prefix: str, suffix: str) -> list[int]:
        """Nothing: there are no markers."""
        del prefix, suffix
        return []

    def after_tail(self) -> list[int]:
        """Nothing."""
        return []
