"""From a request to an answer that may be shown: asked of the daemon, trimmed and checked as everywhere.

What is answered is what our own front ends would show there, so that a plugin's user gets no doubled brackets
and no lines that stand below already. It opens no socket.
"""

from __future__ import annotations

import asyncio

import attrs

from ...context.checking.check import CheckRequest, check
from ...context.prompt.rules import stop_rules
from ...context.shared.values import Completion, StopReason, StopRules
from ...context.syntax.cursor_lines import cursor_lines
from ...context.syntax.embedded import seen_at
from ...context.syntax.snapshot import Snapshot
from ...context.syntax.tree_work import parse
from ...context.text.lines import indent_of
from ..client.backend import Backend
from ..wire.messages import CompletionRequest
from .answers import ServedAnswer, up_to_stop
from .asked import Wanted
from .documents import ServedDocuments

_PARSED = 20_000
"""Code points up to which what is sent is parsed; a larger window is judged by its lines."""

_PARSE_MS = 100.0
"""Processor time for that."""


@attrs.define
class Completer:
    """Answers requests, whoever sends them. State: the documents that they were about.

    A new request about a document ends the one before it; so does cancelling the task that waits.
    """

    backend: Backend
    documents: ServedDocuments = attrs.field(factory=ServedDocuments)

    async def answer(self, asked: Wanted) -> ServedAnswer:
        """Complete. Never raises but CancelledError: an answer that can't be had says why in its `detail`."""
        if not asked.max_tokens or not (asked.prefix or asked.suffix):
            return ServedAnswer("", Completion("", StopReason.END))
        lead = indentation_left_out(asked)
        asked = attrs.evolve(asked, prefix=asked.prefix + lead)
        session, prompt = self.documents.place(asked)
        snapshot, offset = _snapshot(asked)
        snapshot = await asyncio.to_thread(_parsed, snapshot, offset)
        rules = _rules(snapshot, offset, asked)
        request = CompletionRequest(session, prompt, rules, temperature=asked.temperature)
        completion = await self.backend.complete(request)
        if not completion.text:
            return ServedAnswer("", completion)
        shown = await asyncio.to_thread(_checked, completion, snapshot, offset, rules)
        text, stop = up_to_stop(shown, asked.stops)
        return ServedAnswer(lead + text if text else "", completion, stop)


def indentation_left_out(asked: Wanted) -> str:
    """The indentation of a line of blanks, of which llama.vim sends nothing, as it replaces the whole line.

    Only where a block was opened right above, so that there is no doubt; elsewhere the model decides.
    """
    if not asked.prefix.endswith("\n") or asked.suffix.partition("\n")[0].strip():
        return ""
    snapshot, offset = _snapshot(asked)
    place = cursor_lines(snapshot, offset)
    if not place.touching or not place.opened_above():
        return ""
    return indent_of(place.above[0]) + place.style.unit


def _snapshot(asked: Wanted) -> tuple[Snapshot, int]:
    """The document as far as it was sent, and the cursor in it."""
    text = asked.prefix + asked.suffix
    return Snapshot("", asked.path, asked.language, text), len(asked.prefix)


def _rules(snapshot: Snapshot, offset: int, asked: Wanted) -> StopRules:
    wanted = "auto" if asked.fills else "always"
    return stop_rules(snapshot, offset, asked.max_tokens, asked.budget_ms, wanted)


def _checked(completion: Completion, snapshot: Snapshot, offset: int, rules: StopRules) -> str:
    """What of an answer may be shown, without what it replaces to the right: such clients only insert."""
    found = check(CheckRequest(completion, snapshot, offset, rules))
    return _only_inserted(found.text, snapshot.text[offset : offset + found.replace_right])


def _parsed(snapshot: Snapshot, offset: int) -> Snapshot:
    """The document with its tree, as the language at the cursor sees it."""
    if len(snapshot.text) > _PARSED:
        return snapshot
    tree = parse(snapshot.text, snapshot.language, _PARSE_MS)
    return seen_at(attrs.evolve(snapshot, tree=tree), offset)


def _only_inserted(text: str, replaced: str) -> str:
    """An answer for a client that can't replace what stands right of the cursor: up to where it says that."""
    if not replaced:
        return text
    at = text.rfind(replaced)
    return text[: at if at >= 0 else max(text.rfind(replaced[0]), 0)]
