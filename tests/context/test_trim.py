"""Where completions end: golden cases by language, and what holds for any text whatever."""

from __future__ import annotations

import pytest
from foretype.context.checking.trim import trim
from foretype.context.prompt.rules import stop_rules
from foretype.context.shared.values import StopReason
from foretype.context.syntax.snapshot import Snapshot
from foretype.tests.support.context_cases import Case, cases, check
from foretype.tests.support.cursor import snapshot_at
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("case", cases("trim"), ids=str)
def test_a_completion_ends_where_a_programmer_would_end_it(case: Case) -> None:
    snapshot, offset = snapshot_at(case.fields["source"], case.language)
    rules = stop_rules(snapshot, offset, 64, 0.0, case.fields.get("multiline", "auto"))
    stop = StopReason(case.fields["stop"]) if "stop" in case.fields else None
    trimmed = trim(case.fields["model"], snapshot, offset, rules, stop)
    check(case, {"shown": trimmed.text, "replaces": trimmed.replace_right, "rules": list(trimmed.reasons)})


@pytest.mark.parametrize(
    ("language", "line", "model"),
    [
        ("elixir", "def eval!(file, opts \\\\ []‸", ") when is_binary(file) do"),
        ("graphql", "  login(name‸", ": String!): Result!"),
    ],
)
def test_below_a_long_description_a_bracket_of_the_line_may_be_closed(
    language: str, line: str, model: str
) -> None:
    """Its end is all that the lines above the cursor have of it: it begins nothing."""
    described = "\n".join(['"""', *["what it does"] * 50, '"""', line, ""])
    snapshot, offset = snapshot_at(described, language)
    rules = stop_rules(snapshot, offset, 64, 0.0)
    assert trim(model, snapshot, offset, rules).text == model


pieces = st.lists(
    st.sampled_from(
        [
            *(
                "a",
                "foo",
                "x = 1",
                "return",
                "def f():",
                "if (a) {",
                "}",
                "})",
                "(",
                ")",
                "[",
                "]",
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
                "\r",
                ";",
                ",",
                ":",
                "# c",
                "// c",
                "é",
                "🦊",
                "\0",
                "<|endoftext|>",
            ),
        ]
    ),
    max_size=14,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(
    before=pieces,
    after=pieces,
    raw=pieces,
    language=st.sampled_from(["python", "javascript", "go", "rust", "c"]),
)
def test_any_text_anywhere_is_trimmed_without_a_fuss(
    before: str, after: str, raw: str, language: str
) -> None:
    snapshot = Snapshot("", "a", language, before + after)
    rules = stop_rules(snapshot, len(before), 64, 0.0)
    trimmed = trim(raw, snapshot, len(before), rules)
    line = after.split("\n", maxsplit=1)[0].split("\r", maxsplit=1)[0]
    assert 0 <= trimmed.replace_right <= len(line)
    assert not trimmed.text or trimmed.text.strip()
    assert trimmed.text or not trimmed.replace_right
    if not rules.multiline and not rules.openers:
        assert "\n" not in trimmed.text
        assert "\r" not in trimmed.text
