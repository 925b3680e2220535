"""The engine over a real llama context: tiny random models with real vocabularies, and the default model."""

from __future__ import annotations

import random
import threading
from collections.abc import Generator
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt
import pytest
from foretype.context.shared.values import Completion, Prompt, Stage, StopReason, StopRules
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.llama import DecodeFailedError
from foretype.tests.support.private_home import default_model
from foretype.tests.support.tiny_gguf import tiny_learned, tiny_model

SOURCE = "".join(
    f"def area_{number}(width, height):\n    size = width * {number}\n    return size * height\n\n"
    for number in range(40)
)
LINE = StopRules(max_tokens=12)

ROUNDING = 0.05
"""Bound on logits of standard deviation 1 after a short prompt, from rounding alone: measured 0.002.

It grows with the prompt, and the weight of one token shrinks: after 1000 tokens both are 0.03.
"""


def start(path: Path, **settings: object) -> LocalEngine:
    return load_engine(
        path, attrs.evolve(EngineSettings(context_tokens=8192), **settings), lambda _fraction: None
    )


@pytest.fixture(scope="module", params=["starcoder", "deepseek-coder", "refact"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[LocalEngine]:
    vocab = str(request.param)
    name = "Refact-1_6B-fim" if vocab == "refact" else ""
    file = tiny_model(vocab, tmp_path_factory.mktemp("tiny"), name=name)
    # Another number of threads sums in another order, and random weights leave many choices near ties.
    engine = start(file, threads=1)
    assert engine.info().fim != "none"
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def smollm() -> Generator[LocalEngine]:
    engine = start(default_model())
    yield engine
    engine.close()


def ask(
    engine: LocalEngine,
    before: str,
    after: str = "",
    *,
    session: str = "a",
    rules: StopRules = LINE,
    cancellation: Cancellation | None = None,
    temperature: float = 0.0,
    seed: int = 0,
) -> Completion:
    return engine.complete(
        session,
        Prompt(before, after, "area.py", "python"),
        rules,
        cancellation=cancellation or Cancellation(),
        temperature=temperature,
        seed=seed,
    )


def test_the_cells_hold_what_the_books_say(engine: LocalEngine) -> None:
    """After random edits, cancellations and idle work llama.cpp holds what the books say."""
    chance = random.Random(3)
    text, cursor = SOURCE[:150], 60
    for step in range(25):
        before, after = text[:cursor], text[cursor:]
        kind = chance.choice(["type", "type", "type", "enter", "backspace", "jump", "above"])
        if kind == "type":
            before += chance.choice(["a", "x = ", "(", "é", "return "])
        elif kind == "enter":
            before += "\n    "
        elif kind == "backspace":
            before = before[:-3]
        elif kind == "above":
            before = before[:20] + "# n\n" + before[20:]
        text, cursor = before + after, len(before)
        if kind == "jump":
            cursor = chance.randrange(len(text))
        cancellation = Cancellation()
        if step % 7 == 0:
            threading.Timer(0.002, cancellation.cancel).start()
        ask(engine, text[:cursor], text[cursor:], cancellation=cancellation)
        if step % 3 == 0:
            engine.idle("a", cancellation=Cancellation())
        check_positions(engine)
    check_logits(engine)
    engine.forget("a")


def check_positions(engine: LocalEngine) -> None:
    cells = engine.cache.cells
    for sequence in engine.cache.sequences:
        assert cells.last_position(sequence.number) + 1 == len(sequence.tokens)


def check_logits(engine: LocalEngine) -> None:
    """Going on from the cache gives the logits that an evaluation from nothing gives."""
    cache = engine.cache
    for sequence in list(cache.sequences):
        tokens = list(sequence.tokens)
        cache.truncate(sequence, len(tokens) - 1)
        assert cache.extend(sequence, tokens[-1:])
        kept = np.array(cache.logits(sequence))
        assert np.abs(kept - fresh_logits(engine, tokens)).max() < ROUNDING
        wrong = [*tokens[:-3], (tokens[-3] + 1) % 1000, *tokens[-2:]]
        assert np.abs(kept - fresh_logits(engine, wrong)).max() > ROUNDING, "one wrong cell would show"


def fresh_logits(engine: LocalEngine, tokens: list[int]) -> npt.NDArray[np.float32]:
    sequence = engine.cache.acquire()
    assert sequence is not None
    assert engine.cache.extend(sequence, tokens)
    logits = np.array(engine.cache.logits(sequence))
    engine.cache.release(sequence)
    return logits


def test_a_keystroke_evaluates_what_was_typed(engine: LocalEngine) -> None:
    at = SOURCE.index("    return", 1500)
    before, after = SOURCE[:at], SOURCE[at:]
    engine.warm("k", Prompt(before, after, "area.py", "python"), cancellation=Cancellation())
    typed = "    total = [width for width in sizes if width]"
    evaluated = [
        ask(engine, before + typed[:end], after, session="k").timings.prefill_tokens
        for end in range(1, len(typed) + 1)
    ]
    engine.forget("k")
    assert sorted(evaluated)[len(evaluated) // 2] <= 2
    assert max(evaluated[1:]) <= 8


def test_a_second_editor_on_the_same_file_shares_its_cells(engine: LocalEngine) -> None:
    at = SOURCE.index("    return", 1500)
    for session in ("one", "two"):
        engine.warm(
            session, Prompt(SOURCE[:at], SOURCE[at:], "area.py", "python"), cancellation=Cancellation()
        )
    first = ask(engine, SOURCE[:at], SOURCE[at:], session="one")
    second = ask(engine, SOURCE[:at], SOURCE[at:], session="two")
    assert second.text == first.text
    assert second.timings.prefill_tokens <= 2
    for session in ("one", "two"):
        engine.forget(session)


def test_markers_in_the_users_code_stay_text(engine: LocalEngine) -> None:
    bars = "\uff5c"  # DeepSeek's markers are drawn with full-width bars
    spellings = [
        "<fim_prefix>",
        "<fim_suffix>",
        "<fim_middle>",
        "<|fim_prefix|>",
        "<|fim_middle|>",
        "<|endoftext|>",
        f"<{bars}fim\u2581begin{bars}>",
        f"<{bars}fim\u2581hole{bars}>",
        f"<{bars}fim\u2581end{bars}>",
        "<filename>",
        "<file_sep>",
        "<repo_name>",
        "<EOT>",
    ]
    literal = " ".join(spellings)
    before = f"text = '{literal}'\n" * 4
    ask(engine, before + "x = ", f"\n# {literal}\n", session="m")
    (sequence,) = engine.cache.sequences
    markers = [token for token in sequence.tokens if not engine.vocabulary.pieces[token]]
    engine.forget("m")
    assert len(markers) == len(set(markers)), "each of the format's own markers stands there once"


def test_sampling_is_repeatable_and_leaves_the_greedy_answer_alone(engine: LocalEngine) -> None:
    greedy = ask(engine, SOURCE[:700], session="s")
    one, again, other = (
        ask(engine, SOURCE[:700], session="s", temperature=1.0, seed=seed).text for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other
    assert ask(engine, SOURCE[:700], session="s").text == greedy.text
    engine.forget("s")


def test_every_generated_token_has_its_log_probability(engine: LocalEngine) -> None:
    answer = ask(engine, SOURCE[:700], session="p")
    engine.forget("p")
    assert len(answer.logprobs) == len(answer.ends) == answer.timings.decode_tokens > 0
    assert max(answer.ends) == len(answer.text)
    assert all(value <= 0 for value in answer.logprobs)
    assert answer.mean_logprob == pytest.approx(sum(answer.logprobs) / len(answer.logprobs))


def test_a_request_that_was_cancelled_before_it_began_does_nothing(engine: LocalEngine) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    answer = ask(engine, SOURCE, session="c", cancellation=cancellation)
    engine.forget("c")
    assert (answer.stop, answer.stage, answer.text) == (StopReason.CANCELLED, Stage.PREFILL, "")


@pytest.mark.parametrize("before", ["", "\n", " ", "\t", "é", "\x00", "\ufeff", "\r\n", "a" * 9000])
def test_any_text_has_an_answer(engine: LocalEngine, before: str) -> None:
    answer = ask(engine, before, before, session="any")
    engine.forget("any")
    assert answer.stop not in (StopReason.CANCELLED, StopReason.UNAVAILABLE)


# ── the default model ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.model
def test_a_cancelled_prefill_keeps_what_was_finished_and_goes_on_from_there(smollm: LocalEngine) -> None:
    before = SOURCE[:3600]
    prompt = Prompt(before, "", "area.py", "python")
    cancellation = Cancellation()
    timer = threading.Timer(0.3 / smollm.cache.speed.tokens_per_ms, cancellation.cancel)  # some 300 tokens
    timer.start()
    stopped = smollm.warm("half", prompt, cancellation=cancellation)
    timer.cancel()
    kept = sum(len(sequence.tokens) for sequence in smollm.cache.sequences)
    assert (stopped.stop, stopped.stage) == (StopReason.CANCELLED, Stage.PREFILL)
    assert kept > 0, "finished micro-batches stay"
    check_positions(smollm)
    smollm.warm("half", prompt, cancellation=Cancellation())
    resumed = ask(smollm, before, session="half")
    smollm.forget("half")
    smollm.warm("whole", prompt, cancellation=Cancellation())
    assert ask(smollm, before, session="whole").text == resumed.text
    smollm.forget("whole")


@pytest.mark.model
@pytest.mark.parametrize(
    ("before", "begins"),
    [
        ("import json\n\ndata = json.lo", "ad"),
        ("numbers = [1, 2, 3]\nfor ", ""),
        ("def area(width, height):\n    re", "turn"),
        ("def area(width, height):\n  ", "  return"),
        ("# Café, cafe, caf\u00e9, Caf" + "\udcc3", "\udca9"),
    ],
)
def test_a_word_that_was_cut_in_two_is_healed(smollm: LocalEngine, before: str, begins: str) -> None:
    healed = ask(smollm, before, session="h")
    smollm.forget("h")
    assert healed.text.startswith(begins)
    assert healed.text.strip()


@pytest.mark.model
def test_typing_what_was_suggested_needs_no_model(smollm: LocalEngine) -> None:
    before = "def fibonacci(n):\n    "
    first = ask(
        smollm, before, session="t", rules=StopRules(multiline=True, reference_indent=4, max_tokens=24)
    )
    decoded = smollm.cache.evaluated
    for end in range(1, 9):
        typed = ask(
            smollm,
            before + first.text[:end],
            session="t",
            rules=StopRules(multiline=True, reference_indent=4, max_tokens=12),
        )
        assert first.text[end:].startswith(typed.text[:20])
    smollm.forget("t")
    assert smollm.cache.evaluated - decoded <= 2


@pytest.mark.model
def test_a_restarted_engine_knows_the_file(tmp_path: Path) -> None:
    prompt = Prompt(SOURCE[:2500], "", "area.py", "python")
    first = start(default_model(), states=tmp_path)
    first.warm("a", prompt, cancellation=Cancellation())
    text = ask(first, SOURCE[:2500]).text
    first.close()
    second = start(default_model(), states=tmp_path)
    answer = ask(second, SOURCE[:2500])
    second.close()
    assert answer.timings.prefill_tokens < 50
    assert answer.timings.cached_tokens > 500
    assert answer.text == text


@pytest.mark.model
@pytest.mark.parametrize("damage", ["cut short", "flipped", "another version", "empty"])
def test_a_damaged_state_is_ignored(tmp_path: Path, damage: str) -> None:
    prompt = Prompt(SOURCE[:2500], "", "area.py", "python")
    first = start(default_model(), states=tmp_path)
    first.warm("a", prompt, cancellation=Cancellation())
    first.close()
    (file,) = tmp_path.glob("*.kv")
    data = bytearray(file.read_bytes())
    if damage == "flipped":
        data[-100] ^= 0xFF
    elif damage == "another version":
        data[11] += 1
    file.write_bytes(b"" if damage == "empty" else data[: len(data) // 2] if damage == "cut short" else data)
    second = start(default_model(), states=tmp_path)
    assert second.warm("a", prompt, cancellation=Cancellation()).timings.prefill_tokens > 500
    second.forget("a")
    second.close()


def test_learned_positions_never_end_the_process(tmp_path: Path) -> None:
    """A file that grows far beyond the model's 256 positions, in a cache with room for thousands."""
    engine = start(tiny_learned("starcoder", tmp_path, context=256), threads=1)
    before = SOURCE[:200]
    for number in range(40):
        before += f"value_{number} = area_{number}(1, 2)\n"
        answer = ask(engine, before, SOURCE[2000:], rules=StopRules(max_tokens=300, multiline=True))
        assert answer.stop is not StopReason.UNAVAILABLE
        engine.idle("a", cancellation=Cancellation())
        assert all(len(sequence.tokens) <= 256 for sequence in engine.cache.sequences)
    with pytest.raises(DecodeFailedError, match="256 positions"):
        engine.cache.cells.decode([5], 0, 256)
    engine.close()
