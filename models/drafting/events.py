"""What looking for drafts costs a session, and what came of it, in ms: events for `benefit`, and the purse.

While drafts are in the shadow, a proposal becomes a batch that is only imagined: what the model then chooses
says how many of its tokens would have come true, and the batch is charged what its size costs here. Which
draft is proposed is `drafts`' business, and whether drafts are verified `benefit`'s.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence

import attrs

from ..cache.step_costs import CostCurve
from .benefit import Benefit
from .draft_length import Purse

UNUSUAL = 2.0
"""A batch that takes so many times what its tokens one by one would was disturbed: it counts as this."""


def _always() -> Callable[[], Benefit]:
    one = Benefit(always=True)
    return lambda: one


@attrs.frozen
class DraftWatch:
    """By what drafts are judged.

    Attributes:
        benefit: of drafts, with the threads in use now; by default they are verified without asking.
        clock: seconds.
    """

    benefit: Callable[[], Benefit] = attrs.field(factory=_always)
    clock: Callable[[], float] = time.perf_counter


@attrs.define
class _Imagined:
    """A batch in the shadow: its drafted tokens, and how many of them came true so far."""

    tokens: Sequence[int]
    true: int = 0


class DraftEvents:
    """Times of one session.

    State: the purse; during a generation the time spent looking for drafts, when the last step ended, and the
    batch that is imagined.

    Attributes:
        purse: what the session's drafts may lose.
    """

    def __init__(self, costs: Callable[[], CostCurve], watch: DraftWatch) -> None:
        """Begin with a new purse.

        Args:
            costs: of batches, with the threads in use now.
            watch: by what drafts are judged.
        """
        self.purse = Purse()
        self._costs = costs
        self._benefit = watch.benefit
        self._clock = watch.clock
        self._imagined: _Imagined | None = None
        self._looked_ms = 0.0  # since the last event
        self._looked_in_step_ms = 0.0
        self._stepped_at: float | None = None
        self._asked = False

    @property
    def risk(self) -> float:
        """What may be lost by the next batch, in plain steps."""
        return self.purse.risk(self._step_ms())

    @contextlib.contextmanager
    def looking(self) -> Generator[None]:
        """What goes on inside is done for the sake of drafts alone."""
        started = self._clock()
        try:
            yield
        finally:
            spent = (self._clock() - started) * 1000
            self._looked_ms += spent
            self._looked_in_step_ms += spent

    def begin(self) -> None:
        """A generation begins."""
        self._imagined = None
        self._stepped_at = None
        self._looked_in_step_ms = 0.0

    def may_look(self) -> bool:
        """Whether a draft is wanted for the next step."""
        self._asked = True
        return self._imagined is None and not self._benefit().wants_plain_step

    def proposed(self, tokens: list[int]) -> list[int]:
        """Of the best draft there is, what is to be verified; in the shadow nothing is."""
        if self._benefit().verifies:
            return tokens
        if tokens:
            self._imagined = _Imagined(tokens)
        else:
            self._event(0.0)
        return []

    def chose(self, token: int) -> None:
        """The model chose a token."""
        imagined = self._imagined
        if imagined is None:
            return
        if imagined.true < len(imagined.tokens) and imagined.tokens[imagined.true] == token:
            imagined.true += 1
        else:
            self._end_imagined(imagined)

    def verified(self, drafted: int, accepted: int) -> None:
        """A step ended: one chosen token and so many drafted ones were evaluated, and so many came true."""
        now, last = self._clock(), self._stepped_at
        took = None if last is None else (now - last) * 1000
        looked, asked = self._looked_in_step_ms, self._asked
        self._stepped_at, self._looked_in_step_ms, self._asked = now, 0.0, False
        benefit = self._benefit()
        if not drafted:
            if took is not None and asked:
                plain = benefit.wants_plain_step
                benefit.plain_step(took - looked)
                if benefit.verifies and not plain:
                    self.purse.settle(1, self._step_ms() + looked, self._step_ms())
                    self._event(0.0)
            return
        step = self._step_ms()
        if took is None or not step:
            spent = self._costs().ratios()[drafted] * step + looked
        else:
            spent = min(took, UNUSUAL * (drafted + 1) * step)
        self.purse.settle(accepted + 1, spent, step)
        self._looked_ms = 0.0  # it is in the time that was measured
        self._event((accepted + 1) * step - spent, drafted=True)

    def end(self) -> None:
        """The generation is over."""
        if self._imagined is not None:
            self._end_imagined(self._imagined)
        self._stepped_at = None

    def _end_imagined(self, imagined: _Imagined) -> None:
        self._imagined = None
        step = self._step_ms()
        self._event((imagined.true + 1 - self._costs().ratios()[len(imagined.tokens)]) * step)

    def _event(self, saved_ms: float, *, drafted: bool = False) -> None:
        """Count an event, less what looking took since the last one."""
        looked, self._looked_ms = self._looked_ms, 0.0
        self._benefit().event(saved_ms - looked, drafted=drafted)

    def _step_ms(self) -> float:
        """What a plain step takes, as far as it is known."""
        return self._benefit().step_ms or self._costs().step_ms
