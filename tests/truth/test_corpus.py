"""Which files of a release are unpacked, and whose language they are."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path, PurePosixPath

import pytest
from foretype.tests.quality.corpus import Source, unpacked
from foretype.tests.truth.corpus import named_language


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ((), {"a.py", "lib/b.py"}),
        (("lib",), {"lib/b.py"}),
        (("dist/api",), {"dist/api/c.py"}),
    ],
)
def test_what_a_release_keeps_lies_in_its_folders(
    keep: tuple[str, ...], expected: set[str], tmp_path: Path
) -> None:
    """A folder that is named is one that people write in, whatever it is called."""
    archive = tmp_path / "archives" / "own-1.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as made:
        for name in ("a.py", "lib/b.py", "dist/api/c.py", "dist/api/vendor/d.py", "dist/e.py"):
            made.addfile(tarfile.TarInfo(f"own-1/{name}"))
    pinned = hashlib.sha256(archive.read_bytes()).hexdigest()
    folder = unpacked(Source("own", "1", "MIT", "pip", "python", pinned, keep), tmp_path)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")} == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("deploy/Dockerfile", "dockerfile"),
        ("Dockerfile.dev", "dockerfile"),
        ("GNUmakefile", "makefile"),
        ("Makefile.inc", "makefile"),
        ("Dockerfile.j2", None),
        ("Makefile.am", None),
        ("makefiles.py", None),
    ],
)
def test_a_file_without_a_suffix_is_known_by_its_name(path: str, expected: str | None) -> None:
    assert named_language(PurePosixPath(path)) == expected
