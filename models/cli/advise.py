"""`foretype models advise`: measures one model that is here, and names the one that answers in time."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import click

from ...context.shared.problem import ModelProblem
from ..bench import prefill_speed, step_costs
from ..engine.interface import EngineSettings
from ..engine.loading import load_engine
from ..library import catalogue, store
from ..library.advice import READ_TOKENS, MeasuredSpeed, Outlook, advised, computing_bytes, outlook
from ..machine import memory
from ..tuning.sample import tuning_sample
from .tune import Configured


def say_advice(configured: Configured, within_ms: float, *, as_json: bool) -> None:
    """Measure, and print what follows from it.

    Args:
        configured: what the user's configuration says of the model.
        within_ms: that a suggestion may take.
        as_json: print it for programs.

    Raises:
        ModelProblem: there is no model here, or it cannot be loaded.
    """
    measured = measure_here(_one_that_is_here(configured), configured.gpu_layers)
    free = memory.available_bytes()
    outlooks = [outlook(entry, measured, free) for entry in catalogue.entries()]
    best = advised(outlooks, within_ms)
    if as_json:
        click.echo(json.dumps(_record(outlooks, best, measured), indent=2))
        return
    _print(outlooks, best, measured, within_ms)


def _one_that_is_here(configured: Configured) -> Path:
    """The model that the configuration names, else the smallest of the list that is here."""
    with contextlib.suppress(ModelProblem):
        return configured.path()
    here = [path for entry in catalogue.entries() if (path := store.path_of_model(entry)).is_file()]
    if not here:
        raise ModelProblem(
            f"There is no model here to measure this machine with: 'foretype models pull "
            f"{catalogue.DEFAULT_MODEL}' downloads one ({catalogue.size_text(_default_size())})."
        )
    return min(here, key=lambda path: path.stat().st_size)


def _default_size() -> int | None:
    return catalogue.get(catalogue.DEFAULT_MODEL).size


def measure_here(path: Path, gpu_layers: int = -1) -> MeasuredSpeed:
    """What the model of a file takes on this machine, as it is.

    Raises:
        ModelProblem: it cannot be loaded.
    """
    settings = EngineSettings(tuned=False, gpu_layers=gpu_layers)
    engine = load_engine(path, settings, lambda _part: None)
    with contextlib.closing(engine):
        tokens = engine.vocabulary.encode(tuning_sample())
        prefill = prefill_speed(engine, tokens) / 1000
        step = step_costs(engine, tokens)[1]
        info = engine.info()
    entry = next((each for each in catalogue.entries() if each.file == path.name), None)
    parameters = info.parameters if entry is None else entry.parameters
    return MeasuredSpeed(
        info.name, parameters, computing_bytes(parameters, path.stat().st_size), prefill, step
    )


def _record(outlooks: list[Outlook], best: Outlook | None, measured: MeasuredSpeed) -> dict[str, object]:
    return {
        "measured": measured.name,
        "prefill_tokens_per_s": round(1000 * measured.prefill, 1),
        "step_ms": round(measured.step_ms, 2),
        "advised": best.entry.name if best else None,
        "models": [
            {
                "name": each.entry.name,
                "suggestion_ms": round(each.suggestion_ms),
                "reading_s": round(each.reading_s, 1),
                "fits": each.fits,
            }
            for each in outlooks
        ],
    }


def _print(outlooks: list[Outlook], best: Outlook | None, measured: MeasuredSpeed, within_ms: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "size", "a suggestion", "reading a file", ""):
        table.add_column(title, justify="left" if title in {"name", ""} else "right", no_wrap=True)
    for each in sorted(outlooks, key=lambda each: each.suggestion_ms):
        remark = "" if each.fits else "too little memory"
        remark = remark or ("" if each.suggestion_ms <= within_ms else "too slow")
        if not remark and each.entry.licence not in catalogue.FREE_LICENCES:
            remark = each.entry.licence
        table.add_row(
            each.entry.name,
            catalogue.size_text(each.entry.size),
            f"{each.suggestion_ms:.0f} ms",
            f"{each.reading_s:.1f} s",
            "this one" if each is best else remark,
            style="bold" if each is best else "" if not remark else "dim",
        )
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 120
    console.print(
        f"Measured with {measured.name}: {1000 * measured.prefill:.0f} tokens of a prompt a second, "
        f"{measured.step_ms:.1f} ms for each token generated. The others are estimates from that; reading is "
        f"done once for a file, {READ_TOKENS} tokens.\n"
    )
    console.print(table)
    if best is None:
        console.print(f"\nNone of them answers within {within_ms:.0f} ms; smollm2-135m comes nearest.")
        return
    console.print(
        f"\n{best.entry.name} is the best that answers within {within_ms:.0f} ms here ({best.entry.note}). "
        f"'foretype models pull {best.entry.name}', then 'foretype models use {best.entry.name}'."
    )
