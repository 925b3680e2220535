"""What `foretype tune` tries, in which order, and which form wins. Nothing here measures or writes.

What wins is what makes a typical suggestion fastest (`suggestion_ms`) among forms whose quality holds: the
mean log probability of a sample of source code may fall by `MAX_LOSS` at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from ..gguf import file as gguf
from .record import Measured

MAX_LOSS = 0.05
"""Mean natural-log probability per token of source code that a requantised file may lose."""


def _layers(kinds: str) -> str:
    """A pattern for these kinds of matrices in every layer."""
    return rf"blk\.\d+\.({kinds})\.weight"


_FOUR_BITS = ((_layers("ffn_down"), 12), (_layers("ffn_gate"), 20), (_layers("attn_q"), 2))

FILE_TYPES = {
    # llama_ftype, bits per weight with its scales, tensors that get another ggml_type
    "Q4_0": (2, 4.6, ()),
    "IQ4_NL": (25, 4.6, ()),
    "Q8_0": (7, 8.6, ()),
    # Four bits for kinds of tensors that lose little. Of the default model these three lose 0.03, 0.02 and
    # 0.04 nats per token where it is known which weights matter; other models lose other amounts, so each
    # is measured before it is chosen.
    "Q8_0+Q4_0": (7, 7.5, ((_layers("ffn_gate|attn_q"), 2),)),
    # A Q4_1 block is nearly a Q4_K one (both have a scale and a minimum for 32 weights), so where rows are
    # long enough for Q4_K a shipped Q4_1 tensor loses next to nothing: ffn_down 0.006 nats.
    "Q8_0+Q4_K": (7, 6.7, _FOUR_BITS),
    "Q8_0+IQ4_NL": (7, 5.9, (*_FOUR_BITS, (_layers("ffn_up"), 20))),
    "BF16": (32, 16.0, ()),
}

WAITED_FOR = 15
"""Prompt tokens whose evaluation a suggestion waits for, in the mean; what is evaluated while the user rests
is not waited for. An estimate: two runs of `make demo` evaluated 3 and 11 for a key, and people go elsewhere
more often."""

SMALL = 400_000_000
"""Bytes up to which a file is worth a try although it is larger than the original."""

ROUNDS = 2
"""How often each file type gets its turn: what disturbs one round seldom lasts for both."""

FINALS = 2
CLOSE = 1.2
"""Forms that need up to this part of the best one's time are measured so many times more. How a model happens
to lie in memory alone makes a difference of a tenth and more."""

MICRO_BATCHES = (64, 256, 512)
DEFAULT_MICRO_BATCH = 128
NOISE = 0.97
"""A form that is not faster than this part of the time of another is not better."""


def suggestion_ms(measured: Measured) -> float:
    """Milliseconds of a typical suggestion: `WAITED_FOR` tokens of prefill, and 16 decoded one by one."""
    return WAITED_FOR / measured.prefill + 16 * measured.steps[1]


def fastest_form(measured: Sequence[Measured]) -> Measured:
    """The fastest form whose quality holds; an earlier one unless a later one is clearly faster."""
    best = measured[0]
    for one in measured[1:]:
        if one.loss <= MAX_LOSS and suggestion_ms(one) < NOISE * suggestion_ms(best):
            best = one
    return best


def finalists(measured: Sequence[Measured]) -> list[Measured]:
    """The forms that noise may have kept from being the best, and the original; none where none is close."""
    sound = [one for one in measured if one.loss <= MAX_LOSS]
    least = min(suggestion_ms(one) for one in sound)
    close = [one for one in sound if suggestion_ms(one) < CLOSE * least]
    return [measured[0], *(one for one in close if one != measured[0])] if len(close) > 1 else []


def worth_having(file: gguf.GgufFile, parameters: int, memory: int) -> list[str]:
    """The file types to try for a model.

    Args:
        file: the original.
        parameters: number of weights.
        memory: free bytes.
    """
    if (file.integer("split.count") or 1) > 1:
        return []
    limit = min(max(SMALL, file.size), memory // 2)
    return [
        name
        for name, (_, bits, _) in FILE_TYPES.items()
        if name != file.quantisation and parameters * bits / 8 <= limit
    ]


BEST_ON_MOST = ("Q8_0+Q4_K", "Q4_0")
"""What won on most machines, the likelier first; the second where a model is too small or has it already."""


def worth_trying_first(types: Sequence[str]) -> tuple[str, ...]:
    """Of the file types worth having the one to try where there is time for one."""
    return tuple(name for name in BEST_ON_MOST if name in types)[:1]


def same_form(one: Measured, other: Measured) -> bool:
    """Whether both are measurements of one form."""
    return _form(one) == _form(other)


def knows_as_much(one: Measured, other: Measured) -> bool:
    """Whether two forms round alike, so that both lose the same."""
    return (one.file_type, one.eight_bits) == (other.file_type, other.eight_bits)


def kind_of_attention(form: Measured) -> str:
    """The form's kind of attention, as progress names it."""
    if form.eight_bits:
        return "flash attention in 8 bits"
    return "flash attention" if form.flash_attention else "no flash attention"


def _form(one: Measured) -> tuple[str, bool, bool, int, int]:
    return one.file_type, one.flash_attention, one.eight_bits, one.threads, one.micro_batch


@attrs.frozen
class TunePlan:
    """The trials of one run.

    Attributes:
        types: file types to try beside the original.
        threads: to compute with at first.
        counts: other numbers of threads to try.
        short: measure each file type once, and nothing else.
        eight_bits: keys and values of this model can be kept so.
    """

    types: tuple[str, ...]
    threads: int
    counts: tuple[int, ...]
    short: bool = False
    eight_bits: bool = False

    @property
    def steps(self) -> int:
        """How many things there are to do, a guess where it depends on what is measured."""
        if self.short:
            return 2 + len(self.types)  # the original, and which weights matter
        more = 2 * FINALS + 2 + self.eight_bits  # finalists, as a guess; which weights matter; attention
        return ROUNDS * (1 + len(self.types)) + more + len(self.counts) + len(MICRO_BATCHES)

    def trials(self, measured: Sequence[Measured]) -> Iterator[tuple[Measured, int]]:
        """Forms to measure, and for the how-manieth time; a form's figures are not looked at.

        Args:
            measured: the results so far, in order; it grows between two trials, and decides what comes next.
        """
        form = Measured("as is", True, self.threads, DEFAULT_MICRO_BATCH, 0, {})
        for turn in range(1 if self.short else ROUNDS):
            yield form, turn + 1
            for file_type in self.types:
                yield attrs.evolve(form, file_type=file_type), turn + 1
        if self.short:
            return
        for turn in range(FINALS):
            for finalist in finalists(measured):
                yield finalist, ROUNDS + turn + 1
        yield from self._in_eight_bits(measured)
        yield attrs.evolve(fastest_form(measured), flash_attention=False, eight_bits=False), 1
        for count in self.counts:
            yield attrs.evolve(fastest_form(measured), threads=count), 1
        for size in MICRO_BATCHES:
            yield attrs.evolve(fastest_form(measured), micro_batch=size), 1

    def _in_eight_bits(self, measured: Sequence[Measured]) -> Iterator[tuple[Measured, int]]:
        if self.eight_bits:
            yield attrs.evolve(fastest_form(measured), eight_bits=True), 1


def other_thread_counts(threads: int, logical: int) -> tuple[int, ...]:
    """Other numbers of threads to try: half of them, one less, and as many as there are logical cores."""
    return tuple(sorted({max(1, threads // 2), max(1, threads - 1), logical} - {threads}))
