"""The commands `foretype daemon run|start|stop|status` and `foretype doctor`.

Turns command lines into calls and answers into text; decides nothing itself. Heavy modules are imported
by the command that needs them.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import logging
import os
import sys
from typing import TYPE_CHECKING

import click

from ...context.shared import paths
from ...context.shared.logs import log_to
from ...context.shared.problem import DaemonProblem
from ..process.home import DaemonHome, holder

if TYPE_CHECKING:
    from ..wire.messages import DaemonStatus


@click.group()
def daemon() -> None:
    """Run, start, stop or look at the daemon, the one process that holds the model.

    Editors start it when they need it, and it ends by itself after a while without requests.
    """


@daemon.command()
def run() -> None:
    """Be the daemon, in the foreground.

    Ctrl+C or 'foretype daemon stop' ends it.
    """
    from ..process.reaching import chosen_transport
    from ..server import server
    from ..server.background_tuning import BackgroundTuning, ThisMachine
    from ..server.model_source import ConfiguredModel, use_library
    from ..server.remote_source import ConfiguredRemote
    from ..settings.file import load_settings

    place = DaemonHome()
    settings, complaints = load_settings(paths.config_file())
    _log_to(place, settings.log.level)
    for complaint in complaints:
        logging.getLogger(__name__).warning("%s", complaint)
        click.echo(f"foretype: warning: {complaint}", err=True)
    use_library(settings.model)  # for the processes that are started from here, too
    faulthandler.enable()

    transport = chosen_transport(place, settings.daemon.transport)

    def ready(_server: server.Server) -> None:
        if sys.stdout.isatty():
            click.echo(f"The daemon listens at {transport.address}. Ctrl+C ends it.")

    try:
        ended = asyncio.run(
            server.serve_daemon(
                place,
                ConfiguredModel(paths.config_file()),
                remote=ConfiguredRemote(paths.config_file()),
                idle_minutes=settings.daemon.idle_exit_minutes,
                transport=transport,
                metrics_port=settings.daemon.metrics_port,
                tuning=BackgroundTuning(ThisMachine(paths.config_file())),
                on_ready=ready,
            )
        )
    except server.AlreadyRunningProblem as problem:
        click.echo(str(problem))
        return
    if not ended:
        # Native code is still at work in the engine's thread; tearing it down would crash.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


@daemon.command()
def start() -> None:
    """Start the daemon in the background, unless it runs."""
    from ..client.client import DaemonClient
    from ..process import lifecycle

    place = DaemonHome()
    asyncio.run(lifecycle.start_daemon(place))
    status = asyncio.run(DaemonClient(place, name="foretype daemon start").status())
    click.echo(f"The daemon is running (process {status.pid}).")


@daemon.command()
def stop() -> None:
    """End the daemon. Editors start it again with their next request."""
    from ..client.client import DaemonClient
    from ..process import lifecycle

    place = DaemonHome()
    pid = holder(place)
    try:
        stopped = asyncio.run(DaemonClient(place, name="foretype daemon stop").stop())
    except DaemonProblem:
        stopped = False
    if not stopped and pid is not None:
        stopped = asyncio.run(lifecycle.end(place, pid))
    click.echo("The daemon has ended." if stopped else "No daemon is running.")


@daemon.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def status(as_json: bool) -> None:
    """What the daemon is doing. Exits with 1 when none is running."""
    from ..client.client import DaemonClient, NotRunningProblem
    from ..wire.messages import to_wire

    try:
        found = asyncio.run(DaemonClient(DaemonHome(), name="foretype daemon status").status())
    except NotRunningProblem as problem:
        click.echo(json.dumps({"running": False}) if as_json else str(problem))
        sys.exit(1)
    if as_json:
        click.echo(json.dumps({"running": True, **to_wire(found)}, indent=2))
    else:
        _print_status(found)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list of findings instead of text.")
@click.option("--report", is_flag=True, help="A text for a bug report: without paths, names and code.")
def doctor(as_json: bool, report: bool) -> None:
    """Say what is installed, where files lie, and what to do about each problem.

    Changes nothing. Exits with 0 when all is well, with 1 when there is something to mend.
    """
    import attrs

    from .doctor import Finding, examine

    if report:
        from ..settings.file import load_settings
        from .report import bug_report

        click.echo(bug_report(examine(), load_settings(paths.config_file())[0]))
        return
    findings: list[Finding] = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            mark = (
                click.style("mend", fg="red", bold=True) if finding.remedy else click.style("ok", fg="green")
            )
            click.echo(f"{mark}{' ' * (5 if not finding.remedy else 3)}{finding.subject:<15}{finding.found}")
            if finding.remedy:
                click.echo(f"       {'':<15}{click.style(finding.remedy, bold=True)}")
    problems = sum(bool(finding.remedy) for finding in findings)
    if as_json:
        click.echo(json.dumps([attrs.asdict(finding) for finding in findings], indent=2))
    elif problems:
        click.echo(f"\n{problems} thing{'s' if problems > 1 else ''} to mend.")
    else:
        click.echo("\nAll is well.")
    sys.exit(1 if problems else 0)


def _print_status(found: DaemonStatus) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..server.latencies import took_in_words
    from ..wire.messages import reading_in_words
    from .doctor import in_bytes
    from .remote_rows import remote_rows

    model = found.model
    described = f"{model.name or 'none yet'} ({model.state})"
    if model.parameters:
        described += f", {model.parameters / 1e6:.0f} M parameters, {model.context_tokens} tokens of context"
    rows = {
        "process": f"{found.pid}, foretype {found.release}",
        "running": f"{_duration(found.uptime_s)}, last needed {_duration(found.idle_s)} ago",
        "model": described,
        "reading": reading_in_words(model.reading),
        "model file": model.path,
        "problem": model.detail,
        "memory": in_bytes(found.memory_bytes),
        "clients": str(found.clients - 1),  # without this command
        "sessions": f"{found.sessions} documents",
        "waiting": f"{found.queued} requests",
        "answered": f"{found.requests} completions",
        "prompt tokens": f"{found.prefill_tokens} evaluated, {found.cached_tokens} from the cache",
        "restarts": f"{found.restarts} after a crash or a kill" if found.restarts else "",
        "answers took": took_in_words(found),
        "new tokens": f"{found.decode_tokens} generated, of {found.draft_tokens} drafted "
        f"{found.accepted_tokens} confirmed",
        **dict(remote_rows(found.remote)),
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    Console(width=None if sys.stdout.isatty() else 400, highlight=False, markup=False).print(table)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _log_to(place: DaemonHome, level: str) -> None:
    """Send the log to the daemon's file."""
    problem = log_to(place.log, level)
    if problem is not None:
        click.echo(f"foretype: warning: {place.logs} cannot be written ({problem.strerror}).", err=True)
