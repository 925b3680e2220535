"""A workspace may keep files back and switch suggestions off, and nothing else."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from foretype.context.workspace.ignore import IgnoreDecision, is_left_out
from foretype.lsp.documents.document import Document
from foretype.lsp.workspace import restrictions as narrowing
from foretype.lsp.workspace.restrictions import (
    AT_ONCE,
    FRESH_S,
    SLOW_S,
    WAITING,
    Drive,
    FileVerdict,
    Narrowings,
)
from foretype.tests.support.clock import FakeClock
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer

PATIENCE_S = 30.0


def check(root: Path, name: str, *, why: str = "", kept_back: bool = False, language: str = "python") -> None:
    """Whether a document at `name` of the workspace is refused with a sentence that holds `why`."""
    document = Document((root / name).as_uri(), language, 1, "x = 1\n", (str(root),))
    verdict = Narrowings(lambda: (str(root),)).verdict(document)
    assert verdict.kept_back is kept_back
    assert bool(verdict.why) is bool(why)
    assert why in verdict.why


def test_without_files_of_its_own_a_workspace_keeps_nothing_back(tmp_path: Path) -> None:
    check(tmp_path, "src/main.py")


def test_foretypeignore_keeps_documents_back_in_its_folder_and_below(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / ".foretypeignore").write_text("private/\n")
    (tmp_path / "src" / ".foretypeignore").write_text("*.gen.py\n")
    check(tmp_path, "private/deep/a.py", why=".foretypeignore", kept_back=True)
    check(tmp_path, "src/a.gen.py", why=".foretypeignore", kept_back=True)
    check(tmp_path, "a.gen.py")


def test_what_git_ignores_is_still_completed_when_somebody_edits_it(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("local.py\n")
    check(tmp_path, "local.py")


@pytest.mark.parametrize("name", [".env", "deploy/server.key", ".ssh/id_ed25519"])
def test_secrets_are_kept_back_without_being_told(tmp_path: Path, name: str) -> None:
    check(tmp_path, name, why="secrets", kept_back=True)


def test_excluded_files_are_kept_back_from_documents_and_from_the_index(tmp_path: Path) -> None:
    (tmp_path / ".foretype.toml").write_text('exclude = ["vendor/"]\n')
    check(tmp_path, "vendor/a.py", why=".foretype.toml", kept_back=True)
    check(tmp_path, "a.py")
    (tmp_path / "a.py").touch()
    assert is_left_out(tmp_path, "vendor/a.py")
    assert not is_left_out(tmp_path, "a.py")


def test_a_workspace_switches_off_everywhere_or_for_a_language(tmp_path: Path) -> None:
    (tmp_path / ".foretype.toml").write_text('disable_languages = ["markdown"]\n')
    check(tmp_path, "a.md", why="markdown", language="markdown")
    check(tmp_path, "a.py")
    (tmp_path / ".foretype.toml").write_text("disable = true\n")
    check(tmp_path, "a.py", why="switches suggestions off")


def test_anything_else_in_it_is_named_in_the_log_once_and_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".foretype.toml").write_text('disable = "yes"\n[model]\npath = "/x.gguf"\n')
    document = Document((tmp_path / "a.py").as_uri(), "python", 1, "", (str(tmp_path),))
    clock = FakeClock()
    narrowings = Narrowings(lambda: (str(tmp_path),), drive=Drive(clock=clock))
    for _ in range(3):
        assert narrowings.verdict(document).why == ""
        clock.advance(2 * FRESH_S)
    assert [caplog.text.count(f"'{key}'") for key in ("model", "disable")] == [1, 1]


@pytest.mark.parametrize("text", ["disable = ", "x = " + "[" * 20_000])
def test_a_file_that_is_not_understood_leaves_the_workspace_out(tmp_path: Path, text: str) -> None:
    (tmp_path / ".foretype.toml").write_text(text)
    check(tmp_path, "a.py", why=".foretype.toml", kept_back=True)


def test_a_change_holds_as_soon_as_what_was_read_is_no_longer_fresh(tmp_path: Path) -> None:
    document = Document((tmp_path / "a.py").as_uri(), "python", 1, "", (str(tmp_path),))
    clock = FakeClock()
    narrowings = Narrowings(lambda: (str(tmp_path),), drive=Drive(clock=clock))
    assert not narrowings.verdict(document).kept_back
    (tmp_path / ".foretypeignore").write_text("a.py\n")
    clock.advance(FRESH_S)
    assert narrowings.verdict(document).kept_back
    (tmp_path / ".foretypeignore").unlink()
    clock.advance(FRESH_S)
    assert not narrowings.verdict(document).kept_back


@pytest.mark.parametrize("roots", [("packages/a",), ("packages",), ("",), ()])
def test_a_repository_is_heard_wherever_the_editor_opened_it(tmp_path: Path, roots: tuple[str, ...]) -> None:
    """Also where no folder is open at all."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "packages" / "a").mkdir(parents=True)
    (tmp_path / "packages" / "a" / "package.json").touch()
    opened = tuple(str(tmp_path / root).rstrip("/") for root in roots)

    def why(name: str) -> tuple[str, bool]:
        document = Document((tmp_path / "packages" / "a" / name).as_uri(), "python", 1, "", opened)
        found = Narrowings(lambda: opened).verdict(document)
        return found.why, found.kept_back

    assert why("a.py") == ("", False)
    (tmp_path / ".foretypeignore").write_text("private.py\n")
    (tmp_path / "packages" / ".foretype.toml").write_text('exclude = ["a/vendor/"]\n')
    assert why("private.py")[1]
    assert why("vendor/x.py")[1]
    assert why("a.py") == ("", False)
    (tmp_path / ".foretype.toml").write_text("disable = true\n")
    assert "switches suggestions off" in why("a.py")[0]


@pytest.mark.parametrize(
    ("root", "name", "kept_back"),
    [
        ("secrets/project", "src/main.py", False),
        ("secrets/project", "src/.env", True),
        (".ssh", "config", True),
        ("", ".ssh/config", True),
        ("", "secrets/main.py", False),
        ("", "secrets/prod.yaml", True),
    ],
)
def test_of_the_folders_above_a_workspace_none_makes_its_files_secret(
    tmp_path: Path, root: str, name: str, kept_back: bool
) -> None:
    check(tmp_path / root, name, why="secrets" if kept_back else "", kept_back=kept_back)


@attrs.define
class SlowDrive:
    """A file system that answers when it is told to, or never."""

    told: IgnoreDecision = attrs.field(factory=IgnoreDecision)
    asked: int = 0
    hangs: bool = False
    answers: threading.Event = attrs.field(factory=threading.Event)

    def read(self, path: Path) -> IgnoreDecision:
        del path
        self.asked += 1
        if self.hangs:
            self.answers.wait(PATIENCE_S)
        return self.told


@attrs.define
class Editor:
    """A document in an editor, on a drive."""

    drive: SlowDrive
    clock: FakeClock = attrs.field(factory=FakeClock)
    news: list[str] = attrs.field(factory=list[str])
    document: Document = attrs.field(factory=lambda: Document("file:///srv/w/a.py", "python", 1, ""))
    narrowings: Narrowings = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.narrowings = Narrowings(
            lambda: ("/srv/w",), self.news.append, Drive(self.drive.read, self.clock)
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - another thread answers
                await asyncio.sleep(0.001)


async def test_a_document_is_held_back_until_the_drive_has_answered_once() -> None:
    editor = Editor(SlowDrive(hangs=True))
    for _ in range(3):
        assert editor.narrowings.verdict(editor.document) == FileVerdict(True, WAITING, known=False)
    await editor.until(lambda: editor.drive.asked > 0)
    assert editor.drive.asked == 1
    assert not editor.narrowings.is_slow(editor.document)
    editor.clock.advance(SLOW_S)
    assert editor.narrowings.is_slow(editor.document)
    editor.drive.answers.set()
    await editor.until(lambda: editor.news == ["/srv/w/a.py"])
    assert editor.narrowings.verdict(editor.document) == FileVerdict(False, "")
    assert not editor.narrowings.is_slow(editor.document)


async def test_while_a_drive_hangs_its_last_answer_counts() -> None:
    editor = Editor(SlowDrive())
    await editor.narrowings.settle(editor.document)
    editor.drive.hangs = True
    editor.drive.told = IgnoreDecision(kept_back=True)
    for _ in range(5):
        editor.clock.advance(FRESH_S)
        assert not editor.narrowings.verdict(editor.document).kept_back
        await asyncio.wait_for(editor.narrowings.settle(editor.document), PATIENCE_S)
    assert editor.drive.asked == 2
    editor.drive.answers.set()
    await editor.until(lambda: editor.narrowings.verdict(editor.document).kept_back)
    assert editor.news


async def test_a_change_holds_with_the_very_next_request() -> None:
    editor = Editor(SlowDrive())
    await editor.narrowings.settle(editor.document)
    assert not editor.narrowings.verdict(editor.document).kept_back
    editor.drive.told = IgnoreDecision(kept_back=True)
    editor.clock.advance(FRESH_S)
    await editor.narrowings.settle(editor.document)
    assert editor.narrowings.verdict(editor.document).kept_back


async def test_who_saw_a_file_change_has_it_read_at_once() -> None:
    editor = Editor(SlowDrive())
    await editor.narrowings.settle(editor.document)
    editor.drive.told = IgnoreDecision(kept_back=True)
    editor.narrowings.outdate()
    await editor.until(lambda: bool(editor.news))
    assert editor.narrowings.verdict(editor.document).kept_back


async def test_a_drive_that_fails_lets_nothing_through() -> None:
    def fail(path: Path) -> IgnoreDecision:
        raise OSError(path)

    narrowings = Narrowings(lambda: (), lambda _: None, Drive(fail))
    document = Document("file:///srv/w/a.py", "python", 1, "")
    await narrowings.settle(document)
    assert narrowings.verdict(document).kept_back


async def test_very_many_documents_on_a_drive_that_hangs_cost_a_bounded_number_of_threads() -> None:
    drive = SlowDrive(hangs=True)
    narrowings = Narrowings(lambda: (), lambda _: None, Drive(drive.read))
    for number in range(100):
        narrowings.verdict(Document(f"file:///srv/{number}.py", "python", 1, ""))
    await asyncio.sleep(0)
    try:
        assert drive.asked <= AT_ONCE
    finally:
        drive.answers.set()


async def test_a_drive_that_hangs_stops_no_answer_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor for documents on it that were known before; the loop goes on all the time."""
    gone, back = threading.Event(), threading.Event()
    really_open = os.open

    def opened(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        if gone.is_set() and str(path).startswith(str(tmp_path / "drive")):
            back.wait(PATIENCE_S)
        return really_open(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(narrowing, "FRESH_S", 0.0)
    inside = InsideServer(EchoBackend(lambda _: "42"))
    inside.begin()

    async def answered(number: str, name: str, limit_s: float) -> bool:
        uri = (tmp_path / name).as_uri()
        position = {"line": 0, "character": 4}
        parameters = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1}}
        request = {"jsonrpc": "2.0", "id": number, "method": "textDocument/inlineCompletion"}
        inside.feed({**request, "params": parameters})
        async with asyncio.timeout(limit_s):
            while number not in inside.answers:  # noqa: ASYNC110 - an answer is no event
                await asyncio.sleep(0.001)
        return bool(inside.answers[number][0]["result"]["items"])

    def open_document(name: str) -> None:
        document = {"uri": (tmp_path / name).as_uri(), "languageId": "python", "version": 1, "text": "x = \n"}
        inside.feed(
            {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}
        )

    try:
        open_document("drive/known.py")
        assert await answered("before", "drive/known.py", PATIENCE_S)
        gone.set()
        open_document("drive/new.py")
        open_document("other.py")
        assert await answered("known", "drive/known.py", PATIENCE_S)
        assert await answered("other", "other.py", PATIENCE_S)
        assert not await answered("new", "drive/new.py", PATIENCE_S)
        back.set()
        tries = 0
        while not await answered(f"again{tries}", "drive/new.py", PATIENCE_S):
            tries += 1
    finally:
        back.set()
        await inside.end()
