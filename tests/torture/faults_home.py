"""Homes in which something is wrong before anybody starts: missing, read-only, full, broken."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from foretype.context.shared.locks import lock
from foretype.tests.torture.fault import Fault
from foretype.tests.torture.fault_scene import Act, FaultScene, fault, needs

_XDG = ("CONFIG_HOME", "CACHE_HOME", "STATE_HOME", "DATA_HOME")
_NO_XDG = {f"XDG_{name}": None for name in _XDG}

Prepare = Callable[[FaultScene], None]


def _with(prepare: Prepare, act: Act) -> Act:
    async def play(made: FaultScene) -> str:
        prepare(made)
        return await act(made)

    return play


def _suggests(made: FaultScene) -> Awaitable[str]:
    return made.suggests()


def _says(*words: str) -> Act:
    def play(made: FaultScene) -> Awaitable[str]:
        return made.says(*words)

    return play


def _file(*kinds: str) -> Prepare:
    def prepare(made: FaultScene) -> None:
        for kind in kinds:
            made.folder(kind).write_bytes(b"no folder")

    return prepare


def _at(kind: str, name: str, make: Callable[[Path], object]) -> Prepare:
    """Something else where a file of ours belongs."""

    def prepare(made: FaultScene) -> None:
        path = made.folder(kind) / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make(path)

    return prepare


def _pipes(made: FaultScene) -> None:
    _at("config", "config.toml", os.mkfifo)(made)
    for kind, names in (
        ("state", ("log/lsp.log", "log/daemon.log", "log/daemon-output.log")),
        ("data", ("statistics.sqlite3",)),
    ):
        for name in names:
            _at(kind, name, os.mkfifo)(made)


def _folders(made: FaultScene) -> None:
    for kind, name in (
        ("config", "config.toml"),
        ("state", "log/lsp.log"),
        ("state", "log/daemon-output.log"),
        ("data", "statistics.sqlite3"),
    ):
        _at(kind, name, Path.mkdir)(made)


def _stale_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))


_MOUNTED = """
mount --make-rprivate / || exit 1
for each in cache state data config; do {each} || exit 1; done
exec "$@"
"""
_READ_ONLY = 'mount --bind "{base}/$each" "{base}/$each" && mount -o remount,ro,bind "{base}/$each"'
_SMALL = (
    'mount -t tmpfs -o size=16k none "{base}/$each" && ! cat /dev/zero > "{base}/$each/filler" 2>/dev/null'
)


def _mounted(what: str) -> tuple[str, ...]:
    return ("unshare", "-m", "sh", "-c", _MOUNTED.replace("{each}", what), "sh")


async def _in_namespace(made: FaultScene) -> str:
    needs("unshare", "mount")
    return await made.suggests()


async def _another_holds_the_lock(made: FaultScene) -> str:
    folder = made.folder("run")
    folder.mkdir(mode=0o700)
    held = os.open(folder / "daemon.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock(held)
        os.write(held, f"{os.getpid()}\n".encode())
        said = "" if await made.editor.answered() else "no answer came"
    finally:
        os.close(held)
    return said or await made.suggests()


def _a_long_path(made: FaultScene) -> None:
    (made.base / _LONG).mkdir(mode=0o700)


def _open_to_all(made: FaultScene) -> None:
    made.folder("run").mkdir()
    made.folder("run").chmod(0o777)


def _a_link(made: FaultScene) -> None:
    (made.base / "elsewhere").mkdir(mode=0o700)
    made.folder("run").symlink_to(made.base / "elsewhere")


_LONG = "long" * 40

FAULTS: tuple[Fault, ...] = (
    fault(
        "no home", "Nothing is kept; suggestions come.", _suggests, changed={"HOME": "/proc/none", **_NO_XDG}
    ),
    fault(
        "read-only home", "Nothing is kept; suggestions come.", _in_namespace, wrapped=_mounted(_READ_ONLY)
    ),
    fault("full home", "Nothing is kept; suggestions come.", _in_namespace, wrapped=_mounted(_SMALL)),
    fault("the cache folder is a file", "No index is kept.", _with(_file("cache"), _suggests)),
    fault("the data folder is a file", "No statistics are kept.", _with(_file("data"), _suggests)),
    fault("the log folder is a file", "Nothing is logged.", _with(_file("state"), _suggests)),
    fault(
        "the settings are no TOML",
        "Defaults hold; the log says which line is wrong.",
        _with(_at("config", "config.toml", lambda path: path.write_bytes(b"\xff[[[= \0")), _suggests),
    ),
    fault(
        "named pipes where files of ours belong",
        "None is waited for; what lies there is not used.",
        _with(_pipes, _suggests),
        ends=False,
    ),
    fault("folders where files of ours belong", "None of them is used.", _with(_folders, _suggests)),
    fault(
        "no runtime folder",
        "A folder of the user's in the temporary one serves.",
        _suggests,
        changed={"XDG_RUNTIME_DIR": "{base}/none", "TMPDIR": "{base}"},
        ends=False,
    ),
    fault(
        "a runtime folder with a long path",
        "A sentence says how to shorten it.",
        _with(_a_long_path, _says("path")),
        changed={"XDG_RUNTIME_DIR": "{base}/" + _LONG},
        ends=False,
    ),
    fault(
        "the runtime folder is open to all",
        "It is not used; a sentence says what to do.",
        _with(_open_to_all, _says("XDG_RUNTIME_DIR")),
        ends=False,
    ),
    fault(
        "the runtime folder is a link",
        "It is not followed; a sentence says what to do.",
        _with(_a_link, _says("XDG_RUNTIME_DIR")),
        ends=False,
    ),
    fault("no temporary folder", "Another one serves.", _suggests, changed={"TMPDIR": "/proc/none"}),
    fault("an empty PATH", "No program is looked for there.", _suggests, changed={"PATH": ""}),
    fault(
        "a locale without letters",
        "Text is UTF-8 all the same.",
        _suggests,
        changed={"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ),
    fault(
        "the socket of a daemon that is gone",
        "The next daemon replaces it.",
        _with(_at("run", "daemon.sock", _stale_socket), _suggests),
    ),
    fault(
        "a file in the socket's place",
        "The next daemon replaces it.",
        _with(_at("run", "daemon.sock", Path.touch), _suggests),
    ),
    fault(
        "a folder in the socket's place",
        "A sentence says what to do.",
        _with(_at("run", "daemon.sock", Path.mkdir), _says("XDG_RUNTIME_DIR")),
    ),
    fault(
        "another program holds the daemon's lock",
        "Answers are empty until it lets go.",
        _another_holds_the_lock,
    ),
)
