"""How much of a prompt the model sees when all of it would take too long, or would not fit.

Decisions on counts of tokens; the cuts themselves are made by `anchor`. Which cut is taken is decided in
`planner`, by what each would cost.
"""

from __future__ import annotations

import attrs

from ...context.shared.values import Prompt
from ..llama.vocabulary import Vocabulary, to_bytes
from . import anchor as anchors
from .anchor import Cut, PromptLayout

_RESERVE = 64
"""Tokens left free for markers and for what is typed before the next cut."""


@attrs.frozen
class Cuts:
    """Cuts for one model.

    Attributes:
        vocabulary: of the model.
        layout: how its prompts look.
        max_prompt_tokens: longer prompts must be cut.
    """

    vocabulary: Vocabulary
    layout: PromptLayout
    max_prompt_tokens: int

    def whole(self, prompt: Prompt) -> Cut:
        """Everything, or what fits into the model's context for text that needs unusually many tokens."""
        texts = [prompt.prefix, prompt.suffix, *(part.text for part in prompt.related)]
        if sum(len(to_bytes(text)) for text in texts) <= self.max_prompt_tokens - 2 * _RESERVE:
            return Cut()  # no token has less than a byte
        prefix = self._tokens(prompt.prefix)
        suffix = self._tokens(prompt.suffix) if self.layout.sees_suffix else 0
        head = self.layout.fixed(anchors.surroundings(prompt), "", "")
        room = self.max_prompt_tokens - len(head) - _RESERVE
        if prefix + suffix <= room:
            return Cut()
        return _proportional(prompt, prefix, suffix, max(room, self.max_prompt_tokens // 2))

    def tighter(self, prompt: Prompt, room: int) -> Cut:
        """A cut to about `room` tokens, for a prompt that did not come out as short as was estimated."""
        suffix = self._tokens(prompt.suffix) if self.layout.sees_suffix else 0
        return _proportional(prompt, self._tokens(prompt.prefix), suffix, room)

    def shorter(self, prompt: Prompt, cost: int, budget: int) -> list[Cut]:
        """Cuts that may fit into `budget` tokens, the one with the most context first.

        Args:
            prompt: to be cut.
            cost: tokens to evaluate for all of it.
            budget: tokens that may be evaluated.
        """
        cuts: list[Cut] = []
        prefix = self._tokens(prompt.prefix)
        suffix = self._tokens(prompt.suffix) if self.layout.sees_suffix else 0
        if self.layout.prefix_is_fixed and suffix:
            # An edit below the cursor leaves the prefix in the cache: then only the suffix is shortened.
            missing = max(0, cost - suffix)
            if missing < budget // 2:
                share = len(prompt.suffix) * (budget - missing) * 3 // (4 * suffix)
                cuts.append(attrs.evolve(anchors.shorten(prompt, len(prompt.prefix), share), related=True))
        cuts.append(_proportional(prompt, prefix, suffix, budget * 4 // 5))
        return cuts

    def _tokens(self, text: str) -> int:
        return len(self.vocabulary.encode(to_bytes(text)))


def _proportional(prompt: Prompt, prefix: int, suffix: int, room: int) -> Cut:
    """A cut to about `room` tokens, three quarters of them before the cursor."""
    for_suffix = min(suffix, room // 4)
    for_prefix = min(prefix, room - for_suffix)
    return anchors.shorten(
        prompt,
        len(prompt.prefix) * for_prefix // max(1, prefix),
        len(prompt.suffix) * for_suffix // max(1, suffix),
    )
