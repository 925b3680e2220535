"""Broken files of our own: saved states, indexes, n-gram tables, tuned records, statistics.

Each is read by the code that reads it in the product. It may say that there is nothing; it may not raise, not
take what is damaged for whole, and what is written next must be readable again.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import attrs
from foretype.context.shared.problem import Problem
from foretype.context.workspace import storage
from foretype.context.workspace.index import Index
from foretype.lsp.statistics.store import AnswerRow, Statistics, connect
from foretype.lsp.statistics.summary import as_record, summarize
from foretype.models.cache.saved_states import StateStore
from foretype.models.drafting.ngrams import Ngrams, NgramTables
from foretype.models.llama.cancellation import Cancellation
from foretype.models.tuning import record
from foretype.tests.torture.limited import attacked
from foretype.tests.torture.mutation import broken_bytes
from foretype.tests.torture.section import Found, Section

_MODEL = bytes(range(32))
_TOKENS = list(range(40))


@attrs.frozen
class Kind:
    """A kind of file: how a whole one is made, and what must hold after a broken one was read."""

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], str]


def _state(folder: Path) -> Path:
    store = StateStore(folder, _MODEL)
    writing = store.begin(_TOKENS, [b"part" * 50, b"other" * 10])
    writing.wait(30)
    store.end(writing)
    return writing.path


def _read_state(path: Path) -> str:
    store = StateStore(path.parent, _MODEL)
    found = store.find(_TOKENS, 1)
    parts = None if found is None else store.read(found[0], Cancellation())
    if found is not None and parts is not None:
        wrong_parts = parts != [b"part" * 50, b"other" * 10]
        if wrong_parts and found[0].tokens == _TOKENS:
            return "a damaged state was taken for whole"
    _state(path.parent)
    fresh = StateStore(path.parent, _MODEL).find(_TOKENS, len(_TOKENS))
    return "" if fresh is not None else "behind a damaged state no new one is found"


def _index(folder: Path) -> Path:
    root = folder / "workspace"
    root.mkdir(exist_ok=True)
    (root / "a.py").write_text("def first(): pass\n\nclass Second:\n    def third(self): ...\n")
    path = storage.file_for(folder, root)
    index = Index(root)
    for _ in index.steps():
        pass
    rows = [(name, "function", "", f"def {name}()", "", 1) for name in ("first", "Second")]
    entry = storage.IndexedFile("a.py", 1, 60, ("first", "Second"), storage.pack_rows(rows), b"")
    storage.save(path, root, [storage.pack_entry(entry)])
    return path


def _read_index(path: Path) -> str:
    root = path.parent / "workspace"
    try:
        found = list(storage.load(path, root))
    except ValueError:
        found = []
    for entry in found:
        storage.unpack_rows(entry.packed)
    _index(path.parent)
    return "" if list(storage.load(path, root)) else "behind a damaged index no new one is readable"


def _ngrams(folder: Path) -> Path:
    tables = NgramTables(folder, _MODEL, ())
    for _ in range(3):
        tables.of("workspace").learn(_TOKENS)
    tables.save()
    tables.wait(30)
    return next(folder.glob("*.ngrams"), folder / "was never written.ngrams")


def _read_ngrams(path: Path) -> str:
    table = Ngrams(_MODEL)
    loaded = table.load(path)
    draft = table.propose(_TOKENS[:5])
    if loaded and (draft is None or draft.tokens[0] != _TOKENS[5]):
        return "a damaged table was taken for whole"
    return ""


def _model(folder: Path) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(b"GGUF" * 100)
    return path


def _tuned(folder: Path) -> Path:
    model = _model(folder)
    measured = record.Measured(
        "as is", flash_attention=True, threads=2, micro_batch=64, prefill=1.0, steps={1: 9.0}
    )
    choice = record.Tuned(record.identity(model), record.machine(), str(model), measured, measured)
    return record.keep(choice, folder)


def _read_tuned(path: Path) -> str:
    model = path.parent / "model.gguf"
    found = record.find_tuned(model, path.parent)
    if found is not None and (found.choice.threads <= 0 or 1 not in found.choice.steps):
        return "a damaged record was taken for whole"
    record.sweep_tuned(path.parent)
    return ""


def _statistics(folder: Path) -> Path:
    path = folder / "statistics.sqlite3"
    counted = Statistics(path, 90, flush_s=3600)
    counted.answered(AnswerRow(1e9, "python", "m", 5.0, 1.0, 0.0, 3.0, 10, 20, 1.0, 4, 0, 0))
    counted.outcome("shown")
    counted.close()
    return path


def _read_statistics(path: Path) -> str:
    counted = Statistics(path, 90, flush_s=3600)
    counted.outcome("shown")
    counted.close()
    try:
        as_record(summarize(path, 0))
    except Problem as problem:
        if "reset" not in str(problem):
            return f"no sentence that says what to do: {problem}"
    connection: sqlite3.Connection | None = None
    try:
        connection = connect(path)
        connection.execute("select * from answers").fetchall()
    except (sqlite3.Error, OSError, ValueError, OverflowError):
        pass  # what says so itself is no surprise
    finally:
        if connection is not None:
            connection.close()
    return ""


KINDS = {
    kind.name: kind
    for kind in (
        Kind("state", _state, _read_state),
        Kind("index", _index, _read_index),
        Kind("n-grams", _ngrams, _read_ngrams),
        Kind("tuned", _tuned, _read_tuned),
        Kind("statistics", _statistics, _read_statistics),
    )
}


def attack(seed: int, count: int) -> list[str]:
    """Read so many broken files, one kind after the other; a sentence for each surprise."""
    chance = random.Random(seed)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            kind = list(KINDS.values())[number % len(KINDS)]
            home = Path(folder) / kind.name
            home.mkdir(exist_ok=True)
            path = kind.make(home)
            path.write_bytes(broken_bytes(chance, path.read_bytes()))
            try:
                complaint = kind.read(path)
            except Exception as error:  # noqa: BLE001 - whatever it is, is what is looked for
                complaint = f"reading it ends in {type(error).__name__}: {error}"
            if complaint:
                wrong.append(f"{kind.name}: {complaint}")
            for left in home.glob("*-journal"):
                left.unlink()
            path.unlink(missing_ok=True)
    return wrong


def play(seed: int, count: int = 250) -> Found:
    """A round."""
    return Found({"fuzz.files": count}, wrong=attacked("fuzz_files", seed, count))


SECTION = Section("files", "fuzz.files", 10_000, "fuzz.files.violations", play)
