"""A git repository that is only read, by the `git` program.

Nothing of the repository's or the user's configuration can make git run another program here, fetch from a
network or write: what could is switched off. What is read, and what becomes of it, is `history`'s business.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ...context.shared.problem import Problem

GIT_S = 30.0
"""How long one call of git may take."""

_QUIET = (
    "--no-pager",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "protocol.allow=never",
)
_KEPT = ("GIT_CONFIG", "GIT_EXEC_PATH")


class RepositoryProblem(Problem):
    """The repository cannot be read."""


class SlowProblem(RepositoryProblem):
    """Git did not come to an end in time."""


class Repository:
    """One repository; it has no state but where it lies and which git reads it."""

    def __init__(self, folder: Path, program: str | None = None) -> None:
        """Find the repository that a folder belongs to; nothing of it is read yet.

        Raises:
            RepositoryProblem: there is no git, no such folder, no repository, or one without commits.
        """
        found = program or shutil.which("git")
        if found is None:
            raise RepositoryProblem("There is no git on this machine. Install it, and try again.")
        if not folder.is_dir():
            raise RepositoryProblem(f"There is no folder {folder}. Name one inside a git repository.")
        self._folder = folder.absolute()
        self._command = (found, *_QUIET, "-C", os.fspath(folder))
        self.directory = Path(os.fsdecode(self._checked(folder).strip(b"\r\n")))
        self.name = (self.directory.parent if self.directory.name == ".git" else self.directory).name
        try:
            self.head = self.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip()
        except RepositoryProblem:
            raise RepositoryProblem(f"The repository {self.directory} has no commits yet.") from None

    def _checked(self, folder: Path) -> bytes:
        try:
            return self.read("rev-parse", "--absolute-git-dir")
        except SlowProblem:
            raise
        except RepositoryProblem as problem:
            if "dubious ownership" in str(problem):
                raise RepositoryProblem(
                    f"Git does not trust {folder}, which belongs to another user. "
                    "'git config --global --add safe.directory FOLDER' tells it to."
                ) from None
            raise RepositoryProblem(
                f"{folder} belongs to no git repository. Name a folder inside one."
            ) from None

    def read(self, *arguments: str, sent: bytes = b"", within_s: float = GIT_S) -> bytes:
        """What one call of git prints; `sent` is its input.

        Raises:
            RepositoryProblem: git said no; the sentence is git's own.
            SlowProblem: it took longer than `within_s`.
        """
        try:
            ran = subprocess.run(
                [*self._command, *arguments],
                input=sent,
                capture_output=True,
                timeout=within_s,
                check=False,
                env=_environment(),
            )
        except subprocess.TimeoutExpired:
            raise SlowProblem(f"'git {arguments[0]}' took longer than {within_s:.0f} seconds.") from None
        except OSError as error:
            raise RepositoryProblem(f"Git cannot be run ({error.strerror}).") from error
        if ran.returncode:
            said = ran.stderr.decode("utf-8", "replace").strip().split("\n")[0]
            raise RepositoryProblem(f"Git cannot read the repository ({said or ran.returncode}).")
        return ran.stdout

    def text(self, *arguments: str) -> str:
        """The same as text, for what holds no paths and no code."""
        return self.read(*arguments).decode("utf-8", "replace")

    def file(self, name: str) -> Path:
        """Where a file of git's own lies, such as `shallow`; it need not be there."""
        return self._folder / self.text("rev-parse", "--git-path", name).strip()

    def blobs(self, names: Sequence[str]) -> dict[str, bytes]:
        """The contents of blobs by their names; those that are missing (a partial clone) are left out."""
        if not names:
            return {}
        printed = self.read("cat-file", "--batch", sent="\n".join(names).encode() + b"\n")
        found: dict[str, bytes] = {}
        at = 0
        while (end := printed.find(b"\n", at)) >= 0:
            name, *rest = printed[at:end].decode("ascii", "replace").split(" ")
            at = end + 1
            if len(rest) == 2:  # noqa: PLR2004 - kind and size; "missing" stands alone
                size = int(rest[1])
                found[name] = printed[at : at + size]
                at += size + 1
        return found


def _environment() -> dict[str, str]:
    """This process's, without what would send git elsewhere or have it ask or fetch."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }
