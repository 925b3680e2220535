"""Names that need an import, end to end: shown, and the import added by the client when the user accepts."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from foretype.lsp.documents.documents import DocumentStore
from foretype.tests.support import scripted_server
from foretype.tests.support.lsp_client import LspClient, python

URI = "file:///srv/space/example.py"
ABLE = {"workspace": {"applyEdit": True, "executeCommand": {}, "workspaceEdit": {"documentChanges": True}}}
SOURCE = "import sys\n\n\ndef size(path):\n    return "
ANSWER = "os.stat(path).st_size"


@asynccontextmanager
async def server(
    tmp_path: Path, script: dict[str, Any], capabilities: dict[str, Any], **params: Any
) -> AsyncGenerator[LspClient]:
    (tmp_path / "script.json").write_text(json.dumps(script))
    home = {name: str(tmp_path / name) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    client = await LspClient.start(
        *python(str(scripted_server.__file__), str(tmp_path / "script.json"), str(tmp_path / "journal")),
        env={**os.environ, **home},
    )
    async with client:
        await client.initialize(capabilities=capabilities, **params)
        yield client


class Editor:
    """A document as a client keeps it: edits in, text out."""

    def __init__(self, client: LspClient, text: str, uri: str = URI, language: str = "python") -> None:
        self.client = client
        self.uri = uri
        self.store = DocumentStore()
        self.store.open({"uri": uri, "languageId": language, "version": 1, "text": text})
        client.open(uri, text, language)

    @property
    def text(self) -> str:
        document = self.store.get(self.uri)
        assert document is not None
        return document.text

    def edit(self, place: dict[str, Any], text: str, *, tell: bool = True) -> dict[str, Any]:
        """Replace a range; the server hears of it now or later."""
        change = {"range": place, "text": text}
        self.store.change({"uri": self.uri}, [change])
        if tell:
            self.client.change(self.uri, change)
        return change

    def accept(self, item: dict[str, Any], *, tell: bool = True) -> dict[str, Any]:
        """Insert an item; its command is the caller's to run."""
        return self.edit(item["range"], item["insertText"], tell=tell)

    def run(self, item: dict[str, Any]) -> None:
        command = item["command"]
        self.client.request(
            "workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]}
        )

    def apply(self, asked: dict[str, Any]) -> None:
        """Do what workspace/applyEdit asks for."""
        edit = asked["params"]["edit"]
        if "documentChanges" in edit:
            (change,) = edit["documentChanges"]
            document = self.store.get(self.uri)
            assert document is not None
            assert change["textDocument"] == {"uri": self.uri, "version": document.version}
            edits = change["edits"]
        else:
            edits = edit["changes"][self.uri]
        for each in edits:
            self.edit(each["range"], each["newText"])


async def nothing_more(client: LspClient) -> None:
    """The server has answered all that came before, and asked for no edit."""
    await client.ask("workspace/executeCommand", {"command": "foretype.status"})
    assert [one for one in client.requests if one["method"] == "workspace/applyEdit"] == []


async def test_accepting_has_the_client_add_the_import(tmp_path: Path) -> None:
    async with server(tmp_path, {"return ": ANSWER}, ABLE) as client:
        editor = Editor(client, SOURCE)
        (item,) = await client.items(URI, 4, 11)
        editor.accept(item)
        editor.run(item)
        editor.apply(await client.expect("workspace/applyEdit"))
    assert editor.text == "import os\n" + SOURCE + ANSWER


async def test_a_client_without_document_changes_gets_changes(tmp_path: Path) -> None:
    able: dict[str, Any] = {"workspace": {"applyEdit": True}}
    async with server(tmp_path, {"return ": ANSWER}, able) as client:
        editor = Editor(client, SOURCE)
        (item,) = await client.items(URI, 4, 11)
        editor.accept(item)
        editor.run(item)
        editor.apply(await client.expect("workspace/applyEdit"))
    assert editor.text == "import os\n" + SOURCE + ANSWER


async def test_the_edit_is_for_the_document_as_it_is_then(tmp_path: Path) -> None:
    async with server(tmp_path, {"return ": ANSWER}, ABLE) as client:
        editor = Editor(client, SOURCE)
        (item,) = await client.items(URI, 4, 11)
        editor.accept(item)
        top = {"line": 0, "character": 0}
        editor.edit({"start": top, "end": top}, '"""A docstring."""\n\nimport re\n')
        editor.run(item)
        editor.apply(await client.expect("workspace/applyEdit"))
    assert editor.text == '"""A docstring."""\n\nimport os\nimport re\n' + SOURCE + ANSWER


async def test_a_name_imported_meanwhile_is_not_imported_again(tmp_path: Path) -> None:
    async with server(tmp_path, {"return ": ANSWER}, ABLE) as client:
        editor = Editor(client, SOURCE)
        (item,) = await client.items(URI, 4, 11)
        editor.accept(item)
        top = {"line": 0, "character": 0}
        editor.edit({"start": top, "end": top}, "import os\n")
        editor.run(item)
        await nothing_more(client)


async def test_a_command_that_overtakes_the_text_waits_for_it(tmp_path: Path) -> None:
    async with server(tmp_path, {"return ": ANSWER}, ABLE) as client:
        editor = Editor(client, SOURCE)
        (item,) = await client.items(URI, 4, 11)
        change = editor.accept(item, tell=False)
        editor.run(item)
        await nothing_more(client)
        client.change(URI, change)
        editor.apply(await client.expect("workspace/applyEdit"))
    assert editor.text == "import os\n" + SOURCE + ANSWER


async def test_typed_through_by_hand_nothing_is_added(tmp_path: Path) -> None:
    async with server(tmp_path, {"return ": ANSWER}, ABLE) as client:
        editor = Editor(client, SOURCE)
        (item,) = await client.items(URI, 4, 11)
        editor.accept(item)
        await nothing_more(client)


async def test_half_typed_it_still_brings_the_import(tmp_path: Path) -> None:
    async with server(tmp_path, {"return ": ANSWER}, ABLE) as client:
        editor = Editor(client, SOURCE)
        await client.items(URI, 4, 11)
        here = {"line": 4, "character": 11}
        editor.edit({"start": here, "end": here}, "os.st")
        (item,) = await client.items(URI, 4, 16)
        assert item["insertText"] == "at(path).st_size"
        editor.accept(item)
        editor.run(item)
        editor.apply(await client.expect("workspace/applyEdit"))
    assert editor.text == "import os\n" + SOURCE + ANSWER


@pytest.mark.parametrize(("length", "added"), [(7, False), (10, True)])
async def test_accepted_in_part_the_import_comes_when_the_name_is_in(
    tmp_path: Path, length: int, added: bool
) -> None:
    answer = "size = Path(path).stat()"
    async with server(tmp_path, {"    ": answer}, ABLE) as client:
        editor = Editor(client, "import sys\n\n\ndef size(path):\n    ")
        (item,) = await client.items(URI, 4, 4)
        editor.edit(item["range"], answer[: length + 1])
        client.notify(
            "textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": length + 1}
        )
        if added:
            editor.apply(await client.expect("workspace/applyEdit"))
        else:
            await nothing_more(client)
    assert ("from pathlib import Path\n" in editor.text) == added


@pytest.mark.parametrize(
    "capabilities", [{}, {"workspace": {"applyEdit": False}}, {"workspace": {"executeCommand": {}}}]
)
async def test_clients_that_cannot_get_no_such_names(tmp_path: Path, capabilities: dict[str, Any]) -> None:
    async with server(tmp_path, {"return ": ANSWER}, capabilities) as client:
        Editor(client, SOURCE)
        assert await client.items(URI, 4, 11) == []


async def test_the_setting_switches_it_off(tmp_path: Path) -> None:
    off = {"completion": {"imports": False}}
    async with server(tmp_path, {"return ": ANSWER}, ABLE, initializationOptions=off) as client:
        Editor(client, SOURCE)
        assert await client.items(URI, 4, 11) == []


async def test_a_client_that_applies_edits_itself_asks_for_them(tmp_path: Path) -> None:
    async with server(tmp_path, {"return ": ANSWER}, ABLE) as client:
        editor = Editor(client, SOURCE)
        (item,) = await client.items(URI, 4, 11)
        editor.accept(item)
        asked = {"command": "foretype.importEdits", "arguments": item["command"]["arguments"][1:]}
        told = await client.ask("workspace/executeCommand", asked)
        assert (told["uri"], told["version"]) == (URI, 2)
        (edit,) = told["edits"]
        editor.edit(edit["range"], edit["newText"])
        assert await client.ask("workspace/executeCommand", asked) is None
        only_id = {"command": "foretype.accepted", "arguments": item["command"]["arguments"][:1]}
        await client.ask("workspace/executeCommand", only_id)
        await nothing_more(client)
    assert editor.text == "import os\n" + SOURCE + ANSWER


async def test_a_menus_item_brings_its_import_with_it(tmp_path: Path) -> None:
    plain = {"completion": True}
    async with server(tmp_path, {"return ": ANSWER}, ABLE, initializationOptions=plain) as client:
        editor = Editor(client, SOURCE)
        asked = {"textDocument": {"uri": URI}, "position": {"line": 4, "character": 11}}
        (item,) = (await client.ask("textDocument/completion", asked))["items"]
        editor.edit(item["textEdit"]["range"], item["textEdit"]["newText"])
        for edit in item["additionalTextEdits"]:
            editor.edit(edit["range"], edit["newText"])
        editor.run(item)
        await nothing_more(client)
    assert editor.text == "import os\n" + SOURCE + ANSWER


@pytest.mark.parametrize(
    "argument", [None, 3, [], {"uri": 3}, {"uri": URI, "imports": [{"name": "a"}, None]}]
)
async def test_odd_arguments_do_nothing(tmp_path: Path, argument: Any) -> None:
    async with server(tmp_path, {}, ABLE) as client:
        Editor(client, SOURCE)
        asked = {"command": "foretype.accepted", "arguments": ["foretype-1", argument]}
        assert await client.ask("workspace/executeCommand", asked) is None
        await asyncio.sleep(0)
        await nothing_more(client)


async def test_after_an_import_the_rest_of_a_suggestion_still_fits(tmp_path: Path) -> None:
    answer = "size = Path(path).stat().st_size"
    async with server(tmp_path, {"    ": answer}, ABLE) as client:
        editor = Editor(client, "import sys\n\n\ndef size(path):\n    ")
        (item,) = await client.items(URI, 4, 4)
        editor.edit(item["range"], answer[:11])
        client.notify("textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": 11})
        editor.apply(await client.expect("workspace/applyEdit"))
        (rest,) = await client.items(URI, 5, 15)
    assert rest["insertText"] == answer[11:]
    assert rest["command"]["arguments"][0] == item["command"]["arguments"][0]


NOTEBOOK = "file:///srv/space/book.ipynb"
CELLS = ["vscode-notebook-cell:/srv/space/book.ipynb#A0", "vscode-notebook-cell:/srv/space/book.ipynb#A1"]


async def test_in_a_notebook_the_import_goes_where_the_others_are(tmp_path: Path) -> None:
    texts = ["import sys\n", "x = "]
    async with server(tmp_path, {"x = ": "os.getcwd()"}, ABLE) as client:
        cells = [{"kind": 2, "document": uri} for uri in CELLS]
        documents = [
            {"uri": uri, "languageId": "python", "version": 1, "text": text}
            for uri, text in zip(CELLS, texts, strict=True)
        ]
        book = {"uri": NOTEBOOK, "notebookType": "jupyter-notebook", "version": 1, "cells": cells}
        client.notify("notebookDocument/didOpen", {"notebookDocument": book, "cellTextDocuments": documents})
        (item,) = await client.items(CELLS[1], 0, 4)
        text = {"uri": CELLS[1], "version": 2}
        change = {"range": item["range"], "text": item["insertText"]}
        cell = {"document": text, "changes": [change]}
        client.notify(
            "notebookDocument/didChange",
            {
                "notebookDocument": {"uri": NOTEBOOK, "version": 2},
                "change": {"cells": {"textContent": [cell]}},
            },
        )
        command = item["command"]
        client.request(
            "workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]}
        )
        asked = await client.expect("workspace/applyEdit")
        (change,) = asked["params"]["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": CELLS[0], "version": 1}
    (edit,) = change["edits"]
    assert edit["newText"].strip() == "import os"
