"""A small model that drafts for the large one: same vocabulary, a KV cache of its own that follows the text.

`DraftModel` continues tokens greedily and stops where it is unsure. `DraftModelSource` makes a source of
drafts of it for one session: it asks only while what comes true is worth the time that drafting takes.
Verification is `loop`'s, and the choice among all sources `drafts`'.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import attrs

from ...context.shared.problem import ModelProblem
from ..cache.kv_cache import common_prefix
from ..cache.step_costs import CostCurve
from ..gguf.file import GgufFile, check_file
from ..llama.cancellation import Cancellation
from ..llama.governor import Governor
from ..llama.likelihood import NoNumbersError, best, log_probability
from ..llama.llama import Context, DecodeFailedError, DecodeResult, Model
from .acceptance import odds
from .drafts import Draft, Drafts

LONGEST_DRAFT = 8
"""Tokens of one draft at most: each takes a step of the small model before anything is verified."""

UNSURE = math.log(0.6)
"""A draft ends before a token whose natural-log probability is below this."""

SUREST = 0.98
"""However sure a model is, its draft is taken for no likelier than this."""

CATCH_UP = 96
"""Tokens that may be evaluated while a user waits; more is caught up with in idle time, or never."""

PADDING = 256
"""Tokens that one vocabulary may have more than the other at its end: publishers pad each model size
differently."""

_MARGIN = 1.1
"""Tokens per ms that drafting must bring, in units of plain decoding, to be gone on with."""

RETRY = 24
"""Steps without drafting after which it is tried once more: the text may have become easier."""

KIND = "model"


def difference(draft: GgufFile, target: GgufFile) -> str:
    """What tells the vocabulary of `draft` from that of `target`, as the end of a sentence; "" when nothing.

    Padding at the end does not count: token numbers mean the same without it.
    """
    kinds = [file.text("tokenizer.ggml.model") for file in (draft, target)]
    if kinds[0] != kinds[1]:
        return f"its tokeniser is of the kind '{kinds[0]}' instead of '{kinds[1]}'"
    theirs, ours = (file.texts("tokenizer.ggml.tokens") for file in (draft, target))
    for number, (their, our) in enumerate(zip(theirs, ours, strict=False)):
        if their != our:
            return f"its token {number} is '{_shown(their)}' instead of '{_shown(our)}'"
    if abs(len(theirs) - len(ours)) > PADDING:
        return f"it has {len(theirs)} tokens instead of {len(ours)}"
    return ""


def load_draft(path: Path, target: GgufFile, *, size: int, governor: Governor, gpu_layers: int) -> DraftModel:
    """Load a draft model beside the model whose file is `target`.

    Args:
        path: its GGUF file.
        target: the file of the model it drafts for.
        size: cells of its KV cache, in tokens.
        governor: says how many threads compute.
        gpu_layers: as for `llama.Model`.

    Raises:
        ModelProblem: it cannot be used, or has another vocabulary.
    """
    file = check_file(path)
    differs = difference(file, target)
    if differs:
        raise ModelProblem(
            f"The draft model {path} has another vocabulary than {target.path.name}: {differs}. "
            "Choose one of the same family as [model] draft, or remove that setting."
        )
    model = Model(path, gpu_layers=gpu_layers)
    try:
        context = Context(
            model,
            size=min(size, max(256, model.trained_context)),
            sequences=1,
            governor=governor,
        )
    except ModelProblem:
        model.close()
        raise
    return DraftModel(model, context, min(model.vocabulary_size, len(target.texts("tokenizer.ggml.tokens"))))


@attrs.frozen
class Guess:
    """What a draft model thinks that follows.

    Attributes:
        tokens: the likeliest ones, one after the other.
        chances: the probability that the model gives to each.
    """

    tokens: list[int] = attrs.field(factory=list[int])
    chances: list[float] = attrs.field(factory=list[float])


@attrs.frozen
class ModelDraft(Draft):
    """A draft whose tokens are as likely as the model says.

    Attributes:
        chances: probability of each token.
    """

    chances: list[float] = attrs.field(factory=list[float])

    def log_odds(self, limit: int, company: int) -> list[float]:  # noqa: ARG002 - the model has looked at it all
        """See `drafts.Draft`."""
        return [odds(min(SUREST, chance)) for chance in self.chances[:limit]]


class DraftModel:
    """A loaded draft model. State: the tokens in its KV cache, and how long its steps take."""

    def __init__(
        self,
        model: Model,
        context: Context,
        known_tokens: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Start with an empty cache.

        Args:
            model: the weights; freed by `close`.
            context: with one sequence; freed by `close`.
            known_tokens: token numbers below this mean the same to both models.
            clock: seconds.
        """
        self._model = model
        self._context = context
        self._known = known_tokens
        self._clock = clock
        self._held: list[int] = []
        self.step_ms = 0.0

    @property
    def held(self) -> Sequence[int]:
        """The tokens in the KV cache."""
        return tuple(self._held)

    @contextlib.contextmanager
    def abortable(self, cancellation: Cancellation) -> Generator[None]:
        """While inside, `cancellation` stops a running computation."""
        with self._context.abortable(cancellation):
            yield

    def missing(self, tokens: Sequence[int]) -> int:
        """How many tokens would have to be evaluated to continue `tokens`."""
        return len(tokens) - min(common_prefix(self._held, tokens), max(0, len(tokens) - 1))

    def prepare(self, tokens: Sequence[int], cancellation: Cancellation) -> bool:
        """Evaluate what the cache lacks of `tokens`. False when cancelled or when they do not fit."""
        return self._fits(tokens, 1) and self._follow(tokens, cancellation)

    def propose(self, tokens: Sequence[int], limit: int = LONGEST_DRAFT) -> list[int]:
        """What probably follows `tokens`; see `guess`."""
        return self.guess(tokens, limit).tokens

    def guess(self, tokens: Sequence[int], limit: int = LONGEST_DRAFT) -> Guess:
        """What probably follows `tokens`: at most `limit` tokens, fewer where it is unsure, perhaps none.

        None as well where more than `CATCH_UP` tokens would have to be evaluated first, or nothing fits.
        """
        limit = min(limit, LONGEST_DRAFT)
        if not tokens or limit <= 0 or not self._fits(tokens, limit) or self.missing(tokens) > CATCH_UP:
            return Guess()
        if not self._follow(tokens, None):
            return Guess()
        found = Guess()
        while True:
            logits = self._context.logits()
            try:
                token = best(logits[: self._known])
            except NoNumbersError:
                self._context.clear()
                self._held.clear()
                return Guess()
            likely = log_probability(logits, token)
            if likely < UNSURE:
                return found
            found.tokens.append(token)
            found.chances.append(math.exp(likely))
            if len(found.tokens) == limit:
                return found
            started = self._clock()
            if not self._extend([token]):
                return Guess()
            spent = (self._clock() - started) * 1000
            self.step_ms = spent if not self.step_ms else 0.8 * self.step_ms + 0.2 * spent

    def begin(self, drafts: Drafts, target: list[int], body: int) -> None:
        """Be a source of a session's drafts for the generation that begins.

        Args:
            drafts: of the session; `Drafts.begin` was called.
            target: the prompt's tokens, markers included.
            body: how many of them the session's index holds; behind them come the tokens chosen.
        """
        source = _source(drafts)
        if source is None:
            source = DraftModelSource(self, list, drafts.shared.costs)
            drafts.sources.append(source)
        row = drafts.prompt.tokens
        source.begin(lambda: [*target, *row[body:]])

    def follow(self, drafts: Drafts, cancellation: Cancellation) -> None:
        """Nobody waits: read what the session's text has more than the cache."""
        source = _source(drafts)
        if source is not None:
            self.prepare(source.text(), cancellation)

    def close(self) -> None:
        """Free cache and weights."""
        self._context.close()
        self._model.close()

    def _fits(self, tokens: Sequence[int], more: int) -> bool:
        # What the session's index holds in a marker's place is no token.
        usable = not tokens or (min(tokens) >= 0 and max(tokens) < self._known)
        return usable and len(tokens) + more <= self._context.longest

    def _follow(self, tokens: Sequence[int], cancellation: Cancellation | None) -> bool:
        """Make the cache hold `tokens` and nothing else, with logits behind the last one."""
        keep = len(tokens) - self.missing(tokens)
        if len(self._held) > keep:
            if not self._context.remove(0, keep):
                # Kinds of memory that cannot drop a part.
                self._context.remove(0, 0)
                keep = 0
            del self._held[keep:]
        for begin in range(keep, len(tokens), self._context.batch_size):
            if cancellation is not None and cancellation.cancelled:
                return False
            if not self._extend(tokens[begin : begin + self._context.batch_size]):
                return False
        return True

    def _extend(self, tokens: Sequence[int]) -> bool:
        try:
            result = self._context.decode(tokens, 0, len(self._held))
        except DecodeFailedError:
            self._context.clear()
            self._held.clear()
            return False
        if result is DecodeResult.DONE:
            self._held.extend(tokens)
            return True
        # Finished micro-batches stay.
        there = max(len(self._held), self._context.last_position(0) + 1)
        self._held.extend(tokens[: there - len(self._held)])
        return False


@attrs.define
class DraftModelSource:
    """Drafts of a model for one session; a `drafts.Source`.

    State: the last draft and where it began, until it is known what became of it; how many tokens of a draft
    come true on average; steps since the last draft.

    Attributes:
        model: shared by all sessions; its cache follows whichever drafts.
        text: all tokens left of the place to be continued, markers included.
        costs: what steps of the large model cost right now.
    """

    model: DraftModel
    text: Callable[[], Sequence[int]]
    costs: Callable[[], CostCurve]
    _draft: list[int] = attrs.field(factory=list[int])
    _began: int = 0
    _accepted: float = LONGEST_DRAFT / 2
    _made: float = LONGEST_DRAFT / 2
    _rested: int = 0

    def begin(self, text: Callable[[], Sequence[int]]) -> None:
        """Another generation begins, with this text."""
        self.text = text
        self._draft = []

    def propose(self, tokens: Sequence[int]) -> Draft | None:  # noqa: ARG002 - it follows the whole text
        """See `drafts.Source`."""
        text = self.text()
        self._learn(text)
        if not self.worth_asking():
            self._rested += 1
            return None
        self._rested = 0
        found = self.model.guess(text)
        if not found.tokens:
            return None
        self._draft, self._began = found.tokens, len(text)
        return ModelDraft(found.tokens, KIND, cost=self._cost(), chances=found.chances)

    def worth_asking(self) -> bool:
        """Whether drafts came true often enough of late for the time they take."""
        if self._rested >= RETRY or not self.model.step_ms:
            return True
        length = max(1, round(self._made))
        spent = self.costs().ratios()[length] + self._made * self._cost()
        return (1 + self._accepted) / spent >= _MARGIN

    def _cost(self) -> float:
        """Of one drafted token, in steps of the large model."""
        step = self.costs().step_ms
        return self.model.step_ms / step if step else 0.0

    def _learn(self, text: Sequence[int]) -> None:
        """Compare the last draft with what was chosen since: little where it was not even verified."""
        if len(text) <= self._began or not self._draft:
            return
        accepted = common_prefix(self._draft, text[self._began :])
        self._accepted = 0.8 * self._accepted + 0.2 * accepted
        self._made = 0.8 * self._made + 0.2 * len(self._draft)
        self._draft = []


def _source(drafts: Drafts) -> DraftModelSource | None:
    return next((source for source in drafts.sources if isinstance(source, DraftModelSource)), None)


def _shown(token: bytes) -> str:
    return token.decode("utf-8", "replace")[:40]
