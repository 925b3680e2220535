"""The repository's files as they stood before a commit, in a folder of the replay's own.

So the language server finds the workspace of whoever typed that commit, and never the answer in it.
Written from git's blobs as they are: no filter and no hook runs, and nothing of the repository is touched.
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import attrs

from ...context.secrets.paths import is_secret_path
from ...context.shared.problem import Problem
from .git import Repository
from .history import Commit

MOST_COPIED_FILES = 20_000
MOST_COPIED_BYTES = 400_000
MOST_CHECKOUT_BYTES = 300_000_000
"""Of all files together; what comes after is left out."""

_AT_ONCE = 500
_REGULAR = ("100644", "100755")


@attrs.frozen
class TreeFile:
    """A file of a commit's tree: its path from the top, its blob's name, its size in bytes."""

    path: str
    blob: str
    size: int


def tree_files(printed: bytes) -> list[TreeFile]:
    """What is written of what `git ls-tree -r -z -l` printed: no links, submodules, secrets or huge files."""
    found: list[TreeFile] = []
    total = 0
    for entry in printed.split(b"\0"):
        facts, tab, raw = entry.partition(b"\t")
        path = raw.decode("utf-8", "surrogateescape")
        mode, _, blob, size, *_ = [*facts.decode("ascii", "replace").split(), "", "", "", ""]
        if not tab or mode not in _REGULAR or not size.isdigit() or not stays_inside(path):
            continue
        if int(size) > MOST_COPIED_BYTES or is_secret_path(path):
            continue
        total += int(size)
        if len(found) >= MOST_COPIED_FILES or total > MOST_CHECKOUT_BYTES:
            break
        found.append(TreeFile(path, blob, int(size)))
    return found


def stays_inside(path: str) -> bool:
    """Whether a path stays in the folder that it is relative to, and is none of git's own."""
    parts = PurePosixPath(path).parts
    strange = {"..", ".git", ""}
    return bool(parts) and not path.startswith("/") and not strange & {each.lower() for each in parts}


class Checkout:
    """The folder. Its state: which blob stands at which path."""

    def __init__(self, repository: Repository, root: Path) -> None:
        self.root = root
        self._repository = repository
        self._there: dict[str, str] = {}

    def stand_before(self, commit: Commit) -> None:
        """Make the folder what the repository was before a commit.

        Raises:
            RepositoryProblem: git cannot read it.
            Problem: the folder cannot be written.
        """
        wanted: dict[str, str] = {}
        if commit.parent:
            printed = self._repository.read("ls-tree", "-r", "-z", "-l", "--full-tree", commit.parent)
            wanted = {each.path: each.blob for each in tree_files(printed)}
        try:
            for path in [path for path, blob in self._there.items() if wanted.get(path) != blob]:
                self._remove(path)
            new = [(path, blob) for path, blob in wanted.items() if path not in self._there]
            for start in range(0, len(new), _AT_ONCE):
                self._write(new[start : start + _AT_ONCE])
        except OSError as error:
            raise Problem(f"The files of the replay cannot be written ({error.strerror}).") from error

    def _write(self, files: list[tuple[str, str]]) -> None:
        contents = self._repository.blobs(sorted({blob for _, blob in files}))
        for path, blob in files:
            if blob in contents:
                place = self.root / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(contents[blob])
                self._there[path] = blob

    def _remove(self, path: str) -> None:
        place = self.root / path
        place.unlink(missing_ok=True)
        del self._there[path]
        for folder in place.relative_to(self.root).parents[:-1]:
            here = self.root / folder
            if any(here.iterdir()):
                break
            shutil.rmtree(here)
