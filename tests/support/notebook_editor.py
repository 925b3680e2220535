"""An editor with notebooks: sends what editors send for cells, to a server inside the test's process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from foretype.context.shared.values import Completion, Prompt
from foretype.daemon.client.backend import OnDelta
from foretype.daemon.wire.messages import CompletionRequest
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer

SPACE = "/srv/space"
NOTEBOOK = f"file://{SPACE}/work/n.ipynb"
CELL = f"vscode-notebook-cell:{SPACE}/work/n.ipynb#"


class Saying(EchoBackend):
    """Says one text whatever it is asked; keeps the requests."""

    def __init__(self) -> None:
        super().__init__(lambda _: self.words)
        self.words = "value"
        self.prompts: list[Prompt] = []
        self.sessions: list[str] = []

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        self.prompts.append(request.prompt)
        self.sessions.append(request.session)
        return await super().complete(request, on_delta)


def cell_of(name: str, text: str, language: str = "python") -> dict[str, Any]:
    """The TextDocumentItem of a cell."""
    return {"uri": CELL + name, "languageId": language, "version": 1, "text": text}


def stated(*cells: dict[str, Any]) -> list[dict[str, Any]]:
    """The NotebookCells of some TextDocumentItems."""
    return [{"kind": 1 if cell["languageId"] == "markdown" else 2, "document": cell["uri"]} for cell in cells]


class NotebookEditor:
    """Its state: the server, and the number of the last request."""

    def __init__(self, encodings: list[str], folders: list[str]) -> None:
        self.backend = Saying()
        self.inside = InsideServer(self.backend)
        self.number = 0
        self.documents = self.inside.server.session.documents
        self.inside.feed(
            {
                "jsonrpc": "2.0",
                "id": "init",
                "method": "initialize",
                "params": {
                    "capabilities": {"general": {"positionEncodings": encodings}},
                    "workspaceFolders": [{"uri": f"file://{folder}", "name": folder} for folder in folders],
                },
            }
        )
        self.tell("initialized", {})

    def tell(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification."""
        self.inside.feed({"jsonrpc": "2.0", "method": method, "params": params})

    def open_cell(self, cell: dict[str, Any]) -> None:
        """Open a cell as editors do that don't synchronise notebooks."""
        self.tell("textDocument/didOpen", {"textDocument": cell})

    def open(self, *cells: dict[str, Any], uri: str = NOTEBOOK) -> None:
        """Open a notebook."""
        notebook = {"uri": uri, "notebookType": "jupyter-notebook", "version": 1, "cells": stated(*cells)}
        self.tell(
            "notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": list(cells)}
        )

    def rearrange(self, start: int, gone: int, *cells: dict[str, Any], **more: Any) -> None:
        """Replace cells in a notebook's order; `more` are didOpen and didClose."""
        array = {"start": start, "deleteCount": gone, "cells": stated(*cells)}
        self._change({"structure": {"array": array, **more}})

    def edit(self, name: str, *changes: dict[str, Any]) -> None:
        """Change the text of a cell."""
        document = {"uri": CELL + name, "version": 2}
        self._change({"textContent": [{"document": document, "changes": list(changes)}]})

    def _change(self, cells: dict[str, Any]) -> None:
        notebook = {"uri": NOTEBOOK, "version": 2}
        self.tell("notebookDocument/didChange", {"notebookDocument": notebook, "change": {"cells": cells}})

    def close(self, *cells: dict[str, Any]) -> None:
        """Close the notebook."""
        gone = [{"uri": cell["uri"]} for cell in cells]
        self.tell(
            "notebookDocument/didClose", {"notebookDocument": {"uri": NOTEBOOK}, "cellTextDocuments": gone}
        )

    async def items(self, uri: str, line: int, character: int) -> list[dict[str, Any]]:
        """The items that a request is answered with."""
        self.number += 1
        place = {"line": line, "character": character}
        params = {"textDocument": {"uri": uri}, "position": place, "context": {"triggerKind": 2}}
        self.inside.feed(
            {"jsonrpc": "2.0", "id": self.number, "method": "textDocument/inlineCompletion", "params": params}
        )
        await self.inside.settle()
        (answer,) = self.inside.answers[self.number]
        return answer["result"]["items"]

    async def until(self, held: Callable[[], bool]) -> None:
        """Let things run until something holds; a bounded number of turns."""
        for _ in range(2000):
            if held():
                return
            await asyncio.sleep(0)
        raise AssertionError("it never came to hold")


@asynccontextmanager
async def notebook_editor(
    *, encodings: list[str] | None = None, folders: list[str] | None = None
) -> AsyncGenerator[NotebookEditor]:
    """An editor that has said hello, and says goodbye at the end."""
    used = NotebookEditor(encodings or [], [SPACE] if folders is None else folders)
    try:
        yield used
    finally:
        await used.inside.end()
