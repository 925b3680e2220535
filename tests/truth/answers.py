"""The authors' own text as answers of a model, in the ways in which models give it.

- ends: it ends with the hole
- before-closers: it ends before the closers that the editor put there (where those stand side by side)
- before-blanks: it ends before the blanks in front of those closers
- includes: it ends with the last of those closers
- runs-on: it goes on with what stands behind the hole already
- cut: the token limit ends it somewhere
- streamed: what the latency budget shows of it after some tokens, whole lines that is
- blank-missing, blank-doubled: as "ends", its first blank lost or said twice, as tokenisers make it
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import attrs
from foretype.tests.truth.holes import Hole
from foretype.tests.truth.tokens import pieces

ANSWERS = (
    "ends",
    "before-closers",
    "before-blanks",
    "includes",
    "runs-on",
    "cut",
    "streamed",
    "blank-missing",
    "blank-doubled",
)
RUN_ON = 240
CUTS = 2


@attrs.frozen
class Answer:
    """What the model says.

    Attributes:
        kind: see the module.
        pieces: its tokens. Where there is no limit, the model ends by itself behind them.
        limit: the token limit; 0 for one that the answer doesn't reach.
        said: how much of the authors' text it is, in code points from the cursor; what runs on counts no more
            than the hole.
        lost: code points of blank that are missing at its beginning (-1 where there is one too many).
    """

    kind: str
    pieces: tuple[str, ...]
    said: int
    limit: int = 0
    lost: int = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def answers(hole: Hole) -> Iterator[Answer]:
    """Every answer for a hole, always the same ones."""
    wanted = hole.wanted
    finished = hole.code.text
    whole = tuple(pieces(wanted))
    chance = random.Random(hole.name + str(hole.start))
    yield Answer("ends", whole, len(wanted))
    if hole.adjacent:
        before = finished[hole.start : hole.closers[0]]
        if before.strip():
            yield Answer("before-closers", tuple(pieces(before)), len(before))
            if "\n" in before and before != before.rstrip():
                yield Answer("before-blanks", tuple(pieces(before.rstrip())), len(before))
    if hole.closers and hole.closers[-1] + 1 < hole.end:
        included = finished[hole.start : hole.closers[-1] + 1]
        yield Answer("includes", tuple(pieces(included)), len(included))
    on = finished[hole.start : hole.end + RUN_ON]
    if len(on) > len(wanted):
        yield Answer("runs-on", tuple(pieces(on)), len(wanted))
    for limit in sorted(chance.sample(range(1, len(whole)), min(CUTS, len(whole) - 1))):
        said = sum(map(len, whole[:limit]))
        yield Answer("cut", whole[:limit], said, limit)
        if "\n" in wanted:
            yield Answer("streamed", whole[:limit], said)
    before = finished[hole.start - 1 : hole.start]
    if before in {" ", "\t"} and wanted[0] not in " \t\n":
        yield Answer("blank-doubled", (" ", *whole), len(wanted), lost=-1)
    if (
        wanted[0] == " "
        and wanted[1:2].strip()
        and before.strip()
        and not (_word(before) and _word(wanted[1]))
    ):
        yield Answer("blank-missing", tuple(pieces(wanted[1:])), len(wanted), lost=1)


def _word(character: str) -> bool:
    return character.isalnum() or character == "_"
