"""Counting outcomes, and the numbers of build/truth.json. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import attrs
from foretype.tests.truth.cuts import CLOSED, PLAIN
from foretype.tests.truth.oracle import Example, Outcome
from foretype.tests.truth.verdict import BEGINNING, CORRUPT, EXACT, FITTED, KILLED, RESTYLED, SILENT

Key = tuple[str, str, str, bool, str, str, str]
"""Language, kind, answer, asked, moment, class, fault."""

NameKey = tuple[str, str, bool, str]
"""Of a hole with names of its own: language, kind, with the workspace's index, why it was cut ("" if not)."""

NOT_COUNTED = frozenset({SILENT, FITTED})
WHOLE = frozenset({"ends", "runs-on"})


@attrs.define
class Tally:
    """How often each outcome came, and the first examples of what is wrong."""

    counts: Counter[Key] = attrs.field(factory=Counter[Key])
    names: Counter[NameKey] = attrs.field(factory=Counter[NameKey])
    name_examples: dict[NameKey, list[str]] = attrs.field(factory=dict[NameKey, list[str]])
    examples: dict[Key, list[Example]] = attrs.field(factory=dict[Key, list[Example]])
    most: int = 3

    def add(self, outcome: Outcome) -> None:
        verdict = outcome.verdict
        key = (
            outcome.language,
            outcome.kind,
            outcome.answer,
            outcome.asked,
            outcome.moment,
            verdict.outcome,
            verdict.fault,
        )
        self.counts[key] += 1
        if outcome.example is not None and len(self.examples.setdefault(key, [])) < self.most:
            self.examples[key].append(outcome.example)

    def add_names(self, key: NameKey, example: str) -> None:
        self.names[key] += 1
        if key[3] and len(self.name_examples.setdefault(key, [])) < self.most:
            self.name_examples[key].append(example)

    def merge(self, other: Tally) -> None:
        self.counts.update(other.counts)
        self.names.update(other.names)
        for name_key, pages in other.name_examples.items():
            here = self.name_examples.setdefault(name_key, [])
            here += pages[: self.most - len(here)]
        for key, found in other.examples.items():
            mine = self.examples.setdefault(key, [])
            mine += found[: self.most - len(mine)]

    def count(self, wanted: Callable[[Key], bool]) -> int:
        return sum(number for key, number in self.counts.items() if wanted(key))


def is_applied(key: Key) -> bool:
    """Whether an item was shown and accepted."""
    return key[5] in {EXACT, BEGINNING, RESTYLED, FITTED, CORRUPT}


def is_plain(key: Key) -> bool:
    """Whether it counts for exact.plain."""
    return key[1] in PLAIN and key[2] in WHOLE and key[3] and key[4] == "0" and key[5] not in NOT_COUNTED


def is_closed(key: Key) -> bool:
    """Whether it counts for exact.closers."""
    return (
        key[1] in CLOSED
        and key[2] == "before-closers"
        and key[3]
        and key[4] == "0"
        and key[5] not in NOT_COUNTED
    )


def figures(tally: Tally) -> dict[str, float]:
    """The numbers."""
    answered = tally.count(lambda key: key[4] == "0")
    asked = tally.count(lambda key: key[4] == "0" and key[3])
    killed = tally.count(lambda key: key[5] == KILLED and key[3])
    found: dict[str, float] = {
        "answers": answered,
        "applied": tally.count(is_applied),
        "corrupt": tally.count(lambda key: key[5] == CORRUPT),
        "restyled": tally.count(lambda key: key[5] == RESTYLED),
        "killed": _share(killed, asked),
        "not_asked": _share(answered - asked, answered),
    }
    for name, counted in (("plain", is_plain), ("closers", is_closed)):
        found[f"exact.{name}"] = _exact(tally, counted)
        for language in languages(tally):
            found[f"exact.{name}.{language}"] = _exact(
                tally, lambda key, language=language, counted=counted: key[0] == language and counted(key)
            )
    groups = [key for key in tally.counts if key[1] == "group"]
    counted = {key for key in groups if is_plain((key[0], "line", *key[2:]))}
    found["exact.groups"] = _exact(tally, lambda key: key in counted)
    found.update(_name_figures(tally))
    return {key: value for key, value in found.items() if value >= 0}


def _name_figures(tally: Tally) -> dict[str, float]:
    """The second oracle's: of holes with names of their own, the share that was cut because of a name."""

    def killed(wanted: Callable[[NameKey], bool]) -> float:
        counted = {key: number for key, number in tally.names.items() if wanted(key)}
        return _share(sum(number for key, number in counted.items() if key[3]), sum(counted.values()))

    found: dict[str, float] = {
        "names.holes": sum(tally.names.values()),
        "names.killed": killed(lambda _: True),
        "names.killed.index": killed(lambda key: key[2]),
    }
    for language in sorted({key[0] for key in tally.names}):
        found[f"names.killed.{language}"] = killed(lambda key, language=language: key[0] == language)
    return found


def languages(tally: Tally) -> list[str]:
    """In alphabetical order."""
    return sorted({key[0] for key in tally.counts})


def _exact(tally: Tally, counted: Callable[[Key], bool]) -> float:
    return _share(tally.count(lambda key: counted(key) and key[5] == EXACT), tally.count(counted))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 5) if whole else -1.0


def merged(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole
