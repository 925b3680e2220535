"""What rounds have found, on disk: a campaign that ended early goes on where it was.

A round counts as long as the sources that it depends on are what they were when it was played: the product's,
and those of the campaign that its section's module imports. Several campaigns may go on side by side.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import cattrs
from foretype.context.shared.locks import lock
from foretype.tests.torture.section import Found

ROOT = Path(__file__).resolve().parents[2]
_SOURCES = {".py", ".toml", ".scm"}
_ROOMS = ("context", "daemon", "lsp", "models")
_OWN = "foretype.tests."


@attrs.frozen
class Round:
    """One round that was played."""

    section: str
    seed: int
    sources: str
    seconds: float
    found: Found


def source_hash(module: str, root: Path = ROOT) -> str:
    """Changes with the product's sources, and with what a module of the tests imports of the tests.

    Args:
        module: its name, as in "foretype.tests.torture.kills".
        root: the repository.
    """
    digest = hashlib.sha256()
    product = (each for room in _ROOMS for each in (root / room).rglob("*") if each.suffix in _SOURCES)
    for path in sorted({*product, *imported(module, root)}):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def imported(module: str, root: Path = ROOT) -> set[Path]:
    """The files of a module of the tests and of all that it imports of the tests, with the C beside them."""
    found: set[Path] = set()
    open_ones = [module]
    while open_ones:
        path = root.joinpath(*open_ones.pop().split(".")[1:]).with_suffix(".py")
        if path.is_file() and path not in found:
            found.update(each for each in (path, path.with_suffix(".c")) if each.is_file())
            open_ones += _imports(ast.walk(ast.parse(path.read_text("utf-8"))))
    return found


def _imports(nodes: Iterable[ast.AST]) -> list[str]:
    names: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    return [name for name in names if name.startswith(_OWN)]


class Journal:
    """Its state: the rounds that were played with these sources, by any campaign, and what this one plays.

    What somebody plays is a locked file, so a campaign that is killed leaves its round to the next.
    """

    def __init__(self, path: Path, sources: Mapping[str, str]) -> None:
        self.sources = sources
        self._path = path
        self._locks = path.with_suffix(".locks")
        self._locks.mkdir(parents=True, exist_ok=True)
        self._playing: dict[tuple[str, int], int] = {}
        text = self._text()
        if text and not text.endswith("\n"):  # a killed run's last line: nothing may be glued to it
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")
        self.rounds = self._read()

    def _text(self) -> str:
        return self._path.read_text("utf-8") if self._path.exists() else ""

    def _read(self) -> list[Round]:
        rounds: dict[tuple[str, int], Round] = {}
        for line in self._text().split("\n"):
            try:
                found = cattrs.structure(json.loads(line), Round)
            except (ValueError, TypeError, KeyError, cattrs.BaseValidationError):
                continue
            if found.sources == self.sources.get(found.section):
                rounds.setdefault((found.section, found.seed), found)
        return list(rounds.values())

    def forget(self) -> None:
        """Begin afresh."""
        self._path.unlink(missing_ok=True)
        self.rounds = []

    def keep(self, played: Round) -> None:
        """Write it down at once, and see what others have written."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(cattrs.unstructure(played)) + "\n")
        self.rounds = self._read()
        if (handle := self._playing.pop((played.section, played.seed), None)) is not None:
            os.close(handle)

    def of(self, section: str) -> list[Round]:
        """The rounds of a section."""
        return [each for each in self.rounds if each.section == section]

    def next_seed(self, section: str) -> int:
        """The first seed that was not played and that nobody plays; from now on this campaign does."""
        return next(seed for seed in itertools.count() if self._begun(section, seed))

    def _begun(self, section: str, seed: int) -> bool:
        if self._is_played(section, seed):
            return False
        handle = os.open(self._locks / f"{section}-{seed}", os.O_RDWR | os.O_CREAT)
        try:
            lock(handle)
        except OSError:
            os.close(handle)
            return False
        self.rounds = self._read()
        if self._is_played(section, seed):  # by somebody who has just let go of it
            os.close(handle)
            return False
        self._playing[section, seed] = handle
        return True

    def _is_played(self, section: str, seed: int) -> bool:
        return any(each.seed == seed for each in self.of(section))

    def found(self, section: str) -> Found:
        """All of its rounds together."""
        total = Found()
        for each in self.of(section):
            total = total.plus(each.found)
        return total
