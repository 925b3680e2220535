"""`foretype complete`: one completion for a place in a file, on the command line.

Goes the language server's way (snapshot, rules, prompt, backend, trimming, checking) without an editor.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import attrs
import click

from ...context.checking.check import CheckRequest, WorkspaceFacts, check
from ...context.languages import identify
from ...context.prompt.assemble import assemble
from ...context.prompt.rules import stop_rules
from ...context.related.choose import Choice, select_related
from ...context.related.sources import Sources
from ...context.shared import paths
from ...context.shared.problem import DaemonProblem, ModelProblem, Problem
from ...context.shared.values import Completion, Prompt, StopReason
from ...context.syntax.embedded import seen_at
from ...context.syntax.snapshot import Snapshot
from ...context.syntax.tree_work import parse
from ...context.workspace.index import Index
from ...daemon.settings.context_size import size_for
from ...daemon.settings.settings import CompletionSettings
from ...daemon.wire.messages import CompletionRequest, ModelState
from ..documents.document import Document
from ..documents.line_index import LineIndex
from ..documents.project_indent import read_project_indent
from ..server.stdio import make_backend, user_settings
from ..workspace.folders import Folder, root_for
from ..workspace.restrictions import Narrowings

_MAX_FILE_BYTES = 64 * 1024 * 1024
"""Larger files are no source code."""

_WITHIN_S = 120.0
"""The longest that one completion may take, loading the model included."""


class FileProblem(Problem):
    """A file cannot be read as source code."""


@attrs.frozen
class CompletionOutcome:
    """One completion and where its time went.

    Attributes:
        text: what to insert; "" when nothing is suggested.
        replace_right: code points right of the position that the text replaces.
        reasons: the rules that cut something off.
        completion: the backend's answer.
        context_ms: time in ms for syntax tree and prompt.
        model: the model's name.
    """

    text: str
    replace_right: int
    reasons: tuple[str, ...]
    completion: Completion
    context_ms: float
    model: str


def complete_once(
    target: str, *, as_json: bool, language: str, max_tokens: int | None, in_process: bool
) -> None:
    """Run the command and print its result.

    Raises:
        click.UsageError: the position is not written as FILE:LINE:COLUMN, or not in the file.
        Problem: the file cannot be used, or nothing can complete.
    """
    path, line, column = read_target(target)
    text = read_source(path)
    offset = offset_of(text, line, column, path)
    path = path.absolute()
    root = root_for(path)
    language = identify(language, path.name, text)
    stays = _refuse_what_is_kept_back(path, root, language, text)
    name = path.relative_to(root).as_posix() if root is not None else path.name
    project = read_project_indent(str(path))
    snapshot = Snapshot(path.as_uri(), name, language, text, project_indent=project)
    how = _How(max_tokens, in_process, local_only=stays)
    outcome = asyncio.run(_complete(snapshot, offset, root, how))
    if as_json:
        click.echo(json.dumps(_as_record(outcome), ensure_ascii=False))
    elif outcome.text:
        click.echo(outcome.text)


def read_target(target: str) -> tuple[Path, int, int]:
    """Take FILE:LINE:COLUMN apart; the file's name may contain colons itself."""
    name, _, rest = target.rpartition(":")
    name, _, middle = name.rpartition(":")
    try:
        line, column = int(middle), int(rest)
    except ValueError:
        name, line, column = "", 0, 0
    if not name:
        raise click.UsageError(f"'{target}' is not FILE:LINE:COLUMN. Write it like src/main.py:12:5.")
    return Path(name), line, column


def read_source(path: Path) -> str:
    """The text of a source file.

    Raises:
        FileProblem: it is missing, no file, too large, binary, or not UTF-8.
    """
    try:
        if path.is_dir():
            raise FileProblem(f"{path} is a directory. Name a file in it.")
        if path.exists() and not path.is_file():
            raise FileProblem(f"{path} is not a regular file.")
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise FileProblem(
                f"{path} is larger than {_MAX_FILE_BYTES >> 20} MiB, too large to be source code."
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileProblem(f"There is no file {path}.") from None
    except OSError as error:
        raise FileProblem(f"{path} cannot be read ({error.strerror}).") from error
    if b"\x00" in data:
        raise FileProblem(f"{path} holds NUL bytes, so it is no UTF-8 source code.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileProblem(
            f"{path} is not UTF-8 (byte {error.start + 1}). Convert it first, for instance with iconv."
        ) from error


def offset_of(text: str, line: int, column: int, path: Path) -> int:
    """The offset of a 1-based line and column.

    Raises:
        click.UsageError: the file has no such place.
    """
    lines = LineIndex(text)
    if not 1 <= line <= len(lines):
        raise click.UsageError(f"{path} has {len(lines)} lines, so there is no line {line}.")
    start, end = lines.bounds(line - 1)
    if not 1 <= column <= end - start + 1:
        raise click.UsageError(
            f"Line {line} of {path} has {end - start} characters, so there is no column {column}."
        )
    return start + column - 1


def _refuse_what_is_kept_back(path: Path, root: Path | None, language: str, text: str) -> bool:
    """Refuse what the workspace keeps back; whether it also forbids that the file leaves this machine."""
    roots = (str(root),) if root is not None else ()
    verdict = Narrowings(lambda: roots).verdict(Document(path.as_uri(), language, 0, text, roots))
    if verdict.why:
        raise FileProblem(f"Nothing is suggested in {path}. {verdict.why}")
    return verdict.local_only


def known_project(root: Path | None, wanted: bool) -> Folder | None:
    """The project as an editor indexed it earlier; None where none did. Nothing is indexed for one answer."""
    if root is None or not wanted:
        return None
    index = Index(root, paths.cache_dir() / "workspaces")
    return Folder(root, index) if index.load() else None


@attrs.frozen
class _How:
    """How one completion is asked for."""

    max_tokens: int | None
    in_process: bool
    local_only: bool


async def _complete(snapshot: Snapshot, offset: int, root: Path | None, how: _How) -> CompletionOutcome:
    wanted = user_settings()
    settings = wanted.completion
    backend = make_backend(in_process=how.in_process)
    try:
        async with asyncio.timeout(_WITHIN_S):
            status = await backend.load()
            if status.state is ModelState.ERROR:
                raise (ModelProblem if status.name or how.in_process else DaemonProblem)(status.detail)
            began = time.perf_counter()
            parsed = attrs.evolve(snapshot, tree=parse(snapshot.text, snapshot.language))
            snapshot = seen_at(parsed, offset)
            rules = stop_rules(
                snapshot, offset, how.max_tokens or settings.max_tokens, 0.0, settings.multiline
            )
            folder = known_project(root, wanted.workspace.index)
            prompt, _ = chosen_prompt(
                snapshot,
                offset,
                folder,
                settings,
                sees_suffix=status.sees_suffix,
                tokens_per_s=status.tokens_per_s,
            )
            context_ms = 1000 * (time.perf_counter() - began)
            session = f"complete {snapshot.uri}"
            request = CompletionRequest(session, prompt, rules, local_only=how.local_only)
            completion = await backend.complete(request)
    except TimeoutError:
        raise DaemonProblem(
            f"There was no answer within {_WITHIN_S:.0f} seconds. 'foretype daemon status' says what it does."
        ) from None
    finally:
        await backend.aclose()
    if completion.stop is StopReason.UNAVAILABLE:
        raise DaemonProblem(completion.detail or "Nothing could complete this.")
    known = WorkspaceFacts() if folder is None else WorkspaceFacts.from_index(folder.index, snapshot.path)
    checked = check(CheckRequest(completion, snapshot, offset, rules, known, everything=True))
    return CompletionOutcome(
        checked.text,
        checked.replace_right,
        checked.reasons,
        completion,
        context_ms,
        status.name,
    )


def chosen_prompt(
    snapshot: Snapshot,
    offset: int,
    folder: Folder | None,
    completion: CompletionSettings,
    *,
    sees_suffix: bool,
    tokens_per_s: float = 0.0,
) -> tuple[Prompt, Choice]:
    """The prompt for a place, and why its related code was chosen.

    Args:
        snapshot: the document.
        offset: the cursor, in code points.
        folder: what is known of the workspace, or None.
        completion: how much the model sees.
        sees_suffix: whether it is shown what stands behind the cursor.
        tokens_per_s: what the machine evaluates of a prompt; 0 where no model is loaded.
    """
    size = size_for(completion, tokens_per_s, sees_suffix=sees_suffix)
    _, window = assemble(snapshot, offset, size)
    sources = Sources() if folder is None else folder.sources()
    seen = window.seen(suffix=sees_suffix)
    choice = select_related(snapshot, offset, sources, size.related, seen=seen)
    name = "" if folder is None else folder.root.name
    return assemble(snapshot, offset, size, window, choice.parts, repository=name)[0], choice


def _as_record(outcome: CompletionOutcome) -> dict[str, Any]:
    """The outcome as `--json` prints it; times in ms, counts in tokens."""
    timings = outcome.completion.timings
    return {
        "text": outcome.text,
        "replace_right": outcome.replace_right,
        "stop": outcome.completion.stop.value,
        "cut_by": list(outcome.reasons),
        "raw": outcome.completion.text,
        "model": outcome.model,
        "timings": {
            "context_ms": round(outcome.context_ms, 2),
            **{
                name: round(value, 2) if isinstance(value, float) else value
                for name, value in attrs.asdict(timings).items()
            },
        },
    }
