"""The promises of SECURITY.md, attacked: modes, users, hostile repositories, planted code, the network."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from foretype.context.shared.leftovers import write_marked
from foretype.context.shared.problem import DaemonProblem
from foretype.context.workspace.ignore import told_about
from foretype.context.workspace.index import Index
from foretype.daemon.process import lifecycle
from foretype.daemon.process.home import DaemonHome, Lock
from foretype.lsp.documents.project_indent import read_project_indent
from foretype.tests.support.fake_daemon import place_in, spawn_fake
from foretype.tests.support.lsp_client import LspClient, python
from foretype.tests.support.private_home import foretype, private_home
from foretype.tests.torture import killed_daemon, kills

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="about POSIX permissions and files")

SECRET = "planted_code_9f3a"
NOBODY = 65534
QUICK_S = 5.0


@pytest.fixture
def place() -> Iterator[DaemonHome]:
    directory = Path(tempfile.mkdtemp(prefix="ft-"))
    yield place_in(directory)
    shutil.rmtree(directory, ignore_errors=True)


_MODES = """
import os, stat, sys
from pathlib import Path
from foretype.context.shared.atomic import write_atomically
from foretype.context.shared.logs import log_to
from foretype.daemon.process.home import Lock
from foretype.daemon.process.unix_socket import UnixListener
from foretype.tests.support.fake_daemon import place_in
import logging
base = Path(sys.argv[1])
os.umask(int(sys.argv[2], 8))
place = place_in(base)
place.prepare()
lock = Lock.take(place.lock)
listener = UnixListener(place)
log_to(base / "logs" / "a.log", "info")
logging.getLogger("foretype.x").info("a line")
write_atomically(base / "cache", [b"x"])
logs = base / "logs"
for path in (place.directory, logs, place.socket, place.lock, logs / "a.log", base / "cache"):
    print(oct(stat.S_IMODE(path.stat().st_mode) & 0o077))
"""


@pytest.mark.parametrize("umask", ["000", "002", "022", "027", "077"])
def test_whatever_the_umask_others_get_nothing(tmp_path: Path, umask: str) -> None:
    with tempfile.TemporaryDirectory(prefix="ft-") as base:
        ran = subprocess.run(
            [sys.executable, "-c", _MODES, base, umask],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.stderr == ""
    assert ran.stdout.split() == ["0o0"] * 6
    assert not list(tmp_path.iterdir())


_CONNECTS = """
import socket, sys
with socket.socket(socket.AF_UNIX) as there:
    there.settimeout(20)
    try:
        there.connect(sys.argv[1])
        there.sendall(bytes.fromhex(sys.argv[2]))
        print(len(there.recv(100)))
    except OSError as error:
        print(type(error).__name__)
"""


OTHERS_PYTHON = Path("/usr/bin/python3")
"""A Python that another user may run."""


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not OTHERS_PYTHON.exists(),
    reason="only root can be somebody else",
)
async def test_another_user_gets_in_neither_at_the_door_nor_through_an_open_one(place: DaemonHome) -> None:
    from foretype.daemon.wire import messages as wire

    await lifecycle.start_daemon(place, spawn=spawn_fake)
    hello = wire.encode_request(1, wire.Method.HELLO, wire.Hello(wire.VERSION, "another", 1)).hex()

    def asked() -> str:
        return subprocess.run(
            [str(OTHERS_PYTHON), "-c", _CONNECTS, str(place.socket), hello],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            user=NOBODY,
        ).stdout.strip()

    try:
        assert asked() == "PermissionError"
        place.directory.parent.chmod(0o755)
        place.directory.chmod(0o755)
        place.socket.chmod(0o666)
        assert asked() in ("0", "ConnectionResetError", "BrokenPipeError")
    finally:
        place.directory.chmod(0o700)
        from foretype.daemon.client.client import DaemonClient

        client = DaemonClient(place)
        assert await client.stop()
        await client.aclose()


RULE_FILES = (".foretype.toml", ".foretypeignore", ".gitignore", ".editorconfig")


def hostile(root: Path, kind: str) -> None:
    """Put something into every place that is read of a repository."""
    for name in (*RULE_FILES, "source.py", ".git/config", ".git/info/exclude"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "sparse":
            with path.open("wb") as file:
                file.truncate(10 << 30)
        elif kind == "folder":
            path.mkdir()
        elif kind == "loop":
            path.symlink_to(path.name)
        elif kind == "nested":
            path.write_text("x = " + "[" * 200_000)
        elif kind == "laughs":
            path.write_text("".join(f"a{number} = [{'[1],' * 500}]\n" for number in range(100)))
        else:
            path.write_text(
                "\n".join(["*a*a*a*a*a*a*a*a*a*a*b", "**/a/**/a/**/a/**/a/**/b", "[" * 300] * 100)
            )


@pytest.mark.parametrize(
    "kind", ["pipe", "device", "sparse", "folder", "loop", "nested", "laughs", "patterns"]
)
def test_whatever_lies_where_a_repository_is_read_the_rest_is_read_soon(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "repository"
    (root / "inside\nout").mkdir(parents=True)
    (root / "inside\nout" / ("a" * 200 + ".py")).write_text("def good(): pass\n")
    hostile(root, kind)
    began = time.thread_time()
    index = Index(root)
    for _ in index.steps():
        pass
    file = root / "inside\nout" / "new.py"
    told_about(file)
    read_project_indent(str(file))
    assert time.thread_time() - began < QUICK_S
    assert told_about(file).kept_back or index.knows("good")


def test_no_link_leads_the_index_out_of_the_workspace(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (outside / "secret.py").write_text(f"def {SECRET}(): pass\n")
    (root / "own.py").write_text("def own(): pass\n")
    (root / "link.py").symlink_to(outside / "secret.py")
    (root / "folder").symlink_to(outside)
    index = Index(root)
    for _ in index.steps():
        pass
    assert index.knows("own")
    assert not index.knows(SECRET)


async def a_session(command: tuple[str, ...], home: dict[str, str], root: Path) -> int:
    """Write planted code, be suggested something, accept it, ask for everything, say goodbye; suggestions."""
    client = await LspClient.start(*command, env=home)
    folders = [{"uri": root.as_uri(), "name": "w"}]
    await client.initialize(workspaceFolders=folders)
    uri, shown = (root / "a.py").as_uri(), 0
    client.open(uri, "")
    for number in range(20):
        client.change(uri, {"text": f"{SECRET} = {number}\n{kills.written(number)}"})
        shown += len(await client.items(uri, 2, len("    return ")))
    client.notify(
        "textDocument/didChange", {"textDocument": {"uri": uri}, "contentChanges": [SECRET, {"text": 5}]}
    )
    await client.ask("workspace/executeCommand", {"command": "foretype.statistics", "arguments": []})
    closing = asyncio.create_task(client.close())
    while True:  # whoever watches waits for the daemon, too, and a last question may have started another one
        await asyncio.to_thread(foretype, home, "daemon", "stop")
        if (await asyncio.wait({closing}, timeout=0.5))[0]:
            break
    assert closing.result() == 0
    return shown


LANGUAGE_SERVER = python("-P", "-m", killed_daemon.__name__, "lsp")


async def test_nothing_of_the_code_is_in_logs_and_statistics(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text(f"{SECRET}_in_a_file = 1\n")
    with private_home() as home:
        assert await a_session(LANGUAGE_SERVER, home, tmp_path) > 0
        base = Path(home["XDG_RUNTIME_DIR"]).parent
        searched = [file for name in ("state", "data") for file in (base / name).rglob("*") if file.is_file()]
        assert any(file.suffix == ".log" for file in searched)
        assert [file.name for file in searched if SECRET.encode() in file.read_bytes()] == []


def may_watch() -> bool:
    """Whether strace is there and allowed to."""
    command = ["strace", "-f", "-qq", "-o", os.devnull, "true"]
    if shutil.which("strace") is None:
        return False
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.skipif(not may_watch(), reason="needs strace")
async def test_no_socket_but_unix_ones_is_ever_made(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    watched = ("strace", "-f", "-qq", "-e", "trace=socket,connect", "-o", str(trace), *LANGUAGE_SERVER)
    with private_home() as home:
        shown = await a_session(watched, home, tmp_path)
    assert shown > 0
    made = re.findall(r"socket\((\w+)", trace.read_text())
    assert made
    assert set(made) == {"AF_UNIX"}


@pytest.mark.skipif(
    sys.platform != "linux"
    or shutil.which("unshare") is None
    or subprocess.run(("unshare", "-n", "true"), capture_output=True, check=False).returncode != 0,
    reason="needs namespaces",
)
async def test_in_a_namespace_without_a_network_all_is_as_ever(tmp_path: Path) -> None:
    with private_home() as home:
        assert await a_session(("unshare", "-n", *LANGUAGE_SERVER), home, tmp_path) > 0


@pytest.mark.parametrize("kind", ["link", "hard link"])
def test_a_link_in_a_files_place_is_replaced_and_what_it_leads_to_stays(tmp_path: Path, kind: str) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "cache" / "ours"
    theirs.write_bytes(b"theirs")
    ours.parent.mkdir()
    if kind == "link":
        ours.symlink_to(theirs)
    else:
        ours.hardlink_to(theirs)
    write_marked(ours, [b"ours"])
    assert theirs.read_bytes() == b"theirs"
    assert ours.read_bytes() == b"ours"
    assert not ours.is_symlink()


def test_names_that_come_and_go_as_links_never_lead_a_write_elsewhere(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "cache" / "ours"
    theirs.write_bytes(b"theirs")
    ours.parent.mkdir()
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                ours.unlink(missing_ok=True)
                ours.symlink_to(theirs)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(300):
            write_marked(ours, [b"ours %d" % number])
    finally:
        ended.set()
        swapping.join()
    assert theirs.read_bytes() == b"theirs"


def test_a_lock_or_a_log_that_is_a_link_is_no_way_out_of_the_folder(
    place: DaemonHome, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_bytes(b"theirs")
    place.prepare()
    place.lock.symlink_to(theirs)
    with pytest.raises(DaemonProblem, match="cannot be opened"):
        Lock.take(place.lock)
    assert theirs.read_bytes() == b"theirs"


async def test_nothing_of_the_code_is_in_a_bug_report(tmp_path: Path) -> None:
    with private_home() as home:
        assert await a_session(LANGUAGE_SERVER, home, tmp_path) > 0
        report = await asyncio.to_thread(foretype, home, "doctor", "--report")
    assert "foretype" in report.stdout
    assert SECRET not in report.stdout + report.stderr
    assert str(tmp_path) not in report.stdout


_LOGS = """
import logging, sys
from pathlib import Path
from foretype.context.shared import logs
logs.MOST_BYTES = 20_000
logs.log_to(Path(sys.argv[1]), "info")
for number in range(int(sys.argv[2])):
    logging.getLogger("foretype.t").info("line %d of %s", number, sys.argv[3])
"""


def test_several_processes_share_a_log_that_stays_within_its_bounds(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "a.log"
    writing = [
        subprocess.Popen([sys.executable, "-c", _LOGS, str(file), "600", str(name)], stderr=subprocess.PIPE)
        for name in range(4)
    ]
    assert [process.communicate(timeout=120)[1] for process in writing] == [b""] * 4
    written = sorted(each.name for each in file.parent.iterdir())
    assert written == ["a.log", "a.log.1"]
    lines = [line for each in file.parent.iterdir() for line in each.read_text("utf-8").splitlines()]
    assert all(re.search(r"line \d+ of [0-3]$", line) for line in lines), "no line is torn"
    assert sum(each.stat().st_size for each in file.parent.iterdir()) < 2 * 20_000 + 4 * 200


def test_every_promise_and_every_row_of_the_threat_model_names_its_tests() -> None:
    root = Path(__file__).resolve().parents[2]
    text = (root / "SECURITY.md").read_text("utf-8")
    rows = re.findall(r"^\| .*\|$", text, re.MULTILINE)[1:]
    promises = text.partition("## What is promised")[2].partition("\n\nWhat is kept")[0].split("\n- **")[1:]
    assert len(rows) > 12
    assert len(promises) == 6
    for each in (*rows, *promises):
        tests = re.findall(r"`(tests/[\w/]+)`", each)
        assert tests or "| nothing" in each, each
        assert all((root / f"{test}.py").exists() for test in tests), each
