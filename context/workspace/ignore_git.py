"""What git is told to ignore outside of .gitignore files, and where a repository begins.

That is the user's global file (`core.excludesFile`, by default `git/ignore` in the configuration directory)
and a repository's `info/exclude`, which linked worktrees and submodules keep elsewhere. Git's configuration
is read here and no program is started: a repository that somebody unpacked must not get to run anything, and
an editor may have no git on its path. Conditions of `includeIf` other than `gitdir` never hold. It decides
about no path: that is `ignore`'s.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pathspec

from ..shared.files import read_text
from .expressions import bounded

MARK = ".git"
_SYSTEM = "/etc/gitconfig"
_LARGEST = 200_000
_DEPTH = 8
"""Files that include each other are followed so deep."""

_SECTION = re.compile(r'\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')
_KEY = re.compile(r"([A-Za-z][\w-]*)[ \t]*(=?)")
_ESCAPED = {"n": "\n", "t": "\t", "b": "\b"}


def is_top(folder: Path) -> bool:
    """Whether a repository, a linked worktree or a submodule begins in a folder."""
    return os.path.lexists(folder / MARK)


def exclude_file(top: Path) -> Path:
    """Where a repository's own `info/exclude` lies; worktrees share that of their repository."""
    return _common_folder(top) / "info" / "exclude"


def global_excludes(top: Path | None) -> list[Path]:
    """The files of patterns that git's configuration names, least important first.

    What a repository's own configuration names counts beside the user's, not instead: a repository can only
    narrow.

    Args:
        top: the repository's top folder, or None outside of repositories.
    """
    where = None if top is None else _git_folder(top)
    user: str | None = None
    for file in _user_files():
        user = _excludes_in(file, where, _DEPTH, user)
    found = [_configuration_home() / "git" / "ignore" if user is None else _expanded(user, top)]
    if top is not None:
        own = _excludes_in(_common_folder(top) / "config", where, _DEPTH, None)
        found.append(None if own is None else _expanded(own, top))
    return [file for file in found if file is not None]


def _user_files() -> list[Path]:
    chosen = os.environ.get("GIT_CONFIG_GLOBAL")
    files = [Path(chosen)] if chosen else [_configuration_home() / "git" / "config", _home() / ".gitconfig"]
    if os.environ.get("GIT_CONFIG_NOSYSTEM", "").lower() in ("", "0", "false", "no"):
        files.insert(0, Path(os.environ.get("GIT_CONFIG_SYSTEM") or _SYSTEM))
    return files


def _configuration_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or _home() / ".config")


def _home() -> Path:
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - unlike Path.home() it never raises


def _expanded(name: str, top: Path | None) -> Path | None:
    """A path as git's configuration writes it; None for an empty one, which means no file."""
    if not name:
        return None
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - keeps a user that nobody knows as it is
    return path if path.is_absolute() else (top or _home()) / path


def _git_folder(top: Path) -> Path:
    """A repository's `.git`; where that is a file, the folder that it names."""
    mark = top / MARK
    said = read_text(mark, _LARGEST)
    if said is not None and said.startswith("gitdir:"):
        return top / said.removeprefix("gitdir:").strip()
    return mark


def _common_folder(top: Path) -> Path:
    folder = _git_folder(top)
    shared = read_text(folder / "commondir", _LARGEST)
    return folder if not shared or not shared.strip() else folder / shared.strip()


def _excludes_in(file: Path, where: Path | None, depth: int, before: str | None) -> str | None:
    """The last `core.excludesFile` in a file of configuration and what it includes; `before` without one."""
    text = read_text(file, _LARGEST)
    if text is None or depth == 0:
        return before
    found = before
    for name, value in git_settings(text):
        if name == "core.excludesfile":
            found = value
        elif value and (name == "include.path" or _holds(name, file, where)):
            included = Path(os.path.expanduser(value))  # noqa: PTH111 - see above
            found = _excludes_in(file.parent / included, where, depth - 1, found)
    return found


def _holds(name: str, file: Path, where: Path | None) -> bool:
    """Whether a setting is an `includeIf.gitdir:….path` whose condition is true."""
    condition = re.fullmatch(r"includeif\.gitdir(/i)?:(.+)\.path", name, re.DOTALL)
    if condition is None or where is None:
        return False
    pattern = os.path.expanduser(condition[2])  # noqa: PTH111 - a pattern, no path
    if pattern.startswith("./"):
        pattern = f"{file.parent.as_posix()}/{pattern[2:]}"
    if not pattern.startswith("/"):
        pattern = f"**/{pattern}"
    if pattern.endswith("/"):
        pattern += "**"
    names = {str(where), os.path.realpath(where)}
    if condition[1]:
        pattern, names = pattern.lower(), {each.lower() for each in names}
    try:
        found = cast("Any", pathspec.GitIgnoreSpec.from_lines([pattern]).patterns)
        regexes = [bounded(each.regex.pattern) for each in found if each.include]
    except ValueError:
        return False
    return any(regex.match(each.lstrip("/")) for each in names for regex in regexes)


def git_settings(text: str) -> Iterator[tuple[str, str]]:
    """The settings in a file of git's configuration, in order: "section.subsection.key" and the value.

    Sections and keys are in small letters, as git doesn't tell them apart; subsections stay as they are.
    Lines that make no sense are left out.
    """
    section = ""
    lines = iter(text.removeprefix("\ufeff").splitlines())
    for raw in lines:
        line = raw.strip()
        while line.endswith("\\") and not line.endswith("\\\\") and line[0] not in "#;":
            line = line[:-1] + next(lines, "").rstrip()
        heading = _SECTION.match(line)
        if heading is not None:
            sub = heading[2]
            section = heading[1].lower() + ("" if sub is None else "." + re.sub(r"\\(.)", r"\1", sub))
            line = line[heading.end() :].strip()
        key = _KEY.match(line)
        if key is None or not section:
            continue
        yield f"{section}.{key[1].lower()}", _value(line[key.end() :]) if key[2] else "true"


def _value(rest: str) -> str:
    """A value without its quotes, escapes and comment."""
    kept: list[str] = []
    ends = 0  # blanks behind the last character that is quoted or no blank don't count
    quoted = False
    characters = iter(rest.lstrip())
    for one in characters:
        if one == "\\":
            follower = next(characters, "")
            kept.append(_ESCAPED.get(follower, follower))
            ends = len(kept)
        elif one == '"':
            quoted = not quoted
            ends = len(kept)
        elif one in "#;" and not quoted:
            break
        else:
            kept.append(one)
            ends = len(kept) if quoted or not one.isspace() else ends
    return "".join(kept[:ends])
