"""How sure the model is of its own answer, and up to where: a guess is rarely worth reading.

Pure rules on the log probabilities of a completion. They know neither the code nor the model; that a
completion parses and its names exist is `ground`'s, and where a text may end is `endings`'s.

A text is right up to a token's end where every token up to there is what the author would have written. So
its chance is a product: one factor a token, which follows from what the model itself thought of that token.
"""

from __future__ import annotations

import enum
import math

import attrs

from ..shared.values import Completion, StopReason

LEAST = -1.2
"""Mean natural-log probability per token below which nothing is shown: less than about 0.3 a token.

It decides only where a completion doesn't say where its tokens end. Calibrated with `make quality`: of the
suggestions below it, none of a first sample was what the authors had written, and none of them was missed.
"""

_SMALLEST = 1e-4
"""Probabilities count as at least this, and at most as 1 less this: beyond it they say nothing more."""

_LINE_ENDS = ("\n", "\r")


class Kind(enum.StrEnum):
    """What a completion is asked for."""

    REST = "rest"  # of a line
    LINE = "line"  # a whole line
    BLOCK = "block"  # lines


@attrs.frozen
class Prices:
    """What there is to win and to lose, in characters that nobody has to type.

    Chosen with `python -m foretype.tests.quality.calibration`, on the half of the files rules are made on:
    of the prices at which no line is lost there that was exact, the one that saves the most.

    Attributes:
        wrong: what reading one wrong character costs.
        finished: what the right end of a line is worth: nobody has to look, or ask, for the rest.
    """

    wrong: float = 0.05
    finished: float = 5.0


PRICES = Prices()


@attrs.frozen
class Weights:
    """What a token's own probability is worth: the chance is the logistic function of a sum of these.

    Attributes:
        base: of any token.
        own: times the log odds of its probability; above 0, so that what is more certain is never less so.
        line_end: what is added for a token that ends a line.
        kinds: what is added for each kind of completion.
    """

    base: float
    own: float
    line_end: float
    kinds: dict[Kind, float]

    def chance(self, logprob: float, kind: Kind, *, ends_line: bool = False) -> float:
        """The chance that a token is right where everything in front of it is."""
        if logprob >= 0:
            return 1.0
        odds = log_odds(logprob)
        total = self.base + self.own * odds + self.line_end * ends_line + self.kinds.get(kind, 0.0)
        return 1 / (1 + math.exp(-total))


def log_odds(logprob: float) -> float:
    """The log odds of a probability that is given as its natural logarithm; bounded."""
    probability = min(max(math.exp(min(logprob, 0.0)), _SMALLEST), 1 - _SMALLEST)
    return math.log(probability / (1 - probability))


FITTED = Weights(0.14, 0.84, 0.66, {Kind.REST: 0.37, Kind.LINE: -0.21, Kind.BLOCK: -0.16})
"""As `python -m foretype.tests.quality.calibration` fits it, to the half of the files rules are made on."""


@attrs.frozen
class Reach:
    """How far a completion is likely to be right.

    Attributes:
        text: the completion's.
        ends: where a token's text ends, in code points; growing, for tokens that have any.
        chances: that everything up to there is right; never growing.
        finish: the chance that everything is right and the line, or what the model had to say, ends there.
    """

    text: str
    ends: tuple[int, ...]
    chances: tuple[float, ...]
    finish: float = 0.0

    @classmethod
    def of(cls, completion: Completion, kind: Kind, weights: Weights = FITTED) -> Reach:
        """The reach of a completion that says where its tokens end; of any other, nothing is known."""
        text = completion.text
        ends: list[int] = []
        chances: list[float] = []
        so_far, finish = 1.0, 0.0
        for end, logprob in zip(completion.ends, completion.logprobs, strict=False):
            start = ends[-1] if ends else 0
            if min(end, len(text)) > start:
                so_far *= weights.chance(logprob, kind, ends_line=text[start] in _LINE_ENDS)
                ends.append(min(end, len(text)))
                chances.append(so_far)
            elif start == len(text):  # it only said that this is all
                if completion.stop in {StopReason.LINE, StopReason.END}:
                    finish = so_far * weights.chance(logprob, kind, ends_line=True)
                break
        return cls(text, tuple(ends), tuple(chances), finish)

    def worth(self, end: int, prices: Prices = PRICES) -> float:
        """What showing a beginning of the text is expected to save less what it costs, in characters.

        Blanks don't count: nobody types indentation. A text that ends inside a token is as likely as that.

        Args:
            end: code points of the beginning.
            prices: what there is to win and to lose.
        """
        worth, start, wrong = 0.0, 0, prices.wrong
        for token_end, chance in zip(self.ends, self.chances, strict=True):
            said = self.text[start : min(token_end, end)]
            lines = said.count("\n") + (start <= end < token_end and self.text[end] in _LINE_ENDS)
            worth += len("".join(said.split())) * (chance * (1 + wrong) - wrong)
            worth += lines * prices.finished * chance
            if token_end > end:
                return worth
            start = token_end
        return worth + prices.finished * self.finish


def is_sure(completion: Completion, least: float = LEAST) -> bool:
    """Whether a completion as a whole is likely enough, by its model's own account, to be shown.

    Args:
        completion: what the model answered; one without tokens is sure of its silence.
        least: the mean natural-log probability per token that it needs.
    """
    return not completion.logprobs or completion.mean_logprob >= least
