"""Files are replaced at once or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from foretype.context.shared.atomic import rewrite, write_atomically


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_written_with_the_folders_that_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file"
    write_atomically(path, [b"one ", b"two"])
    assert path.read_bytes() == b"one two"


def test_what_breaks_while_it_is_written_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, broken())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_permissions_are_the_owners_alone_unless_it_is_the_users_own_file(tmp_path: Path) -> None:
    private, own = tmp_path / "private", tmp_path / "own"
    write_atomically(private, [b"x"])
    own.write_bytes(b"x")
    own.chmod(0o640)
    rewrite(own, b"y")
    assert (mode(private), mode(own)) == (0o600, 0o640)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_of_the_users_stays_a_link(tmp_path: Path) -> None:
    there, link = tmp_path / "dotfiles" / "config.toml", tmp_path / "config.toml"
    there.parent.mkdir()
    there.write_bytes(b"old")
    link.symlink_to(there)
    rewrite(link, b"new")
    assert link.is_symlink()
    assert there.read_bytes() == b"new"


def test_what_is_written_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, order = tmp_path / "file", list[str]()
    flushed, moved = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        order.append(f"sync {os.fstat(descriptor).st_size}")
        flushed(descriptor)

    def replace(source: Path, target: Path) -> Path:
        order.append("move")
        return moved(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomically(path, [b"one ", b"two"])
    assert order == ["sync 7", "move"]
