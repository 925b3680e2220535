"""What an earlier answer says once somebody has typed on."""

from __future__ import annotations

import attrs
import pytest
from foretype.context.shared.values import Completion, Prompt, StopReason, StopRules
from foretype.daemon.server.typed_along import rest_of, typed_since
from foretype.daemon.wire.messages import CompletionRequest, Priority
from hypothesis import given
from hypothesis import strategies as st

RULES = StopRules(max_tokens=40)
HERE = CompletionRequest("a", Prompt("def f(", ")\n", "a.py"), RULES)


def at(prefix: str, suffix: str = ")\n", **how: object) -> CompletionRequest:
    return attrs.evolve(HERE, prompt=attrs.evolve(HERE.prompt, prefix=prefix, suffix=suffix), **how)


@pytest.mark.parametrize(
    ("later", "typed"),
    [
        (HERE, ""),
        (at("def f(", priority=Priority.PREFETCH, whole=True), ""),
        (at("def f(ab"), "ab"),
        (at("def g("), None),
        (at("def f"), None),
        (at("def f(a", "\n"), None),
        (at("def f(a", temperature=0.5), None),
        (at("def f(a", rules=attrs.evolve(RULES, multiline=True)), None),
        (at("def f(a", rules=attrs.evolve(RULES, max_tokens=41)), None),
    ],
)
def test_what_was_typed_between_two_requests(later: CompletionRequest, typed: str | None) -> None:
    assert typed_since(HERE, later) == typed


@given(st.lists(st.text(max_size=4), max_size=6), st.integers(0, 12))
def test_the_rest_of_an_answer_is_what_was_not_typed_with_its_own_chances(
    tokens: list[str], cut: int
) -> None:
    text = "".join(tokens)
    ends = tuple(len("".join(tokens[: count + 1])) for count in range(len(tokens)))
    whole = Completion(text, StopReason.END, logprobs=tuple(-0.1 * n for n in range(len(tokens))), ends=ends)
    rest = rest_of(whole, text[:cut])
    if rest is None:
        assert cut >= len(text)
        return
    assert text[:cut] + rest.text == text
    assert len(rest.logprobs) == len(rest.ends)
    assert all(0 < end <= len(rest.text) for end in rest.ends)
    assert list(rest.ends) == sorted(rest.ends)
    if rest.logprobs:
        assert rest.mean_logprob == pytest.approx(sum(rest.logprobs) / len(rest.logprobs))


def test_what_says_something_else_or_no_more_has_no_rest() -> None:
    answer = Completion("abc", StopReason.END)
    assert rest_of(answer, "x") is None
    assert rest_of(answer, "abc") is None
    assert rest_of(answer, "abcd") is None
    assert rest_of(Completion("", StopReason.UNAVAILABLE), "") is None
