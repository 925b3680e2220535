"""A layout whose tokens can be read back, with the starcoder vocabulary's markers."""

from __future__ import annotations

import attrs
from foretype.models.llama.vocabulary import Vocabulary, to_bytes
from foretype.models.prompts.layout import Surroundings

PREFIX, SUFFIX, MIDDLE, NAME = 1, 3, 2, 5


@attrs.frozen
class MarkedLayout:
    """Implements `anchor.PromptLayout`.

    Attributes:
        vocabulary: starcoder's.
        order: "psm", "spm" or "plain".
    """

    vocabulary: Vocabulary
    order: str

    @property
    def prefix_is_fixed(self) -> bool:
        """See `anchor.PromptLayout`."""
        return self.order == "psm"

    @property
    def sees_suffix(self) -> bool:
        """See `anchor.PromptLayout`."""
        return self.order != "plain"

    def tail_begins(self, fixed: list[int]) -> bool:
        """See `anchor.PromptLayout`."""
        return not fixed

    def fixed(self, around: Surroundings, prefix: str, suffix: str) -> list[int]:
        """See `anchor.PromptLayout`."""
        encode = self.vocabulary.encode
        tokens = [NAME, *encode(to_bytes(around.path))]
        for part in around.related:
            tokens += encode(to_bytes(part.text))
        if self.order == "psm":
            return [*tokens, PREFIX, *encode(to_bytes(prefix)), SUFFIX, *encode(to_bytes(suffix)), MIDDLE]
        return [*tokens, SUFFIX, *encode(to_bytes(suffix)), PREFIX] if self.order == "spm" else tokens

    def after_tail(self) -> list[int]:
        """See `anchor.PromptLayout`."""
        return [MIDDLE] if self.order == "spm" else []
