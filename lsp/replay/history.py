"""Places in a repository's history: lines that its commits wrote, newest first, the same ones for a seed.

What nobody typed is left out and counted: merges, renames, binary files, submodules, links, commits of
thousands of lines, what a shallow clone cuts off. Git is read through `git`, `hunks` understands a commit.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs

from ...context.languages import language, language_of
from ...context.secrets.paths import is_secret_path
from .git import Repository, RepositoryProblem, SlowProblem
from .hunks import FileRevision, hunks_in, place_in, typed_lines, written_anew
from .place import Place

MOST_COMMITS = 20_000
"""How far back is looked at most."""

MOST_ADDED_LINES = 2000
"""Lines that one commit adds; more were generated, imported or formatted, not typed."""

MOST_CHANGED_FILES = 200
"""Files that one commit touches; for the same reason."""

A_COMMIT = 2
"""Places of one commit at most, so that many of them count."""

MOST_FILE_BYTES = 400_000
"""Larger files are no source code that somebody types into."""

_REGULAR = frozenset({"100644", "100755"})
_SUBMODULE, _LINK = "160000", "120000"
_NOTHING = frozenset("0")
_DIFF = ("--no-ext-diff", "--no-textconv", "--no-color")


@attrs.frozen
class Commit:
    """A commit by its name; `parent` is "" for the first of all."""

    name: str
    parent: str


@attrs.frozen
class ChangedFile:
    """What a commit did to a file, as git lists it; names of blobs, "" for none."""

    status: str
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str
    path: str
    added: int = 0
    binary: bool = False


@attrs.frozen
class HistoryPlace:
    """A place, and the commit before which the rest of the repository has to stand."""

    place: Place
    commit: Commit


class History:
    """The places of one repository. Its state: what was left out so far, by reason."""

    def __init__(self, repository: Repository, *, seed: int, languages: tuple[str, ...] = ()) -> None:
        self.left_out: Counter[str] = Counter()
        self._repository = repository
        self._seed = seed
        self._languages = languages

    def places(self, root: Path) -> Iterator[HistoryPlace]:
        """All places, newest first. A longer list of one seed begins with the shorter ones.

        Args:
            root: the folder in which the repository's files will stand.

        Raises:
            RepositoryProblem: git cannot read the history.
        """
        for commit in self._commits():
            try:
                changes = self._changes(commit)
            except SlowProblem:
                self.left_out["commits that took too long to read"] += 1
                continue
            except RepositoryProblem:
                self.left_out["commits that cannot be read"] += 1
                continue
            for place in self._chosen(commit, changes, root):
                yield HistoryPlace(place, commit)

    def _commits(self) -> Iterator[Commit]:
        listed = self._repository.text("rev-list", "--parents", f"--max-count={MOST_COMMITS}", "HEAD")
        cut = self._cut_off()
        for line in listed.splitlines():
            name, *parents = line.split(" ")
            if len(parents) > 1:
                self.left_out["merges"] += 1
            elif name in cut:
                self.left_out["commits cut off by a shallow clone"] += 1
            else:
                yield Commit(name, parents[0] if parents else "")

    def _cut_off(self) -> frozenset[str]:
        """The commits whose parents a shallow clone left out: they look as if they had written everything."""
        try:
            return frozenset(self._repository.file("shallow").read_text("ascii").split())
        except (OSError, ValueError):
            return frozenset()

    def _changes(self, commit: Commit) -> list[FileRevision]:
        printed = self._repository.read(
            *("diff-tree", "-r", "-z", "--root", "--no-commit-id", "--raw", "--no-abbrev", "--numstat"),
            *("-M", "-l400", "--no-relative", *_DIFF, commit.name),
        )
        files = changed_files(printed)
        if len(files) > MOST_CHANGED_FILES or sum(each.added for each in files) > MOST_ADDED_LINES:
            self.left_out[f"commits of more than {MOST_ADDED_LINES} lines or {MOST_CHANGED_FILES} files"] += 1
            return []
        typed = [each for each in files if self._is_typed(each)]
        wanted = [blob for each in typed for blob in (each.old_blob, each.new_blob) if blob]
        blobs = self._repository.blobs(wanted)
        found = (self._change(each, blobs) for each in typed)
        return [each for each in found if each is not None]

    def _is_typed(self, file: ChangedFile) -> bool:
        """Whether somebody may have typed into a file; why not is counted."""
        reason = ""
        if _SUBMODULE in {file.old_mode, file.new_mode}:
            reason = "submodules"
        elif _LINK in {file.old_mode, file.new_mode}:
            reason = "links"
        elif file.status.startswith(("R", "C")):
            reason = "renames"
        elif file.status not in {"A", "M"}:
            return False
        elif file.binary:
            reason = "binary files"
        elif not self._is_wanted(file.path):
            reason = "files of other languages"
        elif not file.added or file.new_mode not in _REGULAR:
            return False
        if reason:
            self.left_out[reason] += 1
        return not reason

    def _is_wanted(self, path: str) -> bool:
        name = language_of(path)
        if not name or is_secret_path(path):
            return False
        return name in self._languages if self._languages else not language(name).layout.prose

    def _change(self, file: ChangedFile, blobs: dict[str, bytes]) -> FileRevision | None:
        old = _text(blobs.get(file.old_blob)) if file.old_blob else ""
        new = _text(blobs.get(file.new_blob))
        if old is None or new is None:
            self.left_out["files that are too large, missing or not UTF-8"] += 1
            return None
        if file.old_blob:
            patch = self._repository.read(
                *("diff", "--unified=0", "--inter-hunk-context=0", *_DIFF, file.old_blob, file.new_blob)
            )
            hunks = hunks_in(patch)
        else:
            hunks = written_anew(new)
        return FileRevision(file.path, language_of(file.path), old, new, hunks)

    def _chosen(self, commit: Commit, changes: list[FileRevision], root: Path) -> list[Place]:
        """Some lines of a commit, of as many files as there are."""
        chance = random.Random(f"{self._seed} {commit.name}")  # noqa: S311 - chosen, not secret
        chance.shuffle(changes)
        found: list[Place] = []
        for change in changes:
            lines = typed_lines(change)
            if len(found) < A_COMMIT and lines:
                line = chance.choice(lines)
                name = f"{commit.name[:12]}:{change.path}:{line.number + 1}"
                found.append(place_in(change, line, root, name, chance))
        return found


def changed_files(printed: bytes) -> list[ChangedFile]:
    """What `git diff-tree -z --raw --numstat` printed; the paths of renames are the new ones."""
    fields = iter(printed.split(b"\0"))
    files: dict[bytes, ChangedFile] = {}
    for field in fields:
        if field.startswith(b":"):
            old_mode, new_mode, old, new, status = field[1:].decode("ascii").split(" ")
            path = next(fields)
            if status.startswith(("R", "C")):
                path = next(fields)
            files[path] = ChangedFile(
                status, old_mode, new_mode, _blob(old), _blob(new), path.decode("utf-8", "surrogateescape")
            )
        elif field:
            added, _, path = field.split(b"\t", 2)
            if not path:
                _, path = next(fields), next(fields)
            if path in files:
                count = int(added) if added.isdigit() else 0
                files[path] = attrs.evolve(files[path], added=count, binary=not added.isdigit())
    return list(files.values())


def _blob(name: str) -> str:
    return "" if set(name) <= _NOTHING else name


def _text(content: bytes | None) -> str | None:
    """Source code with "\\n" as line ends; None for what is none."""
    if content is None or len(content) > MOST_FILE_BYTES:
        return None
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text or "\r" in text else text
