"""The decoding loop: healing, greedy choice or sampling, drafts and their verification, stops.

It continues a sequence whose prompt is in the cache, one llama_decode a step, until a stop fires. Choices
that an earlier greedy run left in the cache are taken over without evaluating anything. Bringing the
prompt into the cache is not done here, and neither is trimming the text to fit the file.

Greedy verification of drafts is the rule of Leviathan et al. 2023 at temperature 0: a drafted token is
kept exactly when it is the one that would have been chosen.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs
import numpy as np

from ...context.shared.values import Restriction, StopReason, StopRules
from ..cache.kv_cache import KVCache, Sequence
from ..cache.track import Track
from ..llama.cancellation import Cancellation
from ..llama.likelihood import Likelihood, Logits, best
from ..llama.vocabulary import Ids, Vocabulary
from .drafter import Drafter
from .generated import Generated
from .restriction import NameGuide
from .sampling import Sampling, sample_token
from .spelling import Spelling, token_ends
from .stops import StopWatch


def generate(
    cache: KVCache,
    sequence: Sequence,
    *,
    prompt_length: int,
    vocabulary: Vocabulary,
    ends: frozenset[int],
    required: bytes,
    completes_character: bool,
    rules: StopRules,
    cancellation: Cancellation,
    line: str = "",
    sampling: Sampling | None = None,
    drafter: Drafter | None = None,
    restriction: Restriction | None = None,
    on_text: Callable[[str], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Generated:
    """Continue the first `prompt_length` tokens of `sequence`.

    Args:
        cache: holds the sequence.
        sequence: its cells begin with the prompt.
        prompt_length: tokens of the prompt, at least 1.
        vocabulary: of the model.
        ends: tokens that end the generation.
        required: bytes to be spelled first; see `healing`. They are not part of the text.
        completes_character: `required` ends within a character.
        rules: where to stop.
        cancellation: stops at once.
        line: the cursor's line up to the cursor: it decides with the first generated line whether that
            opens a block (`StopRules.openers`).
        sampling: None is greedy.
        drafter: proposes tokens to verify in one batch; not asked where tokens are sampled or guided.
        restriction: how the text must begin; None leaves it free.
        on_text: is called with text that no stop will take back.
        clock: seconds, for the budget.

    Raises:
        NoRoomError: the cache is full.
        DecodeFailedError: llama.cpp failed.
        NoNumbersError: the model computed logits that are no numbers.
    """
    run = _Run(
        cache=cache,
        sequence=sequence,
        position=prompt_length,
        vocabulary=vocabulary,
        ends=ends,
        spelling=Spelling(required, completes_character),
        watch=StopWatch(rules, line),
        rules=rules,
        cancellation=cancellation,
        sampling=sampling or Sampling(),
        drafter=drafter,
        guide=NameGuide.of(restriction, required),
        on_text=on_text,
        clock=clock,
    )
    return run.run(required)


@attrs.define
class _Run:
    """One generation. State: the position reached, the text so far, and the counts of `Generated`."""

    cache: KVCache
    sequence: Sequence
    position: int
    vocabulary: Vocabulary
    ends: frozenset[int]
    spelling: Spelling
    watch: StopWatch
    rules: StopRules
    cancellation: Cancellation
    sampling: Sampling
    drafter: Drafter | None
    guide: NameGuide
    on_text: Callable[[str], None] | None
    clock: Callable[[], float]
    chosen: list[tuple[float, int]] = attrs.field(factory=list[tuple[float, int]])  # logprob, begin in text
    tokens: int = 0
    repeated: int = 0
    evaluated: int = 0
    drafted: int = 0
    accepted: int = 0
    streamed: int = 0
    _random: np.random.Generator | None = None
    _left: Track | None = None  # the free choices before a restriction made another one

    def run(self, required: bytes) -> Generated:
        started = self.clock()
        deadline = started + self.rules.budget_ms / 1000 if self.rules.budget_ms > 0 else None
        if self.sampling.temperature > 0:
            self._random = np.random.default_rng(self.sampling.seed)
            self.sequence.track = None
            ready = self._back_to(self.position)
        else:
            ready = self._join_track(required)
        try:
            stop = self._loop(deadline) if ready else StopReason.CANCELLED
        finally:
            if self._left is not None:
                self.sequence.track = self._left.within(len(self.sequence.tokens))
        if self.on_text is not None and len(self.watch.text) > self.streamed:
            self.on_text(self.watch.text[self.streamed :])
        return Generated(
            text=self.watch.text,
            stop=stop,
            tokens=self.tokens,
            repeated=self.repeated,
            evaluated=self.evaluated,
            drafted=self.drafted,
            accepted=self.accepted,
            logprobs=tuple(logprob for logprob, _ in self.chosen),
            ends=token_ends([begin for _, begin in self.chosen], len(self.watch.text)),
            milliseconds=(self.clock() - started) * 1000,
            name_logprob=self.guide.logprob if self.guide.stands else None,
        )

    def _join_track(self, required: bytes) -> bool:
        """Use the choices of an earlier greedy run where they answer this request as well.

        Choices made under a requirement hold under every longer one that they satisfy: the set of
        allowed tokens only shrinks. False: cancelled.
        """
        sequence = self.sequence
        track = sequence.track
        if track is not None and track.start <= self.position <= len(sequence.tokens):
            spelled = self.vocabulary.decode(sequence.tokens[track.start : self.position])
            left = track.required[len(spelled) :]
            if track.required[: len(spelled)] == spelled[: len(track.required)] and required.startswith(left):
                cut = self.position - track.start
                sequence.track = Track(self.position, required, track.likelihoods[cut:], track.choice)
                return True
        sequence.track = None
        ready = self._back_to(self.position)
        sequence.track = Track(self.position, required)
        return ready

    def _loop(self, deadline: float | None) -> StopReason:
        while True:
            if self.cancellation.cancelled:
                return StopReason.CANCELLED
            if deadline is not None and self.tokens and self.clock() >= deadline:
                return StopReason.BUDGET
            if self.tokens >= self.rules.max_tokens:
                return StopReason.LENGTH
            choice = self._next()
            if choice is None:
                return StopReason.CANCELLED
            stop = self._take(*choice)
            if stop is not None:
                return stop

    def _next(self) -> tuple[int, float] | None:
        """The next token and its log probability: remembered, or chosen from logits. None: cancelled."""
        sequence, track = self.sequence, self.sequence.track
        if track is not None:
            index = self.position - track.start
            held = self.position < len(sequence.tokens)
            token = sequence.tokens[self.position] if held else track.choice
            if token is not None and index < len(track.likelihoods) and self._allowed(token):
                return token, self._remembered(track.likelihoods[index])
        if not self._back_to(self.position):
            return None
        logits = self._logits()
        if logits is None:
            return None
        token, likelihood = self._choose(logits)
        if sequence.track is not None:
            sequence.track.choice = token
            sequence.track.likelihoods.append(likelihood)
        return token, likelihood.logprob

    def _remembered(self, likelihood: Likelihood) -> float:
        """The log probability of an earlier choice among what is allowed now, which may be less than then."""
        required = self.spelling.required
        if required == likelihood.required:
            return likelihood.logprob
        return likelihood.among(self._spells, len(self.vocabulary.continuations(required)))

    def _logits(self) -> Logits | None:
        """Logits at the current position; evaluates what is missing. None: cancelled."""
        sequence = self.sequence
        if self.position > len(sequence.tokens):
            raise AssertionError("a generation ran ahead of its cells")
        logits = self.cache.logits(sequence)
        if logits is not None:
            return logits
        # The track describes choices that stay true while the last cell is evaluated once more.
        track, sequence.track = sequence.track, None
        held = list(sequence.tokens)
        self.cache.truncate(sequence, self.position - 1)
        missing = held[len(sequence.tokens) :]
        for part in (missing[:-1], missing[-1:]):
            if part and not self.cache.extend(sequence, part):
                return None
        self.evaluated += len(missing)
        if not self.tokens:
            self.repeated += len(missing)
        sequence.track = track
        return self.cache.logits(sequence)

    def _back_to(self, length: int) -> bool:
        """Drop what lies beyond `length` tokens, and the choices that were made there.

        What the memory had to drop beside is evaluated again. False: cancelled on the way.
        """
        sequence, track = self.sequence, self.sequence.track
        if len(sequence.tokens) <= length:
            sequence.track = None if track is None else track.within(length)  # a choice may have no cell yet
            return True
        held = sequence.tokens[:length]
        likelihoods = [] if track is None else track.likelihoods[: max(0, length - track.start)]
        if self.cache.truncate(sequence, length):
            return True
        sequence.track = None
        missing = held[len(sequence.tokens) :]
        if not self.cache.extend(sequence, missing):
            return False
        self.evaluated += len(missing)
        if not self.tokens:
            self.repeated += len(missing)
        if track is not None:
            sequence.track = Track(track.start, track.required, likelihoods)
        return True

    def _allowed(self, token: int) -> bool:
        if self.guide.over:
            return self._spells(token)
        return self.guide.stands if token in self.ends else self.guide.allows(self.vocabulary.pieces[token])

    def _spells(self, token: int) -> bool:
        """Whether a token goes on with what healing requires, as far as anything is required."""
        required = self.spelling.required
        piece = self.vocabulary.pieces[token]
        return not required or (bool(piece) and (piece.startswith(required) or required.startswith(piece)))

    def _choose(self, logits: Logits) -> tuple[int, Likelihood]:
        required = self.spelling.required
        allowed: Ids | None = self.vocabulary.continuations(required) if required else None
        if allowed is not None and not len(allowed):
            allowed = None
        if self._random is not None:
            token = sample_token(logits, allowed, self.sampling, self._random)
        else:
            token = best(logits, allowed)
        token = self._guided(logits, token)
        return token, Likelihood.of(logits, token, allowed, required)

    def _guided(self, logits: Logits, free: int) -> int:
        """The best allowed token, given the best one of all; where they differ, the track ends for good."""
        if self.guide.over or self._allowed(free):
            return free
        allowed = self.guide.tokens(self.vocabulary, self.ends)
        self._left, self.sequence.track = self._left or self.sequence.track, None
        if not len(allowed):
            self.guide.give_up()
            return free
        return best(logits, allowed)

    def _take(self, token: int, logprob: float) -> StopReason | None:
        """Add a chosen token to the text; the reason when the generation is over."""
        self.tokens += 1
        self.chosen.append((logprob, len(self.watch.text)))
        if self.drafter is not None:
            self.drafter.chose(token)
        if token in self.ends:
            return StopReason.END
        self.guide.add(self.vocabulary.pieces[token], logprob)
        text = self.spelling.add(self.vocabulary.pieces[token])
        if text is None:
            return StopReason.END
        stop = self.watch.feed(text)
        if stop is not None:
            self.watch.text = self.watch.text[: stop.keep]
            return stop.reason
        self._stream()
        return self._advance(token)

    def _advance(self, token: int) -> StopReason | None:
        """Have `token` evaluated, unless its cell is there already."""
        if self.position < len(self.sequence.tokens):
            self.position += 1
            return None
        if self.tokens >= self.rules.max_tokens or self.position >= self.cache.longest:
            return StopReason.LENGTH
        draft = self._draft()
        if not self.cache.extend(self.sequence, [token, *draft], logits=1 + len(draft)):
            # Finished micro-batches stay, but drafted tokens that nobody has verified must not.
            self.cache.truncate(self.sequence, self.position + 1)
            if self.sequence.track is not None and self.position < len(self.sequence.tokens):
                self.sequence.track.choice = None
            return StopReason.CANCELLED
        if self.sequence.track is not None:
            self.sequence.track.choice = None
        self.evaluated += 1 + len(draft)
        self.position += 1
        accepted = self._verify(draft) if draft else 0
        if accepted is None:
            return StopReason.CANCELLED
        if self.drafter is not None:
            self.drafter.verified(len(draft), accepted)
        return None

    def _draft(self) -> list[int]:
        """Tokens to verify along with the chosen one; none while bytes or names are required, or sampled."""
        bound = self.spelling.required or not self.guide.over
        if self.drafter is None or self.sequence.track is None or bound:
            return []
        # A batch of k drafted tokens leads to k + 1 more choices; the last one needs no cell.
        room = (
            min(self.rules.max_tokens - self.tokens, self.cache.longest - len(self.sequence.tokens) - 1) - 1
        )
        draft = self.drafter.propose(room) if room > 0 else []
        # What ends the generation is chosen from the logits before it and need not be evaluated.
        first_line = not self.rules.multiline and "\n" not in self.watch.text
        for at, token in enumerate(draft):
            if token in self.ends or (first_line and self._ends_line(token)):
                return draft[:at]
        return draft

    def _ends_line(self, token: int) -> bool:
        piece = self.vocabulary.pieces[token]
        return b"\n" in piece or b"\r" in piece

    def _verify(self, draft: list[int]) -> int | None:
        """Keep the drafted tokens that would have been chosen, as if chosen one by one; how many they are.

        The choices go where those of an earlier run lie: `_next` takes them from there. None: cancelled.
        """
        track = self.sequence.track
        if track is None:
            raise AssertionError("drafts are verified against greedy choices")
        choices: list[int] = []
        likelihoods: list[Likelihood] = []
        for index in range(len(draft) + 1):
            logits = self.cache.batch_logits(index - len(draft) - 1)
            choices.append(best(logits))
            likelihoods.append(Likelihood.of(logits, choices[-1]))
            if index == len(draft) or choices[-1] != draft[index]:
                break
        accepted = len(choices) - 1
        self.drafted += len(draft)
        self.accepted += accepted
        if not self._keep(self.sequence.tokens[: self.position + accepted]):
            return None
        self.sequence.track = track
        track.choice = choices[-1]
        track.likelihoods.extend(likelihoods)
        return accepted

    def _keep(self, kept: list[int]) -> bool:
        """Drop what lies beyond `kept`; where the memory can only drop everything, evaluate it again.

        False: cancelled on the way.
        """
        if len(kept) == len(self.sequence.tokens) or self.cache.truncate(self.sequence, len(kept)):
            return True
        self.drafter = None  # drafts can only lose here
        return self.cache.extend(self.sequence, kept)

    def _stream(self) -> None:
        settled = self.watch.settled()
        if self.on_text is not None and settled > self.streamed:
            self.on_text(self.watch.text[self.streamed : settled])
            self.streamed = settled
