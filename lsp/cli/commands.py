"""This room's commands: `foretype lsp`, `acp`, `complete`, `context`, `demo`, `stats`, `top` and `explain`.

Only the command lines stand here; what they do is imported when they run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

_LEVELS = ("debug", "info", "warning", "error")


@click.command()
@click.option("--stdio", is_flag=True, help="Speak on stdin and stdout. The default; editors may pass it.")
@click.option(
    "--log-level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="How much goes into the log; the configuration says otherwise.",
)
@click.option("--in-process", is_flag=True, help="Run the model in this process instead of the daemon.")
@click.option(
    "--tcp",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Listen on this loopback port instead, 0 for any. Prints port and token as one line of JSON; the "
    "client sends the token as initialization option 'token'. FORETYPE_TOKEN sets it.",
)
@click.option("--schema", is_flag=True, help="Print the JSON schema of the editor's settings and end.")
@click.option("--clientProcessId", "client_pid", type=int, hidden=True)  # vscode-languageclient passes it
def lsp(
    *,
    stdio: bool,
    log_level: str | None,
    in_process: bool,
    tcp: int | None,
    schema: bool,
    client_pid: int | None,
) -> None:
    """The language server, on stdin and stdout. Your editor starts it; see the README for its settings.

    Exits with 0 when the editor said goodbye as the protocol wants it, else with 1.
    """
    del client_pid
    if schema:
        import json

        from ..session.settings import schema as settings_schema

        click.echo(json.dumps(settings_schema(), indent=2))
        return
    if tcp is not None and (stdio or in_process):
        raise click.UsageError("--tcp goes with neither --stdio nor --in-process.")
    from ..server.stdio import serve_stdio

    sys.exit(serve_stdio(log_level=log_level, in_process=in_process, tcp=tcp))


@click.command()
@click.option(
    "--log-level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="How much goes into acp.log.",
)
def acp(*, log_level: str | None) -> None:
    """Next edits over the Agent Client Protocol, on stdin and stdout, for editors that drive it.

    It speaks the protocol's open proposal for next edit suggestions (nes/start, nes/suggest, nes/accept,
    nes/reject, nes/close, document/did...), which is unstable there, and nothing of its chats: sessions of
    other agents stay with them. No plugin is needed; a model is asked as [edits] in the settings says.

    \b
    Name it where the editor lists its agents, as a command with an argument:
      {"command": "foretype", "args": ["acp"]}

    Exits with 0 when the editor has closed stdin.
    """
    from ..acp.stdio import serve_acp

    sys.exit(serve_acp(log_level=log_level))


@click.command()
@click.argument("target", metavar="FILE:LINE:COLUMN")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object with the text, why it ended, and timings."
)
@click.option("--language", default="", help="The language identifier; by default from the file's name.")
@click.option("--max-tokens", type=click.IntRange(1, 4096), help="Generate at most so many tokens.")
@click.option("--in-process", is_flag=True, help="Run the model in this process instead of the daemon.")
def complete(target: str, as_json: bool, language: str, max_tokens: int | None, in_process: bool) -> None:
    """Print one completion for FILE:LINE:COLUMN.

    Lines and columns count from 1, columns in characters (code points): column 1 stands in front of a
    line's first character, one past its length behind its last. The file is read, not changed.

    Nothing is printed when there is nothing to suggest. Exits with 0 also then; with 1 when the file
    can't be used, 2 when the position is wrong, 3 when there is no model.
    """
    from .complete import complete_once

    complete_once(target, as_json=as_json, language=language, max_tokens=max_tokens, in_process=in_process)


@click.command()
@click.argument("target", metavar="FILE:LINE:COLUMN")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The workspace's folder; by default the nearest one above the file that looks like a project.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--language", default="", help="The language identifier; by default from the file's name.")
def context(target: str, root: Path | None, as_json: bool, language: str) -> None:
    """Print what the model would see for FILE:LINE:COLUMN, and why.

    Shows every piece of related code that was considered with its origin, score and verdict, then the
    prompt part by part. Lines and columns count from 1, as for 'foretype complete'. Files that
    .gitignore or .foretypeignore name, and files of keys and credentials, are never read. Where the machine
    doesn't read all of that within three seconds, the language server shows the model less.
    """
    from .context import explain_context

    explain_context(target, root=root, as_json=as_json, language=language)


@click.command()
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Also save a picture of the screen, with ghost text, to this file.",
)
@click.option(
    "--pace", type=click.FloatRange(30, 3000), default=420, show_default=True, help="Keys a minute."
)
@click.option("-y", "--yes", is_flag=True, help="Download the model without asking where it is missing.")
def demo(svg: Path | None, pace: float, yes: bool) -> None:
    """Watch ghost text appear while a file is typed.

    Starts the real language server, opens a sample file in it, types at a person's pace and asks for a
    suggestion after every key. Grey text is what the model suggests; it is accepted when it is what was
    going to be typed. In a pipe the same comes as plain lines. Where the model is missing, you are asked
    whether it may be downloaded.
    """
    from ...daemon.cli.first_model import offer_model
    from ..demo.demo import run_demo

    offer_model(agreed=yes)
    run_demo(svg=svg, keys_per_minute=pace)


@click.command()
@click.option(
    "--days", type=click.IntRange(0, 36500), default=30, show_default=True, help="How far back; 0 for all."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--reset", is_flag=True, help="Forget everything that was counted.")
def stats(days: int, as_json: bool, reset: bool) -> None:
    """What was counted on this machine: latencies, suggestions, what was accepted.

    No code is ever counted, and nothing leaves this machine. `statistics.enabled = false` in the
    configuration, or in the editor's settings, switches it off.
    """
    import json

    from ..statistics.store import statistics_file
    from ..statistics.summary import as_record, summarize, summary_tables

    path = statistics_file()
    if reset:
        for part in (path, path.with_name(path.name + "-journal")):
            part.unlink(missing_ok=True)
        click.echo("The statistics are empty again.")
        return
    summary = summarize(path, days)
    if as_json:
        click.echo(json.dumps(as_record(summary), ensure_ascii=False))
    else:
        from rich.console import Console

        Console().print(summary_tables(summary))


@click.command()
@click.option("--interval", type=click.FloatRange(0.1, 60), default=1.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="Print one look and end; the way in a pipe, too.")
def top(interval: float, once: bool) -> None:
    """Watch the daemon: editors, queue, tokens per second, cache reuse, accepted drafts.

    Ctrl-C ends it. A daemon that isn't running is not started.
    """
    from .top import run_top

    run_top(interval_s=interval, once=once)


@click.command("explain")
@click.argument("which", type=click.Choice(("last", "slowest")), default="last")
@click.option("--count", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many answers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def explain_answers(which: str, count: int, as_json: bool) -> None:
    """Say where the milliseconds of the last answer, or of the slowest, went: stage by stage.

    Reads what was counted on this machine, which the language server writes within 20 seconds; see 'foretype
    stats'. Answers that needed no model are not counted one by one.
    """
    import json

    from ..statistics.store import statistics_file
    from .explain import answers, as_records, explanation

    rows = answers(statistics_file(), which, count)
    if as_json:
        click.echo(json.dumps(as_records(rows)))
    else:
        from rich.console import Console

        for row in rows:
            Console().print(explanation(row))
