"""What may be read: .gitignore and .foretypeignore honoured, secrets and oversized or binary files left out.

Rules hold wherever an editor's folder begins: they are looked for from a file upward, git's as far as the top
of its repository, `.foretypeignore` and `.foretype.toml` as far as the user's home or the disk's root. What
this module lets through goes into prompts, so it errs on the side of leaving out. Decisions about paths are
pure, given the ignore files; reading is bounded. It walks nothing: that is `index`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import attrs
import pathspec

from ..secrets.lines import without_secrets
from ..secrets.paths import is_secret_folder, is_secret_path
from ..shared.files import MAX_SOURCE_BYTES, read_text
from . import ignore_git, settings_file
from .expressions import bounded

__all__ = ["MAX_SOURCE_BYTES", "is_secret_folder", "is_secret_path", "read_text", "without_secrets"]

KEPT_FILE = ".foretypeignore"
IGNORE_FILES = (".gitignore", KEPT_FILE)
RULE_FILES = frozenset({*IGNORE_FILES, settings_file.WORKSPACE_SETTINGS_FILE})
"""The names of the files in a workspace that say what is left out of it."""

_DEPTH = 64
"""Folders above a file that are searched for rules, at most."""

_NEVER_WALKED = frozenset(
    {".git", ".hg", ".svn", ".jj", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".mypy_cache"}
    | {
        ".pytest_cache",
        ".ruff_cache",
        ".gradle",
        ".idea",
        ".cache",
        "bower_components",
        ".terraform",
        ".next",
    }
)


_FOLDER = "ps_d"
"""The group in pathspec's expressions that stands for the slash behind a folder."""


@attrs.frozen
class Pattern:
    """One line of an ignore file.

    Attributes:
        include: whether it leaves out what it matches, or takes it back.
        regex: what it matches.
    """

    include: bool
    regex: re.Pattern[str]


Patterns = tuple[Pattern, ...]


@attrs.frozen
class Level:
    """The patterns that one folder's files bring.

    Attributes:
        folder: where they hold, with a slash at its end; "" for everywhere.
        patterns: what they say.
    """

    folder: str
    patterns: Patterns


Levels = tuple[Level, ...]


@attrs.frozen
class Rules:
    """What is ignored inside one folder, and by whom. Whatever one of them leaves out is left out.

    Attributes:
        at: the workspace's folder, with a slash at its end, as `Level.folder` names it: paths that are asked
            about are relative to it.
        git: git's patterns of the repository, those that count least first.
        kept: what `.foretypeignore` and `.foretype.toml` say, a row for each repository around, outermost
        first:
            a repository inside another can't take back what the outer one keeps back.
        everything: a folder above is left out, and so everything.
    """

    at: str = ""
    git: Levels = ()
    kept: tuple[Levels, ...] = ((),)
    everything: bool = False

    def entered(self, folder: str, lines: Iterable[str], kept: Iterable[str] = ()) -> Rules:
        """The rules inside `folder`, whose .gitignore holds `lines`, and whose other files say `kept`."""
        where = self.at + folder
        git, last = _level(where, lines), _level(where, kept)
        rows = (*self.kept[:-1], (*self.kept[-1], *last)) if last else self.kept
        return attrs.evolve(self, git=(*self.git, *git), kept=rows)

    def ignores(self, path: str, is_folder: bool = False) -> bool:
        """Whether the patterns leave out a path relative to `at`. Its folders are not looked at."""
        return self.everything or _says(self.git, self.at + path, is_folder) or self.keeps(path, is_folder)

    def keeps(self, path: str, is_folder: bool = False) -> bool:
        """The same, for what foretype was told alone: what git ignores, people still edit."""
        return any(_says(row, self.at + path, is_folder) for row in self.kept)


def _level(folder: str, lines: Iterable[str]) -> Levels:
    cleaned = tuple(line for line in lines if line.strip() and not line.lstrip().startswith("#"))
    prefix = folder if not folder or folder.endswith("/") else f"{folder}/"
    return (Level(prefix, _patterns(cleaned)),) if cleaned else ()


def _says(levels: Levels, name: str, is_folder: bool) -> bool:
    for level in reversed(levels):
        if name.startswith(level.folder):
            inside = name[len(level.folder) :]
            for pattern in reversed(level.patterns):
                if _matches(pattern.regex, inside, is_folder):
                    return pattern.include
    return False


def _matches(expression: re.Pattern[str], path: str, is_folder: bool) -> bool:
    """Whether a pattern is about a path itself, as git asks, folder by folder; not about a folder above it.

    pathspec's expressions also match what lies in a folder that a pattern names, and mark that it is one.
    """
    found = expression.match(path)
    if found is not None and found.groupdict().get(_FOLDER) is None:
        return True
    found = expression.match(f"{path}/") if is_folder else None
    return found is not None and found.groupdict().get(_FOLDER) is not None and found.end() == len(path) + 1


@lru_cache(512)
def _patterns(lines: tuple[str, ...]) -> Patterns:
    """The patterns of some lines; those that can't be understood are left out one by one."""
    found: list[Pattern] = []
    for line in lines:
        try:
            patterns = cast("Any", pathspec.GitIgnoreSpec.from_lines([line]).patterns)
            found += [
                Pattern(each.include, bounded(each.regex.pattern))
                for each in patterns
                if each.include is not None
            ]
        except ValueError:
            continue
    return tuple(found)


# -- the folders of a path


def folders_above(path: Path) -> list[Path]:
    """The folders around an absolute path whose rules hold for it, outermost first.

    They end at the user's home; for a path outside of it, at the disk's root.
    """
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - unlike Path.home() it never raises
    found: list[Path] = []
    for folder in path.parents[:_DEPTH]:
        found.append(folder)
        if folder == home:
            break
    return found[::-1]


def repository_top(folder: Path) -> Path | None:
    """The innermost repository that a folder belongs to.

    One that begins in the user's home or above it, as people keep their dotfiles, says nothing about
    projects.
    """
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - see above
    for each in (folder, *folder.parents[:_DEPTH]):
        if each == home or each in home.parents:
            return None
        if ignore_git.is_top(each):
            return each
    return None


def rules_in(root: Path) -> Rules:
    """The rules inside a folder, those from above it included, for paths relative to it."""
    root = Path(os.path.realpath(root))
    top = repository_top(root)
    inside_top = top is None
    rules = Rules()
    for folder in (*folders_above(root), root):
        name = _name_of(folder)
        if folder == top:
            inside_top = True
        everything = rules.everything or (inside_top and folder != top and rules.ignores(name, True))
        everything = everything or rules.keeps(name, is_folder=True)
        git = inside_top and (top is not None or folder == root)
        rules = attrs.evolve(_inside(rules, folder, git=git), everything=everything)
    return attrs.evolve(rules, at=f"{_name_of(root)}/")


def read_rules(root: Path, folder: str, above: Rules) -> Rules:
    """The rules inside one folder of a workspace: those above it, and its own; unreadable files are empty."""
    return _inside(above, Path(os.path.realpath(root)) / folder) if folder else rules_in(root)


def _inside(above: Rules, folder: Path, *, git: bool = True) -> Rules:
    """The rules inside a folder, given those around it.

    A repository in it begins git's patterns anew, and a new row of what is kept back.
    """
    rules = attrs.evolve(above, at="")
    name = _name_of(folder)
    begins = ignore_git.is_top(folder)
    if begins:
        rules = attrs.evolve(rules, git=(), kept=(*rules.kept, ()))
    if git and (begins or not rules.git):
        top = folder if begins else None
        for file in ignore_git.global_excludes(top):
            rules = rules.entered(name, _lines(file))
        if top is not None:
            rules = rules.entered(name, _lines(ignore_git.exclude_file(top)))
    lines = _lines(folder / ".gitignore") if git else []
    kept = _kept_lines(folder, read_narrowing(folder))
    return attrs.evolve(rules.entered(name, lines, kept), at=above.at)


def _name_of(folder: Path) -> str:
    """A folder as `Level.folder` names it, without the slash at its end."""
    return folder.as_posix().strip("/")


def _lines(file: Path) -> list[str]:
    text = read_text(file)
    return [] if text is None else text.removeprefix("\ufeff").splitlines()


def _kept_lines(folder: Path, said: settings_file.WorkspaceRestrictions) -> list[str]:
    """What one folder's own files have foretype leave out; everything where one can't be read."""
    file = folder / KEPT_FILE
    text = read_text(file)
    if text is None and os.path.lexists(file):
        return ["*"]
    lines = [] if text is None else text.removeprefix("\ufeff").splitlines()
    return [*lines, *said.exclude]


def read_narrowing(folder: Path) -> settings_file.WorkspaceRestrictions:
    """What the `.foretype.toml` in a folder says; without one, nothing is left out."""
    file = folder / settings_file.WORKSPACE_SETTINGS_FILE
    text = read_text(file)
    if text is not None:
        return settings_file.parse_workspace_settings(text.removeprefix("\ufeff"))
    return (
        settings_file.unreadable("can't be read")
        if os.path.lexists(file)
        else settings_file.WorkspaceRestrictions()
    )


# -- documents that are open


@attrs.frozen
class IgnoreDecision:
    """What the files around a document say about it.

    Attributes:
        kept_back: foretype was told not to look at it.
        narrowings: the `.foretype.toml` of each folder that has one, with the folder, outermost first.
        top: the repository that it belongs to; None without one.
    """

    kept_back: bool = False
    narrowings: tuple[tuple[Path, settings_file.WorkspaceRestrictions], ...] = ()
    top: Path | None = None


def told_about(path: Path) -> IgnoreDecision:
    """What the files around an absolute path say about it. Where it goes through links, both ways count."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - an editor's path may hold ".."
    found = [_told_on_the_way(way) for way in dict.fromkeys((path, Path(os.path.realpath(path))))]
    said = dict(pair for each in found for pair in each.narrowings)
    return IgnoreDecision(
        any(each.kept_back for each in found), tuple(said.items()), repository_top(path.parent)
    )


def _told_on_the_way(path: Path) -> IgnoreDecision:
    rules, kept_back = Rules(), False
    said: list[tuple[Path, settings_file.WorkspaceRestrictions]] = []
    folders = folders_above(path)
    for folder, inner in zip(folders, (*folders[1:], path), strict=True):
        if ignore_git.is_top(folder):
            rules = attrs.evolve(rules, kept=(*rules.kept, ()))
        narrowed = read_narrowing(folder)
        rules = rules.entered(_name_of(folder), (), _kept_lines(folder, narrowed))
        kept_back = kept_back or rules.keeps(_name_of(inner), is_folder=inner != path)
        if narrowed != settings_file.WorkspaceRestrictions():
            said.append((folder, narrowed))
    return IgnoreDecision(kept_back, tuple(said))


# -- files of a workspace


def rules_for(root: Path, path: str) -> Rules | None:
    """The rules that decide about one path, relative to the root; None when a folder above it is left out."""
    rules = read_rules(root, "", Rules())
    for folder in _folders_of(path):
        if is_closed(folder, rules):
            return None
        rules = read_rules(root, folder, rules)
    return rules


def rules_around(root: Path, folder: str) -> Rules | None:
    """The rules that a walk which begins in a folder of a workspace starts from; None where it must not."""
    if not folder:
        return Rules()
    rules = rules_for(root, folder)
    return None if rules is None or is_closed(folder, rules) else rules


def _folders_of(path: str) -> Iterator[str]:
    """The folders on the way to a relative path, outermost first."""
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        yield "/".join(parts[:depth])


def is_closed(folder: str, rules: Rules) -> bool:
    """Whether a folder of a workspace, relative to it, must not be looked into, given the rules around it."""
    name = folder.rsplit("/", 1)[-1]
    return never_walked(name) or rules.ignores(folder, is_folder=True) or is_secret_folder(folder)


def is_left_out(root: Path, path: str, *, is_folder: bool = False) -> bool:
    """Whether a file or folder of a workspace must not be read. A walk carries its `Rules` along instead."""
    if not path or path.startswith(("/", "../")) or "/../" in path:
        return True
    rules = rules_for(root, path)
    if rules is None or _leaves(root, path):
        return True
    return is_closed(path, rules) if is_folder else rules.ignores(path) or is_secret_path(path)


def _leaves(root: Path, path: str) -> bool:
    """Whether a path leads out of the workspace through a symbolic link."""
    try:
        return not os.path.realpath(root / path).startswith(os.path.realpath(root) + os.sep)
    except OSError:
        return True


def never_walked(folder_name: str) -> bool:
    """Whether a folder holds no source of the workspace's own, whatever its ignore files say."""
    return folder_name in _NEVER_WALKED
