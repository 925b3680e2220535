"""Code of another language in a document: which it is at the cursor, and that its own grammar is followed."""

from __future__ import annotations

import time

import attrs
import pytest
from foretype.context.checking.check import CheckRequest, check
from foretype.context.languages import all_languages
from foretype.context.languages.embedding import Embedding
from foretype.context.prompt.assemble import assemble
from foretype.context.prompt.rules import stop_rules
from foretype.context.prompt.size import ContextSize
from foretype.context.shared.values import Completion, StopReason
from foretype.context.syntax import embedded
from foretype.context.syntax.embedded import embedded_at, seen_at
from foretype.tests.support.cursor import snapshot_at
from hypothesis import given
from hypothesis import strategies as st

PAGE = "<html>\n<body>\n  <script>\n    function twice(x) {\n      ‸\n    }\n  </script>\n</body>\n</html>\n"
QUERY = 'def f(db):\n    return db.run("""\n        SELECT name\n        FROM people\n        ‸\n    """)\n'
FENCE = "# How\n\n```python\ndef twice(x):\n    ‸\n```\n\nMore.\n"


def check_language(host: str, marked: str, inner: str) -> None:
    """The language at the cursor; the document's own is "". What is inside is seen in the same offsets."""
    snapshot, offset = snapshot_at(marked, host)
    code = embedded_at(snapshot, offset)
    assert (code.language if code else "") == inner
    seen = seen_at(snapshot, offset)
    assert (seen.text, seen.file_language) == (snapshot.text, host)
    if code is not None:
        assert code.start <= offset <= code.end
        assert seen.language == inner
        assert seen.tree is not None
        assert seen.tree.covers(code.start, code.end)


@pytest.mark.parametrize(
    ("host", "marked", "inner"),
    [
        ("html", PAGE, "javascript"),
        ("html", PAGE.replace("<script>", '<script type="module">'), "javascript"),
        ("html", PAGE.replace("<script>", "<script lang='ts'>"), "typescript"),
        ("html", PAGE.replace("<script>", '<script type="text/x-template">'), ""),
        ("html", '<script type="application/json">\n{\n  ‸\n}\n</script>\n', "json"),
        ("html", "<style>\np {\n  ‸\n}\n</style>\n", "css"),
        ("html", "<script>\n  const a = 1\n  ‸", "javascript"),
        ("html", "<script>\n‸\n</script>\n", "javascript"),
        ("html", "<script>f(‸)</script>\n", ""),
        ("html", "<p>\n‸\n</p>\n<script>\n</script>\n", ""),
        (
            "vue",
            '<script setup lang="ts">\nconst a = 1\n‸\n</script>\n<template>\n</template>\n',
            "typescript",
        ),
        ("vue", "<template>\n  <p>\n    ‸\n  </p>\n</template>\n<script>\n</script>\n", ""),
        ("vue", '<template/>\n<style scoped lang="scss">\n.a {\n  ‸\n}\n</style>\n', "scss"),
        ("svelte", '<script lang="ts">\n  let a = 1\n  ‸\n</script>\n\n{#if a}<p/>{/if}\n', "typescript"),
        ("svelte", "<p/>\n<style>\n  p {\n    ‸\n  }\n</style>\n", "css"),
        ("python", QUERY, "sql"),
        ("python", QUERY.replace('"""\n        S', 'f"""S'), "sql"),
        ("python", QUERY.replace("SELECT", "Select"), ""),
        ("python", 'x = """\n    SELECT ‸\n"""\n', "sql"),
        ("python", 'x = """SELECT ‸"""\n', ""),
        ("python", '"""A module.\n\n‸\n"""\n', ""),
        ("typescript", "const q = gql`\n  query {\n    ‸\n  }\n`\n", "graphql"),
        ("javascript", "const q = sql`\n  SELECT a\n  ‸\n`\n", "sql"),
        ("javascript", "const q = `\n  SELECT a\n  ‸\n`\n", ""),
        ("markdown", FENCE, "python"),
        ("markdown", FENCE.replace("python", "ts"), "typescript"),
        ("markdown", FENCE.replace("python", "{.python .numberLines}"), "python"),
        ("markdown", FENCE.replace("python", "nobody-knows-it"), ""),
        ("markdown", FENCE.replace("python", ""), ""),
        ("markdown", FENCE.replace("def twice(x):\n    ‸", "x = 1").replace("More", "‸"), ""),
        ("unheard-of", "<script>\n‸\n</script>\n", ""),
    ],
)
def test_the_cursor_says_which_language_it_is(host: str, marked: str, inner: str) -> None:
    check_language(host, marked, inner)


def answered(host: str, marked: str, answer: str) -> str:
    """What is shown of an answer."""
    snapshot, offset = snapshot_at(marked, host)
    seen = seen_at(snapshot, offset)
    rules = stop_rules(seen, offset, 64, 0.0)
    return check(CheckRequest(Completion(answer, StopReason.END), seen, offset, rules)).text


@pytest.mark.parametrize(
    ("host", "marked", "answer", "shown"),
    [
        ("html", PAGE, "return x * 2;\n    }\n  </script>\n", "return x * 2;"),
        ("html", PAGE.replace("      ‸", "      return ‸;"), "x * 2;", "x * 2"),
        ("html", PAGE.replace("      ‸", "      return twice(‸)"), "x +* 2)", "x"),
        ("html", "<script>\nconst a = 1\n‸\n", "</script>", "</script>"),
        ("html", "<script>\nconst a = 1\n‸\n", "b(2);", "b(2);"),
        ("markdown", FENCE, "return x * 2\n```\n", "return x * 2"),
        ("markdown", FENCE, "y = x\n    return y\n\nz = 1\n", "y = x\n    return y"),
        (
            "vue",
            '<script lang="ts">\nfunction f(a: number) {‸}\n</script>\n',
            "\n  return a\n",
            "\n  return a\n",
        ),
    ],
)
def test_an_answer_is_held_to_the_inner_grammar(host: str, marked: str, answer: str, shown: str) -> None:
    assert answered(host, marked, answer) == shown


def test_names_that_come_from_around_are_no_inventions() -> None:
    marked = '<script src="a.js"></script>\n<script>\nconst b = ‸\n</script>\n'
    assert answered("html", marked, "fromTheOtherScript(1)") == "fromTheOtherScript(1)"


def test_the_model_is_told_the_files_own_language() -> None:
    snapshot, offset = snapshot_at(PAGE, "html")
    size = ContextSize(prefix=1000, suffix=1000, related=0)
    prompt, _ = assemble(seen_at(snapshot, offset), offset, size)
    assert prompt == assemble(snapshot, offset, size)[0]


def test_a_grammar_that_hangs_costs_its_time_and_leaves_the_lines() -> None:
    marked = "<script>\n" + "((" * 20_000 + "\n‸\n</script>\n"
    snapshot, offset = snapshot_at(marked, "html")
    began = time.thread_time()
    seen = seen_at(snapshot, offset, limit_ms=0.0)
    assert time.thread_time() - began < 2.0
    assert (seen.language, seen.tree) == ("javascript", None)
    assert stop_rules(seen, offset, 64, 0.0) is not None


def test_code_that_is_too_long_has_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "LONGEST_CODE", 10)
    snapshot, offset = snapshot_at(PAGE, "html")
    assert seen_at(snapshot, offset).tree is None


def test_a_text_that_has_changed_is_still_seen_from_inside() -> None:
    snapshot, offset = snapshot_at(PAGE, "html")
    seen = seen_at(snapshot, offset)
    later = seen.with_text(seen.text[:offset] + "return x" + seen.text[offset:])
    assert later.embedded is not None
    assert later.tree is not None
    assert later.text[later.embedded.end :].startswith("</script>")
    assert later.tree.kinds_at(offset + 8)[-1] != "ERROR"
    assert attrs.evolve(later, text=seen.text).described.id == "javascript"


@given(
    parts=st.lists(
        st.sampled_from(
            [
                "<script>",
                "</script>",
                '<style lang="x">',
                "```python",
                "```",
                '"""',
                "SELECT a",
                "x = ",
                "\n",
                "é",
            ]
        ),
        max_size=12,
    ),
    host=st.sampled_from(["html", "vue", "svelte", "markdown", "python", "typescript"]),
    place=st.floats(0, 1),
)
def test_whatever_a_document_holds_the_place_lies_in_what_is_found(
    parts: list[str], host: str, place: float
) -> None:
    text = "".join(parts)
    at = int(place * len(text))
    snapshot, offset = snapshot_at(text[:at] + "‸" + text[at:], host)
    seen = seen_at(snapshot, offset)
    if seen.embedded is not None:
        assert seen.embedded.start <= offset <= seen.embedded.end <= len(text)
    assert stop_rules(seen, offset, 64, 0.0).max_tokens == 64


def test_every_embedding_names_a_node_of_its_grammar() -> None:
    known = [(each.id, found) for each in all_languages() for found in each.embeddings]
    assert {host for host, _ in known} >= {"html", "vue", "svelte", "markdown", "python", "typescript"}
    assert all(isinstance(found, Embedding) and found.node for _, found in known)
