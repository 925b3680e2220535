"""The cells of one notebook are one text to the model and the checks, and one unit for privacy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from foretype.context.syntax.tree_work import parse
from foretype.lsp.documents.document import Document
from foretype.lsp.documents.documents import DocumentStore
from foretype.lsp.documents.positions import Encoding
from foretype.lsp.documents.roots import path_of
from foretype.tests.support.cursor import at_cursor
from foretype.tests.support.notebook_editor import (
    CELL,
    NOTEBOOK,
    NotebookEditor,
    cell_of,
    notebook_editor,
    stated,
)
from hypothesis import given
from hypothesis import strategies as st

IMPORTS = "import pandas as pd"


def opened(*marked: str, language: str = "python") -> tuple[list[dict[str, Any]], str, int, int]:
    """Cells, one of which has the cursor ‸: (cells, the name of that one, line, character)."""
    number = next(number for number, text in enumerate(marked) if "‸" in text)
    text, offset = at_cursor(marked[number])
    cells = [cell_of(str(each), text.replace("‸", ""), language) for each, text in enumerate(marked)]
    return cells, str(number), text.count("\n", 0, offset), offset - (text.rfind("\n", 0, offset) + 1)


async def check_shown(*marked: str, said: str, shown: str) -> NotebookEditor:
    """What is shown at ‸ in one of a notebook's cells when the model says something."""
    cells, name, line, character = opened(*marked)
    async with notebook_editor() as used:
        used.backend.words = said
        used.open(*cells)
        items = await used.items(CELL + name, line, character)
        assert [item["insertText"] for item in items] == ([shown] if shown else [])
        for item in items:
            assert item["range"]["start"] == {"line": line, "character": character}
    return used


async def check_seen(*marked: str, before: str, behind: str) -> None:
    """What the model sees at ‸ in one of a notebook's cells."""
    used = await check_shown(*marked, said="value", shown="value")
    assert (used.backend.prompts[-1].prefix, used.backend.prompts[-1].suffix) == (before, behind)
    assert used.backend.prompts[-1].path == "work/n.ipynb"


async def test_lines_of_other_cells_stand_above_and_below() -> None:
    await check_seen("value = 1", "x = ‸", "y = 2", before="value = 1\nx = ", behind="\ny = 2")
    await check_seen("value = 1\n", "x = ‸\n", "", before="value = 1\n\nx = ", behind="\n\n")
    await check_seen("value = ‸", "y = 2", before="value = ", behind="\ny = 2")
    await check_seen("value = 1", "‸", before="value = 1\n", behind="")


async def test_names_of_other_cells_are_known() -> None:
    await check_shown(IMPORTS, "df = ‸", said="pd.read_csv(path)", shown="")
    await check_shown(IMPORTS, "path = 1", "df = ‸", said="pd.read_csv(path)", shown="pd.read_csv(path)")
    await check_shown("df = ‸", IMPORTS + "\npath = 1", said="pd.read_csv(path)", shown="pd.read_csv(path)")
    await check_shown("df = ‸", said="pd.read_csv('a')", shown="")


async def test_commands_of_the_kernel_break_no_check() -> None:
    magics = "%matplotlib inline\n!pip install pandas"
    await check_shown(magics, IMPORTS, "df = ‸", said="pd.read_csv('a')", shown="pd.read_csv('a')")
    await check_shown(magics, IMPORTS, "df = ‸", said="invented('a')", shown="")
    await check_shown(IMPORTS, "%%time\ndf = ‸", said="pd.read_csv('a')]", shown="pd.read_csv('a')")


async def test_only_cells_of_the_same_language_are_joined() -> None:
    cells = [
        cell_of("0", "# Loading pandas as pd", "markdown"),
        cell_of("1", "value = 1"),
        cell_of("2", "%%bash\nother="),
        cell_of("3", "let third = 1", "javascript"),
        cell_of("4", "x = "),
    ]
    async with notebook_editor() as used:
        used.open(*cells)
        await used.items(CELL + "4", 0, 4)
        assert used.backend.prompts[-1].prefix == "value = 1\nx = "
        used.backend.words = "pd.read_csv('a')"
        assert await used.items(CELL + "4", 0, 4) != []  # what the store has
        assert await used.items(CELL + "1", 0, 8) == []  # a word of prose is no name
        await used.items(CELL + "2", 1, 6)
        prompt = used.backend.prompts[-1]
        assert (prompt.prefix, prompt.language) == ("%%bash\nother=", "shellscript")


async def test_a_suggestion_ends_where_the_next_cell_begins() -> None:
    await check_shown("value = 1", "x = ‸", "y = value", said="value\ny = value", shown="value")
    await check_shown("value = 1", "x = f(‸)", "y = value", said="value)\ny = value", shown="value)")


async def test_a_suggestion_is_typed_through_in_its_cell_only() -> None:
    async with notebook_editor() as used:
        used.open(cell_of("0", "value = 1"), cell_of("1", "x = "), cell_of("2", "x = "))
        (item,) = await used.items(CELL + "1", 0, 4)
        place = {"line": 0, "character": 4}
        used.edit("1", {"range": {"start": place, "end": place}, "text": "val"})
        asked = len(used.backend.prompts)
        (rest,) = await used.items(CELL + "1", 0, 7)
        assert (rest["insertText"], rest["range"]["start"]["character"]) == ("ue", 7)
        assert len(used.backend.prompts) == asked
        assert item["command"]["arguments"] == rest["command"]["arguments"]
        await used.items(CELL + "2", 0, 4)
        assert len(used.backend.prompts) == asked + 1


@pytest.mark.parametrize(("encoding", "character"), [("utf-8", 14), ("utf-16", 12), ("utf-32", 11)])
async def test_positions_are_the_cells_own(encoding: str, character: int) -> None:
    async with notebook_editor(encodings=[encoding]) as used:
        used.open(cell_of("0", "value = '😀'\n\n"), cell_of("1", "\nprint('😀', )"))
        (item,) = await used.items(CELL + "1", 1, character)
        place = {"line": 1, "character": character}
        assert item["range"] == {"start": place, "end": place}


async def test_the_cells_of_one_notebook_are_one_session() -> None:
    async with notebook_editor() as used:
        cells = [cell_of("0", "value = "), cell_of("1", "x = ")]
        used.open(*cells, cell_of("2", "a = ", "markdown"))
        for name, character in (("0", 8), ("1", 4), ("2", 4)):
            await used.items(CELL + name, 0, character)
        one, same, other = used.backend.sessions
        assert one == same != other


# -- a notebook's life


async def prefix_at(used: NotebookEditor, name: str, text: str) -> str:
    """What the model sees in front of a new letter at the end of a cell of one line."""
    document = used.documents.get(CELL + name)
    assert document is not None
    assert document.text == text
    snapshot = document.snapshot()
    return snapshot.text[: document.before + len(text)]


async def test_cells_are_inserted_moved_and_deleted() -> None:
    zero, one, two = cell_of("0", "a = 1"), cell_of("1", "b = 2"), cell_of("2", "c = 3")
    async with notebook_editor() as used:
        used.open(zero, one)
        used.rearrange(1, 0, two, didOpen=[two])
        assert await prefix_at(used, "1", "b = 2") == "a = 1\nc = 3\nb = 2"
        used.rearrange(0, 3, one, zero, two)
        assert await prefix_at(used, "2", "c = 3") == "b = 2\na = 1\nc = 3"
        used.rearrange(1, 1, didClose=[{"uri": zero["uri"]}])
        assert await prefix_at(used, "2", "c = 3") == "b = 2\nc = 3"
        assert used.documents.get(zero["uri"]) is None


async def test_a_cell_of_another_language_leaves_the_text_and_comes_back_in_its_place() -> None:
    zero, one, two = cell_of("0", "a = 1"), cell_of("1", "b = 2"), cell_of("2", "c = 3")
    async with notebook_editor() as used:
        used.open(zero, one, two)
        for language, text in (("markdown", "a = 1\nc = 3"), ("python", "a = 1\nb = 2\nc = 3")):
            used.rearrange(
                1, 1, one, didClose=[{"uri": one["uri"]}], didOpen=[one | {"languageId": language}]
            )
            assert await prefix_at(used, "2", "c = 3") == text
        used.edit("0", {"text": "%%bash\nls"})
        assert await prefix_at(used, "2", "c = 3") == "b = 2\nc = 3"


async def test_closing_a_notebook_closes_its_cells_and_forgets_them() -> None:
    cells = [cell_of("0", "a = 1"), cell_of("1", "b = 2")]
    async with notebook_editor() as used:
        used.open(*cells)
        used.close(cells[0])
        assert len(used.documents) == 0
        assert used.documents.notebooks.get(NOTEBOOK) is None
        assert await used.items(CELL + "1", 0, 3) == []


async def test_an_answer_that_another_cell_overtook_is_not_given() -> None:
    async with notebook_editor() as used:
        used.open(cell_of("0", "value = 1"), cell_of("1", "x = "))
        document = used.documents.get(CELL + "1")
        assert document is not None
        before = document.whole
        used.edit("0", {"text": "value = 22"})
        assert document.whole is not before
        (item,) = await used.items(CELL + "1", 0, 4)
        assert item["range"]["start"] == {"line": 0, "character": 4}


# -- editors that send cells as documents


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["W1sZmlsZQ==", "W0sZmlsZQ==", "X10sZmlsZQ=="], "bac"),
        (["ch0000002", "ch0000001", "ch0000010"], "bac"),
        (["10", "9", "11"], "bac"),
        (["b7f", "a0", "zz"], "abc"),
    ],
)
def test_cells_stand_in_the_order_that_their_names_tell_or_else_as_they_came(
    names: list[str], order: str
) -> None:
    store = DocumentStore()
    documents = [store.open(cell_of(name, letter)) for name, letter in zip(names, "abc", strict=True)]
    first = documents[0]
    assert first is not None
    assert first.whole == "\n".join(order)
    store.close(CELL + names[1])
    assert first.whole == "\n".join(order.replace("b", ""))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("vscode-notebook-cell:/srv/a%20b/n.ipynb#W0sZmlsZQ%3D%3D", "/srv/a b/n.ipynb"),
        ("vscode-notebook-cell://ssh-remote%2Bhost/srv/n.ipynb#W0sdnNjb2RlLXJlbW90ZQ%3D%3D", "/srv/n.ipynb"),
        ("vscode-notebook-cell:/srv/n.ipynb#whatever", "/srv/n.ipynb"),
        ("vscode-notebook-cell:Untitled-1.ipynb#W0sdW50aXRsZWQ%3D", ""),
        ("vscode-notebook-cell:/Untitled-1.ipynb#W0sdW50aXRsZWQ%3D", ""),
        ("untitled:Untitled-1", ""),
        ("git:/srv/n.py", ""),
    ],
)
def test_a_cells_uri_tells_its_notebooks_path(uri: str, path: str) -> None:
    assert path_of(uri) == path


# -- privacy


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (".foretypeignore", "*.ipynb\n"),
        (".foretype.toml", "disable = true\n"),
        (".foretype.toml", 'disable_languages = ["python"]\n'),
        (".foretype.toml", 'exclude = ["work/"]\n'),
    ],
)
async def test_what_a_workspace_keeps_back_holds_for_every_cell(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_text(said)
    cells = [
        {
            "uri": f"vscode-notebook-cell:{tmp_path}/work/n.ipynb#{number}",
            "languageId": language,
            "text": text,
        }
        for number, (language, text) in enumerate([("markdown", "value = "), ("python", "value = ")])
    ]
    for synchronised in (True, False):
        async with notebook_editor(folders=[str(tmp_path)]) as used:
            if synchronised:
                used.open(*cells, uri=f"file://{tmp_path}/work/n.ipynb")
            else:
                for cell in cells:
                    used.open_cell(cell)
            for cell in cells:
                assert await used.items(cell["uri"], 0, 8) == []
            assert used.backend.prompts == []


async def test_a_notebook_in_a_secret_place_is_never_looked_at() -> None:
    secret = "vscode-notebook-cell:/home/me/.ssh/id_rsa#0"
    async with notebook_editor() as used:
        used.open_cell({"uri": secret, "languageId": "python", "text": "value = "})
        assert await used.items(secret, 0, 8) == []
        assert used.backend.prompts == []


async def test_other_documents_see_a_notebook_once_and_it_never_sees_itself() -> None:
    async with notebook_editor() as used:
        used.open(cell_of("0", "def load_the_table():\n    return 1"), cell_of("1", "x = "))
        used.open_cell({"uri": "file:///srv/space/a.py", "languageId": "python", "text": "y = "})
        relations = used.inside.server.session.inline.relations
        for uri, path in ((CELL + "1", "../a.py"), ("file:///srv/space/a.py", "work/n.ipynb")):
            document = used.documents.get(uri)
            assert document is not None
            sources = relations.sources(document.snapshot())
            others = [each.snapshot for each in sources.open_files]
            assert [each.path for each in others] == [path.removeprefix("../")]
            if uri != CELL + "1":
                assert others[0].text == "def load_the_table():\n    return 1\nx = "


# -- any history

TEXT = st.lists(
    st.sampled_from(["a = 1", "f(", ")", "\n", "\r\n", "\r", "😀", "%time x", "!ls", "é", "    "]), max_size=6
)
TEXT_OF_CELL = TEXT.map("".join)
STEP = st.one_of(
    st.tuples(st.just("insert"), st.integers(0, 5), TEXT_OF_CELL, st.sampled_from(["python", "markdown"])),
    st.tuples(st.just("delete"), st.integers(0, 5)),
    st.tuples(st.just("edit"), st.integers(0, 5), st.integers(0, 30), st.integers(0, 5), TEXT_OF_CELL),
    st.tuples(st.just("move"), st.integers(0, 5), st.integers(0, 5)),
)


class Model:
    """A notebook as a plain list of (name, language, text), beside the store that is tested."""

    def __init__(self, encoding: Encoding) -> None:
        self.store = DocumentStore()
        self.store.encoding = encoding
        self.store.open_notebook({"uri": NOTEBOOK, "cells": []}, [])
        self.cells: list[dict[str, Any]] = []
        self.made = 0

    def arrange(self, start: int, gone: int, *cells: dict[str, Any]) -> None:
        array = {"start": start, "deleteCount": gone, "cells": stated(*cells)}
        self.store.rearrange({"uri": NOTEBOOK}, array)
        self.cells[start : start + gone] = cells

    def do(self, step: tuple[Any, ...]) -> None:
        kind: str = step[0]
        at: int = step[1]
        rest: tuple[Any, ...] = step[2:]
        if kind == "insert":
            self.made += 1
            cell = cell_of(str(self.made), rest[0], rest[1])
            self.arrange(min(at, len(self.cells)), 0, cell)
            self.store.open(cell)
            return
        if not self.cells:
            return
        at %= len(self.cells)
        cell: dict[str, Any] = self.cells[at]
        if kind == "delete":
            self.arrange(at, 1)
            self.store.close(cell["uri"])
        elif kind == "move":
            self.arrange(at, 1)
            self.arrange(min(rest[0], len(self.cells)), 0, cell)
        else:
            self.edit(cell, *rest)

    def edit(self, cell: dict[str, Any], start: int, length: int, text: str) -> None:
        document = self.document(cell)
        start = min(start, len(document.text))
        end = min(start + length, len(document.text))
        places = [document.position_at(each, self.store.encoding) for each in (start, end)]
        start, end = (document.offset_at(*place, self.store.encoding) for place in places)
        first, last = ({"line": line, "character": character} for line, character in places)
        cell["text"] = document.text[:start] + text + document.text[end:]
        change = {"range": {"start": first, "end": last}, "text": text}
        self.store.change({"uri": cell["uri"], "version": 2}, [change])

    def document(self, cell: dict[str, Any]) -> Document:
        document = self.store.get(cell["uri"])
        assert document is not None
        return document

    def check(self) -> None:
        for cell in self.cells:
            document = self.document(cell)
            same = [each for each in self.cells if each["languageId"] == cell["languageId"]]
            snapshot, before = document.snapshot(), document.before
            assert document.text == cell["text"]
            assert document.whole == snapshot.text
            assert snapshot.text[before : before + len(cell["text"])] == cell["text"]
            assert len(snapshot.text) >= sum(len(each["text"]) for each in same) + len(same) - 1
            at = [snapshot.text.find(each["text"], self.document(each).before) for each in same]
            assert at == [self.document(each).before for each in same] == sorted(at)
            if snapshot.tree is not None:
                fresh = parse(snapshot.tree.text, snapshot.language)
                assert fresh is not None
                assert snapshot.tree.structure() == fresh.structure()
                assert len(snapshot.tree.text) == len(snapshot.text)
            for offset in range(len(document.text) + 1):
                place = document.position_at(offset, self.store.encoding)
                assert document.offset_at(*place, self.store.encoding) <= offset


@given(st.lists(STEP, max_size=12), st.sampled_from(list(Encoding)))
def test_after_any_history_each_cell_stands_in_its_place_of_the_one_text(
    steps: list[tuple[Any, ...]], encoding: Encoding
) -> None:
    model = Model(encoding)
    for step in steps:
        model.do(step)
        model.check()
