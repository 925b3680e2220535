"""What a replay has measured, a line for each place as it comes, so that the next run goes on there.

A file for each variant of one history; its name depends on everything that would change a result. Whatever in
it cannot be read (the last line of a run that was killed) is as if it weren't there.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cattrs

from ...context.shared import paths
from ...context.shared.problem import Problem
from .outcome import ReplayOutcome

FORMAT = 1

_converter = cattrs.Converter()


def journal_folder() -> Path:
    """Where journals lie, in the user's cache directory."""
    return paths.cache_dir() / "replay"


class ReplayJournal:
    """One variant's outcomes. Its state: those that are known, by place, and the file they stand in."""

    def __init__(self, folder: Path, facts: dict[str, str], *, afresh: bool = False) -> None:
        """Open the journal for what `facts` say; with `afresh` nothing of it counts any more.

        Raises:
            Problem: it cannot be read or written.
        """
        text = json.dumps({**facts, "format": FORMAT}, sort_keys=True)
        self.path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.jsonl"
        self._known: dict[str, ReplayOutcome] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if afresh or not self.path.exists():
                self.path.write_text(text + "\n", encoding="utf-8")
                self.path.chmod(0o600)
            self._read()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def __len__(self) -> int:
        return len(self._known)

    def known(self, place: str) -> ReplayOutcome | None:
        """What was measured at a place before."""
        return self._known.get(place)

    def keep(self, outcome: ReplayOutcome) -> None:
        """Write an outcome down at once.

        Raises:
            Problem: it cannot be written.
        """
        self._known[outcome.place] = outcome
        line = json.dumps(_converter.unstructure(outcome))
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _read(self) -> None:
        text = self.path.read_text(encoding="utf-8", errors="replace")
        if not text.endswith("\n"):  # a killed run's last line; what comes next must not be glued to it
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n")
        for line in text.split("\n")[1:]:
            try:
                found = _converter.structure(json.loads(line), ReplayOutcome)
            except (ValueError, TypeError, KeyError, AttributeError, cattrs.BaseValidationError):
                continue
            self._known[found.place] = found


def _unwritable(path: Path, error: OSError) -> Problem:
    return Problem(
        f"What is measured cannot be written to {path} ({error.strerror}). What was measured before is kept."
    )


def outcome_record(outcome: ReplayOutcome) -> dict[str, object]:
    """An outcome for JSON, without what isn't there."""
    record: dict[str, object] = _converter.unstructure(outcome)
    return {name: value for name, value in record.items() if name != "code" or value is not None}
