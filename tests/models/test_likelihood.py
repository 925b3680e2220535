"""What the model is said to believe of a token counts among what was allowed, and not what the user typed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from foretype.context.checking.confidence import is_sure
from foretype.context.shared.values import Completion, Prompt, StopReason, StopRules
from foretype.models.cache.kv_cache import KVCache
from foretype.models.decoding.generated import Generated
from foretype.models.decoding.loop import generate
from foretype.models.decoding.sampling import Sampling
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.likelihood import Likelihood
from foretype.models.llama.llama import Model
from foretype.models.llama.vocabulary import Vocabulary
from foretype.models.prompts.healing import heal
from foretype.tests.support.fake_cells import FakeCells
from foretype.tests.support.tiny_gguf import tiny_model, vocabulary_file
from hypothesis import given, settings
from hypothesis import strategies as st

END = 0
PROMPT = [500, 501, 502, 503]
SAID = "loads(the_text, strict=True)"


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(Model(Path(vocabulary_file("starcoder")), vocabulary_only=True))


class Convinced(FakeCells):
    """Cells whose model says a text without doubt, but would rather begin with another token."""

    def __init__(self, vocabulary: Vocabulary, said: str, rather: str) -> None:
        super().__init__(len(vocabulary.pieces))
        self.script = [*vocabulary.encode(said.encode()), END]
        self._rather = vocabulary.encode(rather.encode())[0]

    def made_up(self, tokens: list[int] | npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:  # type: ignore[override]
        values = np.zeros(self._vocabulary_size, np.float32)
        at = max(0, len(tokens) - len(PROMPT))
        values[self.script[min(at, len(self.script) - 1)]] = 30
        if not at:
            values[self._rather] = 60
        return values


class Place:
    """One place that is completed again and again, as the user types on."""

    def __init__(self, vocabulary: Vocabulary, said: str = SAID, rather: str = "dump") -> None:
        self.vocabulary = vocabulary
        self.cells = Convinced(vocabulary, said, rather)
        self.cache = KVCache(self.cells)
        sequence = self.cache.acquire()
        assert sequence is not None
        assert self.cache.sync(sequence, PROMPT, Cancellation()).complete
        self.sequence = sequence

    def ask(self, typed: str, sampling: Sampling | None = None) -> Generated:
        return generate(
            self.cache,
            self.sequence,
            prompt_length=len(PROMPT),
            vocabulary=self.vocabulary,
            ends=frozenset({END}),
            required=typed.encode(),
            completes_character=False,
            rules=StopRules(),
            cancellation=Cancellation(),
            sampling=sampling,
        )


def check_shown(generated: Generated, text: str) -> None:
    """The model is sure of `text`."""
    assert generated.text == text
    assert generated.logprobs == pytest.approx([0.0] * generated.tokens, abs=1e-3)
    mean = sum(generated.logprobs) / generated.tokens
    assert is_sure(Completion(text, StopReason.END, mean_logprob=mean, logprobs=generated.logprobs))


def test_one_healed_token_does_not_sink_a_perfect_suggestion(vocabulary: Vocabulary) -> None:
    assert len(vocabulary.encode(SAID.encode())) >= 7
    check_shown(Place(vocabulary).ask("lo"), SAID[2:])


def test_sampled_tokens_count_among_what_was_allowed(vocabulary: Vocabulary) -> None:
    check_shown(Place(vocabulary).ask("lo", Sampling(temperature=0.7, seed=3)), SAID[2:])


def test_remembered_tokens_count_among_what_is_allowed_now(vocabulary: Vocabulary) -> None:
    place = Place(vocabulary)
    place.ask("l")
    evaluated = place.cells.decoded
    for typed in range(2, 12):
        check_shown(place.ask(SAID[:typed]), SAID[typed:])
    assert place.cells.decoded == evaluated


def test_what_is_not_required_is_doubted_as_ever(vocabulary: Vocabulary) -> None:
    place = Place(vocabulary, said="dumps", rather="load")
    assert place.ask("").text.startswith("load")
    assert place.ask("dum").logprobs[0] == pytest.approx(0.0, abs=1e-3)
    place = Place(vocabulary, said="loads", rather="loading")
    assert place.ask("lo").text.startswith("ading")
    assert place.ask("loads").logprobs[0] == pytest.approx(0.0, abs=1e-3)


def test_what_was_chosen_freely_is_remembered_with_its_rivals(vocabulary: Vocabulary) -> None:
    """First nothing was required; then the user types what had been one of two equal chances."""
    place = Place(vocabulary, said="loads", rather="dump")
    made_up = place.cells.made_up
    ours, other = vocabulary.encode(b"loads")[0], vocabulary.encode(b"dump")[0]

    def even(tokens: list[int] | npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        values = made_up(tokens)
        if len(tokens) == len(PROMPT):
            values[other], values[ours] = 29.999, 30
        return values

    place.cells.made_up = even  # type: ignore[method-assign, assignment]
    place.cache.truncate(place.sequence, 0)
    assert place.cache.sync(place.sequence, PROMPT, Cancellation()).complete
    assert place.ask("").logprobs[0] == pytest.approx(np.log(0.5), abs=1e-2)
    assert place.ask("l").logprobs[0] == pytest.approx(0.0, abs=1e-3)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([40, 3000]),
    st.floats(0.5, 8),
    st.floats(0.01, 1),
    st.floats(0.05, 1),
)
def test_a_share_of_less_is_what_fresh_logits_say(
    seed: int, size: int, spread: float, first: float, second: float
) -> None:
    random = np.random.default_rng(seed)
    logits = (random.standard_normal(size) * spread).astype(np.float32)
    allowed = np.sort(random.choice(size, max(2, int(size * first)), replace=False)).astype(np.int64)
    token = int(allowed[logits[allowed].argmax()])
    fewer = np.array([each for each in allowed if each == token or random.random() < second], np.int64)
    kept, fresh = Likelihood.of(logits, token, allowed), Likelihood.of(logits, token, fewer)
    said = kept.among(set(fewer.tolist()).__contains__, len(fewer))
    assert kept.logprob - 1e-5 <= said <= 0
    assert said == pytest.approx(fresh.logprob, abs=0.25 if size > 256 else 1e-3)


@pytest.mark.parametrize("vocab", ["starcoder", "deepseek-coder"])
def test_on_a_real_context_a_typed_beginning_is_no_doubt(tmp_path: Path, vocab: str) -> None:
    """Random weights find nothing likely; even so, the best allowed token is no worse than a fair draw."""
    engine = load_engine(
        tiny_model(vocab, tmp_path), EngineSettings(context_tokens=512, threads=1), lambda _: None
    )
    before = "import json\n\ndata = json.lo"
    prompt = Prompt(before, "", "a.py", "python")
    answer = engine.complete("a", prompt, StopRules(), cancellation=Cancellation())
    vocabulary = engine.vocabulary
    required = heal(vocabulary.encode(before.encode()), vocabulary).required
    allowed = len(vocabulary.continuations(required))
    assert 0 < allowed < 2000 < len(vocabulary.pieces)
    assert answer.logprobs[0] >= -np.log(allowed) - 1e-3
    engine.close()
