"""Puts a snippet into place and takes it back, so that nothing of the user's is ever lost.

A plan is made first and says what would change; carrying it out is a step of its own. A file is replaced
atomically, through symbolic links and with its mode kept. What was changed by hand since is not undone.
"""

from __future__ import annotations

import contextlib
import difflib
import json
from pathlib import Path

import attrs

from ...context.shared.atomic import rewrite
from .snippets import SetupProblem, Snippet, Write, folder

_BEGIN, _END = ">>> foretype >>>", "<<< foretype <<<"

RECEIPT = ".foretype-setup.json"
"""The list of files that were copied, in the folder that they were copied to."""


@attrs.frozen
class FileChange:
    """One file's change; None stands for no file."""

    path: Path
    before: bytes | None
    after: bytes | None


@attrs.frozen
class Plan:
    """What would be done.

    Attributes:
        changes: the files that change, in order.
        folder: a folder whose empty folders go when it is done, or None.
    """

    changes: tuple[FileChange, ...]
    folder: Path | None = None

    def diff(self) -> str:
        """The plan as a unified diff; a whole folder as a list of its files."""
        if self.folder is not None:
            lines = [f"{_verb(change)} {change.path}" for change in self.changes]
            return "\n".join(lines)
        return "\n".join(line for change in self.changes for line in _diff(change))


def _verb(change: FileChange) -> str:
    if change.before is None:
        return "new    "
    return "removed" if change.after is None else "changed"


def _diff(change: FileChange) -> list[str]:
    before, after = (
        (side or b"").decode("utf-8", "replace").splitlines() for side in (change.before, change.after)
    )
    old = "/dev/null" if change.before is None else str(change.path)
    new = "/dev/null" if change.after is None else str(change.path)
    return list(difflib.unified_diff(before, after, old, new, lineterm=""))


# -- plans


def plan(snippet: Snippet) -> Plan:
    """What `carry_out` would do to set an editor up.

    Raises:
        SetupProblem: it cannot be done without touching what the user has; says what to do instead.
    """
    write = _write_of(snippet)
    if write.how == "folder":
        return _copy_plan(folder() / write.source, Path(write.path))
    path = _place_of(write)
    before = _content(path)
    if write.how == "new file":
        if before is not None and before != snippet.snippet.lstrip().encode():
            raise SetupProblem(
                f"{path} exists, and only you know how this belongs into it. Add it by hand:"
                f"\n\n{snippet.snippet.strip()}"
            )
        return _plan_of(path, before, snippet.snippet.lstrip().encode())
    return _plan_of(path, before, with_block(_text(path, before), snippet, write.comment).encode())


def undo_plan(snippet: Snippet) -> Plan:
    """What `carry_out` would do to take it back; an empty plan when it is not there.

    Raises:
        SetupProblem: it was changed by hand since.
    """
    write = _write_of(snippet)
    if write.how == "folder":
        return _removal_plan(Path(write.path))
    changes: list[FileChange] = []
    for path in (Path(write.path), *map(Path, write.instead)):
        before = _content(path)
        if before is None:
            continue
        if write.how == "new file":
            if before == snippet.snippet.lstrip().encode():
                changes.append(FileChange(path, before, None))
            elif b"foretype" in before:
                raise SetupProblem(f"{path} was changed by hand since; take foretype out of it by hand too.")
            continue
        after = without_block(_text(path, before), snippet, write.comment)
        if after.encode() != before:
            changes.append(FileChange(path, before, after.encode() or None))
    return Plan(tuple(changes))


def _write_of(snippet: Snippet) -> Write:
    if snippet.write is None:
        raise SetupProblem(
            f"{snippet.title} is set up by hand; 'foretype setup {snippet.name}' says how, without --write."
        )
    return snippet.write


def _place_of(write: Write) -> Path:
    """The file to write to: one that is there rather than a new one."""
    path = Path(write.path)
    if not path.exists():
        return next((other for other in map(Path, write.instead) if other.exists()), path)
    return path


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupProblem(f"{path} cannot be read ({error.strerror}).") from error


def _text(path: Path, content: bytes | None) -> str:
    try:
        return (content or b"").decode()
    except UnicodeDecodeError as error:
        raise SetupProblem(
            f"{path} is not in UTF-8, so it is left alone. Add the snippet by hand."
        ) from error


def _plan_of(path: Path, before: bytes | None, after: bytes) -> Plan:
    return Plan(() if before == after else (FileChange(path, before, after),))


def _marks(snippet: Snippet, comment: str) -> tuple[str, str]:
    return (
        f"{comment} {_BEGIN} {snippet.name}: written by 'foretype setup {snippet.name} --write'",
        f"{comment} {_END} {snippet.name}",
    )


def without_block(text: str, snippet: Snippet, comment: str) -> str:
    """The text without our block, and without the empty line that was put in front of it.

    Raises:
        SetupProblem: the block has a beginning and no end.
    """
    begin, end = _marks(snippet, comment)
    start = text.find(begin)
    if start < 0:
        return text
    stop = text.find(end, start)
    if stop < 0:
        raise SetupProblem(f"The line '{end}' is missing; take foretype's lines out by hand.")
    before = text[:start].removesuffix("\n") if text[:start].endswith("\n\n") else text[:start]
    return before + text[stop + len(end) :].removeprefix("\r").removeprefix("\n")


def with_block(text: str, snippet: Snippet, comment: str) -> str:
    """The text with our block at its end, in place of an older one."""
    text = without_block(text, snippet, comment)
    begin, end = _marks(snippet, comment)
    gap = "" if not text else ("\n" if text.endswith("\n") else "\n\n")
    return f"{text}{gap}{begin}\n{snippet.snippet.strip()}\n{end}\n"


# -- folders


def _copy_plan(source: Path, target: Path) -> Plan:
    if target.is_symlink() or (target.exists() and not (target / RECEIPT).exists()):
        raise SetupProblem(f"{target} is there already and is not foretype's doing; it is left alone.")
    files = sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())
    receipt = json.dumps([str(file) for file in files], indent=1).encode()
    wanted = {target / file: (source / file).read_bytes() for file in files} | {target / RECEIPT: receipt}
    gone = [path for path in _copied(target) if path not in wanted]
    changes = [FileChange(path, _content(path), after) for path, after in wanted.items()]
    changes += [FileChange(path, _content(path), None) for path in gone]
    return Plan(tuple(change for change in changes if change.before != change.after), target)


def _removal_plan(target: Path) -> Plan:
    files = [*_copied(target), target / RECEIPT]
    changes = [FileChange(path, _content(path), None) for path in files]
    return Plan(tuple(change for change in changes if change.before is not None), target)


def _copied(target: Path) -> list[Path]:
    """The files that a receipt lists, inside the folder and nowhere else."""
    content = _content(target / RECEIPT)
    if content is None:
        return []
    try:
        listed = json.loads(content)
    except ValueError as error:
        raise SetupProblem(f"{target / RECEIPT} cannot be read; remove {target} by hand.") from error
    inside = [Path(name) for name in listed if isinstance(name, str)]
    return [target / name for name in inside if not name.is_absolute() and ".." not in name.parts]


# -- doing it


def carry_out(plan: Plan) -> None:
    """Make the changes.

    Raises:
        SetupProblem: a file cannot be written, or has changed since the plan was made.
    """
    for change in plan.changes:
        if _content(change.path) != change.before:
            raise SetupProblem(f"{change.path} has changed meanwhile; try again.")
    try:
        for change in plan.changes:
            if change.after is None:
                change.path.unlink()
            else:
                rewrite(change.path, change.after)
    except OSError as error:
        raise SetupProblem(f"{error.filename} cannot be written ({error.strerror}).") from error
    if plan.folder is not None:
        _remove_empty(plan.folder)


def _remove_empty(top: Path) -> None:
    folders = sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True)
    for path in (*folders, top):
        with contextlib.suppress(OSError):  # something of the user's is in it
            path.rmdir()
