"""What is checked before it is shown: golden cases by language, and what holds for any text whatever."""

from __future__ import annotations

import pytest
from foretype.context.checking.facts import KnownNames, KnowsName, WorkspaceFacts
from foretype.context.checking.ground import ground
from foretype.context.syntax.names import Areas, near_match
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree import Capture
from foretype.context.syntax.tree_work import parse
from foretype.tests.support.context_cases import Case, cases, check
from foretype.tests.support.cursor import snapshot_at
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("case", cases("ground"), ids=str)
def test_what_is_shown_is_true(case: Case) -> None:
    snapshot, offset = snapshot_at(case.fields["source"], case.language)
    known = WorkspaceFacts(
        KnownNames(_asked(case, "symbols"), _asked(case, "mentions")),
        headers=case.fields["headers"].get if "headers" in case.fields else None,
    )
    verdict = ground(
        case.fields["model"],
        snapshot,
        offset,
        case.fields.get("replaces", 0),
        known,
    )
    assert verdict.shown == bool(verdict.text.strip())
    check(case, {"shown": verdict.text, "why": list(verdict.reasons), "names": list(verdict.names)})


@pytest.mark.parametrize("below", [4_000, 7_000])
def test_a_long_function_is_checked_too(below: int) -> None:
    line = "    total = total + 1\n"
    text = f"def f(total):\n    ‸\n{line * (below // len(line))}\n\ndef g():\n    pass\n"
    verdict = ground("return nobody_made_this", *snapshot_at(text, "python"))
    assert verdict.names == ("nobody_made_this",)


@pytest.mark.parametrize("end", ["", "\n", "    \n\n"])
def test_at_the_end_of_a_large_file_is_checked_too(end: str) -> None:
    above = "".join(f"def f{number}():\n    pass\n\n\n" for number in range(500))
    verdict = ground("return nobody_made_this", *snapshot_at(f"{above}def g():\n    ‸{end}", "python"))
    assert verdict.names == ("nobody_made_this",)


LONG = {
    "python": ("def f(x):\n    kept = 1\n", "    x = x + 1\n", "    y = ‸\n"),
    "javascript": ("function f(x) {\n  const kept = 1;\n", "  x = x + 1;\n", "  const y = ‸\n}\n"),
    "rust": ("fn f(x: i32) {\n    let kept = 1;\n", "    let x = x + 1;\n", "    let y = ‸\n}\n"),
}


@pytest.mark.parametrize("language", LONG)
@pytest.mark.parametrize("above", [0, 9_000])
def test_the_end_of_a_very_long_function_is_checked_too(language: str, above: int) -> None:
    """In a file that is too large to be parsed again nobody can say whether a name is a local far above."""
    head, line, here = LONG[language]
    comment = "# filler of some length\n" if language == "python" else "// filler of some length\n"
    snapshot, offset = snapshot_at(comment * above + head + line * 900 + here, language)
    assert ground("kept + x", snapshot, offset).shown
    assert ground("x + + )", snapshot, offset).reasons == ("syntax",)
    assert bool(ground("nobody_made(x)", snapshot, offset).names) is (above == 0)


def test_a_member_of_a_very_long_class_is_checked_too() -> None:
    members = "".join(f"  void m{number}(int x) {{\n    x = x + {number};\n  }}\n\n" for number in range(400))
    text = f"class A {{\n{members}  ‸\n\n{members.replace('m', 'n')}}}\n"
    snapshot, offset = snapshot_at(text, "java")
    assert ground("void last(int x) {\n    m1(x);\n  }", snapshot, offset).shown
    assert ground("void last(int x) {\n    m1(x;\n  }", snapshot, offset).reasons == ("syntax",)


def _asked(case: Case, field: str) -> KnowsName | None:
    """Who knows the names that a case lists, and no others; None where it lists none."""
    known = case.fields.get(field)
    return None if known is None else frozenset(known).__contains__


pieces = st.lists(
    st.sampled_from(
        [
            *(
                "a",
                "foo",
                "x = 1",
                "return",
                "def f():",
                "class A:",
                "if (a) {",
                "}",
                "(",
                ")",
                "[",
                '"',
                "'",
                "`",
            ),
            *(
                " ",
                "    ",
                "\t",
                "\n",
                "\r\n",
                ";",
                ",",
                ":",
                "# c",
                "// c",
                "é",
                "🦊",
                "\0",
                "self.x",
                "import *",
            ),
        ]
    ),
    max_size=14,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(
    before=pieces,
    after=pieces,
    text=pieces,
    language=st.sampled_from(["python", "javascript", "go", "rust", "c"]),
)
def test_any_text_anywhere_is_judged_without_a_fuss(
    before: str, after: str, text: str, language: str
) -> None:
    snapshot = Snapshot("", "a", language, before + after, 1, parse(before + after, language))
    verdict = ground(text, snapshot, len(before))
    assert text.startswith((verdict.text, verdict.text.rstrip(")]} \t\r\n")))
    assert verdict.shown == bool(verdict.text.strip())
    assert verdict.reasons or verdict.text == text


@pytest.mark.parametrize(
    ("language", "before", "sentence"),
    [
        ("go", "package a\n\nfunc f() {\n\tx := `\n", "the middle (of a sentence nobody knows) is"),
        ("python", 'def f():\n    return """\n', "class of words: that nobody(knows) is"),
        ("typescript", "function f() {\n  return `\n", "import nothing; let words(be = words"),
        ("rust", 'fn f() -> &str {\n    r#"\n', "let words be; words(that nobody knows)"),
        ("php", "<?php\nfunction f() {\n    return <<<EOT\n", "a sentence; is(what) it is"),
        ("lua", "local function f()\n  return [[\n", "local words = words(that end here"),
        ("java", 'class A {\n  String f() {\n    return """\n', "a sentence; is(what) it is"),
        ("c", 'const char *f(void) {\n    return "\\\n', "a sentence; is(what) it is"),
    ],
)
def test_a_sentence_in_a_long_string_is_no_code(language: str, before: str, sentence: str) -> None:
    ends = {"go": "`\n}", "typescript": "`;\n}", "rust": '"#\n}', "php": "EOT;\n}", "lua": "]]\nend"}
    line = "So it goes on with if (x { and } else), for a while." + (" \\" if language == "c" else "")
    filler = f"{line}\n" * 200
    end = ends.get(language, '""";\n  }\n}' if language == "java" else '";\n}' if language == "c" else '"""')
    text = before + filler + sentence[:4] + "‸\n" + filler + end + "\n"
    snapshot, offset = snapshot_at(text, language)
    nobody = frozenset[str]().__contains__
    verdict = ground(sentence[4:], snapshot, offset, 0, WorkspaceFacts(KnownNames(nobody, nobody)))
    assert (verdict.text, verdict.names) == (sentence[4:], ())


def test_what_a_file_of_the_workspace_must_bring_is_looked_up_in_small_ones_too() -> None:
    snapshot, offset = snapshot_at('import { ‸ } from "./api";\n', "typescript")
    few = KnownNames(frozenset[str]().__contains__, {"known"}.__contains__, telling=False)
    assert ground("known", snapshot, offset, 0, WorkspaceFacts(few)).text == "known"
    assert ground("unheardOf", snapshot, offset, 0, WorkspaceFacts(few)).names == ("unheardOf",)


def test_without_a_tree_what_parses_and_is_mentioned_is_shown() -> None:
    snapshot = Snapshot("", "a", "python", "foo(1)\nx = ")
    assert ground("foo(2)", snapshot, 11).text == "foo(2)"
    assert ground("foo)))", snapshot, 11).text == "foo"
    assert not ground("fooo(2)", snapshot, 11).shown


def test_the_definition_around_the_cursor_is_enough_of_a_large_file() -> None:
    filler = "".join(f"def other_{n}(a):\n    local_{n} = a\n    return local_{n}\n\n\n" for n in range(500))
    before = f"import os\n\n\n{filler}class A:\n" + "".join(
        f"    def method_{n}(self):\n        return {n}\n\n" for n in range(500)
    )
    text = before + "    def last(self, path):\n        return \n" + "\n\n" + filler
    offset = text.index("return \n\n") + len("return ")
    snapshot = Snapshot("", "a", "python", text, 1, parse(text, "python"))
    assert ground("os.stat(path)", snapshot, offset).shown
    assert ground("other_3(path)", snapshot, offset).shown
    assert ground("self.method_7()", snapshot, offset).shown
    assert ground("os.stat(path))", snapshot, offset).text == "os.stat(path)"
    assert ground("local_3 + path", snapshot, offset).reasons == ("unknown name",)
    assert ground("sys.argv", snapshot, offset).reasons == ("unknown name",)


@given(
    name=st.text("aB_1", min_size=4, max_size=7),
    text=st.text("aB_1 .(\n\x1c", max_size=40),
)
def test_a_misspelling_is_found_whatever_else_a_file_is_written_in(name: str, text: str) -> None:
    assert near_match(name, text) == near_match(name, text + " é")


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20))), st.integers(0, 20), st.integers(0, 20))
def test_areas_enclose_what_one_of_them_does(areas: list[tuple[int, int]], start: int, length: int) -> None:
    captures = [Capture("binds", first, first + more) for first, more in areas]
    end = start + length
    expected = any(area.start <= start and end <= area.end for area in captures)
    assert Areas(captures).enclose(Capture("use", start, end)) is expected
