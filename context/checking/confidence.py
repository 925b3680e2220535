"""How sure the model is of its own answer: a guess is rarely worth reading.

A pure rule on the log probabilities of a completion. It knows neither the code nor the model; that a
completion parses and its names exist is `ground`'s.
"""

from __future__ import annotations

from ..shared.values import Completion

LEAST = -1.2
"""Mean natural-log probability per token below which nothing is shown: less than about 0.3 a token.

Calibrated with `make quality`: of the suggestions below it, none of a first sample was what the authors had
written, and none of them was missed.
"""


def is_sure(completion: Completion, least: float = LEAST) -> bool:
    """Whether a completion is likely enough, by its model's own account, to be shown.

    Args:
        completion: what the model answered; one without tokens is sure of its silence.
        least: the mean natural-log probability per token that it needs.
    """
    return not completion.logprobs or completion.mean_logprob >= least
