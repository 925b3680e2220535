"""States of closed files: saved in parts while nobody waits, never in vain, and whole when loaded again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from foretype.context.shared.values import Prompt, StopRules
from foretype.models.cache import saved_states
from foretype.models.cache.kv_cache import KVCache
from foretype.models.cache.saved_states import StateStore
from foretype.models.engine import leaving
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.leaving import MOST_LEAVING, Leaving
from foretype.models.engine.loading import load_engine
from foretype.models.llama.cancellation import Cancellation
from foretype.tests.support.fake_cells import FakeCells
from foretype.tests.support.tiny_gguf import tiny_model


@attrs.define
class Shelf:
    """A cache, and a folder of states."""

    folder: Path
    cells: FakeCells = attrs.field(factory=lambda: FakeCells(100, size=20_000, sequences=24))
    cache: KVCache = attrs.field(init=False)
    leaving: Leaving = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.cache = KVCache(self.cells)
        self.leaving = Leaving(self.cache, StateStore(self.folder, bytes(32)))

    def close(self, *tokens: int, length: int = 1000) -> None:
        """A file is closed that held so many tokens."""
        sequence = self.cache.acquire()
        assert sequence is not None
        assert self.cache.sync(sequence, [*tokens, *range(3, 2000)][:length], Cancellation()).complete
        self.leaving.add(sequence)

    def keep(self, until: Callable[[], bool] = lambda: False) -> bool:
        return self.leaving.keep(Cancellation(), until)

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*"))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setattr(leaving, "PART_BYTES", 400)  # 100 tokens
    return Shelf(tmp_path)


def test_a_state_is_built_in_parts_and_comes_back_whole(shelf: Shelf) -> None:
    shelf.close(7)
    assert not shelf.keep()
    assert len(shelf.cells.saved) == 10
    assert max(shelf.cells.saved) <= 400
    assert not shelf.cache.sequences, "its cells are free again"
    other = Shelf(shelf.folder)
    store = StateStore(shelf.folder, bytes(32))
    found = store.find([7, *range(3, 1002)], 1)
    assert found is not None
    parts = store.read(found[0], Cancellation())
    assert parts is not None
    sequence = other.cache.acquire()
    assert sequence is not None
    assert other.cache.restore(sequence, found[0].tokens, parts, Cancellation())
    assert other.cells.tokens(sequence.number) == sequence.tokens == [7, *range(3, 1002)]
    assert other.cache.extend(sequence, [5])


def test_a_key_waits_for_one_part_at_most(shelf: Shelf) -> None:
    shelf.close(7)
    for built in range(1, 6):
        assert shelf.keep(lambda built=built: len(shelf.cells.saved) == built)
        assert len(shelf.cells.saved) == built
    cancelled = Cancellation()
    cancelled.cancel()
    assert shelf.leaving.keep(cancelled)
    assert len(shelf.cells.saved) == 5
    assert not shelf.keep()
    assert len(shelf.cells.saved) == 10, "it went on where it was"


def test_a_state_over_the_limit_is_never_built(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "MAX_STATES_BYTES", saved_states.file_bytes(999, 4 * 999))
    shelf.close(7)
    assert not shelf.keep()
    assert not shelf.cells.saved
    assert not shelf.files()
    shelf.close(8, length=999)
    assert not shelf.keep()
    assert len(shelf.files()) == 1


def test_what_is_there_already_is_not_built_again(shelf: Shelf) -> None:
    for _ in range(2):
        shelf.close(7)
        assert not shelf.keep()
    assert len(shelf.cells.saved) == 10


def test_files_that_are_closed_together_are_bounded(shelf: Shelf) -> None:
    for number in range(MOST_LEAVING + 3):
        shelf.close(20 + number)
    assert len(shelf.cache.sequences) == MOST_LEAVING
    assert not shelf.keep()
    assert len(shelf.files()) == MOST_LEAVING


def test_cells_that_were_needed_meanwhile_are_let_go(shelf: Shelf) -> None:
    shelf.close(7)
    asked = iter([False, False, False, True])
    assert shelf.keep(lambda: next(asked))
    (sequence,) = shelf.cache.sequences
    shelf.cache.truncate(sequence, 0)
    assert not shelf.keep()
    assert not shelf.files()


def test_a_disk_that_takes_nothing_is_no_trouble(shelf: Shelf) -> None:
    shelf.folder.joinpath("kv").write_bytes(b"a file where the folder should be")
    shelf.leaving = Leaving(shelf.cache, StateStore(shelf.folder / "kv", bytes(32)))
    shelf.close(7)
    assert not shelf.keep()
    assert not shelf.cache.sequences


def test_a_real_context_goes_on_from_its_parts_as_from_its_own_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "PART_BYTES", 50_000)
    monkeypatch.setattr("foretype.models.engine.serving.LOAD_BYTES_PER_MS", 1e12)
    source = "".join(f"def area_{n}(width):\n    return width * {n}\n\n" for n in range(40))
    file = tiny_model("starcoder", tmp_path / "model")
    prompt = Prompt(source, "", "area.py", "python")
    answers: list[int] = []
    for _ in range(2):
        engine = load_engine(file, EngineSettings(threads=1, states=tmp_path / "kv"), lambda _part: None)
        before = engine.cache.evaluated
        engine.warm("a", prompt, cancellation=Cancellation())
        engine.complete("a", prompt, StopRules(max_tokens=4), cancellation=Cancellation())
        answers.append(engine.cache.evaluated - before)
        engine.forget("a")
        while engine.keep(cancellation=Cancellation()):
            pass
        engine.close()
    assert answers[1] < answers[0] / 5
    assert len(list((tmp_path / "kv").glob("*.kv"))) == 1


def test_of_files_closed_together_none_is_written_for_the_next_to_push_out(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (leaving, saved_states):
        monkeypatch.setattr(module, "MAX_STATES_BYTES", saved_states.file_bytes(2000, 4 * 2000))
    written: list[Path] = []
    begin = StateStore.begin

    def noted(store: StateStore, tokens: list[int], parts: list[bytes]) -> saved_states.Writing:
        writing = begin(store, tokens, parts)
        written.append(writing.path)
        return writing

    monkeypatch.setattr(StateStore, "begin", noted)
    for number in range(4):
        shelf.close(20 + number, length=500)
        shelf.close(30 + number)
    assert not shelf.keep()
    assert written
    assert sorted(written) == shelf.files()


def test_what_is_pushed_out_is_removed_where_nobody_waits(shelf: Shelf) -> None:
    """Removing half a gigabyte takes a slow disk a while: it is the writing thread's work, as writing is."""
    removers: set[str] = set()
    unlink = Path.unlink

    def noted(path: Path, missing_ok: bool = False) -> None:
        removers.add(threading.current_thread().name)
        unlink(path, missing_ok=missing_ok)

    for number in range(12):
        shelf.close(20 + number, length=400)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Path, "unlink", noted)
            assert not shelf.keep()
    assert len(shelf.files()) == 8
    shelf.close(31, length=900)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "unlink", noted)
        assert not shelf.keep()
    assert removers == {"foretype-states"}
    assert len(shelf.files()) == 8, "the one that it extends is gone"


def test_a_key_stops_the_loading_of_a_state_after_a_part(shelf: Shelf) -> None:
    shelf.close(7)
    assert not shelf.keep()
    other = Shelf(shelf.folder)
    store = StateStore(shelf.folder, bytes(32))
    found = store.find([7, *range(3, 1002)], 1)
    assert found is not None
    cancelled = Cancellation()
    cancelled.cancel()
    assert store.read(found[0], cancelled) is None
    parts = store.read(found[0], Cancellation())
    assert parts is not None, "a key is no reason to remove it"
    key = Cancellation()
    restore = other.cells.restore

    asked = iter(range(10))

    def third_part(sequence: int, state: bytes) -> bool:
        if next(asked) == 2:
            key.cancel()
        return restore(sequence, state)

    sequence = other.cache.acquire()
    assert sequence is not None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(other.cells, "restore", third_part)
        assert not other.cache.restore(sequence, found[0].tokens, parts, key)
    assert other.cells.tokens(sequence.number) == sequence.tokens == [7, *range(3, 302)]
    assert other.cache.extend(sequence, [5])
