"""How likely a chosen token was among the tokens that were allowed, now and when less is allowed.

While bytes are required (token healing), what the user has typed is not for the model to doubt: a token's
probability is its share of the tokens that spell it. A choice that is kept for later requests keeps its best
rivals, so that its share among fewer of them can be said without computing logits again.

It knows no vocabulary: which tokens are allowed, and whether the best one is taken, is said by the caller.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import numpy.typing as npt

from .vocabulary import Ids

Logits = npt.NDArray[np.float32]
"""What a model says of every token of its vocabulary, shape (vocabulary size,)."""

_RIVALS = 256
_FAR_BEHIND = 10.0
"""Nats behind the best from which a token is no rival: it is less than 0.00005 times as probable."""


class NoNumbersError(Exception):
    """Logits are not numbers (NaN, infinite): the cells that they were computed from are worth nothing."""


def best(logits: Logits, allowed: Ids | None = None) -> int:
    """The token with the highest logit among `allowed` (None: the whole vocabulary).

    Raises:
        NoNumbersError: among these logits is one that is no number, or nothing but minus infinity.
    """
    values = logits if allowed is None else logits[allowed]
    at = int(values.argmax())  # NaN counts as the highest
    if not np.isfinite(values[at]):
        raise NoNumbersError
    return at if allowed is None else int(allowed[at])


@attrs.frozen(eq=False)
class Likelihood:
    """The likelihood of one choice.

    Attributes:
        logprob: natural-log probability of the token among the allowed ones.
        required: the bytes that had to be spelled when it was chosen.
        token: what was chosen.
        rivals: the most probable of the allowed tokens, the chosen one left out, shape (n,), n at most 256.
        shares: their probabilities, shape (n,).
        allowed: how many tokens were allowed.
    """

    logprob: float
    required: bytes
    token: int
    rivals: Ids
    shares: npt.NDArray[np.float32]
    allowed: int

    @classmethod
    def of(cls, logits: Logits, token: int, allowed: Ids | None = None, required: bytes = b"") -> Likelihood:
        """The likelihood of `token` among `allowed` (None: the whole vocabulary)."""
        values = logits if allowed is None else logits[allowed]
        behind = values - values.max()
        odds = np.exp(behind)
        total = odds.sum()
        near = np.flatnonzero(behind > -_FAR_BEHIND)
        if len(near) > _RIVALS:
            near = near[np.argpartition(odds[near], len(near) - _RIVALS)[len(near) - _RIVALS :]]
        rivals = near if allowed is None else allowed[near]
        others = rivals != token
        return cls(
            float(logits[token] - values.max() - np.log(total)),
            required,
            token,
            rivals[others],
            odds[near][others] / total,
            len(values),
        )

    def among(self, is_allowed: Callable[[int], bool], allowed: int) -> float:
        """The natural-log probability of the token where fewer tokens are allowed, itself among them.

        Exact up to the tokens that are no rivals: of their probability as many shares count as are allowed.

        Args:
            is_allowed: whether a token is allowed now.
            allowed: how many are.
        """
        own = float(np.exp(self.logprob))
        left = [
            float(share)
            for rival, share in zip(self.rivals, self.shares, strict=True)
            if is_allowed(int(rival))
        ]
        unlisted = self.allowed - 1 - len(self.rivals)
        rest = max(0.0, 1.0 - own - float(self.shares.sum()))
        of_rest = min(1.0, max(0, allowed - 1 - len(left)) / unlisted) if unlisted > 0 else 0.0
        return min(0.0, self.logprob - float(np.log(own + sum(left) + rest * of_rest)))


def log_probability(logits: Logits, token: int) -> float:
    """Natural-log probability of `token` under the softmax of `logits`."""
    top = logits.max()
    return float(logits[token] - top - np.log(np.exp(logits - top).sum()))
