"""`python -m foretype.tests.quality.triggers`: what each rule of when to ask silences, asked all the same.

A rule earns its place where less than one in twenty of the places that it silences would have got exactly
what their authors wrote. The places come from `silences`. Where a place goes on is counted over all of them;
the model is asked at a sample, and its answers are kept, so that an interrupted run goes on. A line that
truly ends at the cursor can get nothing right: what is shown there is noise, counted beside.
"""

from __future__ import annotations

import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import click
from foretype.context.checking.check import CheckRequest, WorkspaceFacts, check
from foretype.context.prompt.assemble import assemble
from foretype.context.prompt.rules import TriggerRule, should_trigger, stop_rules
from foretype.context.related.choose import select_related
from foretype.lsp.workspace.folders import Folder
from foretype.tests.quality.answers import Answers, sees_suffix
from foretype.tests.quality.corpus import BUILD, CorpusProblem
from foretype.tests.quality.silences import Silence, silences
from foretype.tests.quality.stages import MAX_TOKENS, WINDOW, repository
from rich.console import Console
from rich.progress import track
from rich.table import Table

RESULTS = BUILD.parent / "quality-triggers.json"
MOST_EXACT = 1 / 20
"""A rule whose silences would have been exact more often than this does not earn its place."""


@attrs.frozen
class Verdict:
    """What came of asking at one place: whether something would have been shown, and whether it was exact."""

    place: Silence
    shown: bool
    exact: bool


@attrs.frozen
class Figures:
    """One group of places.

    Attributes:
        places: how many there are among the lines that were looked at.
        goes_on: the share of them where something is missing.
        asked: places of those at which the model was asked.
        exact: how many of these were exact.
        ended: places where nothing is missing at which it was asked.
        noise: how many of these would have shown something.
    """

    places: int
    goes_on: float
    asked: int
    exact: int
    ended: int
    noise: int

    @property
    def of_silences(self) -> float:
        """The share of the silences that would have been exact."""
        return self.goes_on * self.exact / self.asked if self.asked else 0.0


def asked_at(place: Silence, answers: Answers, *, suffix: bool) -> Verdict:
    """Ask the model at a place, as if no rule had been there."""
    snapshot = place.snapshot()
    rules = stop_rules(snapshot, place.offset, MAX_TOKENS, 0.0)
    prompt, window = assemble(snapshot, place.offset, WINDOW, repository=place.source)
    root, index = repository(place.source)
    if not place.text:  # a new file: other files are all there is to go by
        found = Folder(root, index).sources()
        choice = select_related(snapshot, 0, found, WINDOW.related, seen=window.seen(suffix=suffix))
        prompt = attrs.evolve(prompt, related=choice.parts)
    known = WorkspaceFacts.from_index(index, place.path)
    found = check(CheckRequest(answers.complete(prompt, rules), snapshot, place.offset, rules, known))
    shown = bool(found.text.strip())
    return Verdict(place, shown, shown and place.is_exact(found.text, found.replace_right))


def sampled(places: Iterable[Silence], most: int, seed: int) -> list[Silence]:
    """At most `most` places, languages in turn."""
    chance = random.Random(seed)
    by_language: dict[str, list[Silence]] = defaultdict(list)
    for place in places:
        by_language[place.language].append(place)
    for each in by_language.values():
        chance.shuffle(each)
    turns = [each[number] for number in range(most) for each in by_language.values() if number < len(each)]
    return turns[:most]


def figures(places: Sequence[Silence], verdicts: Sequence[Verdict]) -> Figures:
    """The figures of one group, of its places and of those that were asked at."""
    going = [each for each in verdicts if each.place.missing.strip()]
    ended = [each for each in verdicts if not each.place.missing.strip()]
    return Figures(
        len(places),
        sum(bool(place.missing.strip()) for place in places) / len(places) if places else 0.0,
        len(going),
        sum(each.exact for each in going),
        len(ended),
        sum(each.shown for each in ended),
    )


@click.command()
@click.option("--most", default=12, show_default=True, help="Places of a group and half that go on.")
@click.option("--ended", default=5, show_default=True, help="Places of a group and half that ended.")
@click.option("--seed", default=7, show_default=True, help="Decides which.")
def main(most: int, ended: int, seed: int) -> None:
    """Ask where the rules of when to ask keep silent, and count what would have been exact."""
    answers, suffix = Answers(BUILD / "triggers.jsonl"), sees_suffix()
    groups: dict[tuple[TriggerRule, str, bool], list[Silence]] = defaultdict(list)
    found: list[dict[str, Any]] = []
    table = Table(
        "rule", "behind", "half", "places", "go on", "asked", "exact", "of silences", "noise", "now"
    )
    try:
        for place in silences(seed):
            groups[place.rule, place.group, place.held_out].append(place)
        chosen = {
            group: [
                *sampled((each for each in places if each.missing.strip()), most, seed),
                *sampled((each for each in places if not each.missing.strip()), ended, seed),
            ]
            for group, places in groups.items()
        }
        count = sum(map(len, chosen.values()))
        bar = iter(track(range(count), "places", console=Console(stderr=True)))
        for (rule, group, held_out), places in sorted(chosen.items()):
            verdicts: list[Verdict] = []
            for place in places:
                next(bar)
                verdicts.append(asked_at(place, answers, suffix=suffix))
            made = figures(groups[rule, group, held_out], verdicts)
            silent = [not should_trigger(each.snapshot(), each.offset, False).trigger for each in places]
            row = {
                "rule": rule.value,
                "behind": group,
                "held_out": held_out,
                **attrs.asdict(made),
                "of_silences": round(made.of_silences, 4),
                "silent_now": sum(silent) / len(silent),
            }
            found.append(row)
            table.add_row(
                *(rule.value, group, "held out" if held_out else "seen", str(made.places)),
                *(f"{made.goes_on:.0%}", str(made.asked), str(made.exact), f"{made.of_silences:.1%}"),
                *(f"{made.noise} of {made.ended}", "silent" if all(silent) else "asks"),
            )
    except CorpusProblem as problem:
        raise click.ClickException(str(problem)) from problem
    finally:
        answers.close()
    Console(width=140).print(table)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
