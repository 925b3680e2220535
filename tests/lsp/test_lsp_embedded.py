"""Documents of several languages, from a request to its item: the language at the cursor decides."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from foretype.tests.support.lsp_client import PATIENCE_S, inline_params
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer

PAGE = "<html>\n<script>\nfunction twice(x) {\n  ‸\n}\n</script>\n</html>\n"


async def shown(language: str, marked: str, said: str) -> list[str]:
    """What is suggested at `‸` when the model says this."""
    answered = asyncio.Event()

    def on_answer(number: int | str, _: dict[str, Any]) -> None:
        if number == 1:
            answered.set()

    inside = InsideServer(EchoBackend(lambda _: said), on_answer)
    inside.begin()
    at = marked.index("‸")
    line, character = marked.count("\n", 0, at), at - marked.rfind("\n", 0, at) - 1
    item = {"uri": "untitled:a", "languageId": language, "version": 1, "text": marked.replace("‸", "")}
    inside.feed({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}})
    params = inline_params("untitled:a", line, character)
    inside.feed({"jsonrpc": "2.0", "id": 1, "method": "textDocument/inlineCompletion", "params": params})
    await asyncio.wait_for(answered.wait(), PATIENCE_S)
    await inside.end()
    return [found["insertText"] for found in inside.answers[1][0]["result"]["items"]]


@pytest.mark.parametrize(
    ("language", "marked", "said", "expected"),
    [
        ("html", PAGE, "return x * 2;\n}\n</script>\n", ["return x * 2;"]),
        ("html", PAGE, "return x +* 2)\n", ["return x"]),
        ("html", PAGE.replace("script", "section"), "return x +* 2)\n", ["return x +* 2"]),
        ("nobody-knows-it", PAGE, "return x +* 2)\n", ["return x +* 2)"]),
        (
            "markdown",
            "Text.\n\n```python\ndef f():\n    ‸\n```\n",
            "x = 1\n    return x\n```\n",
            ["x = 1\n    return x"],
        ),
    ],
)
async def test_an_answer_follows_the_language_at_the_cursor(
    language: str, marked: str, said: str, expected: list[str]
) -> None:
    assert await shown(language, marked, said) == expected


@pytest.mark.parametrize(
    "script",
    [
        "((" * 6_000,
        "{`${" * 6_000,
        "/*" * 6_000,
        "a<b>c\n" * 3_000,
        "\x00é</" * 3_000,
    ],
    ids=["brackets", "templates", "comments", "angles", "noise"],
)
@pytest.mark.parametrize("language", ["html", "vue", "svelte"])
async def test_a_script_that_a_grammar_hangs_on_is_answered_all_the_same(language: str, script: str) -> None:
    marked = f"<script>\n{script}\nlet a = ‸\n</script>\n<p>\n"
    found = await shown(language, marked, "42")
    assert found in (["42"], [])
