"""Drafts change how fast an answer comes, never what it says: greedy output token by token, and the books.

`FakeCells` makes logits up from every token before them, so a drafted token that stays in the cache without
having been chosen shows at once.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from foretype.context.shared.values import Completion, Prompt, StopReason, StopRules
from foretype.models.cache.kv_cache import KVCache
from foretype.models.cache.step_costs import MAX_DRAFT, CostCurve
from foretype.models.decoding.loop import generate
from foretype.models.drafting.drafts import Drafts, Previous, Recent, Speculation
from foretype.models.drafting.events import DraftWatch
from foretype.models.drafting.lookup import TokenIndex
from foretype.models.engine.interface import EngineInfo, EngineSettings, SpeculationMode
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.engine.writing import Drafting
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.llama import Model
from foretype.models.llama.vocabulary import Vocabulary
from foretype.models.tuning.sample import other_code
from foretype.tests.support.clock import FakeClock
from foretype.tests.support.fake_cells import FakeCells, NothingRuns
from foretype.tests.support.marked_layout import MIDDLE, NAME, PREFIX, SUFFIX, MarkedLayout
from foretype.tests.support.private_home import default_model
from foretype.tests.support.tiny_gguf import tiny_model, vocabulary_file
from hypothesis import given, settings
from hypothesis import strategies as st

FREE = CostCurve.from_measured({1: 5.0, **dict.fromkeys(range(2, MAX_DRAFT + 2), 5.0)})
"""A machine on which larger batches cost nothing: drafts are always worth trying."""


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(Model(Path(vocabulary_file("starcoder")), vocabulary_only=True))


class Copying(FakeCells):
    """A model that mostly copies what followed the last tokens before, as small models do."""

    def made_up(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        values = super().made_up(tokens)
        row = np.asarray(tokens)
        chance = zlib.crc32(row.tobytes())
        for length in (2, 1):
            if len(row) < 4:
                break
            matches = row[:-length] == row[-length]
            for further in range(1, length):
                matches &= row[further : len(row) - length + further] == row[-length + further]
            seen = [int(at) + length for at in np.flatnonzero(matches) if row[at + length] > 3]
            if seen:
                values[row[seen[-1] if chance % 6 else seen[chance % len(seen)]]] = 2.0
                break
        return values


def engine(
    vocabulary: Vocabulary, order: str, *, drafts: bool, size: int = 4096, goes_back: bool = True
) -> LocalEngine:
    cells = Copying(len(vocabulary.pieces), size=size) if goes_back else Forgetful(len(vocabulary.pieces))
    markers = frozenset({0, PREFIX, MIDDLE, SUFFIX, NAME})
    return LocalEngine(
        KVCache(cells),
        vocabulary,
        MarkedLayout(vocabulary, order),
        ends=markers,
        max_prompt_tokens=size // 2,
        running=NothingRuns(),
        info=EngineInfo("fake", "", 0, size, order, 0),
        latency_budget_ms=1e9,  # what is shortened to save time depends on timing
        drafting=Drafting(Speculation(markers, lambda: FREE)) if drafts else None,
    )


class Forgetful(Copying):
    """A memory that cannot drop a part, as those of recurrent layers."""

    def remove(self, sequence: int, start: int) -> bool:
        return super().remove(sequence, start) if start == 0 else False


WORDS = ["total", "value", "self", "width", "items", "count", "name", "area"]
LINES = [
    "def {0}_{1}({0}, {1}):",
    "    {0} = {0} + {1}",
    "    return {0}.{1}({1})",
    "    if {0} in {1}:",
    "        self.{0}({1}, {0}=1)",
    "",
]


def source(chance: random.Random, lines: int = 60) -> str:
    words = chance.sample(WORDS, 4)
    return "\n".join(chance.choice(LINES).format(*chance.sample(words, 2)) for _ in range(lines))


def ask(
    one: LocalEngine, text: str, cursor: int, *, rules: StopRules, cancellation: Cancellation | None = None
) -> Completion:
    answer = one.complete(
        "a",
        Prompt(text[:cursor], text[cursor:], "a.py", "python"),
        rules,
        cancellation=cancellation or Cancellation(),
    )
    cells = one.cache.cells
    assert isinstance(cells, FakeCells)
    for sequence in one.cache.sequences:
        assert cells.tokens(sequence.number) == sequence.tokens
    return answer


def rules_by_chance(chance: random.Random) -> StopRules:
    return StopRules(multiline=chance.random() < 0.7, max_tokens=chance.choice([1, 2, 3, 8, 24, 40]))


def check_same(plain: Completion, drafted: Completion) -> None:
    assert drafted.text == plain.text
    assert drafted.stop == plain.stop
    assert drafted.logprobs == plain.logprobs
    assert drafted.timings.decode_tokens == plain.timings.decode_tokens


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
@settings(max_examples=70, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_drafts_never_change_the_answer(vocabulary: Vocabulary, order: str, seed: int) -> None:
    """Typing, jumping and going back: with and without drafts every answer is the same."""
    chance = random.Random(seed)
    text = source(chance)
    cursor = chance.randrange(len(text))
    plain, drafted = engine(vocabulary, order, drafts=False), engine(vocabulary, order, drafts=True)
    for _ in range(5):
        rules = rules_by_chance(chance)
        answer = ask(plain, text, cursor, rules=rules)
        check_same(answer, ask(drafted, text, cursor, rules=rules))
        kind = chance.choice(["accept", "accept some", "type", "jump", "edit above"])
        if kind.startswith("accept"):
            added = answer.text[: None if kind == "accept" else len(answer.text) // 2]
            text, cursor = text[:cursor] + added + text[cursor:], cursor + len(added)
        elif kind == "type":
            text, cursor = text[:cursor] + "x = " + text[cursor:], cursor + 4
        elif kind == "jump":
            cursor = chance.randrange(len(text))
        else:
            text, cursor = "import os\n" + text, cursor + 10


def test_the_property_above_is_not_empty(vocabulary: Vocabulary) -> None:
    """Drafts are made, most come true, some do not, and many fewer batches are evaluated."""
    drafted_tokens = accepted = 0
    for seed in range(12):
        chance = random.Random(seed)
        text = source(chance)
        answer = ask(
            engine(vocabulary, "psm", drafts=True),
            text,
            len(text) // 2,
            rules=StopRules(multiline=True, max_tokens=40),
        )
        drafted_tokens += answer.timings.draft_tokens
        accepted += answer.timings.accepted_tokens
    assert drafted_tokens > accepted > 60


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_cancellation_in_mid_draft_leaves_nothing_unverified(vocabulary: Vocabulary, seed: int) -> None:
    chance = random.Random(seed)
    text = source(chance)
    cursor = chance.randrange(len(text) // 2, len(text))
    plain, drafted = engine(vocabulary, "psm", drafts=False), engine(vocabulary, "psm", drafts=True)
    rules = StopRules(multiline=True, max_tokens=40)
    ask(drafted, text, cursor, rules=StopRules(max_tokens=1))
    cells = drafted.cache.cells
    assert isinstance(cells, FakeCells)
    cells.abort_after = chance.randrange(30)
    stopped = ask(drafted, text, cursor, rules=rules)
    cells.abort_after = None
    whole = ask(plain, text, cursor, rules=rules)
    shared = min(len(whole.text), len(stopped.text))  # a repetition takes text back when it is complete
    assert whole.text[:shared] == stopped.text[:shared]
    check_same(whole, ask(drafted, text, cursor, rules=rules))


@pytest.mark.parametrize("seed", range(8))
def test_a_memory_that_cannot_go_back_still_answers_the_same(vocabulary: Vocabulary, seed: int) -> None:
    chance = random.Random(seed)
    text = source(chance)
    rules = StopRules(multiline=True, max_tokens=24)
    plain, drafted = (engine(vocabulary, "plain", drafts=drafts, goes_back=False) for drafts in (False, True))
    check_same(ask(plain, text, len(text) // 2, rules=rules), ask(drafted, text, len(text) // 2, rules=rules))


def test_sampled_answers_take_no_drafts(vocabulary: Vocabulary) -> None:
    one = engine(vocabulary, "psm", drafts=True)
    text = source(random.Random(1))
    answer = one.complete(
        "a",
        Prompt(text, ""),
        StopRules(multiline=True, max_tokens=30),
        cancellation=Cancellation(),
        temperature=1.0,
    )
    assert answer.timings.draft_tokens == 0
    assert answer.stop is not StopReason.UNAVAILABLE


# ── prefetch ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
def test_what_follows_an_accepted_suggestion_was_chosen_before(vocabulary: Vocabulary, order: str) -> None:
    rules, known = StopRules(max_tokens=12), 0
    for seed in range(10):
        text = source(random.Random(seed))
        cursor = len(text) // 2
        one, plain = engine(vocabulary, order, drafts=True), engine(vocabulary, order, drafts=False)
        first = ask(one, text, cursor, rules=rules)
        while one.idle("a", cancellation=Cancellation()):
            pass
        again = ask(one, text, cursor, rules=rules)
        assert again.text == first.text
        while one.idle("a", cancellation=Cancellation()):
            pass
        accepted = text[:cursor] + first.text + text[cursor:]
        evaluated = one.cache.evaluated
        following = ask(one, accepted, cursor + len(first.text), rules=rules)
        ask(plain, text, cursor, rules=rules)
        check_same(ask(plain, accepted, cursor + len(first.text), rules=rules), following)
        known += one.cache.evaluated - evaluated <= 1
    assert known >= 8


# ── the index ────────────────────────────────────────────────────────────────────────────────────────

ROWS = st.lists(st.integers(0, 5), max_size=60)


@given(rows=st.lists(ROWS, min_size=1, max_size=5), context=st.lists(st.integers(1, 5), max_size=8))
def test_an_index_that_followed_edits_equals_a_fresh_one(rows: list[list[int]], context: list[int]) -> None:
    followed = TokenIndex(barriers={0})
    for row in rows:
        followed.sync(row)
        assert followed.tokens == [token or -1 for token in row]
    fresh = TokenIndex(barriers={0})
    fresh.extend(rows[-1])
    assert followed.find(context) == fresh.find(context)


@given(row=ROWS, context=st.lists(st.integers(1, 5), min_size=2, max_size=8))
def test_what_is_found_is_what_a_scan_finds(row: list[int], context: list[int]) -> None:
    """The newest of the longest occurrences (as long as the chain is shorter than the bound)."""
    index = TokenIndex(barriers={0})
    index.sync(row)
    found = index.find(context)
    best, longest = 0, 1
    lengths: dict[int, int] = {}
    for position in range(len(row) - 1, 1, -1):
        length = 0
        while (
            length < min(12, len(context), position)
            and row[position - 1 - length] == context[-1 - length]
            and row[position]
        ):
            length += 1
        if length > 1:
            lengths[position] = length
        if length > longest:
            best, longest = position, length
    if best and row.count(context[-1]) <= 12:
        assert found is not None
        assert (found.position, found.matched) == (best, longest)
        others = [length for position, length in lengths.items() if row[position] != row[best]]
        assert found.agreeing == len(lengths) - len(others)
        assert found.opposing == others.count(longest)
        assert found.differing == len(others) - found.opposing
    elif not best:
        assert found is None


def test_a_draft_that_reaches_the_end_goes_on_with_itself() -> None:
    index = TokenIndex()
    index.sync([7, 8, 9, 7, 8])
    found = index.find([7, 8])
    assert found is not None
    assert index.following(found.position, 7, at_end=True) == [9, 7, 8, 9, 7, 8, 9]
    assert index.following(found.position, 7, at_end=False) == [9, 7, 8]


def test_no_draft_crosses_a_marker() -> None:
    index = TokenIndex(barriers={0})
    index.sync([1, 2, 3, 4, 0, 5, 6])
    found = index.find([1, 2])
    assert found is not None
    assert index.following(found.position, 9, at_end=True) == [3, 4]
    assert index.find([4, 5]) is None


# ── the other sources and the combiner ───────────────────────────────────────────────────────────────


def drafts(costs: CostCurve = FREE, clock: FakeClock | None = None) -> Drafts:
    return Speculation(frozenset({0}), lambda: costs, DraftWatch(clock=clock or FakeClock())).session()


def verify(one: Drafts, clock: FakeClock, drafted: int, accepted: int) -> None:
    """A batch is verified, and takes what batches of its size cost."""
    costs = one.shared.costs()
    clock.advance(costs.ratios()[drafted] * costs.step_ms / 1000)
    one.verified(drafted, accepted)


def test_the_rest_of_the_previous_suggestion_is_drafted_until_the_model_leaves_it() -> None:
    previous = Previous()
    previous.begin([1, 2, 3])
    draft = previous.propose([])
    assert draft is not None
    assert draft.tokens == [1, 2, 3]
    previous.chose(1)
    draft = previous.propose([])
    assert draft is not None
    assert draft.tokens == [2, 3]
    previous.chose(9)
    assert previous.propose([]) is None


def test_recent_completions_are_bounded() -> None:
    recent = Recent(limit=100)
    for number in range(100):
        recent.add([1, 2], [number, number + 1, 3])
    assert len(recent.index) <= 100
    assert recent.index.find([98, 99]) is not None
    assert recent.index.find([2, 2]) is None


def test_a_session_whose_drafts_fail_stops_drafting() -> None:
    clock = FakeClock()
    one = drafts(CostCurve.from_measured({1: 5.0, 4: 10.0, 8: 14.0, 16: 19.0}), clock)
    one.begin([1, 2, 3, 4, 5, 6] * 20, [5, 6], [])
    lost = 0.0
    for number in range(200):
        proposed = one.propose(15)
        lost += one.shared.costs().ratios()[len(proposed)] - 1
        verify(one, clock, len(proposed), 0)
        for token in (100 + number, 5, 6):  # never what was proposed
            one.chose(token)
    assert lost < 10
    assert not one.propose(15)


def test_a_session_whose_drafts_come_true_drafts_longer_and_longer() -> None:
    clock = FakeClock()
    one = drafts(CostCurve.from_measured({1: 5.0, 4: 10.0, 8: 14.0, 16: 19.0}), clock)
    period = list(range(1, 30))
    one.begin(period[:6] + period, period[-2:], [])
    lengths: list[int] = []
    at = 0
    for _ in range(12):
        proposed = one.propose(15)
        lengths.append(len(proposed))
        verify(one, clock, len(proposed), len(proposed))
        for _ in range(len(proposed) + 1):
            one.chose(period[at % len(period)])
            at += 1
    assert lengths[-1] == MAX_DRAFT
    assert lengths[0] < MAX_DRAFT


# ── real contexts ────────────────────────────────────────────────────────────────────────────────────

NEAR_TIE = 0.6
"""Bound on the gap between the two best logits that rounding may turn around.

Measured for the default model: cutting one prompt into other batches moves a logit by up to 0.56, because
activations are rounded to 8 bits before every multiplication with quantised weights.
"""


def greedy(one: LocalEngine, prompt: list[int], *, drafted: bool, tokens: int = 32) -> list[int]:
    """The tokens that greedy decoding chooses after `prompt`, in a sequence of its own."""
    cache = one.cache
    sequence = cache.acquire()
    assert sequence is not None
    try:
        assert cache.sync(sequence, prompt, Cancellation()).complete
        drafter = None
        if drafted:
            assert one.speculation is not None
            drafter = one.speculation.session()
            drafter.events.purse.held_ms = 1e6  # try every draft, whatever it may cost
            drafter.begin(prompt, prompt, [])
        generated = generate(
            cache,
            sequence,
            prompt_length=len(prompt),
            vocabulary=one.vocabulary,
            ends=frozenset(),
            required=b"",
            completes_character=False,
            rules=StopRules(multiline=True, reference_indent=-1, max_tokens=tokens),
            cancellation=Cancellation(),
            drafter=drafter,
        )
        if drafter is not None:
            drafter.end()
        assert sequence.track is not None
        chosen = sequence.tokens[len(prompt) :]
        if sequence.track.choice is not None:
            chosen = [*chosen, sequence.track.choice]
        return chosen[: generated.tokens]
    finally:
        cache.release(sequence)


def gap(one: LocalEngine, tokens: list[int], first: int, second: int) -> float:
    """How far two tokens' logits are apart after `tokens`, evaluated in one piece."""
    sequence = one.cache.acquire()
    assert sequence is not None
    assert one.cache.extend(sequence, tokens)
    logits = one.cache.logits(sequence)
    assert logits is not None
    distance = abs(float(logits[first] - logits[second]))
    one.cache.release(sequence)
    return distance


def count_near_ties(one: LocalEngine, prompts: list[list[int]], *, tokens: int = 32) -> int:
    """Completes every prompt plainly and with drafts; how many differ, each at a near tie."""
    ties = 0
    for prompt in prompts:
        plain, drafted = (
            greedy(one, prompt, drafted=with_drafts, tokens=tokens) for with_drafts in (False, True)
        )
        shared = next(
            (at for at, pair in enumerate(zip(plain, drafted, strict=False)) if pair[0] != pair[1]), None
        )
        if shared is not None:
            assert gap(one, prompt + plain[:shared], plain[shared], drafted[shared]) < NEAR_TIE
            ties += 1
    return ties


def prompts_from_code(one: LocalEngine, count: int, tokens: int) -> list[list[int]]:
    """The last tokens before places in Python that never changes with the project."""
    source = other_code()
    chance = random.Random(5)
    prompts: list[list[int]] = []
    while len(prompts) < count:
        at = source.find(b"\n", chance.randrange(16 * tokens, len(source)))
        encoded = one.vocabulary.encode(source[max(0, at - 16 * tokens) : at]) if at > 0 else []
        if len(encoded) >= tokens:
            prompts.append(encoded[-tokens:])
    return prompts


def start(path: Path) -> LocalEngine:
    one = load_engine(
        path,
        EngineSettings(context_tokens=4096, speculation=SpeculationMode.ALWAYS, threads=1),
        lambda _fraction: None,
    )
    assert one.speculation is not None
    one.speculation.costs = lambda: FREE
    return one


@pytest.mark.parametrize("vocab", ["starcoder", "deepseek-coder"])
def test_a_real_context_chooses_the_same_tokens(tmp_path: Path, vocab: str) -> None:
    one = start(tiny_model(vocab, tmp_path))
    prompts = prompts_from_code(one, 40, 200)
    before = one.cache.evaluated
    assert count_near_ties(one, prompts) <= 2
    assert one.cache.evaluated > before
    one.close()


@pytest.mark.model
def test_the_default_model_chooses_the_same_tokens() -> None:
    one = start(default_model())
    ties = count_near_ties(one, prompts_from_code(one, 8, 120), tokens=20)
    one.close()
    assert ties <= 3
