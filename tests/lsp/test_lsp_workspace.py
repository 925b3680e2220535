"""The language server reads the workspace: related code reaches the model, known names reach the user."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from foretype.context.shared.values import Completion, Prompt
from foretype.context.workspace import walk as index_walk
from foretype.context.workspace.index import Limits
from foretype.daemon.client.backend import OnDelta
from foretype.daemon.wire.messages import CompletionRequest, WarmRequest
from foretype.lsp.workspace import folders as workspaces
from foretype.lsp.workspace import restrictions
from foretype.lsp.workspace.folders import Folder, is_project
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer
from foretype.tests.support.private_home import foretype, private_home

PATIENCE_S = 60.0

SHAPES = "class Rectangle:\n    def widen(self, margin):\n        return margin\n"
MAIN = "from shapes import Rectangle\n\n\ndef grow(shape: Rectangle):\n    shape = \n"


class Recording(EchoBackend):
    """A backend that keeps the prompts it was sent."""

    def __init__(self, say: Callable[[str], str]) -> None:
        super().__init__(say)
        self.prompts: list[Prompt] = []

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        self.prompts.append(request.prompt)
        return await super().complete(request, on_delta)

    async def warm(self, request: WarmRequest) -> None:
        self.prompts.append(request.prompt)


@asynccontextmanager
async def opened(
    root: Path,
    files: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    say: str = "grow",
    capabilities: dict[str, Any] | None = None,
) -> AsyncGenerator[tuple[InsideServer, Recording]]:
    """A server with a workspace whose `main.py` is open."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))
    monkeypatch.setattr(workspaces, "INDEX_AFTER_S", 0.0)
    folder = root / "project"
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    backend = Recording(lambda _: say)
    inside = InsideServer(backend)
    inside.feed(
        {
            "jsonrpc": "2.0",
            "id": "init",
            "method": "initialize",
            "params": {
                "capabilities": capabilities or {},
                "workspaceFolders": [{"uri": folder.as_uri(), "name": "project"}],
            },
        }
    )
    inside.feed({"jsonrpc": "2.0", "method": "initialized", "params": {}})
    document = {"uri": uri(root), "languageId": "python", "version": 1, "text": files["main.py"]}
    inside.feed({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}})
    try:
        yield inside, backend
    finally:
        await inside.end()


def uri(root: Path) -> str:
    return (root / "project" / "main.py").as_uri()


async def ask(inside: InsideServer, root: Path, line: int, character: int) -> list[dict[str, Any]]:
    """One inline completion."""
    number = f"ask{len(inside.asked)}"
    inside.feed(
        {
            "jsonrpc": "2.0",
            "id": number,
            "method": "textDocument/inlineCompletion",
            "params": {
                "textDocument": {"uri": uri(root)},
                "position": {"line": line, "character": character},
                "context": {"triggerKind": 2},
            },
        }
    )
    await until(lambda: number in inside.answers)
    return inside.answers[number][0]["result"]["items"]


async def context_shown(inside: InsideServer, root: Path) -> str:
    """What the command for it shows of the context."""
    arguments = [uri(root), {"line": 4, "character": 12}]
    params = {"command": "foretype.showContext", "arguments": arguments}
    inside.feed({"jsonrpc": "2.0", "id": "context", "method": "workspace/executeCommand", "params": params})
    await until(lambda: "context" in inside.answers)
    return inside.answers["context"][0]["result"]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in another thread or process."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for gives no event
            await asyncio.sleep(0.01)


def is_indexed(inside: InsideServer) -> bool:
    return any(folder.ready for folder in inside.server.session.workspaces)


async def test_the_definition_of_what_is_used_reaches_the_model_when_the_user_rests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, {"main.py": MAIN, "shapes.py": SHAPES}, monkeypatch) as (inside, backend):
        await until(lambda: is_indexed(inside))
        await ask(inside, tmp_path, 4, 12)
        await until(lambda: bool(backend.prompts) and bool(backend.prompts[-1].related))
        shown = await context_shown(inside, root=tmp_path)
    prompt = backend.prompts[-1]
    assert re.search(r"## shapes\.py \(definition 0\.\d+\)\n", shown)
    assert [part.path for part in prompt.related] == ["shapes.py"]
    assert "def widen(self, margin)" in prompt.related[0].text
    assert prompt.repository == "project"


async def test_a_name_that_only_another_file_defines_is_no_invention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"main.py": MAIN, "shapes.py": SHAPES}
    async with opened(tmp_path, files, monkeypatch, say="Rectangle.widen(Rectangel)") as (inside, _):
        await until(lambda: is_indexed(inside))
        assert await ask(inside, tmp_path, 4, 12) == []
    async with opened(tmp_path, files, monkeypatch, say="widen(shape)") as (inside, _):
        await until(lambda: is_indexed(inside))
        assert [item["insertText"] for item in await ask(inside, tmp_path, 4, 12)] == ["widen(shape)"]


async def test_a_name_that_one_other_file_defines_is_imported_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"main.py": "import sys\n\n\ndef grow(shape):\n    shape = \n", "shapes/__init__.py": ""}
    files["shapes/round.py"] = "class Ellipse:\n    pass\n"
    able = {"workspace": {"applyEdit": True}}
    async with opened(tmp_path, files, monkeypatch, "Ellipse()", capabilities=able) as (inside, _):
        await until(lambda: is_indexed(inside))
        (item,) = await ask(inside, tmp_path, 4, 12)
    (_, brought) = item["command"]["arguments"]
    assert brought["imports"] == [{"name": "Ellipse", "module": "shapes.round", "form": "member"}]


async def test_a_file_that_changes_on_disk_is_known_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, {"main.py": MAIN, "shapes.py": SHAPES}, monkeypatch) as (inside, _):
        await until(lambda: is_indexed(inside))
        (folder,) = inside.server.session.workspaces
        (tmp_path / "project" / "shapes.py").write_text(SHAPES + "\n\ndef ellipse():\n    pass\n")
        (tmp_path / "project" / "solids.py").write_text("def sphere():\n    pass\n")
        await until(lambda: folder.index.knows("ellipse") and folder.index.knows("sphere"))


async def test_a_file_saved_elsewhere_reaches_the_related_code_within_300_ms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown() -> str:
        return "".join(part.text for part in backend.prompts[-1].related) if backend.prompts else ""

    async with opened(tmp_path, {"main.py": MAIN, "shapes.py": SHAPES}, monkeypatch) as (inside, backend):
        await until(lambda: is_indexed(inside))
        await ask(inside, tmp_path, 4, 12)
        await until(lambda: "widen" in shown())
        (folder,) = inside.server.session.workspaces
        await being_watched(tmp_path / "project", folder)
        relations = inside.server.session.inline.relations
        await until(lambda: not relations.is_outdated(uri(tmp_path)))
        took_s: list[float] = []
        for name in ("inflate", "stretch", "squeeze"):  # what takes too long must do so each time
            (tmp_path / "project" / "shapes.py").write_text(SHAPES.replace("widen", name))
            saved = time.monotonic()
            await until(lambda name=name: name in shown())
            took_s.append(time.monotonic() - saved)
            assert "widen" not in shown()
    assert min(took_s) < 0.3, took_s


async def test_new_folders_are_walked_alone_and_ignored_ones_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks: list[tuple[str, ...]] = []
    really_walk = index_walk.walk

    def walk(
        root: Path, limits: Limits, folders: list[str], inside: tuple[str, ...] = index_walk.ALL_FOLDERS
    ) -> Any:
        walks.append(inside)
        return really_walk(root, limits, folders, inside)

    files = {"main.py": MAIN, "shapes.py": SHAPES, ".gitignore": "build/\n"}
    async with opened(tmp_path, files, monkeypatch) as (inside, _):
        await until(lambda: is_indexed(inside))
        (folder,) = inside.server.session.workspaces
        project = tmp_path / "project"
        await being_watched(project, folder)
        monkeypatch.setattr(index_walk, "walk", walk)
        monkeypatch.setattr(workspaces, "walk", walk)
        monkeypatch.setattr(workspaces, "refresh", forbidden)
        (project / "build" / "deep").mkdir(parents=True)
        (project / "build" / "made.py").write_text("def made(): pass\n")
        (project / "new" / "deep").mkdir(parents=True)
        (project / "new" / "deep" / "cone.py").write_text("def cone(): pass\n")
        await until(lambda: folder.index.knows("cone"))
        (project / "new" / "deep" / "cone.py").write_text("def frustum(): pass\n")
        (project / "shapes.py").write_text("def ellipse(): pass\n")
        await until(lambda: folder.index.knows("frustum") and folder.index.knows("ellipse"))
        assert not folder.index.knows("made")
    assert walks
    assert {each for inside in walks for each in inside} <= {"new", "new/deep"}


async def test_a_rule_that_changes_holds_for_documents_and_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, {"main.py": MAIN, "shapes.py": SHAPES}, monkeypatch) as (inside, _):
        await until(lambda: is_indexed(inside))
        (folder,) = inside.server.session.workspaces
        await being_watched(tmp_path / "project", folder)
        (document,) = inside.server.session.documents
        assert not inside.server.session.refused(document)
        (tmp_path / "project" / ".foretypeignore").write_text("*.py\n")
        await until(lambda: not folder.index.knows("Rectangle"))
        await until(lambda: ".foretypeignore" in inside.server.session.refused(document))


async def test_a_rule_above_the_editors_folder_that_changes_holds_for_its_index_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody watches that file: it is noticed with a request."""
    monkeypatch.setattr(restrictions, "FRESH_S", 0.0)
    async with opened(tmp_path, {"main.py": MAIN, "shapes.py": SHAPES}, monkeypatch) as (inside, _):
        await until(lambda: is_indexed(inside))
        (folder,) = inside.server.session.workspaces
        await being_watched(tmp_path / "project", folder)
        await ask(inside, tmp_path, 4, 12)
        (tmp_path / ".foretype.toml").write_text('exclude = ["shapes.py"]\ndisable_languages = ["go"]\n')
        await ask(inside, tmp_path, 4, 12)
        await until(lambda: not folder.index.knows("Rectangle"))


async def forbidden(*_: object) -> None:
    raise AssertionError("everything is walked again")


async def being_watched(project: Path, folder: Folder) -> None:
    """Wait until changes are noticed: nobody is told when the system begins to watch."""
    number = 0
    while not folder.index.knows(f"probe_{number}"):
        number += 1
        (project / "probe.py").write_text(f"def probe_{number}(): pass\n")
        try:
            async with asyncio.timeout(1.0):
                await until(lambda: folder.index.knows(f"probe_{number}"))  # noqa: B023 - awaited here
        except TimeoutError:
            continue


async def test_switching_the_index_off_takes_effect_at_once_and_so_does_switching_it_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(wanted: bool) -> None:
        settings = {"foretype": {"workspace": {"index": wanted}}}
        inside.feed(
            {
                "jsonrpc": "2.0",
                "method": "workspace/didChangeConfiguration",
                "params": {"settings": settings},
            }
        )

    async with opened(tmp_path, {"main.py": MAIN, "shapes.py": SHAPES}, monkeypatch) as (inside, _):
        await until(lambda: is_indexed(inside))
        change(False)
        await until(lambda: not list(inside.server.session.workspaces))
        change(True)
        await until(lambda: is_indexed(inside))


async def test_what_ignore_files_name_and_secrets_never_reach_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "main.py": MAIN,
        "shapes.py": SHAPES,
        ".foretypeignore": "private.py\n",
        "private.py": "class Rectangle:\n    hidden = 1\n",
        ".secrets/shapes.py": "class Rectangle:\n    hidden = 2\n",
    }
    async with opened(tmp_path, files, monkeypatch) as (inside, backend):
        await until(lambda: is_indexed(inside))
        await ask(inside, tmp_path, 4, 12)
        await until(lambda: bool(backend.prompts) and bool(backend.prompts[-1].related))
    assert "hidden" not in "".join(part.text for part in backend.prompts[-1].related)


@pytest.mark.parametrize(
    ("root", "is_one"),
    [
        ("/home/ada/project", True),
        ("/srv/code", True),
        ("/home/ada", False),
        ("/home", False),
        ("/", False),
        ("relative", False),
    ],
)
def test_a_whole_home_or_disk_is_no_project(root: str, is_one: bool) -> None:
    assert is_project(Path(root), Path("/home/ada")) is is_one


def test_the_context_command_names_every_part_with_its_origin_and_score(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("")
    (project / "shapes.py").write_text(SHAPES)
    (project / "main.py").write_text(MAIN)
    with private_home() as home:
        shown = foretype(home, "context", f"{project / 'main.py'}:5:13")
        record = foretype(home, "context", f"{project / 'main.py'}:5:13", "--json")
        wrong = foretype(home, "context", f"{project / 'main.py'}:99:1")
    assert shown.returncode == 0
    assert "shapes.py   definition 0.0" in shown.stdout
    assert "def grow(shape: Rectangle):" in shown.stdout
    found = json.loads(record.stdout)
    assert [part["origin"] for part in found["prompt"]["related"]] == ["definition"]
    assert {row["verdict"] for row in found["considered"]} >= {"chosen"}
    assert wrong.returncode == 2
    assert "there is no line 99" in wrong.stderr
