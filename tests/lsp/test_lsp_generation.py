"""How long a request waits for a generation, and what it gets when the time is up."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from foretype.context.shared.values import Completion, StopReason, StopRules
from foretype.context.syntax.snapshot import Snapshot
from foretype.lsp.completions.generation import Generation, whole_lines, whole_words

TEXT = "before |after"


def generation(*, multiline: bool = False) -> Generation:
    """One that completes at the bar of `TEXT`, inside a running loop."""
    snapshot = Snapshot("untitled:x", "x", "text", TEXT.replace("|", ""))
    return Generation("one", snapshot, TEXT.index("|"), StopRules(multiline=multiline))


async def test_an_answer_in_time_is_the_answer() -> None:
    one = generation()
    one.task.set_result(Completion("all of it", StopReason.END))
    assert (await one.wait(0.0)).text == "all of it"


@pytest.mark.parametrize(
    ("multiline", "said", "shown"),
    [(True, "first\nsecond\nthi", "first\nsecond"), (True, "return so", "return"), (False, "f(a, b", "f(a,")],
)
async def test_when_time_is_up_what_is_whole_is_answered(multiline: bool, said: str, shown: str) -> None:
    one = generation(multiline=multiline)
    one.add(said)
    partial = await one.wait(0.0)
    assert (partial.text, partial.stop) == (shown, StopReason.BUDGET)
    assert not one.task.done()
    assert one.listeners == 0


async def test_of_a_block_that_one_line_opened_the_whole_lines_are_answered() -> None:
    one = attrs.evolve(generation(), rules=StopRules(openers=(":",)))
    one.add("if ready:\n    go(no")
    assert (await one.wait(0.0)).text == "if ready:"


async def test_while_nothing_is_whole_it_waits_on() -> None:
    one = generation()
    waiting = asyncio.ensure_future(one.wait(0.0))
    for piece in ("  ", "wor"):
        one.add(piece)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
    one.add("d ")
    assert (await waiting).text == "  word"


async def test_cancelling_a_wait_leaves_the_generation_running() -> None:
    one = generation()
    waiting = asyncio.ensure_future(one.wait(60.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not one.task.cancelled()
    assert one.listeners == 0


async def test_what_was_typed_decides_whether_a_generation_still_fits() -> None:
    one = generation()
    one.add("middle")
    assert one.fits("before midafter", len("before mid"))
    assert not one.fits("before madafter", len("before mad"))
    assert not one.fits("before middle moreafter", len("before middle more"))
    assert not one.fits("before midAfter", len("before mid"))
    one.task.set_result(Completion("", StopReason.END))
    assert not one.fits("before midafter", len("before mid"))


def test_lines_and_words_are_whole_when_something_follows() -> None:
    assert whole_lines("a\nb") == "a"
    assert whole_lines("\n\n") == ""
    assert whole_lines("\n  a\n") == "\n  a"
    assert whole_words("return value") == "return"
    assert whole_words("value") == ""
    assert whole_words("value(") == "value("
