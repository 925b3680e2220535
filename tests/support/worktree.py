"""A git repository of one test alone, without the user's configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import attrs
from foretype.lsp.replay.git import Repository
from foretype.lsp.replay.history import History, HistoryPlace


@attrs.frozen
class Worktree:
    """A repository of this test alone."""

    folder: Path

    def git(self, *arguments: str) -> None:
        names = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")
        subprocess.run(
            ["git", *names, *arguments],
            cwd=self.folder,
            check=True,
            capture_output=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        )

    def commit(self, **files: str | bytes) -> None:
        """Files by their names, a dot written as two underscores."""
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (self.folder / name.replace("__", ".")).write_bytes(data)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")

    def history(self) -> tuple[list[HistoryPlace], dict[str, int]]:
        found = History(Repository(self.folder), seed=7)
        return list(found.places(self.folder / "elsewhere")), dict(found.left_out)
