"""For any edit history, the tokens in the cache are the tokens of the prompt that was asked for.

Thousands of random histories (typing, backspace, jumps, undo, edits above and below, auto-closed brackets,
CRLF, several documents, cancellations in mid-prefill) run against books that cannot be cooked: `FakeCells`
knows what every cell really holds, and its logits depend on all of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from foretype.context.shared.values import (
    Completion,
    Prompt,
    RelatedPart,
    Restriction,
    StopReason,
    StopRules,
)
from foretype.models.cache.cells import EvaluationSpeed
from foretype.models.cache.kv_cache import KVCache
from foretype.models.decoding.spelling import Spelling
from foretype.models.engine import serving
from foretype.models.engine.interface import EngineInfo
from foretype.models.engine.loading import longest_prompt
from foretype.models.engine.local import LocalEngine
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.llama import Model
from foretype.models.llama.vocabulary import Vocabulary, to_bytes
from foretype.models.prompts import anchor as anchors
from foretype.tests.support.fake_cells import FakeCells, NothingRuns, RecurrentCells
from foretype.tests.support.marked_layout import MIDDLE, PREFIX, SUFFIX, MarkedLayout
from foretype.tests.support.tiny_gguf import vocabulary_file
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(Model(Path(vocabulary_file("starcoder")), vocabulary_only=True))


@attrs.define
class Bench:
    """An engine over fake cells, and what a request to it must look like."""

    vocabulary: Vocabulary
    layout: MarkedLayout
    cells: FakeCells
    engine: LocalEngine

    @classmethod
    def make(
        cls,
        vocabulary: Vocabulary,
        order: str,
        *,
        size: int = 4096,
        longest: int = 0,
        budget_ms: float = 400.0,
        recurrent: bool = False,
    ) -> Bench:
        kind = RecurrentCells if recurrent else FakeCells
        cells = kind(len(vocabulary.pieces), size=size, longest=longest)
        layout = MarkedLayout(vocabulary, order)
        engine = LocalEngine(
            KVCache(cells),
            vocabulary,
            layout,
            ends=frozenset({0}),
            max_prompt_tokens=longest_prompt(cells.longest, size),
            running=NothingRuns(),
            info=EngineInfo("fake", "", 0, size, order, 0),
            latency_budget_ms=budget_ms,
        )
        return cls(vocabulary, layout, cells, engine)

    def ask(
        self,
        document: Document,
        *,
        tokens: int = 6,
        cancellation: Cancellation | None = None,
        whole: bool = False,
        restriction: Restriction | None = None,
    ) -> Completion:
        """Complete at the document's cursor; checks the books before it returns."""
        answer = self.engine.complete(
            document.name,
            document.prompt(),
            StopRules(multiline=True, max_tokens=tokens),
            cancellation=cancellation or Cancellation(),
            whole=whole,
            restriction=restriction,
        )
        self.check_books()
        return answer

    def check_books(self) -> None:
        """What `KVCache` believes is what the cells hold."""
        for sequence in self.engine.cache.sequences:
            assert self.cells.tokens(sequence.number) == sequence.tokens
            if isinstance(self.cells, RecurrentCells):
                assert self.cells.remembered.get(sequence.number, []) == sequence.tokens

    def check_prompt(self, document: Document) -> None:
        """The live slot's tokens spell the prompt that was asked for, each part as itself."""
        prompt = document.prompt()
        session = self.engine.sessions.get(document.name)
        assert session is not None
        slots = [
            slot
            for slot in session.slots()
            if slot.sequence.used == max(s.sequence.used for s in session.slots())
        ]
        slot = slots[0]
        match = anchors.match(slot.anchor, prompt, self.layout)
        assert match is not None, "the slot that answered serves the prompt"
        cut = slot.anchor.cut
        assert (
            slot.anchor.prefix + match.tail
            == prompt.prefix[cut.prefix_from if not slot.anchor.prefix else 0 :]
        )
        fixed = slot.anchor.tokens
        assert slot.sequence.tokens[: len(fixed)] == fixed
        if self.layout.prefix_is_fixed:
            begin, middle = fixed.index(PREFIX), fixed.index(MIDDLE)
            suffix_at = fixed.index(SUFFIX)
            shown_prefix = self.vocabulary.decode(fixed[begin + 1 : suffix_at]).decode()
            assert shown_prefix == slot.anchor.prefix[cut.prefix_from :]
            shown = self.vocabulary.decode(fixed[suffix_at + 1 : middle]).decode()
            assert slot.anchor.suffix.startswith(shown)
            assert anchors.compare_suffix(slot.anchor.suffix, prompt.suffix) is not None
        whole_tail = self.vocabulary.encode(to_bytes(match.tail))
        held = slot.sequence.tokens[len(fixed) :]
        shared = 0
        while shared < min(len(held), len(whole_tail)) and held[shared] == whole_tail[shared]:
            shared += 1
        assert shared >= len(whole_tail) - 8, "all of the typed text but the healed end is in the cache"

    def fresh(self, document: Document, tokens: int) -> str:
        """What a model that evaluates the same prompt from nothing would answer, token by token."""
        session = self.engine.sessions.get(document.name)
        assert session is not None
        slot = max(session.slots(), key=lambda slot: slot.sequence.used)
        candidate = self.engine.planner.fit(slot.anchor, attrs.evolve(slot.tail), document.prompt())
        assert candidate is not None
        ids, spelling, text = (
            list(candidate.target),
            Spelling(candidate.required, candidate.completes_character),
            "",
        )
        for _ in range(tokens):
            logits = self.cells.made_up(ids)
            allowed = self.vocabulary.continuations(spelling.required) if spelling.required else None
            token = int(logits.argmax()) if allowed is None else int(allowed[int(logits[allowed].argmax())])
            if token == 0:
                break
            piece = spelling.add(self.vocabulary.pieces[token])
            if piece is None:
                break
            text += piece
            ids.append(token)
        return text


@attrs.define
class Document:
    """A text with a cursor, edited as people and editors do."""

    name: str
    text: str
    cursor: int
    line_end: str = "\n"
    undo: list[tuple[str, int]] = attrs.field(factory=list[tuple[str, int]])
    related: tuple[RelatedPart, ...] = ()

    def prompt(self) -> Prompt:
        return Prompt(self.text[: self.cursor], self.text[self.cursor :], "a.py", "python", self.related)

    def edit(self, random: random.Random, kind: str) -> None:
        before, after = self.text[: self.cursor], self.text[self.cursor :]
        if kind == "undo":
            if self.undo:
                self.text, self.cursor = self.undo.pop()
            return
        self.undo.append((self.text, self.cursor))
        if kind == "jump":
            self.cursor = random.randrange(len(self.text) + 1)
        elif kind == "related":
            self.related = (RelatedPart("b.py", f"def helper_{random.randrange(9)}(): ...\n"),)
        else:
            before, after = EDITS[kind](random, before, after, self.line_end)
            self.text, self.cursor = before + after, len(before)


Edit = Callable[[random.Random, str, str, str], tuple[str, str]]
TYPED = ["a", "x1", " = ", "é", "return ", "self.", "  ", "\t", "'", "👍"]


def insert(random: random.Random, text: str, addition: str) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + addition + text[at:]


def auto_closed(random: random.Random, before: str, after: str, _line_end: str) -> tuple[str, str]:
    opened = random.choice(["()", "[]", "{}", '""'])
    return before + opened[0], opened[1] + after


EDITS: dict[str, Edit] = {
    "type": lambda random, before, after, _: (before + random.choice(TYPED), after),
    "open": auto_closed,
    "enter": lambda _, before, after, line_end: (before + line_end + "    ", after),
    "enter in braces": lambda _, before, after, line_end: (
        before + "{" + line_end + "    ",
        line_end + "}" + after,
    ),
    "backspace": lambda _, before, after, _line_end: (before[:-1], after),
    "delete": lambda _, before, after, _line_end: (before, after[1:]),
    "above": lambda random, before, after, line_end: (insert(random, before, "# note" + line_end), after),
    "below": lambda random, before, after, _: (before, insert(random, after, "pass")),
}
KINDS = [*["type"] * 8, *EDITS, "backspace", "jump", "undo", "related"]


SOURCE = "".join(
    f"def function_{number}(value, other):\n    total = value + {number}\n    return total * other\n\n"
    for number in range(12)
)


def history(bench: Bench, seed: int, *, steps: int, documents: int = 1) -> None:
    """One random history of edits and requests, everything checked at each step."""
    chance = random.Random(seed)
    line_end = chance.choice(["\n", "\r\n"])
    source = SOURCE.replace("\n", line_end)
    files = [Document(f"d{n}", source, chance.randrange(len(source)), line_end) for n in range(documents)]
    for _ in range(steps):
        document = chance.choice(files)
        document.edit(chance, chance.choice(KINDS))
        action = chance.random()
        if action < 0.1:
            bench.cells.abort_after = chance.randrange(200)
        whole = chance.random() < 0.2
        answer = bench.ask(document, whole=whole)
        bench.cells.abort_after = None
        if answer.stop is not StopReason.CANCELLED:
            assert not (whole and answer.early)
            bench.check_prompt(document)
            assert answer.text == bench.fresh(document, 6)[: len(answer.text)]
        if action > 0.8:
            bench.engine.idle(document.name, cancellation=Cancellation())
            bench.check_books()
        elif action > 0.78:
            bench.engine.forget(document.name)


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_history_leaves_the_tokens_that_were_asked_for(
    vocabulary: Vocabulary, order: str, seed: int
) -> None:
    history(Bench.make(vocabulary, order), seed, steps=12)


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_memory_that_cannot_drop_a_part_is_never_used_where_it_holds_something_else(
    vocabulary: Vocabulary, order: str, seed: int
) -> None:
    history(Bench.make(vocabulary, order, recurrent=True), seed, steps=12, documents=1 + seed % 2)


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_documents_share_a_cache_that_is_too_small_for_all(
    vocabulary: Vocabulary, order: str, seed: int
) -> None:
    history(Bench.make(vocabulary, order, size=1700), seed, steps=14, documents=4)


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), longest=st.sampled_from([256, 300, 512, 1000]))
def test_no_sequence_outgrows_what_the_model_was_trained_for(
    vocabulary: Vocabulary, order: str, seed: int, longest: int
) -> None:
    """`FakeCells` fails where llama.cpp ends the process: at a position that the model has not learned."""
    chance = random.Random(seed)
    bench = Bench.make(vocabulary, order, longest=longest)
    document = Document("d", SOURCE, chance.randrange(len(SOURCE)))
    for _ in range(12):
        before, after = document.text[: document.cursor], document.text[document.cursor :]
        pasted = chance.choice(
            ["total", "x = 1\n", "0123456789" * 9, "価格" * 30, SOURCE, "a, " * 150, "👍" * 200]
        )
        if chance.random() < 0.1:
            before, after = "", after[: chance.randrange(len(after) + 1)]
        document.text, document.cursor = before + pasted + after, len(before) + len(pasted)
        answer = bench.ask(document, tokens=chance.choice([6, 64, 400]), whole=chance.random() < 0.3)
        assert answer.stop is not StopReason.UNAVAILABLE
        assert answer.timings.decode_tokens, "there is room left for an answer"
        if chance.random() < 0.5:
            bench.engine.idle("d", cancellation=Cancellation())


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
def test_a_prompt_that_grows_in_its_slot_is_not_cut_anew_with_each_key(
    vocabulary: Vocabulary, order: str
) -> None:
    bench = Bench.make(vocabulary, order, longest=1024, budget_ms=1e9)
    document = Document("d", SOURCE, len(SOURCE) // 2)
    evaluated = 0
    for number in range(600):
        before, after = document.text[: document.cursor], document.text[document.cursor :]
        before += f"value_{number} = {number}\n"[number % 3 :]
        document.text, document.cursor = before + after, len(before)
        evaluated += bench.ask(document, tokens=1).timings.prefill_tokens
    typed = len(vocabulary.encode(to_bytes(document.text))) - len(vocabulary.encode(to_bytes(SOURCE)))
    assert evaluated < 8 * typed


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_tight_latency_budget_shortens_the_context_and_nothing_else(
    vocabulary: Vocabulary, order: str, seed: int
) -> None:
    history(Bench.make(vocabulary, order, budget_ms=1.0), seed, steps=12)


class SteadySpeed(EvaluationSpeed):
    """A machine that evaluates as many tokens in a ms as it is said to, whatever is measured."""

    def learn(self, tokens: int, milliseconds: float) -> None:
        pass


def slow(bench: Bench) -> Bench:
    """The same on a machine that evaluates 80 tokens in a second; the whole window has some 450."""
    bench.engine.cache.speed = SteadySpeed(0.08)
    return bench


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_stages_between_the_first_context_and_the_whole_change_nothing_else(
    vocabulary: Vocabulary, order: str, seed: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "WIDER_MS", 2000.0)
        history(slow(Bench.make(vocabulary, order, budget_ms=1.0)), seed, steps=12, documents=1 + seed % 2)


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
def test_who_types_on_a_short_context_is_answered_from_a_wider_one_before_the_whole_is_there(
    vocabulary: Vocabulary, order: str
) -> None:
    bench = slow(Bench.make(vocabulary, order, budget_ms=1.0))
    document = Document("d", SOURCE * 5, len(SOURCE) * 4)
    seen: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "WIDER_MS", 4000.0)
        for number in range(40):
            answer = bench.ask(document)
            seen.append(answer.context)
            if not answer.early:
                break
            bench.cells.abort_after = 60
            bench.engine.idle("d", cancellation=Cancellation())
            bench.cells.abort_after = None
            document.edit(random.Random(number), "type")
    stages = sorted({round(context, 1) for context in seen})
    assert seen == sorted(seen)
    assert len(stages) == 3
    assert stages[-1] == 1.0


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
@pytest.mark.parametrize("tile", [1, 64])
def test_keys_without_a_rest_wait_for_reading_on_no_longer_than_their_share(
    vocabulary: Vocabulary, order: str, tile: int
) -> None:
    bench = slow(Bench.make(vocabulary, order))
    bench.cells.tile = tile
    document = Document("d", SOURCE * 5, len(SOURCE) * 4)
    cache, share_ms, keys = bench.engine.cache, 400 * serving.GROWTH_SHARE, 60
    waited: list[float] = []
    assert bench.ask(document).early
    for number in range(keys):
        document.edit(random.Random(number), "type")
        before = cache.evaluated
        answered = bench.ask(document, tokens=1)
        read_on = cache.evaluated - before - answered.timings.prefill_tokens - 1
        waited.append(max(0, read_on) / cache.speed.tokens_per_ms)
    longest = max(16, tile) / cache.speed.tokens_per_ms
    assert longest <= sum(waited) <= keys * share_ms + longest
    assert waited.count(0) > keys / 2, "what one slice takes is more than a share, so most keys wait for none"


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
def test_an_early_answer_says_so_and_the_whole_context_gives_what_unlimited_time_gives(
    vocabulary: Vocabulary, order: str
) -> None:
    hasty, patient = Bench.make(vocabulary, order, budget_ms=1.0), Bench.make(vocabulary, order)
    patient.engine.latency_budget_ms = 1e9
    document = Document("d", SOURCE, len(SOURCE) // 2)
    early = hasty.ask(document)
    assert early.early
    assert 0 < early.context < 0.5
    whole = hasty.ask(document, whole=True)
    assert not whole.early
    assert whole.text == patient.ask(document).text
    document.edit(random.Random(0), "type")
    assert not hasty.ask(document).early, "what was evaluated once is there for the next key"


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
def test_a_question_for_the_whole_context_goes_on_where_keys_have_stopped_it(
    vocabulary: Vocabulary, order: str
) -> None:
    bench = Bench.make(vocabulary, order, budget_ms=1.0)
    document = Document("d", SOURCE * 2, len(SOURCE))
    early, evaluated = 0, list[int]()
    for _ in range(40):
        bench.cells.abort_after = 60
        answer = bench.ask(document, whole=True)
        bench.cells.abort_after = None
        evaluated.append(answer.timings.prefill_tokens)
        if answer.stop is not StopReason.CANCELLED:
            break
        document.edit(random.Random(len(evaluated)), "type")
        early += bench.ask(document).early
    else:
        pytest.fail("it began anew each time")
    assert early
    assert max(evaluated) < 100


NAMED = ("value", "total", "total_sum", "value_of", "x")


def begins_right(text: str, restriction: Restriction) -> bool:
    """Whether a text begins as it must, and goes on behind the name with something else."""
    behind = [
        text[len(restriction.beginning + name) :]
        for name in restriction.names
        if text.startswith(restriction.beginning + name)
    ]
    return any(not (each[:1].isalnum() or each[:1] in {"_", "$"}) for each in behind)


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
def test_what_stands_before_the_name_is_taken_from_the_cells(vocabulary: Vocabulary, order: str) -> None:
    bench = Bench.make(vocabulary, order, budget_ms=1e9)
    document = Document("d", SOURCE, len(SOURCE) // 2)
    free = bench.ask(document, tokens=12)
    before, restriction = bench.cells.decoded, Restriction(free.text[: len(free.text) // 2], NAMED)
    answer = bench.ask(document, tokens=24, restriction=restriction)
    assert begins_right(answer.text, restriction)
    assert bench.cells.decoded - before <= answer.timings.decode_tokens + 1 - 4
    assert answer.timings.prefill_tokens <= 1
    assert answer.name_logprob is not None
    assert answer.name_logprob < 0


@pytest.mark.parametrize("order", ["psm", "spm", "plain"])
@pytest.mark.parametrize("recurrent", [False, True])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_free_answers_are_what_they_would_be_without_restricted_ones_in_between(
    vocabulary: Vocabulary, order: str, recurrent: bool, seed: int
) -> None:
    chance = random.Random(seed)
    bench = Bench.make(vocabulary, order, budget_ms=1e9, recurrent=recurrent)
    document = Document("d", SOURCE, chance.randrange(len(SOURCE)))
    for _ in range(6):
        free = bench.ask(document, tokens=6)
        assert free.text == bench.fresh(document, 6)[: len(free.text)]
        restriction = Restriction(free.text[: chance.randrange(len(free.text) + 1)], NAMED)
        if chance.random() < 0.2:
            bench.cells.abort_after = chance.randrange(12)
        answer = bench.ask(document, tokens=24, restriction=restriction)
        bench.cells.abort_after = None
        if answer.name_logprob is not None:
            assert begins_right(answer.text, restriction)
        if chance.random() < 0.3:
            bench.engine.idle("d", cancellation=Cancellation())
        taken = chance.choice([free.text, answer.text, "", "x"])[: chance.randrange(8)]
        before, after = document.text[: document.cursor], document.text[document.cursor :]
        document.text, document.cursor = before + taken + after, len(before + taken)


def test_the_name_is_as_likely_as_it_would_be_among_all_tokens(vocabulary: Vocabulary) -> None:
    bench = Bench.make(vocabulary, "psm", budget_ms=1e9)
    document = Document("d", "x = \n", 4)
    answer = bench.ask(document, tokens=3, restriction=Restriction("(", ("q",)))
    assert answer.text.startswith("(q")
    assert answer.name_logprob is not None
    assert any(answer.name_logprob == pytest.approx(each) for each in answer.logprobs)
    assert answer.name_logprob < -5, "among those that were allowed it would be certain"


def test_a_name_that_no_token_can_spell_leaves_the_answer_free(vocabulary: Vocabulary) -> None:
    bench = Bench.make(vocabulary, "psm", budget_ms=1e9)
    document = Document("d", SOURCE, len(SOURCE) // 2)
    answer = bench.ask(document, restriction=Restriction("", ()))
    assert answer.name_logprob is None
    assert answer.stop is not StopReason.UNAVAILABLE
