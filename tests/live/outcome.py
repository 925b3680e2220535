"""What came of a place, as a value, and the file that keeps such values, so that a run can go on later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import attrs
import cattrs
from foretype.lsp.replay.outcome import right_characters
from foretype.tests.live.places import Written
from foretype.tests.live.session import Played, Seen
from foretype.tests.quality.judge import undefined_names

ROOT = Path(__file__).resolve().parents[2]
_PRODUCT = ("lsp", "daemon", "models", "context")
_MEASURING = ("scenarios.py", "session.py", "whole.py", "simulated.py", "lockstep.py")
_SOURCES = (".py", ".toml", ".scm")


@attrs.frozen
class Looked:
    """The screen at one moment, judged.

    Attributes:
        after_s: seconds since the last key; 0 where nobody typed.
        shown: something stood there.
        exact: with it, the line is as its authors wrote it.
        right: code points of what was left to write that it begins with.
        undefined: it uses a name that doesn't exist.
        context: which part of the whole prompt the answer saw, 0 to 1; None where nobody knows.
        ghost: its text.
    """

    after_s: float
    shown: bool
    exact: bool
    right: int
    undefined: bool
    context: float | None = None
    ghost: str = ""


@attrs.frozen
class Outcome:
    """One place in one scenario with one variant. Times in ms where the name says so, else in seconds.

    Attributes:
        key: names what was measured: scenario, variant, place, and the sources that were measured.
        scenario, variant, place, language, held_out: which.
        left: code points that were left to write after the last key.
        looks: the screen, in order of time.
        answer_ms, first_shown_s, suggestions, replaced, appeared, processor_s: see `session.Played`.
    """

    key: str
    scenario: str
    variant: str
    place: str
    language: str
    held_out: bool
    left: int
    looks: tuple[Looked, ...]
    answer_ms: tuple[float, ...] = ()
    first_shown_s: float | None = None
    suggestions: int = 0
    replaced: int = 0
    appeared: int = 0
    processor_s: float = 0.0


def judged(
    written: Written, played: Played, contexts: Mapping[str, float] | None = None
) -> tuple[Looked, ...]:
    """The looks at a place, judged.

    Args:
        written: the place, and what its authors wrote.
        played: what stood there.
        contexts: by suggestion, which part of the prompt the answer saw; None where nobody knows.
    """
    return tuple(_judged(written, played, seen, contexts) for seen in played.seen)


def _judged(written: Written, played: Played, seen: Seen, contexts: Mapping[str, float] | None) -> Looked:
    if seen.line is None:
        return Looked(seen.after_s, shown=False, exact=False, right=0, undefined=False)
    place = written.place
    exact = seen.line == place.line
    end = played.offset + len(seen.ghost)
    completed = played.text[: played.offset] + seen.ghost + played.text[played.offset + seen.replaces :]
    names = (
        []
        if exact
        else undefined_names(place.language, written.original, completed, (played.offset, end), place.root)
    )
    return Looked(
        seen.after_s,
        shown=True,
        exact=exact,
        right=right_characters(seen.ghost, place.left),
        undefined=bool(names),
        context=None if contexts is None else contexts.get(seen.name),
        ghost=seen.ghost,
    )


def key_of(scenario: str, variant: str, written: Written, facts: str) -> str:
    """Names a measurement: it is another one with another place, or other `facts` about what is measured."""
    place = written.place
    parts = (scenario, variant, place.name, place.text, place.keys, place.line, facts)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def source_hash(root: Path = ROOT, *, product: bool = True) -> str:
    """Changes with the product's sources, unless another product is measured, and with those that measure."""
    found = hashlib.sha256()
    rooms = _PRODUCT if product else ()
    files = [each for room in rooms for each in (root / room).rglob("*") if each.suffix in _SOURCES]
    files += [root / "tests" / "live" / name for name in _MEASURING]
    for path in sorted(files):
        found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


_converter = cattrs.Converter()


class Journal:
    """Outcomes on disk, a line each, written as they come. Its state: those that are known, by key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Outcome] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text("utf-8") if path.exists() else ""
        if text and not text.endswith("\n"):  # a killed run's last line: nothing may be glued to it
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")
        for line in text.split("\n"):
            try:
                found = _converter.structure(json.loads(line), Outcome)
            except (ValueError, TypeError, KeyError, cattrs.BaseValidationError):
                continue
            self._known[found.key] = found

    def known(self, key: str) -> Outcome | None:
        """What was measured before."""
        return self._known.get(key)

    def keep(self, outcome: Outcome) -> None:
        """Write it down at once."""
        self._known[outcome.key] = outcome
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_converter.unstructure(outcome)) + "\n")
