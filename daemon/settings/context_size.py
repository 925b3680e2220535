"""How much the model is shown by the user's settings, on a machine of a certain speed.

Where a window's edges lie, and what is chosen as related code, is `context`'s decision.
"""

from __future__ import annotations

from ...context.prompt.size import ContextSize, context_size
from .settings import CompletionSettings


def size_for(
    completion: CompletionSettings, tokens_per_s: float = 0.0, *, sees_suffix: bool = True
) -> ContextSize:
    """How much the model is shown; see `context.prompt.size.context_size`."""
    wanted = ContextSize(
        completion.prefix_characters, completion.suffix_characters, completion.related_characters
    )
    return context_size(wanted, tokens_per_s, sees_suffix=sees_suffix)
