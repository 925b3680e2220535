"""Which model of the catalogue answers in time on this machine: from what one model measured here takes.

Evaluating a prompt costs in proportion to the weights that compute a token, generating one in proportion to
the bytes of those weights, which come out of memory each time. So one model measured tells roughly what the
others would take. Nothing is measured or loaded here.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from ..tuning.plan import WAITED_FOR
from .catalogue import FREE_LICENCES, Entry

TOKENS = 16
"""Of a typical suggestion."""

READ_TOKENS = 2000
"""Of a file with its surroundings, which are read once when it is opened."""

_BYTES_EACH = 1.07
"""Bytes of a weight in 8 bits, with its scale: where the publisher names no size."""

_BESIDE = 0.15
_SPARE_BYTES = 1 << 30
"""A model takes that part of its size and so much more: cache, working space, what else runs."""


@attrs.frozen
class MeasuredSpeed:
    """What one model takes here.

    Attributes:
        name: of the model.
        parameters: weights that compute a token.
        size: bytes of these weights.
        prefill: tokens per ms.
        step_ms: of one token generated.
    """

    name: str
    parameters: int
    size: int
    prefill: float
    step_ms: float


@attrs.frozen
class Outlook:
    """What a model would take here.

    Attributes:
        entry: which.
        suggestion_ms: of a suggestion while one types.
        reading_s: until it has read a file that was opened.
        fits: there is memory for it.
    """

    entry: Entry
    suggestion_ms: float
    reading_s: float
    fits: bool


def computing_bytes(parameters: int, size: int) -> int:
    """Bytes of the weights that compute a token: of a mixture of experts not the whole file."""
    return min(size, int(parameters * _BYTES_EACH))


def outlook(entry: Entry, measured: MeasuredSpeed, free_bytes: int) -> Outlook:
    """What a model would take.

    Args:
        entry: the model.
        measured: one that was measured here.
        free_bytes: memory that is free.
    """
    size = entry.size or int(entry.parameters * _BYTES_EACH)
    each = entry.parameters / (measured.parameters * measured.prefill)  # ms a token of a prompt
    step = measured.step_ms * computing_bytes(entry.parameters, size) / measured.size
    return Outlook(
        entry,
        suggestion_ms=WAITED_FOR * each + TOKENS * step,
        reading_s=READ_TOKENS * each / 1000,
        fits=size * (1 + _BESIDE) + _SPARE_BYTES <= free_bytes,
    )


def advised(outlooks: Iterable[Outlook], within_ms: float) -> Outlook | None:
    """The best that answers in time, fits into memory and may be used for anything; None without one.

    A model that sees what stands behind the cursor is better than one that doesn't, then a larger one, then
    one that was not made to chat, then the one whose weights are kept more exactly.
    """
    fitting = [each for each in outlooks if each.fits and each.suggestion_ms <= within_ms]
    free = [each for each in fitting if each.entry.licence in FREE_LICENCES]
    return max(free, key=lambda each: _worth(each.entry), default=None)


def _worth(entry: Entry) -> tuple[bool, int, bool, int]:
    return entry.fim != "plain", entry.parameters, "instruct" not in entry.name, entry.size or 0
