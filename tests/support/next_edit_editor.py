"""An editor in tests of the next edit: it opens, changes and asks a language server in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from foretype.context.workspace.index import Index
from foretype.daemon.settings.settings import EditsSettings
from foretype.lsp.workspace.folders import Folder
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer

URI, OTHER = "file:///work/shapes.py", "file:///work/uses.py"
SOURCE = "def area(w, height):\n    if w < 0:\n        raise ValueError(w)\n    return w * height\n"


class Editor:
    """An editor of the server: its documents' versions, and what it is answered."""

    def __init__(self, backend: EchoBackend | None = None, **edits: Any) -> None:
        said = backend or EchoBackend(lambda _prefix: "")
        self.inside = InsideServer(said, edits=EditsSettings(**edits))
        self.inside.begin()
        self._numbers = 0
        self._versions: dict[str, int] = {}

    def open(self, text: str, uri: str = URI, language: str = "python") -> None:
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self._versions[uri] = 1
        self._tell("textDocument/didOpen", {"textDocument": item})

    def change(self, *changes: tuple[tuple[int, int, int, int] | None, str], uri: str = URI) -> None:
        """Changes of one notification: (line, character, line, character), None for everything; a text."""
        self._versions[uri] += 1
        sent = [
            {"text": text, **({"range": span(*place)} if place is not None else {})}
            for place, text in changes
        ]
        identifier = {"uri": uri, "version": self._versions[uri]}
        self._tell("textDocument/didChange", {"textDocument": identifier, "contentChanges": sent})

    def in_folder(self, root: Path, files: dict[str, str]) -> str:
        """Give the workspace an indexed folder with some files; the URI of a document in it."""
        for name, text in files.items():
            (root / name).write_text(text)
        index = Index(root)
        for _ in index.steps():
            pass
        folder = Folder(root, index)
        self.inside.server.session.folder = lambda _document: folder  # type: ignore[method-assign]
        return (root / "shapes.py").as_uri()

    async def next_edits(self, line: int = 0, character: int = 0, uri: str = URI, **more: Any) -> list[Any]:
        """The edits that are proposed for a cursor."""
        identifier = {"uri": uri, "version": more.pop("version", self._versions[uri])}
        params = {"textDocument": identifier, "position": {"line": line, "character": character}, **more}
        found = await self.ask("textDocument/copilotInlineEdit", params)
        return found["edits"]

    async def ask(self, method: str, params: Any) -> Any:
        self._numbers += 1
        self.inside.feed({"jsonrpc": "2.0", "id": self._numbers, "method": method, "params": params})
        await self.inside.settle()
        (answer,) = self.inside.answers[self._numbers]
        return answer["result"]

    async def run(self, command: str, *arguments: Any) -> Any:
        return await self.ask("workspace/executeCommand", {"command": command, "arguments": list(arguments)})

    def _tell(self, method: str, params: Any) -> None:
        self.inside.feed({"jsonrpc": "2.0", "method": method, "params": params})


def span(line: int, character: int, end_line: int, end_character: int) -> dict[str, Any]:
    """A range as the protocol has it."""
    return {
        "start": {"line": line, "character": character},
        "end": {"line": end_line, "character": end_character},
    }
