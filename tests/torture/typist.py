"""Somebody at a keyboard for hours: bursts of keys in real code, rests, saved files, other files.

The rhythm is that of many people: 239 ms between two keys on average, with a standard deviation of 112 ms
(Dhakal et al., Observations on Typing from 136 Million Keystrokes, 2018), here as a log-normal distribution.
Between bursts one thinks, for some seconds mostly. Every burst writes a line of a file anew: no file grows.
"""

from __future__ import annotations

import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

from foretype.tests.support.lsp_client import LspClient, Refused

KEY_S, KEY_DEVIATION_S = 0.239, 0.112
THINK_S, LONGEST_S = 10.0, 240.0
OPEN = 6
"""Files that are open at a time."""

FEW_KEYS = 8
"""Keys in each file, where all are gone through."""

_SIGMA = math.sqrt(math.log(1 + (KEY_DEVIATION_S / KEY_S) ** 2))
_MU = math.log(KEY_S) - _SIGMA**2 / 2


class Typist:
    """Its state: the files that are open with their lines, and counts of keys and suggestions."""

    def __init__(
        self,
        client: LspClient,
        rest: Callable[[float], Awaitable[None]],
        chance: random.Random,
        paths: list[Path],
    ) -> None:
        self.client = client
        self.keys = 0
        self.suggested = 0
        self._rest = rest
        self._chance = chance
        self._paths = paths
        self._lines: dict[Path, list[str]] = {}

    async def begin(self) -> None:
        """Open a file and type until something is suggested: then everything runs."""
        for _ in range(200):
            async for key in self.burst():
                await key
                if self.suggested:
                    return

    async def through(self) -> None:
        """Type some keys in every file, one after the other, without a pause."""
        for path in self._paths:
            self._open(path)
            number = self._somewhere(path)
            line = self._lines[path][number]
            start = max(len(line) - len(line.lstrip()), len(line) - FEW_KEYS)
            self._replace(path, number, start, len(line), "")
            for at in range(start, len(line)):
                self._replace(path, number, at, at, line[at])
                await self._ask(path, number, at + 1)

    async def burst(self) -> AsyncGenerator[Awaitable[None]]:
        """Write a line anew, key by key: each is handed out and awaited by the caller; then think."""
        path = self._opened()
        lines = self._lines[path]
        number = self._somewhere(path)
        line = lines[number]
        indented = len(line) - len(line.lstrip())
        self._replace(path, number, indented, len(line), "")
        for at in range(indented, len(line)):
            self._replace(path, number, at, at, line[at])
            self.keys += 1
            yield self._ask(path, number, at + 1)
            await self._rest(min(self._chance.lognormvariate(_MU, _SIGMA), 2.0))
        if self._chance.random() < 0.3:
            path.write_text("\n".join(lines), encoding="utf-8")
            self.client.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})
        await self._rest(min(self._chance.lognormvariate(math.log(THINK_S), 1.0), LONGEST_S))

    def _opened(self) -> Path:
        """A file to go on in: mostly one that is open, sometimes another, and then one is closed."""
        if self._lines and self._chance.random() < 0.85:
            return self._chance.choice(list(self._lines))
        path = self._chance.choice(self._paths)
        self._open(path)
        return path

    def _open(self, path: Path) -> None:
        """Open a file where it isn't, and close another where too many are."""
        if path in self._lines:
            return
        if len(self._lines) >= OPEN:
            gone = self._chance.choice(list(self._lines))
            del self._lines[gone]
            self.client.notify("textDocument/didClose", {"textDocument": {"uri": gone.as_uri()}})
        text = path.read_text("utf-8")
        self._lines[path] = text.split("\n")
        self.client.open(path.as_uri(), text)

    def _somewhere(self, path: Path) -> int:
        """A line of an open file that is worth writing anew."""
        wanted = [number for number, line in enumerate(self._lines[path]) if len(line.strip()) > 8]
        return self._chance.choice(wanted)

    def _replace(self, path: Path, number: int, start: int, end: int, text: str) -> None:
        place = {"start": {"line": number, "character": start}, "end": {"line": number, "character": end}}
        self.client.change(path.as_uri(), {"range": place, "text": text})

    async def _ask(self, path: Path, line: int, character: int) -> None:
        try:
            items = (await self.client.complete(path.as_uri(), line, character)[1])["items"]
        except Refused:
            return
        self.suggested += bool(items)
        if items and self._chance.random() < 0.05:
            command: Any = items[0].get("command")
            self.client.notify("textDocument/didShowCompletion", {"item": items[0]})
            if command:
                self.client.request("workspace/executeCommand", command)
