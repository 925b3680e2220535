"""Who types a place and where: foretype in real time or on a simulated machine, and llama.vim.

Each column of the report is a `Run`. In real time every scenario has a home with a daemon of its own, whose
model is loaded before the first place, so that a cold file is cold; `whole` shares the first one's. Every
place has a language server of its own, and nothing is opened before that has read its workspace and all
stands still.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import attrs
from foretype.daemon.settings.settings import CompletionSettings
from foretype.lsp.replay.place import Place
from foretype.lsp.replay.variant import Variant, language_server
from foretype.tests.bench import peer
from foretype.tests.live.llama_vim import LlamaServer, play_vim
from foretype.tests.live.measures import PEER, WHOLE
from foretype.tests.live.replay import Form, variant
from foretype.tests.live.scenarios import SCENARIOS
from foretype.tests.live.session import Played, other_file, play
from foretype.tests.live.simulated import InsideClient, Machine, Truth
from foretype.tests.live.whole import settled, whole_answer
from foretype.tests.support import virtual_time
from foretype.tests.support.private_home import default_model

Contexts = Mapping[str, float] | None
"""Which part of the prompt a suggestion's answer saw, by its id; None where nobody knows."""

LOADING_S = 120.0
"""How long a daemon may take until it has its model."""

CALM_S = 20.0
"""How long a place waits at most for everything to stand still."""


@attrs.frozen
class Run:
    """One column of the report.

    Attributes:
        scenario, variant: its name.
        facts: what it measures, where that isn't this checkout's product alone; see `outcome.key_of`.
        play: types a place; None where it doesn't serve.
        ours: this checkout's product is measured, so what was measured holds until its sources change.
    """

    scenario: str
    variant: str
    facts: str
    play: Callable[[Place], tuple[Played, Contexts] | None]
    ours: bool = True


@attrs.frozen
class Kind:
    """A variant of foretype in real time.

    Attributes:
        name: "" for the usual one.
        python: whose foretype runs.
        settings: the rest of its configuration file.
        form: the model's.
    """

    name: str
    python: str
    settings: str = ""
    form: Form = Form.PULLED


def real_runs(
    homes: contextlib.ExitStack, kinds: list[Kind], scenarios: list[str], *, whole: bool
) -> list[Run]:
    """Every scenario with every variant, until `homes` is closed; `whole` is for this product alone."""
    runs: list[Run] = []
    for kind in kinds:
        ours = kind.python == sys.executable
        made: list[Variant] = []
        for name in scenarios or ["warm"]:
            title = f"{kind.name} {name}".strip()
            made.append(homes.enter_context(variant(title, kind.python, kind.settings, kind.form)))
            load(made[-1])
        facts = "" if not kind.name else f"{kind.settings} {kind.form.name} {kind.python}"
        for name, home in zip(scenarios, made, strict=False):
            runs.append(Run(name, kind.name, facts, partial(_play_real, home, tuple(made), name), ours))
        if whole and ours:
            runs.append(Run(WHOLE, kind.name, facts, partial(_whole_real, made[0], tuple(made))))
    return runs


def load(made: Variant) -> None:
    """Have a variant's own daemon load its model, so that no place waits for that."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "first.py"
        file.write_text("import os\n", encoding="utf-8")
        program = Path(made.python).with_name("foretype")
        completed = [program, "complete", f"{file}:1:8"]
        subprocess.run(completed, env=made.home, stdout=subprocess.DEVNULL, timeout=LOADING_S, check=False)


def _play_real(
    made: Variant, all_made: tuple[Variant, ...], name: str, place: Place
) -> tuple[Played, None] | None:
    acts = SCENARIOS[name].acts(place, other_file(place))
    if acts is None:
        return None

    async def go() -> Played:
        async with language_server(made, place.root) as client:
            await _calm(all_made)
            return await play(client, place, acts, made.processor_s)

    return asyncio.run(go()), None


def _whole_real(made: Variant, all_made: tuple[Variant, ...], place: Place) -> tuple[Played, None]:
    async def go() -> Played:
        async with language_server(made, place.root) as client:
            await _calm(all_made)
            return await whole_answer(client, place, made.processor_s)

    return asyncio.run(go()), None


async def _calm(all_made: tuple[Variant, ...]) -> None:
    await settled(lambda: sum(each.processor_s() for each in all_made), CALM_S)


def peer_run(homes: contextlib.ExitStack, threads: int) -> Run | str:
    """llama.vim's column, or a sentence that says why there is none."""
    program = peer.executable()
    if program is None:
        return "There is no llama-server to compare with: `make bench-peer` builds it."
    model = default_model()
    running = homes.enter_context(peer.running(program, model, threads))

    def go(place: Place) -> tuple[Played, None]:
        async def typing() -> Played:
            server = LlamaServer(str(running.client.base_url))
            try:
                return await play_vim(server, place, running.processor_seconds)
            finally:
                await server.aclose()

        return asyncio.run(typing()), None

    return Run(PEER, "", f"{program.stat().st_size} {peer.FLAGS} {threads} continuing", go)


def simulated_runs(
    truth: Truth, machines: list[Machine], budgets: list[float], scenarios: list[str], *, whole: bool = False
) -> list[Run]:
    """Every scenario on every machine in virtual time; they share the real model and what it has computed."""
    usual = CompletionSettings()
    return [
        Run(
            scenario,
            f"{machine.name} {budget:.0f} ms" if budget else machine.name,
            f"{attrs.astuple(machine)} {budget}",
            partial(
                _play_simulated,
                truth,
                machine,
                attrs.evolve(usual, latency_budget_ms=budget) if budget else usual,
                scenario,
            ),
        )
        for machine in machines
        for budget in budgets or [0.0]
        for scenario in (*scenarios, *((WHOLE,) if whole else ()))
    ]


def _play_simulated(
    truth: Truth, machine: Machine, completion: CompletionSettings, name: str, place: Place
) -> tuple[Played, Contexts] | None:
    acts = () if name == WHOLE else SCENARIOS[name].acts(place, other_file(place))
    if acts is None:
        return None

    async def go() -> tuple[Played, Contexts]:
        client = InsideClient(truth, machine, completion)
        await client.begin()

        def spent_s() -> float:
            return client.spent_s

        try:
            if name == WHOLE:
                played = await whole_answer(client, place, spent_s)
            else:
                played = await play(client, place, acts, spent_s)
            return played, dict(client.contexts)
        finally:
            await client.end()

    return virtual_time.run(go())
