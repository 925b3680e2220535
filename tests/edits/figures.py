"""The figures of replayed groups, by name. Pure.

precision: the share of what was shown that was right. recall: of the later edits that do what an earlier one
of their group did, the share that was made by proposals before its author came to it; recall_all: of all
later edits in groups where something repeats. keys_saved: the share of the keys of all edits that proposals
spared, those for taking and dismissing them taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from foretype.context.shared.figures import percentile
from foretype.tests.edits.replay import Played, Shown

_T = TypeVar("_T")


def of_groups(played: Sequence[Played]) -> dict[str, float]:
    """The figures of some groups."""
    shown = [each for one in played for each in one.shown]
    repeating = [one for one in played if any(unit.repeats for unit in one.group.units)]
    later = [
        (offered, unit.repeats)
        for one in repeating
        for offered, unit in zip(one.offered, one.group.units[1:], strict=True)
    ]
    repeats = [offered for offered, repeated in later if repeated]
    times = [each for one in played for each in one.times_ms]
    found = {
        "groups": float(len(played)),
        "groups_repeating": float(len(repeating)),
        "shown": float(len(shown)),
        "precision": share(shown, lambda each: each.right),
        "recall": share(repeats, bool),
        "recall_all": share(later, lambda each: each[0]),
        "keys_saved": sum(each.keys for each in shown) / max(1, sum(one.keys for one in played)),
    }
    if times:
        found |= {"p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99)}
    return {name: round(value, 4) for name, value in found.items()}


def of_kinds(played: Sequence[Played]) -> dict[str, dict[str, float]]:
    """How many proposals of each kind were shown, the share that was right, and the keys they saved."""
    by_kind: dict[str, list[Shown]] = {}
    for one in played:
        for each in one.shown:
            by_kind.setdefault(each.kind, []).append(each)
    return {
        kind: {
            "shown": len(shown),
            "precision": round(share(shown, lambda each: each.right), 4),
            "keys": sum(each.keys for each in shown),
        }
        for kind, shown in sorted(by_kind.items(), key=lambda item: -len(item[1]))
    }


def share(things: Sequence[_T], holds: Callable[[_T], bool]) -> float:
    """The share of some things for which something holds; 0 of none."""
    return sum(map(holds, things)) / len(things) if things else 0.0
