"""What was learned of drafts, kept from one start to the next: for each model, machine and number of threads.

One JSON file for a model on a machine: counts and milliseconds, no text and no tokens. One that is damaged,
or of another version, is begun anew. What is concluded from it is `benefit`'s business.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from pathlib import Path

import attrs
import cattrs

from ...context.shared import leftovers
from .acceptance import Acceptance, Tally
from .benefit import Benefit, Saving
from .late_writing import LateWriting

log = logging.getLogger(__name__)

_FORMAT = 1
_MAX_FILES = 16
_MOST_THREADS = 1024


@attrs.frozen
class _Kept:
    """One number of threads."""

    threads: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(_MOST_THREADS)])
    saving: Saving
    wanted: int = attrs.field(validator=attrs.validators.ge(1))
    verifying: bool
    rest: int = attrs.field(validator=attrs.validators.ge(0))


def _numbers(record: _Record) -> Iterator[tuple[float, ...]]:
    """What must be counts: each row is finite, and at least 0 but for what a mean may be."""
    for one in record.kept:
        yield one.saving.count, abs(one.saving.mean), one.saving.squares
    for one in record.outcomes:
        yield attrs.astuple(one.tally)


def _sound(numbers: tuple[float, ...]) -> bool:
    return all(math.isfinite(number) and number >= 0 for number in numbers)


@attrs.frozen
class _Outcomes:
    """How often the drafts of one source came true."""

    source: str
    first: bool
    tally: Tally


@attrs.frozen
class _Record:
    """The file."""

    version: int
    kept: tuple[_Kept, ...]
    outcomes: tuple[_Outcomes, ...]


class DraftExperience:
    """State: the benefit of drafts for each number of threads, and how likely those of each source are.

    Attributes:
        acceptance: of all drafts so far.
    """

    def __init__(self, path: Path | None = None, *, always: bool = False) -> None:
        """Read the file.

        Args:
            path: of this model on this machine; None keeps nothing.
            always: verify drafts whatever was learned.
        """
        self.acceptance = Acceptance()
        self._path = path
        self._always = always
        self._benefits: dict[int, Benefit] = {}
        self._writing = LateWriting(_MAX_FILES)
        if path is not None:
            leftovers.sweep_leftovers(path.parent)
            self._read(path)
        self._written = self._bytes()

    def benefit(self, threads: int) -> Benefit:
        """What is known with that number of threads."""
        found = self._benefits.get(threads)
        if found is None:
            found = self._benefits[threads] = Benefit(self._always)
        return found

    def save(self) -> None:
        """Have written what was learned since; nothing where nothing was, or where it can't be written."""
        now = self._bytes()
        if self._path is None or now == self._written:
            return
        self._written = now
        self._writing.put(self._path, (now,))

    def wait(self, seconds: float) -> bool:
        """Wait for what is being written, for at most that long; whether all of it is."""
        return self._writing.wait(seconds)

    def _bytes(self) -> bytes:
        kept = tuple(
            _Kept(threads, each.saving, each.wanted, each.verifying, each.rest)
            for threads, each in self._benefits.items()
        )
        outcomes = tuple(
            _Outcomes(source, first, tally) for (source, first), tally in self.acceptance.tallies.items()
        )
        return json.dumps(cattrs.unstructure(_Record(_FORMAT, kept, outcomes))).encode()

    def _read(self, path: Path) -> None:
        try:
            found = cattrs.structure(json.loads(path.read_text(encoding="utf-8")), _Record)
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError, RecursionError, cattrs.BaseValidationError):
            log.info("what was learned of drafts is damaged and is begun anew")
            return
        if found.version != _FORMAT or not all(map(_sound, _numbers(found))):
            return
        for one in found.kept:
            self._benefits[one.threads] = Benefit(
                self._always, one.saving, one.wanted, one.verifying, one.rest
            )
        self.acceptance.tallies.update({(one.source, one.first): one.tally for one in found.outcomes})
