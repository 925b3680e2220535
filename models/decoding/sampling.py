"""How one token is drawn where the temperature is above 0: among the best ones, by their probability.

The greedy choice is `likelihood.best`; which tokens are allowed is `loop`'s business.
"""

from __future__ import annotations

import attrs
import numpy as np

from ..llama.likelihood import Logits, NoNumbersError
from ..llama.vocabulary import Ids


@attrs.frozen
class Sampling:
    """How a token is chosen. Temperature 0 is greedy.

    Attributes:
        temperature: divides the logits before sampling.
        seed: makes sampling repeatable.
        top_k: sampling looks at this many best tokens.
    """

    temperature: float = 0.0
    seed: int = 0
    top_k: int = 40


def sample_token(logits: Logits, allowed: Ids | None, sampling: Sampling, random: np.random.Generator) -> int:
    """Draw one token from the `top_k` best of `allowed` (None: all), at a temperature.

    Raises:
        NoNumbersError: among these logits is one that is no number, or nothing but minus infinity.
    """
    values = logits if allowed is None else logits[allowed]
    count = min(sampling.top_k, len(values))
    highest = np.argpartition(values, len(values) - count)[len(values) - count :]  # NaN counts as highest
    scaled = values[highest].astype(np.float64) / sampling.temperature
    if not np.isfinite(scaled.max()):
        raise NoNumbersError
    weights = np.exp(scaled - scaled.max())
    drawn = int(highest[int(random.choice(len(highest), p=weights / weights.sum()))])
    return drawn if allowed is None else int(allowed[drawn])
