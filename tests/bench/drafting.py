"""Replays the choice of drafts over recorded continuations: deterministic, in seconds, on any machine.

`python -m foretype.tests.bench.drafting MODEL` records what is missing (`continuations`) and prints, for
several cost curves, what drafts gain in units of plain decoding, beside the bound: what somebody would gain
who knew beforehand how much of each proposal comes true. Where the bound is low, better choices cannot help;
only other proposals or cheaper batches can. A simulated clock is charged what batches cost, and `PYTHON_MS`
for each look for a draft; everything else outside llama_decode is not in here.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import click
from foretype.models.cache.step_costs import CostCurve
from foretype.models.drafting.benefit import worth_building
from foretype.models.drafting.drafts import Drafts, Speculation
from foretype.models.drafting.events import DraftWatch
from foretype.models.drafting.experience import DraftExperience
from foretype.models.drafting.lookup import LONGEST_MATCH
from foretype.models.engine.interface import EngineSettings, SpeculationMode
from foretype.models.engine.loading import load_engine
from foretype.models.llama.governor import usable_cores
from foretype.tests.bench.continuations import Continuation, Recorded, record
from foretype.tests.bench.speculation import FILES
from foretype.tests.support.clock import FakeClock
from rich.console import Console
from rich.table import Table

STEP_MS = 10.0
"""A plain step on the simulated clock."""

PYTHON_MS = 0.1
"""Python's time for a look for a draft in ms: assumed, not measured."""

MANY_CORES: Mapping[int, float] = {1: 1.0, 4: 1.15, 16: 1.4}
"""Costs of batches, in units of a plain step, as on a GPU or a processor with many cores."""

SIMULATED = "simulated: a GPU, or many cores"
CURVES: Mapping[str, Mapping[int, float]] = {
    # ms of a batch behind 128 tokens: the table in the design of the engine
    "Zen 5, Q4_0": {1: 5.0, 4: 9.9, 8: 13.6, 16: 19.1},
    "Zen 5, Q8_0": {1: 5.5, 4: 16.5, 8: 19.7, 16: 23.7},
    "Zen 5, BF16": {1: 6.7, 4: 13.5, 8: 17.9, 16: 25.6},
    # ms behind 512 tokens on 2 cores of a Sapphire Rapids server, not quiet
    "Sapphire Rapids, Q8_0": {1: 21.8, 2: 28.3, 3: 38.6, 4: 47.1, 6: 65.4, 8: 79.4, 12: 116.0, 16: 151.4},
    "Sapphire Rapids, Q4_1": {1: 20.6, 2: 28.9, 3: 40.9, 4: 51.1, 6: 72.0, 8: 90.3, 12: 133.6, 16: 173.6},
    SIMULATED: {size: STEP_MS * ratio for size, ratio in MANY_CORES.items()},
}


@attrs.frozen
class _Charge:
    """A source that finds nothing, which takes `PYTHON_MS`."""

    clock: FakeClock

    def propose(self, tokens: Sequence[int]) -> None:  # noqa: ARG002 - the protocol's signature
        """See `drafts.Source`."""
        self.clock.advance(PYTHON_MS / 1000)


@attrs.frozen
class Replayed:
    """One place or session.

    Attributes:
        plain: cost of plain decoding, in batches of one.
        drafted: cost with drafts.
        bound: the least cost that the same proposals allow.
    """

    plain: float
    drafted: float
    bound: float

    @property
    def gain(self) -> float:
        """Over plain decoding."""
        return self.plain / self.drafted

    @property
    def most(self) -> float:
        """What the gain could be."""
        return self.plain / self.bound

    def __add__(self, other: Replayed) -> Replayed:
        return Replayed(self.plain + other.plain, self.drafted + other.drafted, self.bound + other.bound)


def agreeing(draft: Sequence[int], chosen: Sequence[int]) -> int:
    """How many drafted tokens come true."""
    pairs = zip(draft, chosen, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(draft), len(chosen)))


def replay(drafts: Drafts, place: Continuation, ratios: Sequence[float], clock: FakeClock) -> Replayed:
    """Decode a place as `decode` would, with the recorded choices in place of a model."""
    if not drafts.shared.watch.benefit().attends():
        plain = float(len(place.chosen) - 2)
        return Replayed(plain, plain, plain)
    drafts.follow_suffix("".join(map(chr, place.below)), lambda text: [ord(one) for one in text])
    drafts.begin(place.before, place.before, [])
    chosen = place.chosen[:-1]
    wanted = len(chosen) - 1  # the last token is chosen and not evaluated
    hits: list[int] = []
    cost, free = 0.0, 0
    for at in range(wanted):
        drafts.chose(chosen[at])
        rest, room = chosen[at + 1 :], wanted - at - 1
        hits.append(min(room, reach(drafts, [*place.before[-LONGEST_MATCH:], *chosen[: at + 1]], rest)))
        if free:
            free -= 1
            continue
        began = clock()
        draft = drafts.propose(room) if room > 0 else []
        free = agreeing(draft, rest)
        cost += ratios[len(draft)] + (clock() - began) * 1000 / STEP_MS
        clock.advance(ratios[len(draft)] * STEP_MS / 1000)
        drafts.verified(len(draft), free)
    drafts.chose(chosen[-1])
    drafts.end()
    return Replayed(wanted, cost, least_cost(hits, ratios))


def reach(drafts: Drafts, context: list[int], rest: list[int]) -> int:
    """The longest right beginning of any source's proposal."""
    sources = (source for source in drafts.sources if not isinstance(source, _Charge))
    proposals = (source.propose(context[-LONGEST_MATCH:]) for source in sources)
    return max((agreeing(draft.tokens, rest) for draft in proposals if draft is not None), default=0)


def least_cost(hits: Sequence[int], ratios: Sequence[float]) -> float:
    """The cheapest way to the end, where `hits[i]` drafted tokens come true at place i."""
    costs = [0.0] * (len(hits) + 1)
    for at in range(len(hits) - 1, -1, -1):
        costs[at] = min(ratios[length] + costs[at + length + 1] for length in range(hits[at] + 1))
    return costs[0]


def sessions(
    recorded: list[Recorded], curve: CostCurve, *, repeated: bool, mode: SpeculationMode
) -> list[Replayed]:
    """Every file as a session of its own, one after the other with what they share.

    With `AUTO` all that was learned before the first file is forgotten, and the first ones pay for learning.
    """
    clock, known = FakeClock(), DraftExperience(always=mode is SpeculationMode.ALWAYS)
    shared = Speculation(
        frozenset(),
        lambda: curve,
        DraftWatch(lambda: known.benefit(1), clock),
        known.acceptance,
        others=[_Charge(clock)],
    )
    found: list[Replayed] = []
    for one in recorded:
        drafts = shared.session()
        places = one.repeated if repeated else one.places
        found.append(
            sum((replay(drafts, place, curve.ratios(), clock) for place in places), Replayed(0.0, 0.0, 0.0))
        )
    return found


def summary(
    recorded: list[Recorded], curve: CostCurve, mode: SpeculationMode = SpeculationMode.ALWAYS
) -> dict[str, float]:
    """Gains by the names that the real measurement has, and the bounds beside them."""
    apart = sessions(recorded, curve, repeated=False, mode=mode)
    again = sessions(recorded, curve, repeated=True, mode=mode)
    gains = sorted(one.gain for one in apart)
    bounds = sorted(one.most for one in apart)
    top = min(len(gains) - 1, int(0.9 * len(gains)))
    return {
        "median": statistics.median(gains),
        "p90": gains[top],
        "min": gains[0],
        "repeat": statistics.median(one.gain for one in again),
        "bound median": statistics.median(bounds),
        "bound p90": bounds[top],
        "bound repeat": statistics.median(one.most for one in again),
    }


@click.command()
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--files", default=FILES, show_default=True, help="Source files to replay.")
def main(model: Path, files: int) -> None:
    """Record what MODEL writes behind places of source files, and replay the choice of drafts."""
    settings = EngineSettings(threads=usable_cores(), tuned=False)
    engine = load_engine(model, settings, lambda _fraction: None)
    recorded = record(engine, model, files=files)
    engine.close()
    Console().print(table(recorded))


def simulated(recorded: list[Recorded]) -> dict[str, float]:
    """What speculation that switches itself on gains where batches are cheap, as bench.json names it."""
    found = summary(recorded, CostCurve.from_measured(CURVES[SIMULATED]), SpeculationMode.AUTO)
    return {f"speculation.simulated.{name}": found[name] for name in ("median", "repeat", "min")}


def table(recorded: list[Recorded]) -> Table:
    """Two rows for each cost curve: drafts that are always verified, and those that switch themselves on."""
    shown = Table(title=f"gain over plain decoding, {len(recorded)} files")
    for heading in ("cost curve", "speculation", "built"):
        shown.add_column(heading)
    names: list[str] = []
    for name, costs in CURVES.items():
        curve = CostCurve.from_measured(costs)
        for mode in (SpeculationMode.ALWAYS, SpeculationMode.AUTO):
            row = summary(recorded, curve, mode)
            for figure in row if not names else ():
                shown.add_column(figure, justify="right")
            names = list(row)
            built = "yes" if worth_building(curve.ratios()) else "no"
            shown.add_row(name, mode, built, *(f"{value:.2f}" for value in row.values()))
    return shown


if __name__ == "__main__":
    main()
