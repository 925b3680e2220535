"""Small rounds of the faults and hours of `make torture`, and the order in which files reach the disk."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from foretype.tests.support.lsp_client import python
from foretype.tests.torture import faults, hours, shim, writers
from foretype.tests.torture.fault import CannotBeMadeHereError, Fault
from foretype.tests.torture.faults_disk import FAULTS as OF_THE_DISK
from foretype.tests.torture.fuzz_files import KINDS

needs_shim = pytest.mark.skipif(not shim.available(), reason="needs Linux and a C compiler")


def test_there_are_forty_faults_each_with_a_sentence() -> None:
    names = [fault.name for fault in faults.FAULTS]
    assert len(names) >= 40
    assert len(set(names)) == len(names)
    assert all(fault.sentence.endswith(".") for fault in faults.FAULTS)


def test_what_cannot_be_made_here_is_counted_apart_and_what_goes_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def missing() -> str:
        raise CannotBeMadeHereError("no namespaces")

    async def wrong() -> str:
        return "nothing was suggested"

    monkeypatch.setattr(faults, "FAULTS", (Fault("a", "A.", missing), Fault("b", "B.", wrong)))
    left_out, broken = faults.play(0), faults.play(1)
    assert left_out.counts == {"faults.left_out": 1}
    assert left_out.notes == ("a: left out, no namespaces",)
    assert broken.wrong == ("b: nothing was suggested",)


@needs_shim
@pytest.mark.parametrize("name", ["index", "settings"])
def test_a_disk_that_is_full_at_any_write_leaves_the_old_file_or_the_new_one(name: str) -> None:
    (fault,) = [each for each in OF_THE_DISK if each.name == f"disk full at each write: {name}"]
    number = faults.FAULTS.index(fault)
    assert faults.play(number).wrong == ()


@needs_shim
@pytest.mark.parametrize("waits", ["threading.Event().wait(3600)", "sleep(3600)"])
def test_clocks_are_moved_while_a_process_runs_and_whoever_waits_wakes(tmp_path: Path, waits: str) -> None:
    told = f"import time, threading; sleep = time.sleep; began = time.monotonic(); print(flush=True); {waits}"
    with shim.faults(tmp_path) as made:
        made.set(virtual=1)
        command = python("-c", f"{told}; print(time.monotonic() - began >= 3600)")
        with subprocess.Popen(
            command, env={**os.environ, **made.environment}, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()
                # It said so before it waits: where an hour went by in between, it waits for the next one.
                for hours_gone in range(1, 60):
                    made.set(steady_ns=hours_gone * 3600 * 10**9)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(1)
                        break
                assert process.communicate(timeout=5)[0].strip() == "True"
            finally:
                process.kill()


@needs_shim
def test_where_a_clock_was_moved_a_short_sleep_stays_short(tmp_path: Path) -> None:
    with shim.faults(tmp_path) as made:
        made.set(steady_ns=3600 * 10**9)
        command = python("-c", "from time import sleep; sleep(0.0001)")
        subprocess.run(command, env={**os.environ, **made.environment}, timeout=30, check=True)


def test_growth_compares_the_last_eighth_with_the_second() -> None:
    looks = tuple(hours.Look(at * 360.0, (100 if at < 60 else 104, 50), (1, 1), (1, 1)) for at in range(81))
    day = hours.Day(8.0, 1, 1, looks, ((1.0,), (1.0,)), 0, 0, 0)
    assert hours.growth(day) == pytest.approx(0.04)
    assert hours.judged(day, "hours").wrong == ()
    assert hours.judged(day, "hours").worst["rss.growth"] == pytest.approx(0.04)


_CALL = re.compile(
    r'^\d+ +(?:(openat)\(\w+, "([^"]+)".*\) += (\d+)'
    r"|(write|pwrite64|fsync|fdatasync|close)\((\d+)\b"
    r'|(rename)(?:at2?)?\((?:\w+, )?"([^"]+)", (?:\w+, )?"([^"]+)")'
)


def unsafe_renames(trace: str) -> tuple[int, list[str]]:
    """Renames of files whose last write was not followed by fsync; beside how many renames there were."""
    names: dict[str, str] = {}
    dirty: set[str] = set()
    renames, unsafe = 0, list[str]()
    for line in trace.splitlines():
        if not (call := _CALL.match(line)):
            continue
        opened, path, descriptor, does, of, renamed, source, target = call.groups()
        if opened:
            names[descriptor] = path
        elif does in ("write", "pwrite64"):
            dirty.add(names.get(of, ""))
        elif does in ("fsync", "fdatasync"):
            dirty.discard(names.get(of, ""))
        elif renamed:
            renames += 1
            if source in dirty:
                unsafe.append(target)
    return renames, unsafe


def may_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    command = ["strace", "-f", "-qq", "-o", os.devnull, "true"]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux" or not may_trace(), reason="needs strace")
@pytest.mark.parametrize("name", [*sorted(KINDS.keys() - {"statistics"}), "settings"])
def test_before_a_file_takes_anothers_place_it_is_on_the_disk(tmp_path: Path, name: str) -> None:
    trace, folder = tmp_path / "trace", tmp_path / "folder"
    folder.mkdir()
    calls = "trace=openat,write,pwrite64,fsync,fdatasync,close,rename,renameat,renameat2"
    command = ("strace", "-f", "-qq", "-e", calls, "-o", str(trace))
    subprocess.run(
        (*command, *python("-P", "-m", writers.__name__, name, str(folder))), timeout=240, check=True
    )
    renames, unsafe = unsafe_renames(trace.read_text("utf-8", "replace"))
    assert renames > 0
    assert unsafe == []


def test_a_rename_before_its_fsync_would_be_seen() -> None:
    trace = '1 openat(AT_FDCWD, "/a/.b", O_RDWR) = 3\n1 write(3, "x", 1) = 1\n1 rename("/a/.b", "/a/b") = 0\n'
    assert unsafe_renames(trace) == (1, ["/a/b"])
    assert unsafe_renames(trace.replace("1 rename", "1 fsync(3) = 0\n1 rename")) == (1, [])
