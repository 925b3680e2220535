"""What stands on the screen: the ghost text of an editor that asks on every key.

It shows what the product's own front ends would: text that is typed through shrinks, and an answer replaces
what fits only where it says more of the same. A server that says it has something better is asked again.
Pure; what is sent and when is `typist`'s.
"""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen
class Ghost:
    """One suggestion as it stands there.

    Attributes:
        text: what accepting it inserts now.
        replaces: code points right of the cursor that it replaces.
        name: the suggestion's id.
    """

    text: str
    replaces: int
    name: str


@attrs.define
class EditorScreen:
    """Its state: the document, the cursor, the ghost text, and how often a better one replaced another."""

    text: str
    offset: int
    ghost: Ghost | None = None
    replaced: int = 0
    appeared: int = 0

    def type(self, character: str) -> None:
        """One key."""
        self.text = self.text[: self.offset] + character + self.text[self.offset :]
        self.offset += 1
        ghost = self.ghost
        if ghost is not None:
            fits = ghost.text.startswith(character) and len(ghost.text) > 1
            self.ghost = attrs.evolve(ghost, text=ghost.text[1:]) if fits else None

    def take(self, items: list[dict[str, Any]], *, better: str | None = None) -> None:
        """An answer about the text as it is now.

        Args:
            items: of the answer.
            better: the answer was asked for because the server had something better than this suggestion.
        """
        if not items:
            return
        new = self._ghost(items[0])
        old = self.ghost
        if old is not None and not (new.text.startswith(old.text) or self._may_replace(old, better)):
            return
        if better is not None and (old is None or not new.text.startswith(old.text)):
            self.replaced += old is not None
            self.appeared += old is None
        self.ghost = new

    @staticmethod
    def _may_replace(old: Ghost, better: str | None) -> bool:
        return better is not None and old.name == better

    def _ghost(self, item: dict[str, Any]) -> Ghost:
        start = self.text.rfind("\n", 0, self.offset) + 1
        span = item["range"]
        begin, end = start + span["start"]["character"], start + span["end"]["character"]
        arguments = item["command"]["arguments"]
        return Ghost(item["insertText"][self.offset - begin :], end - self.offset, arguments[0])

    def line(self) -> str | None:
        """The cursor's line once the suggestion is accepted; None while there is none."""
        if self.ghost is None:
            return None
        behind = self.text[self.offset + self.ghost.replaces :].split("\n", 1)[0]
        start = self.text.rfind("\n", 0, self.offset) + 1
        return (self.text[start : self.offset] + self.ghost.text + behind).split("\n", 1)[0]
