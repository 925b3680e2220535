"""Prompts as tokens: the pieces of `layout` with markers by id and texts tokenised with special tokens off.

Which format a model has is decided in `formats`, what its prompts consist of in `layout`, where a prompt is
anchored in `anchor`. State: the tokens of the last texts, because a head or a suffix comes back often.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...context.shared.values import Prompt
from ..llama.vocabulary import Vocabulary, to_bytes
from .edit_formats import EditRecognition
from .formats import Recognition
from .layout import Marker, PromptPiece, SuffixFirst, Surroundings, body_psm, body_spm, head
from .rewriting import rewrite_pieces

_REMEMBERED = 32


class PromptTokens:
    """One model's layout; implements `anchor.PromptLayout`."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        recognition: Recognition,
        beginning: int | None,
        edits: EditRecognition | None = None,
    ) -> None:
        """Bind a format to a vocabulary.

        Args:
            vocabulary: of the model.
            recognition: its format, with the ids of the markers.
            beginning: the BOS token that every prompt begins with, or None.
            edits: the format in which lines are written anew, where the model was trained for it.
        """
        self._vocabulary = vocabulary
        self._recognition = recognition
        self._edits = edits
        self._beginning = [] if beginning is None else [beginning]
        self._remembered: dict[tuple[str, bool], list[int]] = {}

    @property
    def prefix_is_fixed(self) -> bool:
        """See `anchor.PromptLayout`."""
        return self._recognition.format.order == "psm"

    @property
    def sees_suffix(self) -> bool:
        """See `anchor.PromptLayout`."""
        return self._recognition.format.order != "plain"

    def tail_begins(self, fixed: list[int]) -> bool:
        """See `anchor.PromptLayout`."""
        return not fixed or (not self.prefix_is_fixed and self._recognition.format.prefix_begins)

    def fixed(self, around: Surroundings, prefix: str, suffix: str) -> list[int]:
        """See `anchor.PromptLayout`."""
        if around.rewrite is not None and self._edits is not None:
            return self._beginning + self._rewriting(around, self._edits)
        pieces = head(self._recognition, around)
        if self.prefix_is_fixed:
            pieces += body_psm(self._recognition, prefix, suffix, around)
        elif self.sees_suffix:
            pieces += body_spm(self._recognition, suffix, around).before
        return self._beginning + self._tokens(pieces)

    def _rewriting(self, around: Surroundings, edits: EditRecognition) -> list[int]:
        """The tokens of a prompt for lines to be written anew, but for those that `after_tail` adds."""
        prompt = Prompt("", path=around.path, related=around.related, rewrite=around.rewrite)
        tokens, rest = self._tokens(rewrite_pieces(edits, prompt)), self.after_tail()
        return tokens[: len(tokens) - len(rest)] if rest and tokens[-len(rest) :] == rest else tokens

    def after_tail(self) -> list[int]:
        """See `anchor.PromptLayout`."""
        if self.prefix_is_fixed or not self.sees_suffix:
            return []
        rest: SuffixFirst = body_spm(self._recognition, "")
        return self._tokens(rest.after)

    def _tokens(self, pieces: Iterable[PromptPiece]) -> list[int]:
        tokens: list[int] = []
        for piece in pieces:
            if isinstance(piece, Marker):
                tokens.append(piece.id)
            else:
                tokens += self._encode(piece.text, continues=piece.continues and bool(tokens))
        return tokens

    def _encode(self, text: str, *, continues: bool) -> list[int]:
        key = (text, continues)
        known = self._remembered.pop(key, None)
        if known is None:
            encode = self._vocabulary.encode_continuation if continues else self._vocabulary.encode
            known = encode(to_bytes(text))
        self._remembered[key] = known
        while len(self._remembered) > _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        return known
