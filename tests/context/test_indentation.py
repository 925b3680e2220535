"""Indentation: who decides it, what an answer's lines become, and that no other character ever gets in."""

from __future__ import annotations

import itertools

import attrs
import pytest
from foretype.context.languages import BlockStyle, language
from foretype.context.prompt.rules import stop_rules
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.text.indentation import IndentOptions, decide_style
from foretype.context.text.lines import split_lines
from foretype.models.decoding.stops import StopWatch
from foretype.tests.support.cursor import at_cursor, snapshot_at
from foretype.tests.support.insertion import accept
from hypothesis import given, settings
from hypothesis import strategies as st

TABS = IndentOptions(blanks=False, size=4, tab_width=4)
TWO = IndentOptions(blanks=True, size=2, tab_width=2)
FOUR = IndentOptions(blanks=True, size=4, tab_width=4)
NOTHING = IndentOptions()


# -- who decides


def check_unit(
    marked: str,
    expected: str,
    editor: IndentOptions = NOTHING,
    project: IndentOptions = NOTHING,
    layout: BlockStyle | None = None,
) -> None:
    text, offset = at_cursor(marked)
    style = decide_style(text, offset, layout or BlockStyle(), editor=editor, project=project)
    assert style.unit == expected


def test_the_editor_decides_where_nothing_is_indented_yet() -> None:
    check_unit("def f():‸\n", "\t", TABS)
    check_unit("def f():‸\n", "  ", TWO)


def test_the_editor_decides_before_the_file_and_the_file_before_the_project() -> None:
    check_unit("def f():\n  pass\n\ndef g():‸\n", "    ", FOUR, TABS)
    check_unit("def f():\n  pass\n\ndef g():‸\n", "\t", TABS)
    check_unit("def f():\n  pass\n\ndef g():‸\n", "  ", NOTHING, TABS)
    check_unit("def f():\n\tpass\n\ndef g():‸\n", "\t", NOTHING, TWO)


def test_the_project_decides_before_the_language() -> None:
    check_unit("def f():‸\n", "\t", NOTHING, TABS)
    check_unit("func f() {‸\n", "  ", NOTHING, TWO, language("go").layout)


def test_the_language_decides_where_nobody_says_anything() -> None:
    check_unit("func f() {‸\n", "\t", layout=language("go").layout)
    check_unit("def f():‸\n", "    ", layout=language("python").layout)
    check_unit("a:‸\n", "  ", layout=language("yaml").layout)


def test_a_language_that_takes_only_one_is_never_given_the_other() -> None:
    check_unit("a:\n\tb: 1\n\t‸\n", "  ", TABS, TABS, language("yaml").layout)
    check_unit("all:‸\n", "\t", FOUR, TWO, language("makefile").layout)


@pytest.mark.parametrize("said", [NOTHING, TABS, TWO, FOUR])
def test_the_block_at_hand_is_never_mixed_whatever_anybody_says(said: IndentOptions) -> None:
    check_unit("def f():\n\tif x:‸\n", "\t", said, said)
    check_unit("def f():\n\t‸\n", "\t", said, said)
    text, offset = at_cursor("def f():\n    if x:‸\n")
    assert "\t" not in decide_style(text, offset, BlockStyle(), editor=said, project=said).unit


def test_a_file_that_is_clearly_indented_knows_better_than_an_editors_default() -> None:
    tabs = "def f():\n\tif x:\n\t\tpass\n" * 6
    check_unit(tabs + "\ndef g():‸\n", "\t", FOUR)
    blanks = "def f():\n  if x:\n    pass\n" * 6
    check_unit(blanks + "\ndef g():‸\n", "  ", IndentOptions(blanks=False, size=8, tab_width=8))
    check_unit(blanks + "\ndef g():‸\n", "  ", FOUR)


def test_comments_that_are_aligned_with_their_words_show_no_step() -> None:
    check_unit("/* one\n   two\n   three */\nint f(void) {‸\n", "    ")


def test_tabs_that_stand_for_eight_blanks_are_recognised() -> None:
    text, offset = at_cursor(
        "int\nf (void)\n{\n  if (x)\n    {\n      while (y)\n\t{\n\t  a ();\n\t  b ();\n\t}\n    }\n  ‸\n}\n"
    )
    style = decide_style(text, offset, BlockStyle())
    assert (style.unit, style.filled, style.written(10)) == ("  ", True, "\t  ")


# -- what an answer becomes


def check(
    name: str,
    marked: str,
    raw: str,
    expected: str,
    *,
    editor: IndentOptions = NOTHING,
    project: IndentOptions = NOTHING,
) -> None:
    """Accept `raw` at the cursor and compare the document."""
    snapshot, offset = snapshot_at(marked, name)
    snapshot = attrs.evolve(snapshot, editor_indent=editor, project_indent=project)
    assert accept(snapshot, offset, raw).document == expected


@pytest.mark.parametrize(
    "raw",
    [
        "if x:\n\t\treturn 1\n\treturn 2",
        "if x:\n        return 1\n    return 2",
        "if x:\n    return 1\n  return 2",
        "if x:\n                return 1\n        return 2",
        "if x:\n\t\treturn 1\n    return 2",
    ],
)
@pytest.mark.parametrize("said", [NOTHING, FOUR, attrs.evolve(TABS, tab_width=8)])
def test_a_second_line_in_blanks_becomes_tabs_where_the_file_has_tabs(raw: str, said: IndentOptions) -> None:
    marked = "def f(x):\n\t‸\n"
    check("python", marked, raw, "def f(x):\n\tif x:\n\t\treturn 1\n\treturn 2\n", editor=said)


@pytest.mark.parametrize("said", [NOTHING, TABS])
def test_tabs_become_blanks_where_the_file_has_blanks(said: IndentOptions) -> None:
    raw = "if x:\n\t\treturn 1\n\treturn 2"
    expected = "def f(x):\n  if x:\n    return 1\n  return 2\n"
    check("python", "def f(x):\n  ‸\n", raw, expected, editor=attrs.evolve(said, size=2))


def test_what_is_said_decides_the_first_block_of_a_file() -> None:
    raw = "\n    if x:\n        return 1\n    return 2"
    body = "def f(x):\n>if x:\n>>return 1\n>return 2\n"
    check("python", "def f(x):‸\n", raw, body.replace(">", "\t"), editor=TABS)
    check("python", "def f(x):‸\n", raw, body.replace(">", "  "), editor=TWO)
    check("python", "def f(x):‸\n", raw, body.replace(">", "\t"), project=TABS)
    check("python", "def f(x):‸\n", raw, body.replace(">", "    "))


@pytest.mark.parametrize("unit", ["\t", "    ", "        ", "  "])
@pytest.mark.parametrize("target", ["all", "prog: main.o util.o", "$(OBJ): %.o: %.c", "a b:: c | d"])
def test_a_recipe_is_offered_as_a_block_and_has_tabs(target: str, unit: str) -> None:
    header = target if ":" in target else target + ":"
    raw = f"\n{unit}$(CC) -o $@ $^\n{unit}strip $@\n\nclean:\n{unit}rm -f a\n"
    check("makefile", f"{header}‸\n", raw, f"{header}\n\t$(CC) -o $@ $^\n\tstrip $@\n")
    check("makefile", f"{header}‸\r\n", raw, f"{header}\r\n\t$(CC) -o $@ $^\r\n\tstrip $@\r\n")


@pytest.mark.parametrize(
    "line", ["A := b:c", "all: CFLAGS = -g", ".PHONY: all", "a: ; echo", "x ?= y", "include a.mk"]
)
def test_other_lines_of_a_makefile_open_no_recipe(line: str) -> None:
    snapshot, offset = snapshot_at(f"{line}‸\n", "makefile")
    assert not stop_rules(snapshot, offset, 64, 0.0).multiline


def test_lines_of_a_recipe_that_go_on_are_deeper_and_those_of_lists_stay_aligned() -> None:
    check("makefile", "all:\n\t‸\n", "gcc -o a \\\n        a.c\n", "all:\n\tgcc -o a \\\n\t\ta.c\n")
    aligned = "A = a.c \\\n       b.c \\\n       c.c\n"
    check("makefile", "A = a.c \\‸\n", "\n       b.c \\\n       c.c\n", aligned)


def test_the_text_of_a_string_stays_as_it_is() -> None:
    check(
        "python",
        "def g():\n\tpass\n\ndef f():‸\n",
        '\n    """Say.\n    More:\n      text\n    """\n    return 1\n',
        'def g():\n\tpass\n\ndef f():\n\t"""Say.\n    More:\n      text\n    """\n\treturn 1\n',
    )
    check(
        "javascript",
        "function g() {\n\treturn 1;\n}\n\nfunction f() {‸\n",
        "\n    const x = `\n    a\n      b`;\n    return x;\n}\n",
        "function g() {\n\treturn 1;\n}\n\nfunction f() {\n\tconst x = `\n    a\n      b`;\n\treturn x;\n}\n",
    )
    check(
        "go",
        "package a\n\nfunc f() string {‸\n",
        "\n    s := `\n    a\n      b`\n    return s\n}\n",
        "package a\n\nfunc f() string {\n\ts := `\n    a\n      b`\n\treturn s\n}\n",
    )
    check(
        "shellscript",
        "if g; then\n\techo\nfi\n\nif f; then‸\n",
        "\n    cat <<-EOF\n    text\n      more\n    EOF\n    echo b\nfi\n",
        "if g; then\n\techo\nfi\n\nif f; then\n\tcat <<-EOF\n    text\n      more\n\tEOF\n\techo b\nfi\n",
    )


def test_a_block_scalar_moves_with_its_key_and_keeps_its_shape() -> None:
    check(
        "yaml",
        "a:\n  b: 1\nc:‸\n",
        "\n    d: |\n        text:\n            more\n        end\n    e: 2\n",
        "a:\n  b: 1\nc:\n  d: |\n    text:\n        more\n    end\n  e: 2\n",
    )


def test_what_is_aligned_behind_a_tab_stays_aligned() -> None:
    marked = "int g(void) {\n\treturn 1;\n}\n\nint f(void) {‸\n"
    raw = "\n\treturn foo(a,\n\t           b);\n}\n"
    check("c", marked, raw, marked.replace("‸\n", raw))


def test_old_c_keeps_its_tabs_of_eight() -> None:
    marked = (
        "int\nf (void)\n{\n  if (x)\n    {\n      while (y)\n\t{\n\t  a ();\n\t  b ();\n\t}\n    }\n}\n\n"
        "int\ng (void)\n{‸\n"
    )
    raw = "\n  if (x)\n    {\n      while (y)\n\t{\n\t  a ();\n\t}\n    }\n}"
    check("c", marked, raw, marked.replace("‸\n", raw + "\n"))


def test_blanks_in_a_file_of_tabs_do_not_end_the_scope_too_soon() -> None:
    marked = "package a\n\nfunc f() {\n\tif x {\n\t\tfor {‸\n\t}\n}\n"
    snapshot, offset = snapshot_at(marked, "go")
    snapshot = attrs.evolve(snapshot, tab_width=8)
    watch = StopWatch(stop_rules(snapshot, offset, 64, 0.0), "\t\tfor {")
    assert watch.feed("\n      a()\n      b()\n") is None


# -- a file that is indented one way stays so

BLOCKS = {
    "python": [
        "class A:\n>def f(self, x):‸\n>>if x:\n>>>for y in x:\n>>>>print(y)\n>>else:\n>>>return 2\n>>return 1"
    ],
    "javascript": [
        "function f(a) {‸\n>if (a) {\n>>return {\n>>>b: 1,\n>>>c: [a, a],\n>>};\n>}\n"
        ">a.forEach((x) => {\n>>e(x);\n>});\n}",
        "class A {\n>f(x) {‸\n>>switch (x) {\n>>>case 1:\n>>>>return x;\n>>>default:\n>>>>return 2;\n>>}\n>}",
    ],
    "typescript": [
        "export class A {\n>f(x: number): number {‸\n>>const y = x + 1;\n"
        ">>while (y) {\n>>>e(y);\n>>}\n>>return y;\n>}"
    ],
    "go": [
        "package a\n\nfunc f(x int) int {‸\n>if x > 1 {\n>>return f(x - 1)\n>}\n"
        ">for x < 3 {\n>>x++\n>}\n>return x\n}"
    ],
    "rust": [
        "impl A {\n>fn f(x: i32) -> i32 {‸\n>>match x {\n>>>1 => 2,\n>>>_ => {\n>>>>x + 1\n>>>}\n>>}\n>}"
    ],
    "c": ["int f(int x)\n{‸\n>if (x) {\n>>while (x)\n>>>x--;\n>>return 1;\n>}\n>return x;\n}"],
    "java": ["class A {\n>int f(int x) {‸\n>>if (x > 1) {\n>>>return x;\n>>} else {\n>>>return 2;\n>>}\n>}"],
    "lua": ["local function f(x)‸\n>if x then\n>>for i = 1, x do\n>>>print(i)\n>>end\n>end\n>return x\nend"],
    "ruby": ["class A\n>def f(x)‸\n>>if x\n>>>x.each do |y|\n>>>>puts y\n>>>end\n>>end\n>end"],
    "php": [
        "<?php\nfunction e($x) {\n>return 1;\n}\n\n"
        "function f($x) {‸\n>if ($x) {\n>>return 1;\n>}\n>return $x;\n}"
    ],
    "shellscript": ["f() {‸\n>if true; then\n>>echo a\n>else\n>>echo b\n>fi\n}"],
}

EARLIER = {
    "python": "def e(x):\n>if x:\n>>return 1\n>return 2\n\n\n",
    "lua": "local function e(x)\n>if x then\n>>return 1\n>end\nend\n\n",
    "ruby": "def e(x)\n>if x\n>>p x\n>end\nend\n\n",
    "shellscript": "e() {\n>if true; then\n>>echo e\n>fi\n}\n\n",
    "go": "",
    "php": "",
}
CURLY = "function e(x) {\n>if (x) {\n>>return 1;\n>}\n}\n\n"
UNITS = ["\t", "  ", "    ", "        "]


def in_style(text: str, unit: str) -> str:
    return "".join(
        unit * line.count(">", 0, _depth(line)) + line[_depth(line) :] for line in split_lines(text)
    )


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(">"))


def pieces(name: str, block: str) -> tuple[str, str]:
    """The text before the cursor, with code that shows how the file is indented, and the authors' block."""
    before, _, after = block.partition("‸")
    earlier = EARLIER.get(name, CURLY)
    return earlier + before, after


@pytest.mark.parametrize(
    ("name", "block", "file", "answer"),
    [
        (name, block, file, answer)
        for name, blocks in BLOCKS.items()
        for block in blocks
        for file, answer in itertools.product(UNITS, UNITS)
        # Blanks of a smaller step than the file's would end the scope: nobody can tell them from less depth.
        if answer == "\t" or file == "\t" or len(answer) >= len(file)
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_authors_block_in_another_style_comes_out_in_the_files(
    name: str, block: str, file: str, answer: str, newline: str
) -> None:
    before, body = pieces(name, block)
    said = IndentOptions(blanks=file != "\t", size=4 if file == "\t" else len(file), tab_width=4)
    text = in_style(before, file).replace("\n", newline)
    snapshot, offset = snapshot_at(f"{text}‸{newline}", name)
    snapshot = attrs.evolve(snapshot, editor_indent=said)
    document = accept(snapshot, offset, in_style(body, answer)).document
    assert document == text + in_style(body, file).replace("\n", newline) + newline


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_file_that_is_indented_one_way_never_gets_the_other(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(set(BLOCKS) - {"go"})))
    before, body = pieces(name, data.draw(st.sampled_from(BLOCKS[name])))
    file = data.draw(st.sampled_from(UNITS))
    text = in_style(before, file)
    said = data.draw(
        st.sampled_from([NOTHING, IndentOptions(blanks=file != "\t", size=len(file), tab_width=len(file))])
    )
    raw = "".join(
        data.draw(st.sampled_from(UNITS)) * _depth(line) + line[_depth(line) :] for line in split_lines(body)
    )
    end = data.draw(st.integers(0, len(raw)))
    snapshot, offset = snapshot_at(text + "‸\n", name)
    accepted = accept(attrs.evolve(snapshot, editor_indent=said), offset, raw[:end]).document or ""
    indents = [line[: len(line) - len(line.lstrip(" \t"))] for line in split_lines(accepted)]
    assert all(set(indent) <= set(file) for indent in indents)


@settings(max_examples=100, deadline=None)
@given(
    lines=st.lists(
        st.tuples(st.text(" \t", max_size=9), st.sampled_from(["a", "if x:", "}", "", "f(", "* b"])),
        max_size=9,
    ),
    before=st.sampled_from(["", "\t", "    ", "  x = (", "\tif x:", " \t "]),
    said=st.sampled_from([NOTHING, TABS, TWO, FOUR]),
    name=st.sampled_from(["python", "makefile", "yaml", "c", "plaintext"]),
)
def test_any_blanks_whatever_become_something(
    lines: list[tuple[str, str]], before: str, said: IndentOptions, name: str
) -> None:
    raw = "\n".join(indent + code for indent, code in lines)
    snapshot = attrs.evolve(Snapshot("", "a", name, before), editor_indent=said)
    accept(snapshot, len(before), raw)
