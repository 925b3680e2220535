"""The command `foretype setup`: shows how an editor starts foretype, and puts that into place.

It turns a command line into calls of `snippets` and `placing`, and their values into text.
"""

from __future__ import annotations

import click


def _complete_name(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from .snippets import editor_names

    return [name for name in editor_names() if name.startswith(incomplete.lower())]


@click.command()
@click.argument("editor", required=False, shell_complete=_complete_name)
@click.option("--write", is_flag=True, help="Put it into place, after showing what that changes.")
@click.option("--undo", is_flag=True, help="Take back what --write did.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def setup(editor: str | None, write: bool, undo: bool, yes: bool) -> None:
    """Show what an editor needs to run foretype.

    Without EDITOR, list the editors. Nothing is changed without --write or --undo, and then only after
    you have seen what and agreed.
    """
    from . import placing
    from .snippets import find_editor

    if editor is None:
        _list()
        return
    snippet = find_editor(editor)
    if write and undo:
        raise click.UsageError("--write and --undo exclude each other.")
    if not (write or undo):
        _show(snippet.name)
        return
    plan = placing.undo_plan(snippet) if undo else placing.plan(snippet)
    if not plan.changes:
        click.echo("There is nothing to take back." if undo else "All is in place already.")
        return
    click.echo(plan.diff())
    click.echo()
    if not yes and not click.confirm("Do this?"):
        click.echo("Nothing was changed.")
        return
    placing.carry_out(plan)
    click.echo("Taken back." if undo else f"Done. {snippet.write.then if snippet.write else ''}".strip())


def _list() -> None:
    from .snippets import editor_names, find_editor

    click.echo("foretype setup EDITOR, with one of:\n")
    for name in editor_names():
        click.echo(f"  {name:<11}{find_editor(name).title}")


def _show(name: str) -> None:
    from .snippets import find_editor

    snippet = find_editor(name)
    click.echo(click.style(snippet.title, bold=True))
    click.echo(f"{snippet.tested}\n")
    click.echo(f"{snippet.advice}\n")
    click.echo(snippet.snippet.strip())
    if snippet.write is not None:
        click.echo(f"\n'foretype setup {name} --write' puts it into place, after showing what that changes.")
