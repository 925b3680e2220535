"""The greedy choices that stay in a sequence's cells, so that a later request need not make them again.

What a request may take over of them is decided in `decoding.loop`.
"""

from __future__ import annotations

import attrs

from ..llama.likelihood import Likelihood


@attrs.define
class Track:
    """The greedy choices that a generation left behind in a sequence.

    Attributes:
        start: index of the first chosen token.
        required: bytes that the choices had to spell (token healing), from `start` on. No other bound was
            set to them: what a `Restriction` made the model say is no choice of this kind.
        likelihoods: of each chosen token, `choice` included.
        choice: the token chosen after the last cached one, not evaluated; None when unknown.
    """

    start: int
    required: bytes
    likelihoods: list[Likelihood] = attrs.field(factory=list[Likelihood])
    choice: int | None = None

    def within(self, length: int) -> Track | None:
        """This track without the choices behind the first `length` tokens; None where it begins there."""
        kept = length - self.start
        if kept < 0:
            return None
        if len(self.likelihoods) > kept:
            self.choice = None
            del self.likelihoods[kept:]
        return self
