"""`foretype context`: the prompt for a place in a file, with the origin and score of each part.

For people who wonder why a suggestion is what it is. It goes the language server's way as far as the prompt.
No model is loaded: only the format of the configured one is read, since what stands behind the cursor may be
worth an excerpt where the model isn't shown it. The workspace's index comes from the cache and is brought up
to date first.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from ...context.languages import identify
from ...context.prompt.rules import Decision, should_trigger, stop_rules
from ...context.related.choose import Choice, explain
from ...context.shared import paths
from ...context.shared.values import Prompt, StopRules
from ...context.syntax.embedded import seen_at
from ...context.syntax.snapshot import Snapshot
from ...context.syntax.tree_work import parse
from ...context.workspace.index import Index, WalkProgress
from ...context.workspace.refresh import refresh
from ...daemon.server.model_source import sees_suffix
from ..server.stdio import user_settings
from ..workspace.folders import Folder, is_project, root_for
from .complete import chosen_prompt, offset_of, read_source, read_target

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


@attrs.frozen
class Explanation:
    """What the model would see for one place, and why.

    Attributes:
        prompt: as it would be sent.
        choice: every piece of related code that was considered.
        decision: whether a suggestion would be made without being asked for.
        rules: where it would end.
    """

    prompt: Prompt
    choice: Choice
    decision: Decision
    rules: StopRules


def explain_context(target: str, *, root: Path | None, as_json: bool, language: str) -> None:
    """Run the command and print its result.

    Raises:
        click.UsageError: the position is not written as FILE:LINE:COLUMN, or not in the file.
        Problem: the file cannot be used.
    """
    from rich.console import Console

    path, line, column = read_target(target)
    text = read_source(path)
    offset = offset_of(text, line, column, path)
    path = path.absolute()
    root = root.absolute() if root is not None else root_for(path)
    inside = root is not None and path.is_relative_to(root)
    snapshot = Snapshot(
        path.as_uri(),
        path.relative_to(root).as_posix() if root is not None and inside else path.name,
        identify(language, path.name, text),
        text,
    )
    snapshot = seen_at(attrs.evolve(snapshot, tree=parse(text, snapshot.language)), offset)
    folder = None
    if root is not None and inside and is_project(root, Path.home()):
        folder = Folder(root, Index(root, paths.cache_dir() / "workspaces"))
        _bring_up_to_date(folder.index, Console(stderr=True))
    found = look(snapshot, offset, folder)
    if as_json:
        click.echo(json.dumps(_as_record(found), ensure_ascii=False))
    else:
        Console().print(*_report(found), sep="\n")


def look(snapshot: Snapshot, offset: int, folder: Folder | None) -> Explanation:
    """What the model would see, related code of the workspace included."""
    user = user_settings()
    settings = user.completion
    prompt, choice = chosen_prompt(snapshot, offset, folder, settings, sees_suffix=sees_suffix(user))
    rules = stop_rules(snapshot, offset, settings.max_tokens, 0.0, settings.multiline)
    return Explanation(prompt, choice, should_trigger(snapshot, offset, invoked=False), rules)


def _report(found: Explanation) -> list[RenderableType]:
    """The explanation for a terminal: the candidates, then the prompt part by part."""
    from rich.rule import Rule
    from rich.table import Table
    from rich.text import Text

    prompt = found.prompt
    shown: list[RenderableType] = []
    rows = explain(found.choice)
    if rows:
        table = Table(title="Related code that was considered", title_justify="left", box=None)
        for heading in ("verdict", "score", "origins", "place", "characters"):
            table.add_column(heading, justify="right" if heading in ("score", "characters") else "left")
        for row in rows:
            table.add_row(
                row.verdict,
                f"{row.score:.4f}",
                ", ".join(row.origins),
                Text(f"{row.path}:{row.line}"),
                str(row.characters),
            )
        shown += [table, Text()]
    else:
        shown += [Text("No related code was found."), Text()]
    for part in prompt.related:
        shown += [Rule(Text(f"{part.path}   {part.origin} {part.score:.4f}"), align="left"), Text(part.text)]
    before = f"{prompt.path or 'untitled'} ({prompt.language or 'plain text'}), before the cursor"
    shown += [Rule(Text(before), align="left"), Text(prompt.prefix)]
    shown += [Rule(Text("behind the cursor"), align="left"), Text(prompt.suffix)]
    told = "A suggestion is made here without being asked for"
    if not found.decision.trigger:
        told = f"No suggestion is made here unless asked for ({found.decision.reason})"
    lines = "several lines" if found.rules.multiline else "one line"
    return [*shown, Rule(), Text(f"{told}; it may have {lines}.")]


def _as_record(found: Explanation) -> dict[str, Any]:
    """The explanation as `--json` prints it."""
    return {
        "prompt": attrs.asdict(found.prompt),
        "considered": [attrs.asdict(row) for row in explain(found.choice)],
        "trigger": attrs.asdict(found.decision),
        "rules": attrs.asdict(found.rules),
    }


def _bring_up_to_date(index: Index, console: Console) -> None:
    from rich.progress import Progress as Bar

    with Bar(console=console, transient=True) as bar:
        task = bar.add_task("Reading the workspace", total=None)

        def tell(progress: WalkProgress) -> None:
            bar.update(task, completed=progress.done, total=progress.total or None)

        index.load()
        asyncio.run(refresh(index, tell))
    index.save()
