"""How many drafted tokens to verify: expected tokens per millisecond decide, down to none at all.

Verifying k drafted tokens takes one batch of k+1. What batches cost is known from `foretype tune` or from
the engine's own steps; how likely each token is comes from `acceptance`. The choice is a pure function
of both. Where drafts come from is `drafts`' business.

The trade is that of Leviathan et al. 2023, section 3.3, with measured batch costs in place of a constant.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

_MARGIN = 1.1
"""Gain in tokens per ms that a draft must promise: estimates err, and plain decoding never does."""

CAUTION = 6.0
"""How much more a loss weighs than its probability says, because estimates for a new session may be wrong."""


@attrs.frozen
class DraftChoice:
    """A draft length.

    Attributes:
        length: drafted tokens to verify; 0 for plain decoding.
        gain: expected tokens per ms, in units of plain decoding.
    """

    length: int
    gain: float


def best_length(
    first: float,
    following: float,
    available: int,
    ratios: Sequence[float],
    *,
    draft_cost: float = 0.0,
    risk: float = float("inf"),
) -> DraftChoice:
    """`draft_length`, where all tokens but the first are equally likely.

    Args:
        first: probability that the first drafted token is right.
        following: probability that each further one is, given that those before it were.
        available: tokens that the draft has.
        ratios: see `draft_length`.
        draft_cost: see `draft_length`.
        risk: see `draft_length`.
    """
    chances = [first, *[following] * (available - 1)] if available > 0 else []
    return draft_length(chances, ratios, draft_cost=draft_cost, risk=risk)


def draft_length(
    chances: Sequence[float],
    ratios: Sequence[float],
    *,
    draft_cost: float = 0.0,
    risk: float = float("inf"),
) -> DraftChoice:
    """The number of drafted tokens that promises most tokens per ms.

    Args:
        chances: for each token of the draft the probability that it is right, given that those before it are.
        ratios: see `CostCurve.ratios`.
        draft_cost: of making one drafted token, in units of a batch of one.
        risk: what may be lost, in units of a batch of one: at most the cost of a batch of which nothing comes
            true, and `CAUTION` times the loss to be expected from a wrong first token; see `Purse`.

    Returns:
        Length 0 unless the gain is at least `MARGIN`.
    """
    best, gain = 0, _MARGIN
    expected, alive = 1.0, 1.0
    for length, likely in enumerate(chances[: len(ratios) - 1], 1):
        alive *= likely
        expected += alive
        cost = ratios[length] + length * draft_cost
        now = expected / cost
        loss = cost - 1
        if now > gain and loss <= risk and CAUTION * (1 - chances[0]) * loss <= risk:
            best, gain = length, now
    return DraftChoice(best, gain if best else 1.0)


ALLOWED_LOSS = 0.008
"""The part of decoding time that wrong drafts may cost in the long run."""

STAKE = 2.0
"""What a new session may lose, in plain steps: with `ALLOWED_LOSS` 3 % of 91 tokens."""

FULL = 6.0
"""What a session can save up, in plain steps."""


@attrs.define
class Purse:
    """What drafts may lose: they earn it themselves, and a little with every token.

    Estimates err most where little is known yet, and a wrong one keeps the user waiting. So a session
    begins with a small stake; while its drafts come true the purse fills, and no batch is tried that would
    cost more than it holds. So however wrong the estimates are, a session never loses more than its stake
    and `ALLOWED_LOSS` of what it decodes, as far as batches cost what they are expected to; what they took
    longer is owed and has to be earned first. State: what it holds.

    Attributes:
        held_ms: in measured ms, negative while it owes; None before the first step.
    """

    held_ms: float | None = None

    def risk(self, step_ms: float) -> float:
        """What may be lost now, in plain steps of so many ms."""
        return STAKE if self.held_ms is None or step_ms <= 0 else self.held_ms / step_ms

    def settle(self, tokens: int, spent_ms: float, step_ms: float) -> None:
        """A batch took so many ms and yielded so many tokens, of which a plain step takes `step_ms`."""
        held = STAKE * step_ms if self.held_ms is None else self.held_ms
        self.held_ms = min(FULL * step_ms, held + tokens * (1 + ALLOWED_LOSS) * step_ms - spent_ms)
