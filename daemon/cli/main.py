"""The `foretype` command: a group whose subcommands are loaded only when they are called.

Each room keeps its subcommands in modules of its `cli` folder, named here as text, so that
`foretype --help` answers at once and `foretype lsp` never imports llama.cpp. This module knows their
names and one-line helps, turns every expected error into one sentence, and does nothing else.

Exit codes: 0 done; 1 it could not be done, and the sentence says why; 2 the command line is wrong;
3 there is no model yet; 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, cast

import click

from ...context.shared.problem import Problem

_COMMANDS = {
    # name: (module, attribute, short help)
    "acp": ("foretype.lsp.cli.commands", "acp", "Next edits over the Agent Client Protocol."),
    "bench": ("foretype.daemon.cli.bench", "bench", "Measure your model on this machine."),
    "complete": ("foretype.lsp.cli.commands", "complete", "Print one completion for FILE:LINE:COLUMN."),
    "context": ("foretype.lsp.cli.commands", "context", "Show what the model sees for FILE:LINE:COLUMN."),
    "daemon": ("foretype.daemon.cli.daemon", "daemon", "Run, start, stop or look at the daemon."),
    "demo": ("foretype.lsp.cli.commands", "demo", "Watch ghost text appear while a file is typed."),
    "doctor": (
        "foretype.daemon.cli.daemon",
        "doctor",
        "Say what is installed and what to mend.",
    ),
    "explain": (
        "foretype.lsp.cli.commands",
        "explain_answers",
        "Say where the last answer's milliseconds went.",
    ),
    "lsp": ("foretype.lsp.cli.commands", "lsp", "The language server, on stdin and stdout."),
    "models": ("foretype.models.cli.models", "models", "List, download and inspect models."),
    "remote": ("foretype.daemon.cli.remote", "remote", "Look at an engine elsewhere."),
    "replay": ("foretype.lsp.cli.replay", "replay", "Let your git history judge models and settings."),
    "serve": (
        "foretype.daemon.cli.serve",
        "serve",
        "Answer plugins made for llama-server, such as llama.vim.",
    ),
    "setup": ("foretype.editors.setup.command", "setup", "Show what an editor needs, or put it into place."),
    "stats": ("foretype.lsp.cli.commands", "stats", "What was counted on this machine; never code."),
    "tune": (
        "foretype.models.cli.tune",
        "tune",
        "Measure this machine, choose the model's fastest form.",
    ),
    "uninstall": (
        "foretype.daemon.cli.uninstall",
        "uninstall",
        "Remove what foretype keeps on this machine.",
    ),
    "top": ("foretype.lsp.cli.commands", "top", "Watch the daemon at work."),
}


class LazyGroup(click.Group):
    """A click group that imports a subcommand's module when the subcommand is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        return cast("click.Command", getattr(importlib.import_module(module), attribute))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in _COMMANDS:
            import difflib

            close = difflib.get_close_matches(name, _COMMANDS, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else " 'foretype --help' lists them."
            raise click.UsageError(f"There is no command '{name}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][2]) for name in sorted(_COMMANDS)])


def _version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    from ..process.release import release

    click.echo(f"foretype {release()}")
    context.exit()


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Print the version."
)
@click.pass_context
def foretype(context: click.Context, **_: Any) -> None:
    """Code completion that keeps up with typing, from a model on your own machine.

    \b
    First steps:
      foretype models pull smollm2-135m   download the default model (98 MB, once)
      foretype demo                       see it work
      foretype lsp                        what your editor starts
      foretype doctor                     when something is wrong
    """
    # Rooms below this one may not read the configuration; what they need of it is handed down.
    context.obj = {"fim": _fim_table, "model": _configured_model, "use": _choose_model}


def _fim_table() -> dict[str, Any]:
    """The user's `[fim]` table, read when it is asked for."""
    from ...context.shared import paths
    from ..settings.file import load_settings

    return load_settings(paths.config_file())[0].fim


def _choose_model(name: str) -> Path:
    """Write a model's name into the user's configuration; the file that says so now."""
    from ...context.shared import paths
    from ..settings.user_config import write_model

    file = paths.config_file()
    write_model(file, name)
    return file


def _configured_model() -> Any:
    """The user's model and how it runs, for `foretype tune` and `models pull`; read when it is asked for."""
    from ...context.shared import paths
    from ...models.cli.tune import Configured
    from ..server.model_source import model_path, use_library
    from ..settings.file import load_settings

    settings = load_settings(paths.config_file())[0].model
    use_library(settings)
    return Configured(lambda: model_path(settings), settings.gpu_layers, settings.tune)


def main() -> None:
    """Run the command line and exit with a code that means something; see the module's list."""
    try:
        code = foretype(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Somebody closed the pipe (`foretype … | head`): nothing more can be said.
        sys.stderr.close()
        sys.exit(1)
    except Problem as problem:
        click.echo(f"foretype: {problem}", err=True)
        sys.exit(problem.exit_code)
