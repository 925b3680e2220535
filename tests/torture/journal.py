"""What rounds have found, on disk: a campaign that ended early goes on where it was.

A round counts as long as the sources are what they were when it was played.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import attrs
import cattrs
from foretype.tests.torture.section import Found

ROOT = Path(__file__).resolve().parents[2]
_SOURCES = {".py", ".toml", ".scm"}
_ROOMS = ("context", "daemon", "lsp", "models", "tests/torture", "tests/support")


@attrs.frozen
class Round:
    """One round that was played."""

    section: str
    seed: int
    sources: str
    seconds: float
    found: Found


def source_hash(root: Path = ROOT) -> str:
    """Changes with the product's sources and with those of the campaign."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted(each for each in (root / room).rglob("*") if each.suffix in _SOURCES):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


class Journal:
    """Its state: the rounds that were played with these sources."""

    def __init__(self, path: Path, sources: str) -> None:
        self.sources = sources
        self.rounds: list[Round] = []
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text("utf-8") if path.exists() else ""
        if text and not text.endswith("\n"):  # a killed run's last line: nothing may be glued to it
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")
        for line in text.split("\n"):
            try:
                found = cattrs.structure(json.loads(line), Round)
            except (ValueError, TypeError, KeyError, cattrs.BaseValidationError):
                continue
            if found.sources == sources:
                self.rounds.append(found)

    def keep(self, played: Round) -> None:
        """Write it down at once."""
        self.rounds.append(played)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(cattrs.unstructure(played)) + "\n")

    def of(self, section: str) -> list[Round]:
        """The rounds of a section."""
        return [each for each in self.rounds if each.section == section]

    def next_seed(self, section: str) -> int:
        """The first seed that was not played."""
        return max((each.seed for each in self.of(section)), default=-1) + 1

    def found(self, section: str) -> Found:
        """All of its rounds together."""
        total = Found()
        for each in self.of(section):
            total = total.plus(each.found)
        return total
