"""`python -m foretype.tests.quality.calibration`: how often a token is right that is thought so probable.

Fits `confidence.FITTED`, and shows what each price of reading wrong characters would show. It fits, to the
half of the files that rules are made on, whether a token is right where everything in front of it is, to what
the model thought of it: by ridge regression, with Newton's method on the logistic likelihood. It takes the
answers of `make quality` that are kept; holes that have none are left out. Nothing is written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import attrs
import click
import numpy as np
import numpy.typing as npt
from foretype.context.checking.check import (
    Checked,
    CheckRequest,
    ground_trimmed,
    kind_at,
    trim_answer,
    what_is_sure,
)
from foretype.context.checking.confidence import FITTED, Kind, Prices, is_sure, log_odds
from foretype.context.shared.values import Completion, Prompt, Restriction, StopReason, StopRules
from foretype.context.syntax.cursor_lines import cursor_lines
from foretype.tests.quality.answers import Answers, sees_suffix
from foretype.tests.quality.holes import Hole, sample
from foretype.tests.quality.score import completed_by
from foretype.tests.quality.stages import check_request, passage, repository
from rich.console import Console
from rich.progress import track
from rich.table import Table

SHRINKAGE = 5.0
"""What the weights of kinds and of line ends are held back by, in tokens; the two that matter aren't."""
WRONG = (0.0, 0.02, 0.035, 0.05, 0.07, 0.1, 0.15, 0.2, 0.5)
READ = 0.1
"""What a wrong character costs in the second measure of characters saved, whatever is decided by."""
_FREE = 1e-3

Numbers = npt.NDArray[np.float64]


@attrs.frozen
class Case:
    """A hole and its answer that saw related code, taken through `ground`."""

    hole: Hole
    request: CheckRequest
    checked: Checked
    sure: Checked


@attrs.frozen
class Tokens:
    """Tokens that stand behind what is right.

    Attributes:
        features: shape (n, 6): one, the log odds that the model gave, whether it ends a line, and each kind.
        right: whether it is what the authors have, shape (n,).
    """

    features: Numbers
    right: Numbers


def tokens_of(hole: Hole, completion: Completion, kind: Kind) -> Iterator[tuple[list[float], bool]]:
    """The features of each token up to the first that is wrong, and whether it is right."""
    text, wanted, start = completion.text, hole.expected, 0
    for end, logprob in zip(completion.ends, completion.logprobs, strict=True):
        whole = start == len(text)
        if end == start and not (whole and start and completion.stop is StopReason.LINE):
            continue
        ends_line = whole or text[start] in "\r\n"
        right = wanted.split("\n")[0].rstrip() == text.rstrip() if whole else wanted.startswith(text[:end])
        kinds = [float(kind is each) for each in Kind]
        if logprob < 0:
            yield [1.0, log_odds(logprob), float(ends_line), *kinds], right
        if whole or not right:
            return
        start = end


def fitted(tokens: Tokens) -> Numbers:
    """The weights of the features, shape (6,)."""
    penalty = np.array([_FREE, _FREE, *[SHRINKAGE] * (tokens.features.shape[1] - 2)])
    weights = np.zeros(len(penalty))
    for _ in range(30):
        chance = 1 / (1 + np.exp(-tokens.features @ weights))
        gradient = tokens.features.T @ (tokens.right - chance) - penalty * weights
        curvature = (tokens.features * (chance * (1 - chance))[:, None]).T @ tokens.features
        weights += np.linalg.solve(curvature + np.diag(penalty), gradient)
    return weights


def surprise(tokens: Tokens, weights: Numbers) -> float:
    """Nats a token by which weights are surprised whether it is right."""
    chance = 1 / (1 + np.exp(-tokens.features @ weights))
    return float(-np.mean(np.log(np.where(tokens.right > 0, chance, 1 - chance))))


class _Unknown(Exception):
    """An answer was never asked for."""


@attrs.frozen
class _Kept:
    """The answers that are kept. State: those that were looked up for one hole."""

    answers: Answers
    found: list[tuple[Completion, StopRules]] = attrs.field(factory=list[tuple[Completion, StopRules]])

    def complete(
        self, prompt: Prompt, rules: StopRules, restriction: Restriction | None = None
    ) -> Completion:
        if restriction is not None:  # what is said with another name is judged by its own rule
            return Completion("", StopReason.END)
        answer = self.answers.kept(prompt, rules)
        if answer is None:
            raise _Unknown
        self.found.append((answer, rules))
        return answer


def _collected(holes: Sequence[Hole], answers: Answers) -> tuple[list[Case], dict[bool, Tokens]]:
    cases: list[Case] = []
    rows: dict[bool, list[tuple[list[float], bool]]] = {False: [], True: []}
    suffix = sees_suffix()
    for hole in track(holes, "holes", console=Console(stderr=True)):
        kept = _Kept(answers)
        try:
            passage(hole, kept.complete, suffix=suffix)
        except _Unknown:
            continue
        place = cursor_lines(hole.snapshot(), hole.offset)
        for answer, rules in kept.found:
            if answer.ends:
                rows[hole.held_out] += tokens_of(hole, answer, kind_at(place, rules))
        answer, rules = kept.found[-1]
        request = check_request(hole, rules, answer, repository(hole.source)[1])
        checked = ground_trimmed(request, trim_answer(request))
        cases.append(Case(hole, request, checked, checked))
    tokens = {
        half: Tokens(np.array([row for row, _ in each]), np.array([float(right) for _, right in each]))
        for half, each in rows.items()
    }
    return cases, tokens


def _as_before(case: Case) -> Case:
    """With one threshold for a whole answer, as it was until tokens said where they end."""
    nothing = attrs.evolve(case.checked, text="", replace_right=0)
    return attrs.evolve(case, sure=case.checked if is_sure(case.request.completion) else nothing)


def _at(case: Case, prices: Prices) -> Case:
    request = attrs.evolve(case.request, prices=prices)
    return attrs.evolve(case, sure=what_is_sure(request, trim_answer(request), case.checked))


def _row(name: str, half: str, cases: Sequence[Case]) -> list[str]:
    shown = [case for case in cases if case.sure.text.strip()]
    exact = sum(_is_exact(case) for case in shown)
    saved = right = wrong = 0
    for case in shown:
        said = case.sure.text
        common = common_length(said, case.hole.expected)
        saved += _marks(said[:common])
        wrong += _marks(said[common:])
        right += not _marks(said[common:])
    count = max(1, len(shown))
    shares = (len(shown) / len(cases), exact / len(cases), exact / count, right / count)
    counts = (str(exact), str(saved), str(wrong), f"{saved - READ * wrong:.0f}")
    return [name, half, *(f"{share:.1%}" for share in shares), *counts]


def _is_exact(case: Case) -> bool:
    got = completed_by(case.hole, case.sure.text, case.sure.replace_right)
    return got.split("\n")[0].rstrip() == case.hole.expected.split("\n")[0].rstrip()


def common_length(one: str, other: str) -> int:
    """Code points that two texts begin with alike."""
    unlike = (at for at, (mine, theirs) in enumerate(zip(one, other, strict=False)) if mine != theirs)
    return next(unlike, min(len(one), len(other)))


def _marks(text: str) -> int:
    return len("".join(text.split()))


@click.command()
@click.option("--holes", default=520, show_default=True, help="How many holes of `make quality`.")
@click.option("--seed", default=7, show_default=True, help="Decides which.")
@click.option("--finished", default=(Prices().finished,), multiple=True, help="Worth of a line's right end.")
def main(holes: int, seed: int, finished: tuple[float, ...]) -> None:
    """Fit the model's own doubt, and show what each price of wrong characters would show."""
    console, answers = Console(width=140), Answers()
    cases, tokens = _collected(sample(holes, seed), answers)
    weights = fitted(tokens[False])
    console.print(
        f"{len(cases)} holes; tokens: {len(tokens[False].right)} seen, {len(tokens[True].right)} held out"
    )
    names = ("base", "own", "line_end", *Kind)
    console.print(", ".join(f"{name} {value:.2f}" for name, value in zip(names, weights, strict=True)))
    now = np.array([FITTED.base, FITTED.own, FITTED.line_end, *(FITTED.kinds[kind] for kind in Kind)])
    bare = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    for name, each in (("the model's own", bare), ("fitted", weights), ("in use", now)):
        halves = (f"{surprise(tokens[half], each):.4f}" for half in (False, True))
        console.print(f"{name}: {' seen, '.join(halves)} held out (nats a token)")
    table = Table("price", "half", "shown", "exact", "of shown", "right", "lines", "saved", "wrong", "net")
    settled = [("one threshold", [_as_before(case) for case in cases])]
    settled += [
        (f"{wrong} {end}", [_at(case, Prices(wrong, end)) for case in cases])
        for end in finished
        for wrong in WRONG
    ]
    for name, each in settled:
        for half in (False, True):
            part = [case for case in each if case.hole.held_out == half]
            if part:
                table.add_row(*_row(name, "held out" if half else "seen", part))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
