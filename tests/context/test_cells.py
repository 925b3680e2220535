"""Commands of a notebook's kernel are hidden from the parser, and nothing else is."""

from __future__ import annotations

import pytest
from foretype.context.checking.ground import ground
from foretype.context.languages import language
from foretype.context.syntax.cells import changed, code_of, language_of_cell
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from foretype.tests.support.cursor import at_cursor
from hypothesis import given
from hypothesis import strategies as st

PIECES = st.sampled_from(
    [
        "%",
        "%%",
        "!",
        "?",
        "time ",
        "ls",
        "x",
        " = ",
        "(",
        ")",
        "\\",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "    ",
        "é",
        "'",
        "#",
    ]
)


def check_code(cell: str, code: str, of: str = "python") -> None:
    """What the parser gets to see of a cell; blanks at the ends of lines don't matter."""
    seen = code_of(cell, language(of))
    assert len(seen) == len(cell)
    assert [line.rstrip() for line in seen.split("\n")] == [line.rstrip() for line in code.split("\n")]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("%matplotlib inline\nx = 1", "0\nx = 1"),
        ("%%time\nx = 1", "0\nx = 1"),
        ("!pip install \\\n  pandas\nx = 1", "0\n\nx = 1"),
        ("files = !ls *.csv\n", "files = 0\n"),
        ("rows = %sql select 1\n", "rows = 0\n"),
        ("if fresh:\n    !make data\n", "if fresh:\n    0\n"),
        ("%time df = read(path)\n", "0    ;df = read(path)\n"),
        ("%timeit -n 10 f(x)", "0            ;f(x)"),
        ("df.head?\n", "df.head\n"),
        ("?print", "0"),
        ("x = (a\n  % b)\n", "x = (a\n  % b)\n"),
        ("x = (a\n  %b)\n", "x = (a\n  %b)\n"),
        ("x = [a,\n  %b]\n", "x = [a,\n  %b]\n"),
        ("x = a % b\nif x != 3: pass\n", "x = a % b\nif x != 3: pass\n"),
        ('"""%s\n!r\n"""', '"""%s\n0\n"""'),
        ("!", "0"),
        ("", ""),
    ],
)
def test_commands_of_the_kernel_are_hidden_and_code_is_not(cell: str, code: str) -> None:
    check_code(cell, code)


def test_other_kernels_have_other_commands() -> None:
    check_code(':dep serde = "1"\nlet x = 1;', "\nlet x = 1;", of="rust")
    check_code("!ls\nx := 1", "\nx := 1", of="go")
    check_code('#r "nuget: A"\nvar x = 1;', "\nvar x = 1;", of="csharp")
    check_code("%%html\n<p>", "\n<p>", of="html")
    check_code("!ls\nlet x = 1", "!ls\nlet x = 1", of="javascript")


@given(st.lists(PIECES, max_size=20).map("".join))
def test_hiding_changes_no_length_and_no_line(cell: str) -> None:
    for of in ("python", "rust", "go", "csharp", "html"):
        code = code_of(cell, language(of))
        assert len(code) == len(cell)
        assert [c for c in code if c in "\r\n"] == [c for c in cell if c in "\r\n"]


@given(st.text("ab\n", max_size=12), st.text("ab\n", max_size=12))
def test_what_has_changed_is_the_one_stretch_between_what_is_shared(old: str, new: str) -> None:
    start, old_end, new_end = changed(old, new)
    assert old[:start] + new[start:new_end] + old[old_end:] == new
    assert start <= old_end <= len(old)
    assert start <= new_end <= len(new)
    if old == new:
        assert start == old_end == new_end


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%%bash\nls", "shellscript"),
        ("%%writefile src/a.rs\nfn f() {}", "rust"),
        ("%%writefile -a notes\nx", "plaintext"),
        ("%%time\nx = 1", ""),
        ("x = 1\n%%bash", ""),
        ("%%", ""),
    ],
)
def test_a_first_line_may_hand_a_cell_to_another_program(cell: str, expected: str) -> None:
    assert language_of_cell(cell, language("python")) == expected
    assert language_of_cell(cell, language("rust")) == ""


def check_grounded(marked: str, said: str, expected: str) -> None:
    """What is left of a suggestion at ‸ in the cells of a notebook."""
    text, offset = at_cursor(marked)
    snapshot = Snapshot("", "n.ipynb", "python", text, notebook=True)
    snapshot = Snapshot("", "n.ipynb", "python", text, tree=snapshot.parse(text), notebook=True)
    assert ground(said, snapshot, offset).text == expected


def test_cells_with_commands_are_checked_like_others() -> None:
    commands = "%matplotlib inline\n!pip install pandas\nimport pandas as pd\n%time df = pd.read_csv('a')\n"
    check_grounded(commands + "x = ‸", "df.head()", "df.head()")
    check_grounded(commands + "x = ‸", "invented.head()", "")
    check_grounded(commands + "x = ‸", "df.head(]", "df.head")
    check_grounded(commands + "‸", "!ls -l", "!ls -l")
    check_grounded(commands + "‸", "display(df)", "display(df)")
    check_grounded("%run other.ipynb\nx = ‸", "from_there(1)", "from_there(1)")


def test_another_text_in_a_document_is_parsed_around_the_difference() -> None:
    snapshot = Snapshot("", "n.ipynb", "python", "%a\nx = 1\n", notebook=True)
    snapshot = Snapshot(
        "", "n.ipynb", "python", snapshot.text, tree=snapshot.parse(snapshot.text), notebook=True
    )
    other = snapshot.with_text("%a\n!ls\nx = 1\n")
    fresh = parse(other.code(other.text), "python")
    assert other.tree is not None
    assert fresh is not None
    assert other.tree.structure() == fresh.structure()
    assert not other.tree.has_defects
