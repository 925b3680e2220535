"""`foretype complete` sees what the language server would see, and keeps back what it keeps back."""

from __future__ import annotations

from pathlib import Path

import pytest
from foretype.context.shared import paths
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from foretype.context.workspace.index import Index
from foretype.daemon.settings.settings import Settings, WorkspaceSettings
from foretype.lsp.cli.complete import chosen_prompt, known_project
from foretype.tests.support.private_home import foretype, private_home

SHAPES = "class Rectangle:\n    def widen(self, margin):\n        return margin\n"
MAIN = "from shapes import Rectangle\n\n\ndef grow(shape: Rectangle):\n    shape = \n"


def project(folder: Path, **files: str) -> Path:
    """A project with these files; "_" stands for a dot in their names."""
    root = folder / "project"
    for name, text in {"pyproject_toml": "", "shapes_py": SHAPES, "main_py": MAIN, **files}.items():
        (root / name.replace("_", ".")).parent.mkdir(parents=True, exist_ok=True)
        (root / name.replace("_", ".")).write_text(text)
    return root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return project(tmp_path)


def related(root: Path, settings: Settings) -> list[str]:
    snapshot = Snapshot((root / "main.py").as_uri(), "main.py", "python", MAIN, 0, parse(MAIN, "python"))
    folder = known_project(root, settings.workspace.index)
    prompt, _ = chosen_prompt(snapshot, len(MAIN) - 1, folder, settings.completion, sees_suffix=True)
    return [part.path for part in prompt.related]


def test_related_code_comes_from_the_index_that_an_editor_has_left(root: Path) -> None:
    assert related(root, Settings()) == []
    index = Index(root, paths.cache_dir() / "workspaces")
    for _ in index.steps():
        pass
    assert index.save()
    assert related(root, Settings()) == ["shapes.py"]
    assert related(root, Settings(workspace=WorkspaceSettings(index=False))) == []


@pytest.mark.parametrize(
    ("name", "narrowing", "why"),
    [
        (".env", {"_env": "KEY = 1\n"}, "secrets"),
        ("main.py", {"_foretypeignore": "main.py\n"}, ".foretypeignore"),
        ("main.py", {"_foretype_toml": "disable = true\n"}, "switches suggestions off"),
    ],
)
def test_what_a_workspace_keeps_back_is_not_completed(
    tmp_path: Path, name: str, narrowing: dict[str, str], why: str
) -> None:
    root = project(tmp_path, **narrowing)
    with private_home() as home:
        run = foretype(home, "complete", f"{root / name}:1:1")
    assert run.returncode == 1
    assert run.stdout == ""
    assert why in run.stderr
