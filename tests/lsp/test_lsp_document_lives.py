"""Documents come and go while requests run: renamed, closed, without a file, in several folders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from foretype.context.languages import language
from foretype.context.shared.values import Completion, Prompt
from foretype.daemon.client.backend import OnDelta
from foretype.daemon.wire.messages import CompletionRequest
from foretype.lsp.documents.roots import path_of
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer

OLD, NEW = "file:///srv/one/old.py", "file:///srv/one/new.py"
TEXT = "value = 1\nother = \n"
FOLDERS = [
    {"uri": "file:///srv/one", "name": "one"},
    {"uri": "file:///srv/two", "name": "two"},
    {"uri": "file:///srv/one/inner", "name": "inner"},
]


class Holding(EchoBackend):
    """Says "value"; while it is held, nothing. Keeps the prompts."""

    def __init__(self) -> None:
        super().__init__(lambda _: "value")
        self.free = asyncio.Event()
        self.free.set()
        self.asked = asyncio.Event()
        self.prompts: list[Prompt] = []
        self.ended_early = 0

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        self.prompts.append(request.prompt)
        self.asked.set()
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.ended_early += 1
            raise
        return await super().complete(request, on_delta)


class Editor:
    """Sends what an editor sends. Its state: the server and the number of the last request."""

    def __init__(self) -> None:
        self.backend = Holding()
        self.inside = InsideServer(self.backend)
        self.number = 0

    def tell(self, method: str, params: dict[str, Any]) -> None:
        self.inside.feed({"jsonrpc": "2.0", "method": method, "params": params})

    def open(self, uri: str, text: str = TEXT) -> None:
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def close(self, uri: str) -> None:
        self.tell("textDocument/didClose", {"textDocument": {"uri": uri}})

    async def ask(self, uri: str, line: int = 1, character: int = 8) -> int:
        """Ask, and let the request get as far as it can by itself: to the backend, where that is held."""
        self.number += 1
        self.backend.asked.clear()
        place = {"line": line, "character": character}
        params = {"textDocument": {"uri": uri}, "position": place, "context": {"triggerKind": 2}}
        self.inside.feed(
            {"jsonrpc": "2.0", "id": self.number, "method": "textDocument/inlineCompletion", "params": params}
        )
        for _ in range(200):
            await asyncio.sleep(0)
        if self.backend.free.is_set():
            await self.inside.settle()
        else:
            await asyncio.wait_for(self.backend.asked.wait(), 10)
        return self.number

    def answer(self, number: int) -> dict[str, Any]:
        (answer,) = self.inside.answers[number]
        return answer

    async def check_shown(self, uri: str, path: str) -> None:
        """A document is completed, and the model is told this path."""
        answer = self.answer(await self.ask(uri))
        assert [item["insertText"] for item in answer["result"]["items"]] == ["value"]
        assert self.backend.prompts[-1].path == path


@asynccontextmanager
async def editor() -> AsyncGenerator[Editor]:
    started = Editor()
    params: dict[str, Any] = {"capabilities": {}, "workspaceFolders": FOLDERS}
    started.inside.feed({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": params})
    started.tell("initialized", {})
    try:
        yield started
    finally:
        await started.inside.end()


async def test_a_document_renamed_while_a_request_runs_goes_on_under_its_new_name() -> None:
    async with editor() as used:
        used.open(OLD)
        used.backend.free.clear()
        number = await used.ask(OLD)
        used.close(OLD)
        used.open(NEW)
        used.backend.free.set()
        await used.check_shown(NEW, "new.py")
        assert used.answer(number)["error"]["code"] == -32800
        assert used.backend.ended_early == 1
        gone = await used.ask(OLD)
        assert used.answer(gone)["result"]["items"] == []


async def test_a_document_opened_anew_is_completed_as_it_is_now() -> None:
    async with editor() as used:
        used.open(OLD)
        used.backend.free.clear()
        number = await used.ask(OLD)
        used.open(OLD, "another = 2\nother = \n")
        used.backend.free.set()
        again = await used.ask(OLD)
        assert used.answer(number)["error"]["code"] == -32800
        assert used.answer(again)["result"]["items"] == []  # there is no such name here
        assert used.backend.prompts[-1].prefix.startswith("another")


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///srv/one/deep/a.py", "deep/a.py"),
        ("file:///srv/two/a.py", "a.py"),
        ("file:///srv/one/inner/b.py", "b.py"),
        ("file:///elsewhere/c.py", "c.py"),
        ("file:///srv/two/never%20saved.py", "never saved.py"),
    ],
)
async def test_paths_are_those_of_the_innermost_folder_whether_or_not_the_file_exists(
    uri: str, path: str
) -> None:
    async with editor() as used:
        used.open(uri)
        await used.check_shown(uri, path)


async def test_an_untitled_document_is_completed() -> None:
    async with editor() as used:
        used.open("untitled:Untitled-1")
        await used.check_shown("untitled:Untitled-1", "")


async def test_a_folder_that_is_removed_no_longer_names_its_documents() -> None:
    async with editor() as used:
        used.open("file:///srv/one/inner/b.py")
        event = {"removed": [FOLDERS[2]], "added": []}
        used.tell("workspace/didChangeWorkspaceFolders", {"event": event})
        await asyncio.sleep(0)
        await used.check_shown("file:///srv/one/inner/b.py", "inner/b.py")


@pytest.mark.parametrize(
    ("asked", "others"),
    [
        ("/srv/one/src/a.py", {"../two/src/a.py", "inner/src/a.py", "../../elsewhere/src/a.py"}),
        ("/srv/two/src/a.py", {"../one/src/a.py", "../one/inner/src/a.py", "../../elsewhere/src/a.py"}),
        ("/srv/one/inner/src/a.py", {"../src/a.py", "../../two/src/a.py", "../../../elsewhere/src/a.py"}),
        ("/elsewhere/src/a.py", {f"../../srv/{each}/src/a.py" for each in ("one", "two", "one/inner")}),
    ],
)
async def test_files_of_one_name_in_several_folders_are_several_files(asked: str, others: set[str]) -> None:
    folders = ("/srv/one", "/srv/two", "/srv/one/inner", "/elsewhere")
    async with editor() as used:
        for folder in folders:
            used.open(f"file://{folder}/src/a.py", f"def made_in_{folder.rsplit('/', 1)[-1]}(): ...\n" + TEXT)
        for folder in folders:
            change = {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}}
            used.tell(
                "textDocument/didChange",
                {
                    "textDocument": {"uri": f"file://{folder}/src/a.py", "version": 2},
                    "contentChanges": [change | {"text": "#"}],
                },
            )
        document = used.inside.server.session.documents.get(f"file://{asked}")
        assert document is not None
        relations = used.inside.server.session.inline.relations
        snapshot = document.snapshot()
        sources = relations.sources(snapshot)
        assert {each.snapshot.path for each in sources.open_files} == others
        assert {each.path for each in sources.edits} == others
        assert snapshot.path not in others
        await relations.choose(snapshot, len(snapshot.text), (0, len(snapshot.text)), 2000)
        choice = relations.choice(document.uri)
        assert choice is not None
        assert {row.path for row in choice.rows} == others


async def test_documents_without_a_file_are_told_apart() -> None:
    async with editor() as used:
        for number in (1, 2, 3):
            used.open(f"untitled:Untitled-{number}")
        document = used.inside.server.session.documents.get("untitled:Untitled-1")
        assert document is not None
        sources = used.inside.server.session.inline.relations.sources(document.snapshot())
        paths = {each.snapshot.path for each in sources.open_files}
        assert paths == {"untitled:Untitled-2", "untitled:Untitled-3"}


@pytest.mark.parametrize(
    "uri", ["file:///a%00b.py", "file:///a\0b.py", "file:///\ud800.py", "file:///" + "x" * 300]
)
def test_what_no_system_can_have_as_a_path_is_none(uri: str) -> None:
    assert path_of(uri) == ""


@pytest.mark.parametrize("called", ["x" * 2000, "../imports/java", "/etc/x", "a\0b", "\ud800"])
def test_a_language_that_an_editor_makes_up_is_no_files_name(called: str) -> None:
    assert language(called).grammar is None
