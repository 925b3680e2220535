"""The figures of outcomes, by name. Pure.

Shares are of the places, 0 to 1, unless the name says of what: `exact_of_shown` and `undefined` are of what
was shown, `replaced` of all suggestions, `saved_characters` of the characters that were left to write.
`of_whole`: how many lines are exact beside those that the whole window gives with unlimited time, over the
places measured both ways; `of_NAME`: how many times a figure of another variant (or llama-server) the usual
one's is, over such places. Simulated machines open no workspace: names of other files are not known there.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from foretype.context.shared.figures import percentile
from foretype.tests.live.outcome import Looked, Outcome

WHOLE = "whole"
PEER = "llama_server"
COMPARED = (".exact", ".exact_of_shown", ".saved_characters", "processor_s")
"""What the end of a figure's name is that is said beside another variant's."""


def label(after_s: float) -> str:
    """A moment's name: "300ms", "1s"."""
    return f"{after_s:.0f}s" if after_s >= 1 else f"{1000 * after_s:.0f}ms"


def look_figures(looks: Sequence[tuple[Looked, Outcome]]) -> dict[str, float]:
    """Of one moment, over all places. Empty for none."""
    if not looks:
        return {}
    shown = [look for look, _ in looks if look.shown]
    exact = sum(look.exact for look in shown)
    left = sum(outcome.left for _, outcome in looks)
    found = {
        "exact": exact / len(looks),
        "shown": len(shown) / len(looks),
        "wrong": (len(shown) - exact) / len(looks),
        "exact_of_shown": exact / max(1, len(shown)),
        "saved_characters": sum(look.right for look in shown) / max(1, left),
        "undefined": sum(look.undefined for look in shown) / max(1, len(shown)),
    }
    contexts = [look.context for look in shown if look.context is not None]
    if contexts:
        found["context.share"] = sum(contexts) / len(contexts)
        found["context.whole"] = sum(each >= 1 for each in contexts) / len(contexts)
    return found


def scenario_figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Of one scenario: every moment's, and what it took. Empty for no places."""
    if not outcomes:
        return {}
    found = {"places": float(len(outcomes))}
    for index, look in enumerate(outcomes[0].looks):
        of_moment = look_figures([(each.looks[index], each) for each in outcomes])
        at = f"{label(look.after_s)}." if look.after_s else ""
        found.update({f"{at}{name}": value for name, value in of_moment.items()})
    times = [time for each in outcomes for time in each.answer_ms]
    if times:
        found["answer.p50_ms"], found["answer.p95_ms"] = percentile(times, 0.5), percentile(times, 0.95)
    first = [each.first_shown_s for each in outcomes if each.first_shown_s is not None]
    if first:
        found["first_shown.median_s"] = statistics.median(first)
    if outcomes[0].looks[-1].after_s:
        found["first_shown.share"] = len(first) / len(outcomes)
        suggestions = sum(each.suggestions for each in outcomes)
        found["replaced"] = sum(each.replaced for each in outcomes) / max(1, suggestions)
        found["appeared"] = sum(each.appeared for each in outcomes) / len(outcomes)
    found["processor_s"] = sum(each.processor_s for each in outcomes) / len(outcomes)
    return found


def of_whole(outcomes: Sequence[Outcome], whole: Sequence[Outcome]) -> dict[str, float]:
    """How many lines are exact at each moment beside those with the whole window, over places in both."""
    yardstick = {each.place: each.looks[-1] for each in whole}
    both = [each for each in outcomes if each.place in yardstick]
    exact = sum(yardstick[each.place].exact for each in both)
    if not exact:
        return {}
    return {
        f"{label(look.after_s)}.of_whole": sum(each.looks[index].exact for each in both) / exact
        for index, look in enumerate(both[0].looks)
        if look.after_s
    }


def beside(outcomes: Sequence[Outcome], others: Sequence[Outcome], name: str) -> dict[str, float]:
    """How many times another variant's figures these are, over the places in both; none of what it hasn't."""
    places = {each.place for each in outcomes} & {each.place for each in others}
    ours, theirs = (
        scenario_figures([each for each in group if each.place in places]) for group in (outcomes, others)
    )
    return {
        f"{figure}.of_{name}": ours[figure] / theirs[figure]
        for figure in ours
        if figure.endswith(COMPARED) and theirs.get(figure)
    }


def figures(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """By variant and scenario ("tuned.warm"; the usual variant has no name): its figures."""
    by_column: dict[str, list[Outcome]] = {}
    for each in outcomes:
        by_column.setdefault(".".join(filter(None, (each.variant, each.scenario))), []).append(each)
    found: dict[str, dict[str, float]] = {}
    for column, of_column in by_column.items():
        whole = by_column.get(".".join(filter(None, (of_column[0].variant, WHOLE))), [])
        found[column] = scenario_figures(of_column)
        if of_column[0].scenario != WHOLE:
            found[column].update(of_whole(of_column, whole))
        if not of_column[0].variant and of_column[0].scenario not in {WHOLE, PEER}:
            for name, other in by_column.items():
                if name == PEER or name.endswith(f".{column}"):
                    found[column].update(beside(of_column, other, other[0].variant or PEER))
    return found
