"""A variant that runs: its home and daemon, its journal, and the model file that must stay what it is."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Generator
from pathlib import Path

from ...context.shared.problem import ModelProblem, Problem
from ...daemon.server.model_source import tuned_choices
from ..demo.client import RequestFailedError, ServerProblem
from .checkout import Checkout
from .history import HistoryPlace
from .home import private_environment, run_foretype
from .journal import ReplayJournal
from .outcome import ReplayOutcome, outcome_of
from .plan import VariantPlan, as_toml
from .run import PlaceLostError
from .typist import Pace
from .variant import Variant, replay_place

REPLAY_PACE = Pace("replay", rest_s=1.5, placed=True, looks_s=(0.3, 1.0))
"""Somebody who puts the cursor there, looks for a moment, types seven keys a second and looks again."""

PLACE_S = 7.0
"""How long a place takes in one variant, the start of its language server included."""

_NO_MODEL = 3


class RunningVariant:
    """See `run.Contestant`. Its state: the daemon behind it, and whether that has loaded its model."""

    def __init__(
        self,
        plan: VariantPlan,
        variant: Variant,
        checkout: Checkout,
        journal: ReplayJournal,
        *,
        with_code: bool,
    ) -> None:
        self.plan = plan
        self._variant = variant
        self._checkout = checkout
        self._journal = journal
        self._with_code = with_code
        self._stamp = _stamp(plan.model)
        self._loaded = False

    @property
    def name(self) -> str:
        """The plan's."""
        return self.plan.name

    def known(self, place: str) -> ReplayOutcome | None:
        """See `run.Contestant`."""
        return self._journal.known(place)

    def keep(self, outcome: ReplayOutcome) -> None:
        """See `run.Contestant`."""
        self._journal.keep(outcome)

    def type(self, found: HistoryPlace) -> ReplayOutcome:
        """See `run.Contestant`."""
        if not self._loaded:
            self._load()
            self._loaded = True
        self._checkout.stand_before(found.commit)
        try:
            done = asyncio.run(replay_place(self._variant, found.place, REPLAY_PACE))
        except (ServerProblem, RequestFailedError) as problem:
            raise PlaceLostError from problem
        if not done.answer_ms:
            self._load()  # nothing was answered: a model that is gone is no verdict about it
        return outcome_of(done, with_code=self._with_code)

    def swapped(self) -> str:
        """See `run.Contestant`."""
        if _stamp(self.plan.model) == self._stamp:
            return ""
        return f"The model's file {self.plan.model} changed during the replay; what was measured is kept."

    def _load(self) -> None:
        """Have the daemon load its model, so that no place waits for that.

        Raises:
            Problem: it cannot; the sentence is the daemon's.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "first.py"
            file.write_text("import os\n", encoding="utf-8")
            ran = run_foretype(self._variant.home, "complete", f"{file}:1:8")
        if ran.returncode:
            said = ran.stderr.strip().split("\n")[-1].removeprefix("foretype: ")
            kind = ModelProblem if ran.returncode == _NO_MODEL else Problem
            raise kind(f"{self.plan.name} cannot run. {said}")


@contextlib.contextmanager
def running(
    plan: VariantPlan, checkout: Checkout, journal: ReplayJournal, *, with_code: bool
) -> Generator[RunningVariant]:
    """A variant in a home of its own; its daemon starts with the first place and ends here."""
    with private_environment(as_toml(plan.settings), tuned_choices()) as home:
        yield RunningVariant(plan, Variant(plan.name, home), checkout, journal, with_code=with_code)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
