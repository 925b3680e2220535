"""Prompts of next-edit models, as they were trained with them, and what their answers say."""

from __future__ import annotations

from itertools import pairwise

import pytest
from foretype.context.shared.values import (
    Completion,
    EditedLines,
    Prompt,
    RelatedPart,
    Rewrite,
    StopReason,
    StopRules,
)
from foretype.models.engine import rewriting as engine
from foretype.models.prompts.edit_formats import EditRecognition, edit_formats, recognise_edits
from foretype.models.prompts.formats import ModelFacts
from foretype.models.prompts.layout import Marker
from foretype.models.prompts.rewriting import mark_places, marked, rewrite_pieces, rewritten
from hypothesis import given
from hypothesis import strategies as st

SEED = ("<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>", "<filename>", "<[end▁of▁sentence]>")
QWEN = ("<|file_sep|>", "<|endoftext|>", "<|repo_name|>")

ASKED = Rewrite(
    before="import a\n",
    region="def f(width):\n    return w",
    after="\nf(1)\n",
    cursor=18,
    original="def f(w):\n    return w",
    edits=(EditedLines("m.py", 2, "def f(w):", "def f(width):"),),
    from_start=True,
)
PROMPT = Prompt("", path="m.py", rewrite=ASKED)


def model(name: str, *tokens: str) -> ModelFacts:
    return ModelFacts("llama", name, "file", "", {text: 100 + at for at, text in enumerate(tokens)})


def bound(name: str, *tokens: str) -> EditRecognition:
    found = recognise_edits(model(name, *tokens))
    assert found is not None
    return found


def shown(found: EditRecognition, prompt: Prompt = PROMPT) -> str:
    pieces = rewrite_pieces(found, prompt)
    return "".join(f"⟦{each.text}⟧" if isinstance(each, Marker) else each.text for each in pieces)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sweep-next-edit-1.5B", "sweep-next-edit"),
        ("Sweep Next Edit 0.5b Q8_0", "sweep-next-edit"),
        ("zeta", "zeta"),
        ("Zed Industries Zeta", "zeta"),
        ("zeta-2", "zeta-2"),
        ("Zeta2", "zeta-2"),
        ("zeta-2.1", "zeta-2.1"),
        ("Qwen2.5 Coder 1.5B", ""),
        ("betazetal", ""),
    ],
)
def test_a_model_is_known_by_its_name(name: str, expected: str) -> None:
    found = recognise_edits(model(name))
    assert (found.format.name if found else "") == expected


def test_sweep_reads_sections_of_files() -> None:
    assert shown(bound("sweep-next-edit", *QWEN)) == (
        "⟦<|file_sep|>⟧m.py.diff\noriginal:\ndef f(w):\nupdated:\ndef f(width):\n"
        "⟦<|file_sep|>⟧original/m.py\ndef f(w):\n    return w\n"
        "⟦<|file_sep|>⟧current/m.py\ndef f(width):\n    return w\n"
        "⟦<|file_sep|>⟧updated/m.py"
    )


def test_zeta_reads_an_instruction_and_an_excerpt() -> None:
    assert shown(bound("zeta")) == (
        "### Instruction:\n"
        "You are a code completion assistant and your task is to analyze user edits and then rewrite an "
        "excerpt that the user provides, suggesting the appropriate edits within the excerpt, taking "
        "into account the cursor location.\n\n"
        "### User Edits:\n\n"
        "User edited m.py:\n```diff\n@@ -2,1 +2,1 @@\n-def f(w):\n+def f(width):\n```\n\n"
        "### User Excerpt:\n\n"
        "```m.py\n<|start_of_file|>\nimport a\n<|editable_region_start|>\n"
        "def f(width):\n    <|user_cursor_is_here|>return w\n<|editable_region_end|>\nf(1)\n```\n\n"
        "### Response:\n"
    )


def test_zeta_2_reads_what_comes_behind_first() -> None:
    assert shown(bound("zeta-2", *SEED)) == (
        "⟦<[fim-suffix]>⟧\nf(1)\n⟦<[fim-prefix]>⟧"
        "⟦<filename>⟧edit_history\n--- a/m.py\n+++ b/m.py\n@@ -2,1 +2,1 @@\n-def f(w):\n+def f(width):\n\n"
        "⟦<filename>⟧m.py\nimport a\n<<<<<<< CURRENT\ndef f(width):\n    <|user_cursor|>return w\n=======\n"
        "⟦<[fim-middle]>⟧"
    )


def test_zeta_2_1_reads_numbered_marks() -> None:
    assert shown(bound("zeta-2.1", *SEED)) == (
        "⟦<[fim-suffix]>⟧f(1)\n⟦<[fim-prefix]>⟧"
        "⟦<filename>⟧edit_history\n--- a/m.py\n+++ b/m.py\n@@ -2,1 +2,1 @@\n-def f(w):\n+def f(width):\n\n"
        "⟦<filename>⟧m.py\nimport a\n<|marker_1|>def f(width):\n    <|user_cursor|>return w\n<|marker_2|>\n"
        "⟦<[fim-middle]>⟧"
    )


def test_related_files_come_first_and_tokens_that_are_missing_are_spelt_out() -> None:
    prompt = Prompt("", path="m.py", related=(RelatedPart("a.py", "x = 1"),), rewrite=ASKED)
    assert shown(bound("sweep-next-edit"), prompt).startswith(
        "<|file_sep|>a.py\nx = 1\n<|file_sep|>m.py.diff\n"
    )
    assert "⟦<filename>⟧a.py\nx = 1\n\n⟦<filename>⟧edit_history\n" in shown(bound("zeta-2", *SEED), prompt)


@pytest.mark.parametrize(
    ("name", "answer", "expected"),
    [
        ("sweep-next-edit", "\ndef f(width):\n    return width\n", "def f(width):\n    return width"),
        ("sweep-next-edit", "", None),
        (
            "zeta",
            "<|editable_region_start|>\ndef f(width):\n    return width\n<|editable_region_end|>\n```",
            "def f(width):\n    return width",
        ),
        (
            "zeta-2",
            "def f(width):\n    return wi<|user_cursor|>dth\n>>>>>>> UPDATED\n",
            "def f(width):\n    return width",
        ),
        ("zeta-2", "NO_EDITS\n>>>>>>> UPDATED\n", None),
        (
            "zeta-2.1",
            "<|marker_1|>def f(width):\n    return width\n<|marker_2|>",
            "def f(width):\n    return width",
        ),
        ("zeta-2.1", "<|marker_1|><|marker_1|>", None),
        ("zeta-2.1", "<|marker_7|>x\n<|marker_9|>", None),
        ("zeta-2.1", "nothing of the kind", None),
    ],
)
def test_an_answer_says_what_the_lines_become(name: str, answer: str, expected: str | None) -> None:
    known = next(each for each in edit_formats() if each.name == name)
    assert rewritten(known, ASKED, answer) == expected


LINES = st.lists(
    st.sampled_from(["x = 1", "", "}", "    return", "def f():", "end"]), min_size=1, max_size=80
)


@given(LINES, st.integers(0, 400))
def test_marks_part_a_region_at_line_starts_into_blocks_of_6_to_20_lines(
    lines: list[str], cursor: int
) -> None:
    region = "".join(f"{line}\n" for line in lines)
    places = mark_places(region)
    assert places[0] == 0
    assert places[-1] == len(region)
    assert all(region[place - 1] == "\n" for place in places[1:-1])
    blocks = [region[one:other].count("\n") for one, other in pairwise(places)]
    assert all(6 <= block <= 20 for block in blocks[:-1])
    spelt = marked(region, min(cursor, len(region) - 1), "‸")
    assert spelt.count("‸") == 1
    known = next(each for each in edit_formats() if each.name == "zeta-2.1")
    asked = Rewrite("", region.removesuffix("\n"), "", 0, "")
    assert rewritten(known, asked, spelt.replace("‸", "")) == region.removesuffix("\n")


def test_an_ordinary_model_writes_the_cursors_line_only_where_that_is_wanted() -> None:
    rules = StopRules(multiline=True, max_tokens=50)
    assert engine.asked(PROMPT, rules, None) is None
    wanted = Prompt(
        "def f(width):\n    ", "\nf(1)\n", rewrite=Rewrite("", "a\n    return w\nb", "", 8, "", line=True)
    )
    found = engine.asked(wanted, rules, None)
    assert found is not None
    assert (found[0].rewrite, found[0].prefix, found[1].multiline) == (None, wanted.prefix, False)
    answer = engine.answered(Completion("return width\nmore", StopReason.LINE), wanted.rewrite, None)
    assert answer.text == "a\n    return width\nb"


def test_what_was_cut_short_changes_nothing() -> None:
    known = next(each for each in edit_formats() if each.name == "zeta-2")
    cut = Completion("def f(width):\n", StopReason.LENGTH)
    assert engine.answered(cut, ASKED, known).text == ""
    asked = engine.asked(PROMPT, StopRules(), known)
    assert asked is not None
    assert asked[1].multiline
