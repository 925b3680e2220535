"""Somebody at an editor with one document and a made-up model: types, asks, hears what is better."""

from __future__ import annotations

import asyncio
from typing import Any, Generic, TypeVar

from foretype.lsp.completions.better import BETTER
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer

URI = "file:///srv/space/prices.py"

B = TypeVar("B", bound=EchoBackend)


class OneAtEditor(Generic[B]):
    """Somebody at an editor, whose client hears of better suggestions unless `hears` is False.

    Its state: the language server in this process with its backend, the document's text and version.
    """

    def __init__(
        self, backend: B, before: str, *, hears: bool = True, uri: str = "file:///srv/space/prices.py"
    ) -> None:
        self.backend = backend
        self.inside = InsideServer(backend)
        self.inside.begin(**({"betterSuggestions": True} if hears else {}))
        self.uri, self.text, self.version = uri, "", 0
        self.open(before)

    def tell(self, method: str, params: Any) -> None:
        self.inside.feed({"jsonrpc": "2.0", "method": method, "params": params})

    def open(self, text: str) -> None:
        self.text, self.version = text, self.version + 1
        document = {"uri": self.uri, "languageId": "python", "version": self.version, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def type(self, typed: str) -> None:
        """Characters at the end of the document; nothing is asked."""
        span = dict.fromkeys(("start", "end"), self._end())
        self.text, self.version = self.text + typed, self.version + 1
        document = {"uri": self.uri, "version": self.version}
        changes = [{"range": span, "text": typed}]
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def _end(self) -> dict[str, int]:
        return {"line": self.text.count("\n"), "character": len(self.text) - self.text.rfind("\n") - 1}

    async def ask(self, kind: int = 2) -> dict[str, Any] | None:
        """The suggestion at the end of the document; None when there is none."""
        number = len(self.inside.asked)
        params = {
            "textDocument": {"uri": self.uri},
            "position": self._end(),
            "context": {"triggerKind": kind},
        }
        request = {
            "jsonrpc": "2.0",
            "id": number,
            "method": "textDocument/inlineCompletion",
            "params": params,
        }
        self.inside.feed(request)
        while number not in self.inside.answers:  # noqa: ASYNC110 - the server's writer gives no event
            await asyncio.sleep(0.001)
        items = self.inside.answers[number][0]["result"]["items"]
        return items[0] if items else None

    async def sees(self) -> str | None:
        """The text of the suggestion."""
        item = await self.ask()
        return item["insertText"] if item else None

    async def dismiss(self, item: dict[str, Any]) -> None:
        params = {"command": "foretype.dismissed", "arguments": item["command"]["arguments"]}
        request = {"id": "dismissed", "method": "workspace/executeCommand", "params": params}
        self.inside.feed({"jsonrpc": "2.0", **request})
        await asyncio.sleep(0.001)

    @property
    def news(self) -> list[dict[str, Any]]:
        """What the server said about better suggestions."""
        return [message["params"] for message in self.inside.told if message["method"] == BETTER]
