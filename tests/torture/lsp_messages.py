"""What a bad day of an editor sends: messages made up from a seed, and recorded ones with something broken.

Requests carry ids that are never used twice; everything else may be wrong.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foretype.tests.support import recorder
from foretype.tests.torture.model_documents import ModelDocuments, fields_of
from foretype.tests.torture.mutation import ODD, broken_value

RECORDINGS = Path(__file__).resolve().parents[1] / "lsp" / "recordings"
Message = dict[str, Any]

URIS = (
    "file:///project/a.py",
    "file:///project/b/Ω c.ts",
    "untitled:Untitled-1",
    "file:///project/c.rs",
    "file:///project/d%20e.go",
    "vscode-notebook-cell:/project/n.ipynb#W0sZmlsZQ",
    "vscode-notebook-cell:/project/n.ipynb#W1sZmlsZQ",
)
NOTEBOOK = "file:///project/n.ipynb"
LANGUAGES = ("python", "typescript", "rust", "go", "", "no such language")
PIECES = (
    "def f(self, name):\n    return name.",
    "x",
    "(",
    "\n",
    "\r\n",
    "\r",
    "    ",
    "👩‍💻",
    "é\u0301",
    "\ud83d",
    "\udc00",
    "\0",
    "\u2028",
    "class A:\n    pass\n",
    "import os\n",
    "}",
    "'",
    "#" * 300,
)
COMMANDS = (
    "foretype.accepted",
    "foretype.importEdits",
    "foretype.dismissed",
    "foretype.enable",
    "foretype.disable",
    "foretype.showContext",
    "foretype.statistics",
    "foretype.log",
    "foretype.status",
    "no.such.command",
)


@functools.cache
def recorded() -> tuple[tuple[Message, ...], ...]:
    """What each recorded editor sent, without the handshake and the farewell."""
    left_out = {"initialize", "initialized", "shutdown", "exit"}
    return tuple(
        tuple(
            each["message"]
            for each in recorder.read(path)
            if each["from"] == "client"
            and "method" in each["message"]
            and each["message"]["method"] not in left_out
        )
        for path in sorted(RECORDINGS.glob("*.jsonl"))
    )


class BadDay:
    """Its state: the chances to come, the oracle that hears everything, and the last requests."""

    def __init__(self, seed: int, documents: ModelDocuments, *, large: bool) -> None:
        """Begin.

        Args:
            seed: decides everything.
            documents: hears every message.
            large: whether a document of ten megabytes is among them.
        """
        self.chance = random.Random(seed)
        self.documents = documents
        self.asked: list[int | str] = []
        self._large = large
        self._number = 0

    def messages(self, count: int) -> Iterator[Message]:
        """So many messages, heard by the oracle as they are handed out."""
        script = self._mutated()
        for _ in range(count):
            kind = self.chance.random()
            message = next(script) if kind < 0.25 else self._made_up()
            if kind > 0.97:
                message = {**message, "params": broken_value(self.chance, message.get("params", {}))}
            carried = json.loads(json.dumps(message))  # as it arrives: two halves of a character are one
            self.documents.hear(carried)
            yield carried

    def _mutated(self) -> Iterator[Message]:
        """Recorded messages for ever: some broken, some twice, some out of order."""
        while True:
            script = self.chance.choice(recorded())
            start = self.chance.randrange(len(script))
            part = list(script[start : start + self.chance.randint(1, 40)])
            if self.chance.random() < 0.3:
                self.chance.shuffle(part)
            for each in part:
                params = each.get("params")
                if self.chance.random() < 0.5:
                    params = broken_value(self.chance, params)
                for _ in range(2 if self.chance.random() < 0.1 else 1):
                    made = {"method": each["method"], "params": params}
                    yield {**made, "id": self._next_id()} if "id" in each else made

    def _next_id(self) -> int | str:
        self._number += 1
        number = self._number if self._number % 7 else f"r{self._number}"
        self.asked.append(number)
        return number

    def _made_up(self) -> Message:
        chosen = self.chance.choices(
            (
                self._edit,
                self._completion,
                self._cancel,
                self._open,
                self._close,
                self._settings,
                self._event,
                self._command,
                self._notebook,
                self._unknown,
            ),
            (40, 22, 10, 5, 3, 2, 6, 4, 6, 2),
        )
        return chosen[0]()

    def _uri(self) -> str:
        opened = list(self.documents.texts)
        return self.chance.choice(opened if opened and self.chance.random() < 0.9 else URIS)

    def _text(self) -> str:
        return "".join(self.chance.choices(PIECES, k=self.chance.randint(0, 6)))

    def _position(self, uri: str) -> Message:
        text = self.documents.texts.get(uri, "")
        lines = text.count("\n") + text.count("\r") + 1
        line = self.chance.choice((0, lines - 1, self.chance.randrange(lines + 1), -1, 2**31 - 1))
        column = self.chance.choice((0, self.chance.randrange(30), self.chance.randrange(30), 2**31 - 1, -5))
        return {"line": line, "character": column}

    def _edit(self) -> Message:
        uri, changes = self._uri(), list[Message]()
        for _ in range(self.chance.choice((1, 1, 1, 2, 3))):
            start = self._position(uri)
            end = start if self.chance.random() < 0.6 else self._position(uri)
            changes.append({"range": {"start": start, "end": end}, "text": self._text()})
        grown = len(self.documents.texts.get(uri, "")) > 20_000 and not self._large
        if grown or self.chance.random() < 0.05:
            changes = [{"text": self._text()}]
        document = {"uri": uri, "version": self.chance.choice((1, 2, 3, None, -1, self._number))}
        return {
            "method": "textDocument/didChange",
            "params": {"textDocument": document, "contentChanges": changes},
        }

    def _completion(self) -> Message:
        uri = self._uri()
        params: Message = {"textDocument": {"uri": uri}, "position": self._position(uri)}
        if self.chance.random() < 0.85:
            params["context"] = {"triggerKind": self.chance.choice((1, 2, 2, 2))}
            return {"id": self._next_id(), "method": "textDocument/inlineCompletion", "params": params}
        return {"id": self._next_id(), "method": "textDocument/completion", "params": params}

    def _cancel(self) -> Message:
        number = self.chance.choice((self.asked or [0])[-6:])
        if self.chance.random() < 0.1:
            number = self.chance.choice((-1, "r", 2**60, None))
        return {"method": "$/cancelRequest", "params": {"id": number}}

    def _open(self) -> Message:
        text = self._text()
        if self._large and self.chance.random() < 0.1:
            text = "value = 'é👩' + name\n" * 500_000
        item = {"uri": self.chance.choice(URIS), "languageId": self.chance.choice(LANGUAGES), "version": 1}
        return {"method": "textDocument/didOpen", "params": {"textDocument": {**item, "text": text}}}

    def _close(self) -> Message:
        return {"method": "textDocument/didClose", "params": {"textDocument": {"uri": self._uri()}}}

    def _settings(self) -> Message:
        odd = self.chance.choice(ODD)
        sections: list[Message] = [
            {"completion": {"enabled": self.chance.random() < 0.9, "maxTokens": odd}},
            {"foretype": {"completion": {"multiline": self.chance.choice(("never", "always", odd))}}},
            {"completion": {"relatedCharacters": 0}, "log": odd},
            {},
        ]
        method = "workspace/didChangeConfiguration"
        return {"method": method, "params": {"settings": self.chance.choice((*sections, odd))}}

    def _event(self) -> Message:
        uri = self._uri()
        item = {
            "insertText": self._text(),
            "command": {"command": "foretype.accepted", "arguments": ["foretype-1"]},
        }
        return self.chance.choice(
            (
                {
                    "method": "textDocument/didFocus",
                    "params": {"textDocument": {"uri": uri}, "position": self._position(uri)},
                },
                {"method": "textDocument/didShowCompletion", "params": {"item": item}},
                {
                    "method": "textDocument/didPartiallyAcceptCompletion",
                    "params": {"item": item, "acceptedLength": self.chance.randrange(-2, 40)},
                },
                {"method": "textDocument/didSave", "params": {"textDocument": {"uri": uri}}},
                {
                    "method": "workspace/didChangeWorkspaceFolders",
                    "params": {"event": self.chance.choice(ODD)},
                },
            )
        )

    def _command(self) -> Message:
        name = self.chance.choice(COMMANDS)
        uri = self._uri()
        arguments = self.chance.choice(
            ([], [uri], [uri, self._position(uri)], ["language", uri], list(ODD[:3]))
        )
        if name == "foretype.disable" and self.chance.random() < 0.7:
            name = "foretype.enable"
        params = {"command": name, "arguments": arguments}
        return {"id": self._next_id(), "method": "workspace/executeCommand", "params": params}

    def _notebook(self) -> Message:
        cells = [uri for uri in URIS if "#" in uri]
        items = [{"uri": uri, "languageId": "python", "version": 1, "text": self._text()} for uri in cells]
        stated = [{"kind": self.chance.choice((1, 2)), "document": uri} for uri in cells]
        kind = self.chance.random()
        notebook = {"uri": NOTEBOOK, "version": 1}
        if kind < 0.25:
            opened = {**notebook, "notebookType": "jupyter-notebook", "cells": stated}
            return {
                "method": "notebookDocument/didOpen",
                "params": {"notebookDocument": opened, "cellTextDocuments": items},
            }
        if kind < 0.3:
            closed = [{"uri": uri} for uri in cells]
            return {
                "method": "notebookDocument/didClose",
                "params": {"notebookDocument": notebook, "cellTextDocuments": closed},
            }
        structure: Message = {
            "array": {
                "start": self.chance.choice((0, 1, 99, -1)),
                "deleteCount": self.chance.choice((0, 1, 99, -1)),
                "cells": self.chance.choice((stated, [], stated[:1])),
            }
        }
        if self.chance.random() < 0.3:
            structure["didOpen"] = items[:1]
        elif self.chance.random() < 0.3:
            structure["didClose"] = [{"uri": cells[0]}]
        uri = self.chance.choice(cells)
        start = self._position(uri)
        text = [
            {
                "document": {"uri": uri, "version": 2},
                "changes": [{"range": {"start": start, "end": start}, "text": self._text()}],
            }
        ]
        change = {"cells": self.chance.choice(({"structure": structure}, {"textContent": text}))}
        return {
            "method": "notebookDocument/didChange",
            "params": {"notebookDocument": notebook, "change": change},
        }

    def _unknown(self) -> Message:
        odd = self.chance.choice(ODD)
        if self.chance.random() < 0.5:
            return {"id": self._next_id(), "method": "textDocument/unheardOf", "params": odd}
        return {"method": self.chance.choice(("$/unheardOf", "", "initialized")), "params": odd}


def is_request(message: Any) -> bool:
    """Whether a message wants an answer."""
    return "id" in fields_of(message) and "method" in fields_of(message)
