"""What the editor and the project say about indentation, from a request to what is inserted."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from foretype.context.text.indentation import IndentOptions
from foretype.context.workspace.project_indent import editorconfig_matches, project_indent
from foretype.lsp.completions.reindent import moved_in
from foretype.lsp.documents.document import Document
from foretype.lsp.documents.project_indent import ProjectIndents, read_project_indent
from foretype.lsp.documents.query import read_query
from foretype.tests.support.lsp_client import PATIENCE_S, inline_params
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer
from hypothesis import given
from hypothesis import strategies as st

HEADER = "def f(x):"
BODY = "\n    if x:\n        return 1\n    return 2"


async def inserted(uri: str, text: str, said: dict[str, Any] | None = None) -> str:
    """What is suggested at the end of a document's first line when the model goes on with `BODY`."""
    answered = asyncio.Event()

    def on_answer(number: int | str, _: dict[str, Any]) -> None:
        if number == 1:
            answered.set()

    inside = InsideServer(EchoBackend(lambda _: BODY), on_answer)
    inside.begin()
    item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
    inside.feed({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}})
    params = inline_params(uri, 0, len(HEADER), **({} if said is None else {"formattingOptions": said}))
    inside.feed({"jsonrpc": "2.0", "id": 1, "method": "textDocument/inlineCompletion", "params": params})
    await asyncio.wait_for(answered.wait(), PATIENCE_S)
    await inside.end()
    (found,) = inside.answers[1][0]["result"]["items"]
    return found["insertText"]


async def test_formatting_options_of_a_request_decide_where_the_file_shows_nothing() -> None:
    text = HEADER + "\n"
    assert await inserted("untitled:a", text, {"tabSize": 4, "insertSpaces": False}) == BODY.replace(
        "    ", "\t"
    )
    assert await inserted("untitled:a", text, {"tabSize": 2, "insertSpaces": True}) == BODY.replace(
        "    ", "  "
    )
    assert await inserted("untitled:a", text) == BODY


async def test_editorconfig_decides_where_nobody_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foretype.lsp.documents.project_indent.WITHIN_S", PATIENCE_S)
    (tmp_path / ".editorconfig").write_text("root = true\n[*.py]\nindent_style = tab\n")
    uri = (tmp_path / "a.py").as_uri()
    tabs = BODY.replace("    ", "\t")
    assert await inserted(uri, HEADER + "\n") == tabs
    shown = HEADER + "\n\ndef g():\n  pass\n"
    assert await inserted(uri, shown) == BODY.replace("    ", "  ")
    said = {"tabSize": 4, "insertSpaces": True}
    assert await inserted(uri, HEADER + "\n", said) == BODY


# -- reading requests


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"tabSize": 2, "insertSpaces": True}, IndentOptions(True, 2, 2)),
        ({"tabSize": 8, "indentSize": 4, "insertSpaces": True}, IndentOptions(True, 4, 8)),
        ({"tabSize": 4, "insertSpaces": False}, IndentOptions(False, 4, 4)),
        ({"tabSize": "wide", "insertSpaces": 1}, IndentOptions()),
        ({"tabSize": True, "insertSpaces": None}, IndentOptions()),
        ({"tabSize": -3}, IndentOptions()),
        ({"tabSize": 10**9}, IndentOptions(None, 16, 16)),
        (None, IndentOptions()),
    ],
)
def test_what_a_client_says_of_indentation_is_read_with_care(said: Any, expected: IndentOptions) -> None:
    assert read_query({"formattingOptions": said}).indentation == expected


# -- .editorconfig


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.py", "a.py d/e/a.py", "a.pyx"),
        ("/*.py", "a.py", "d/a.py"),
        ("d/**.py", "d/a.py d/e/a.py", "a.py"),
        ("d/**/a.py", "d/a.py d/e/f/a.py", "d/b.py a.py"),
        ("{Makefile,*.{mk,mak}}", "Makefile d/a.mk a.mak", "a.m"),
        ("f{1..12}", "f1 f12", "f13 f0 fx"),
        ("{a}", "{a}", "a"),
        ("a[bc-e]", "ab ad", "af a"),
        ("a[!b]", "ac", "ab"),
        ("a?.c", "ab.c", "a.c"),
        ("\\*", "*", "a"),
        ("{a", "{a", "a"),
    ],
)
def test_a_section_is_about_the_files_that_its_pattern_names(pattern: str, yes: str, no: str) -> None:
    def about(name: str) -> bool:
        text = f"[{pattern}]\nindent_size = 3\n"
        return project_indent(f"/p/{name}", [("/p", text)]).size == 3

    assert [name for name in yes.split() if not about(name)] == []
    assert [name for name in no.split() if about(name)] == []


@given(st.text("*?{}[],.!\\/ab1-", max_size=40), st.text("/ab1.{}", max_size=40))
def test_any_pattern_says_yes_or_no(pattern: str, path: str) -> None:
    assert editorconfig_matches("/" + path, "/" + pattern) in {True, False}


@pytest.mark.parametrize(
    "text",
    [
        "[" + "*a" * 400 + "b]\nindent_size=2\n",
        "[" + "{a,a}" * 150 + "b]\nindent_size=2\n",
        "[" + "{" * 900 + "]\nindent_size=2\n",
        "[{1..9}{1..9}{1..9}{1..9}{1..9}{1..9}{1..9}]\nindent_size=2\n",
        "[*]\n" + " " * 60_000 + "\n",
        "[*]\nindent_size = 99999999999999999999999999\n" + "nonsense\n" * 7000,
        "[a]\n" * 16_000,
        "\0\r\r\n[[[\n=\n:\n",
    ],
)
def test_no_editorconfig_takes_long(text: str) -> None:
    began = time.process_time()
    project_indent("/p/" + "a" * 250, [("/p", text)])
    assert time.process_time() - began < 2.0


def test_inner_files_come_before_outer_ones_and_the_root_is_the_last(tmp_path: Path) -> None:
    inner = tmp_path / "d" / "e"
    inner.mkdir(parents=True)
    (tmp_path / ".editorconfig").write_text("[*]\nindent_size = 7\ntab_width = 7\n")
    (tmp_path / "d" / ".editorconfig").write_text("root = true\n[*]\nindent_style = space\nindent_size = 4\n")
    (inner / ".editorconfig").write_text(
        "[*.mk]\nindent_style = tab\nindent_size = tab\ntab_width = 8\n[*.c]\nindent_size=unset"
    )
    assert read_project_indent(str(inner / "a.py")) == IndentOptions(True, 4, 4)
    assert read_project_indent(str(inner / "a.mk")) == IndentOptions(False, 8, 8)
    assert read_project_indent(str(inner / "a.c")) == IndentOptions(True, 0, 0)


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".editorconfig").write_text("root = true\n[*]\nindent_size = 2\n")
    inner = tmp_path / "d"
    inner.mkdir()
    os.mkfifo(inner / ".editorconfig")
    assert read_project_indent(str(inner / "a.py")).size == 2
    (inner / ".editorconfig").unlink()
    (inner / ".editorconfig").symlink_to("/dev/zero")
    assert read_project_indent(str(inner / "a.py")).size == 2
    (inner / ".editorconfig").unlink()
    (inner / ".editorconfig").write_text("[*]\nindent_size = 8\n" + "# \n" * 30_000)
    assert read_project_indent(str(inner / "a.py")).size == 2


async def test_a_drive_that_hangs_keeps_nobody_waiting_and_is_not_asked_twice() -> None:
    asked: list[str] = []
    now = 0.0
    answered = asyncio.Event()
    loop = asyncio.get_running_loop()

    def read(path: str) -> IndentOptions:
        asked.append(path)
        asyncio.run_coroutine_threadsafe(answered.wait(), loop).result()
        return IndentOptions(True, 2, 2)

    indents = ProjectIndents(lambda: now, read)
    document = Document("file:///p/a.py", "python", 1, "")
    reading = indents.look(document)
    assert indents.look(document) is reading
    assert document.project_indent is None
    answered.set()
    assert reading is not None
    await reading
    await asyncio.sleep(0)
    assert document.project_indent == IndentOptions(True, 2, 2)
    assert indents.look(document) is None
    now = 6.0
    again = indents.look(document)
    assert again is not None
    await again
    assert len(asked) == 2


# -- an indentation that changed under a suggestion


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ("", "\t", "if x:\n\t\treturn\n\tpass"),
        ("    ", "\t", "if x:\n\t\treturn\n\tpass"),
        ("  ", "\t", "if x:\n\t\treturn\n\tpass"),
        ("\t", "    ", "if x:\n        return\n    pass"),
        ("    ", "  ", "if x:\n      return\n  pass"),
    ],
)
def test_deeper_lines_follow_where_tabs_take_the_place_of_blanks(then: str, now: str, expected: str) -> None:
    step = then or now
    assert moved_in(f"if x:\n{then}{step}return\n{then}pass", then, now) == expected


def test_tabs_and_blanks_are_not_mixed_where_nobody_knows_how_they_relate() -> None:
    assert moved_in("if x:\n    return", "", "\t") is None
    assert moved_in("if x:\n\treturn", "", "    ") is None
