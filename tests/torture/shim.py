"""Sets what `shim.c` does to processes that run with it: full disks, clocks that jump, calls that fail.

It is compiled when it is first wanted. Where there is no C compiler, or no Linux, `available` says so.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path

import attrs

SOURCE = Path(__file__).resolve().with_name("shim.c")
NAMES = (
    "writes_left",
    "writes_seen",
    "delay_us",
    "wall_ns",
    "steady_ns",
    "fork",
    "watch_add",
    "watch_new",
    "rename_lost",
    "rename",
    "fsync",
    "thread",
    "lock",
    "create",
    "read",
    "unlink",
    "virtual",
)
"""The numbers in the shared file, in the order of `shim.c`: numbers of errors, unless named otherwise."""

_NUMBER = struct.Struct("=q")


@functools.cache
def library() -> Path | None:
    """The compiled shim; None where it cannot be had."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        return None
    name = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    built = Path(__file__).resolve().parents[2] / "build" / "torture" / f"shim-{name}.so"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=built.parent) as folder:
            made = Path(folder) / "shim.so"
            command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl"]
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                return None
            made.replace(built)
    return built


def available() -> bool:
    """Whether faults can be made here."""
    return library() is not None


@attrs.frozen
class Faults:
    """What happens to processes that run with `environment`. State: the numbers in the file they share."""

    environment: dict[str, str]
    _shared: mmap

    def set(self, **numbers: int) -> None:
        """Change some numbers, by their names, from now on."""
        for name, value in numbers.items():
            _NUMBER.pack_into(self._shared, NAMES.index(name) * _NUMBER.size, value)

    def get(self, name: str) -> int:
        """A number as it is now."""
        return _NUMBER.unpack_from(self._shared, NAMES.index(name) * _NUMBER.size)[0]

    def clear(self) -> None:
        """All is well again; clocks stay where they were moved to."""
        self.set(**{name: 0 for name in NAMES if name not in ("wall_ns", "steady_ns", "virtual")})
        self.set(writes_left=-1)


@contextmanager
def faults(faulty: Path) -> Generator[Faults]:
    """Faults to be set, of files below `faulty` where they are about files.

    Raises:
        OSError: there is no shim; ask `available` before.
    """
    shim = library()
    if shim is None:
        raise OSError("there is no C compiler for the shim")
    with tempfile.NamedTemporaryFile(prefix="faults-") as file:
        file.write(bytes(_NUMBER.size * len(NAMES)))
        file.flush()
        with mmap(file.fileno(), 0) as shared:
            environment = {
                "LD_PRELOAD": str(shim),
                "FORETYPE_FAULTS": file.name,
                "FORETYPE_FAULTY": f"{faulty}/",
            }
            found = Faults(environment, shared)
            found.clear()
            yield found
