"""The daemon's directory: its locks, where it is found, and whether all that can be trusted.

Whoever holds the lock file is the daemon; where it listens is created and removed only by the holder
(`unix_socket`, `loopback`). Nothing here starts, ends or waits for anything.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path

import attrs

from ...context.shared import paths
from ...context.shared.locks import lock
from ...context.shared.problem import DaemonProblem

_SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107


@attrs.frozen
class DaemonHome:
    """Where one daemon lives.

    Attributes:
        directory: of the socket and the locks, this user's alone.
        logs: of the log files.
    """

    directory: Path = attrs.field(factory=paths.runtime_dir)
    logs: Path = attrs.field(factory=paths.log_dir)

    @property
    def socket(self) -> Path:
        """The daemon's Unix socket."""
        return self.directory / paths.socket_path().name

    @property
    def port(self) -> Path:
        """Says where a daemon listens that has no Unix socket, and proves who it is; this user's alone."""
        return self.directory / "daemon.port"

    @property
    def lock(self) -> Path:
        """Held by the running daemon; it contains its process id."""
        return self.directory / paths.lock_path().name

    @property
    def starting(self) -> Path:
        """Held by the client that is starting the daemon."""
        return self.directory / "starting.lock"

    @property
    def log(self) -> Path:
        """The daemon's log."""
        return self.logs / "daemon.log"

    @property
    def output(self) -> Path:
        """What the daemon and llama.cpp print."""
        return self.logs / "daemon-output.log"

    def prepare(self) -> None:
        """Create the directory, or check the one that is there.

        Raises:
            DaemonProblem: the directory cannot be created, is somebody else's, is a link, or is open to
            others.
        """
        try:
            self.directory.mkdir(mode=0o700)
        except FileExistsError:
            pass
        except OSError as error:
            raise DaemonProblem(
                f"The runtime directory {self.directory} cannot be created ({error.strerror}). "
                "Set XDG_RUNTIME_DIR to a directory of your own, such as one that 'mktemp -d' makes."
            ) from error
        self.check()

    def check(self) -> None:
        """Raise DaemonProblem when the directory is there and cannot be trusted; see `prepare`."""
        try:
            status = self.directory.lstat()
        except FileNotFoundError:
            return
        except OSError as error:
            raise DaemonProblem(
                f"The runtime directory {self.directory} cannot be looked at ({error.strerror}). "
                "Set XDG_RUNTIME_DIR to a directory of your own."
            ) from error
        self._check_directory(status)

    def check_length(self) -> None:
        """Raise DaemonProblem when the system allows no socket path this long."""
        length = len(os.fsencode(self.socket))
        if length > _SOCKET_PATH_BYTES:
            raise DaemonProblem(
                f"The socket's path {self.socket} has {length} bytes, of which this system allows "
                f"{_SOCKET_PATH_BYTES}. Set XDG_RUNTIME_DIR to a directory with a short path that is yours "
                "alone, or [daemon] transport "
                'to "tcp".'
            )

    def _check_directory(self, status: os.stat_result) -> None:
        remedy = "Remove it, or set XDG_RUNTIME_DIR to a directory of your own."
        if stat.S_ISLNK(status.st_mode):
            raise DaemonProblem(
                f"The runtime directory {self.directory} is a symbolic link, which is not safe. {remedy}"
            )
        if not stat.S_ISDIR(status.st_mode):
            raise DaemonProblem(f"The runtime directory {self.directory} is not a directory. {remedy}")
        if sys.platform == "win32":
            return  # who may do what there is not in these numbers
        if status.st_uid != os.getuid():
            raise DaemonProblem(
                f"The runtime directory {self.directory} belongs to another user (uid {status.st_uid}). "
                "Set XDG_RUNTIME_DIR to a directory of your own."
            )
        if status.st_mode & 0o022:
            raise DaemonProblem(
                f"Others may write into the runtime directory {self.directory}, which is not safe. {remedy}"
            )
        if status.st_mode & 0o077:
            try:
                self.directory.chmod(0o700)
            except OSError as error:
                raise DaemonProblem(
                    f"The runtime directory {self.directory} is open to others and cannot be closed "
                    f"({error.strerror}). {remedy}"
                ) from error


class Lock:
    """An advisory lock on a file, gone with its process. The file stays, since removing it would race."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self._lost: int | None = None

    @classmethod
    def take(cls, path: Path) -> Lock | None:
        """Take the lock, or return None when another process has it.

        Raises:
            DaemonProblem: the file cannot be opened.
        """
        # Python's descriptors are not inherited; links are followed only where the system cannot refuse to.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise DaemonProblem(
                f"The lock file {path} cannot be opened ({error.strerror}). Remove it and try again."
            ) from error
        try:
            lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return None
            raise DaemonProblem(
                f"{path} cannot be locked ({error.strerror}). "
                "Set XDG_RUNTIME_DIR to a directory on a local file system."
            ) from error
        return cls(descriptor, path)

    def sign(self) -> int:
        """Write this process's id into the file, for people and for `holder`.

        Returns:
            how many before it had signed and never let go: they crashed or were killed. 0 where nothing can
            be read.
        """
        pid, lost = 0, 0
        with contextlib.suppress(OSError, ValueError):
            pid, lost = (int(each) for each in (*self._read().split(), 0, 0)[:2])
        self._lost = lost + (pid > 0)
        self._write(os.getpid())
        return self._lost

    def _read(self) -> bytes:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return os.read(self._descriptor, 100)

    def _write(self, pid: int) -> None:
        with contextlib.suppress(OSError):  # the disk is full: the lock holds all the same
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, f"{pid}\n{self._lost}\n".encode())

    @property
    def in_place(self) -> bool:
        """Whether the file at the lock's path is still the one that is locked."""
        return _same_file(os.fstat(self._descriptor), self._path)

    def release(self) -> None:
        """Let go, and say so in the file where it was signed."""
        if self._lost is not None and self.in_place:
            self._write(0)
        os.close(self._descriptor)


def holder(place: DaemonHome) -> int | None:
    """The process id of the daemon that holds the lock; None when nobody does."""
    try:
        place.lock.lstat()
        lock = Lock.take(place.lock)
    except (OSError, DaemonProblem):
        return None
    if lock is not None:
        lock.release()
        return None
    try:
        return int(place.lock.read_text(encoding="ascii").split()[0]) or None
    except (OSError, ValueError, IndexError):
        return None


class BoundFile:
    """The file by which a listener is found: notices that it is gone, is removed only if it is one's own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._status = path.lstat()

    @property
    def in_place(self) -> bool:
        """Whether clients can still find it."""
        return _same_file(self._status, self._path)

    def remove(self) -> None:
        """Remove it unless it is already gone or another daemon's."""
        if self.in_place:
            self._path.unlink(missing_ok=True)


def _same_file(status: os.stat_result, path: Path) -> bool:
    try:
        there = path.lstat()
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (status.st_dev, status.st_ino)
