"""One file's share of the work, for a process of its own."""

from __future__ import annotations

from .corpus import File
from .figures import Tally
from .holes import holes
from .oracle import outcomes
from .product import Foretype


def of_file(file: File, each: int, kinds: tuple[str, ...], answers: tuple[str, ...]) -> Tally:
    """All outcomes in one file: at most `each` holes of every kind; of some kinds and answers, or of all."""
    tally = Tally()
    for hole in holes(file, each, kinds):
        for outcome in outcomes(hole, Foretype, lambda kind: not answers or kind in answers):
            tally.add(outcome)
    return tally
