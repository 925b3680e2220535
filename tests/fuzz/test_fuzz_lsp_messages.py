"""Any messages, in any order, with any contents: no crash, no internal error, one answer for each request."""

from __future__ import annotations

import asyncio
from typing import Any

from foretype.lsp.protocol.fields import as_map, read_position
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

URI = "untitled:x"
URIS = st.sampled_from(["file:///a.py", "untitled:b", "vscode-notebook-cell:/c.ipynb#1", "", "file://[", "Ω"])
NUMBERS = st.one_of(st.integers(-3, 12), st.sampled_from([2**31, 2**53, -(2**63), 1.5, None, "1", True]))
TEXTS = st.one_of(
    st.text(st.sampled_from("ab(:\n\r\t 😀\ud800\udc00\u2028\x00é"), max_size=20),
    st.sampled_from(["def f(x):\n    ", "x" * 5000, "\n" * 300]),
)
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def one_of_or_junk(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(usual, usual, usual, usual, JUNK)


POSITIONS = one_of_or_junk(st.fixed_dictionaries({"line": NUMBERS, "character": NUMBERS}))
RANGES = one_of_or_junk(st.fixed_dictionaries({"start": POSITIONS, "end": POSITIONS}))
DOCUMENTS = one_of_or_junk(st.fixed_dictionaries({"uri": URIS}, optional={"version": NUMBERS}))
CHANGES = one_of_or_junk(st.fixed_dictionaries({"text": TEXTS}, optional={"range": RANGES}))
CONTEXTS = one_of_or_junk(
    st.fixed_dictionaries(
        {"triggerKind": NUMBERS},
        optional={"selectedCompletionInfo": st.fixed_dictionaries({"range": RANGES, "text": TEXTS})},
    )
)
ITEMS = one_of_or_junk(
    st.fixed_dictionaries(
        {"insertText": TEXTS, "command": st.just({"arguments": ["foretype-1"], "command": "x"})}
    )
)


def message(method: str, params: st.SearchStrategy[Any], *, request: bool = False) -> st.SearchStrategy[Any]:
    parts = {"jsonrpc": st.just("2.0"), "method": st.just(method), "params": one_of_or_junk(params)}
    return st.fixed_dictionaries(parts | ({"id": st.just(0)} if request else {}))


PLACE = {"textDocument": DOCUMENTS, "position": POSITIONS}
OPENED = st.fixed_dictionaries(
    {"uri": URIS, "languageId": st.sampled_from(["python", "go", "?", ""]), "version": NUMBERS, "text": TEXTS}
)
MESSAGES = st.one_of(
    message("textDocument/didOpen", st.fixed_dictionaries({"textDocument": one_of_or_junk(OPENED)})),
    message(
        "textDocument/didChange",
        st.fixed_dictionaries({"textDocument": DOCUMENTS, "contentChanges": st.lists(CHANGES, max_size=4)}),
    ),
    message("textDocument/didClose", st.fixed_dictionaries({"textDocument": DOCUMENTS})),
    message(
        "textDocument/inlineCompletion",
        st.fixed_dictionaries({**PLACE, "context": CONTEXTS}, optional={"formattingOptions": JUNK}),
        request=True,
    ),
    message("textDocument/completion", st.fixed_dictionaries(PLACE), request=True),
    message("textDocument/didShowCompletion", st.fixed_dictionaries({"item": ITEMS})),
    message(
        "textDocument/didPartiallyAcceptCompletion",
        st.fixed_dictionaries({"item": ITEMS, "acceptedLength": NUMBERS}),
    ),
    message(
        "workspace/executeCommand",
        st.fixed_dictionaries(
            {
                "command": st.sampled_from(
                    ["foretype.accepted", "foretype.disable", "foretype.enable", "foretype.showContext", "?"]
                ),
                "arguments": st.lists(st.one_of(URIS, POSITIONS, JUNK), max_size=3),
            }
        ),
        request=True,
    ),
    message("workspace/didChangeConfiguration", st.fixed_dictionaries({"settings": JUNK})),
    message("workspace/didChangeWorkspaceFolders", st.fixed_dictionaries({"event": JUNK})),
    message("notebookDocument/didChange", st.fixed_dictionaries({"change": JUNK})),
    message("$/cancelRequest", st.fixed_dictionaries({"id": st.integers(0, 30)})),
    message("textDocument/unheardOf", JUNK, request=True),
    message("textDocument/unheardOf", JUNK),
    JUNK,
)


@given(st.lists(MESSAGES, max_size=25), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_request_is_answered_once_and_never_with_an_internal_error(
    messages: list[Any], hasty: bool
) -> None:
    async def play() -> InsideServer:
        inside = InsideServer(EchoBackend(lambda prefix: f"said({len(prefix)})"))
        inside.begin()
        for number, sent in enumerate(messages):
            request = "id" in as_map(sent) and "method" in as_map(sent)
            inside.feed({**sent, "id": number} if request else sent)
            if not hasty:
                await asyncio.sleep(0)
        await inside.settle()
        await inside.end()
        return inside

    inside = asyncio.run(play())
    for number in inside.asked:
        assert len(inside.answers.get(number, [])) == 1, number
    for answers in inside.answers.values():
        for one in answers:
            assert one.get("error") is None or one["error"]["code"] in (-32800, -32601)


KEYS = st.lists(
    st.one_of(
        st.tuples(st.just("type"), st.sampled_from("abc (\n.")),
        st.tuples(st.just("erase"), st.just("")),
        st.tuples(st.just("left"), st.just("")),
        st.tuples(st.just("accept"), st.just("")),
        st.tuples(st.just("pause"), st.just("")),
    ),
    max_size=40,
)


def without_blanks(text: str) -> str:
    """The code alone: trimming may change blanks."""
    return "".join(text.split())


class Typist:
    """An editor with one document, a request after every key, and a look at each answer as it is written.

    Its state: the text and the cursor, what each request was about, and the ghost text that is shown.
    """

    def __init__(self, cancels: bool) -> None:
        self.backend = EchoBackend(lambda prefix: f" a{len(prefix)} = {prefix.count('a')}")
        self.inside = InsideServer(self.backend, self.look)
        self.asked: dict[int | str, str] = {}
        self.seen = 0
        self._cancels = cancels
        self._ghost = ""
        self._text, self._offset, self._version = "", 0, 1
        self.inside.begin()
        document = {"uri": URI, "languageId": "text", "version": 1, "text": ""}
        self._notify("textDocument/didOpen", {"textDocument": document})

    def look(self, number: int | str, answer: dict[str, Any]) -> None:
        """Each item must be about the text that the document has now, and continue what the model said."""
        self._ghost = ""
        documents = self.inside.server.session.documents
        document = documents.get(URI)
        if document is None or number == "init":
            return
        for item in as_map(answer.get("result")).get("items", []):
            self.seen += 1
            assert document.text == self.asked[number], "the document has moved on"
            place = document.offset_at(*read_position(item["range"]["start"]), documents.encoding)
            promised = without_blanks(document.text[:place] + item["insertText"])
            assert any(
                without_blanks(prefix + said).startswith(promised) for prefix, said in self.backend.said
            )
            self._ghost = item["insertText"]

    def press(self, key: str, typed: str) -> None:
        """One key, its change if it makes one, and the request that follows it."""
        if key == "accept":
            typed = self._ghost
        erased = 1 if key == "erase" and self._offset else 0
        if key == "left":
            self._offset = max(0, self._offset - 1)
        elif typed or erased:
            self._text = self._text[: self._offset - erased] + typed + self._text[self._offset :]
            self._offset += len(typed) - erased
            self._version += 1
            document = {"uri": URI, "version": self._version}
            self._notify(
                "textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": self._text}]}
            )
        self._ghost = ""
        self._ask()

    def _ask(self) -> None:
        number = len(self.asked)
        if self._cancels and number:
            self._notify("$/cancelRequest", {"id": number - 1})
        self.asked[number] = self._text
        before = self._text[: self._offset]
        place = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        params = {"textDocument": {"uri": URI}, "position": place, "context": {"triggerKind": 2}}
        self.inside.feed(
            {"jsonrpc": "2.0", "id": number, "method": "textDocument/inlineCompletion", "params": params}
        )

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        self.inside.feed({"jsonrpc": "2.0", "method": method, "params": params})


async def played(keys: list[tuple[str, str]], cancels: bool, turns: int) -> Typist:
    """Press the keys, with so many turns of the event loop after each."""
    typist = Typist(cancels)
    for key, typed in keys:
        if key == "pause":
            await typist.inside.settle()
            continue
        typist.press(key, typed)
        for _ in range(turns):
            await asyncio.sleep(0)
    await typist.inside.settle()
    await typist.inside.end()
    return typist


@given(KEYS, st.booleans(), st.integers(0, 12))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_answer_is_ever_for_a_stale_text(keys: list[tuple[str, str]], cancels: bool, turns: int) -> None:
    typist = asyncio.run(played(keys, cancels, turns))
    assert all(len(typist.inside.answers[number]) == 1 for number in typist.asked)
    assert typist.backend.running == 0


def test_the_typist_does_see_suggestions() -> None:
    keys = [("type", "b"), ("pause", ""), ("type", " "), ("accept", ""), ("type", "\n"), ("pause", "")]
    assert asyncio.run(played(keys, cancels=True, turns=0)).seen > 0
