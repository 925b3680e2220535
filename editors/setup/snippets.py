"""What each editor needs to run foretype: text and facts, one TOML file an editor under snippets/.

Reads and fills them in; it writes nothing and knows nothing of the command line.
"""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override

from ...context.shared.problem import Problem


class SetupProblem(Problem):
    """An editor could not be set up."""


@attrs.frozen
class Write:
    """How a snippet is put into place.

    Attributes:
        how: "block" adds it to a file between two marks; "new file" makes the file, where there is none;
            "folder" copies one of ours.
        path: the file or folder, with @home@, @config@ or @data@ in front.
        instead: files that are taken instead where they exist and `path` does not.
        comment: what begins a comment in the file.
        source: which of our folders is copied.
        then: what to do next.
    """

    how: str
    path: str
    instead: tuple[str, ...] = ()
    comment: str = "#"
    source: str = ""
    then: str = ""


@attrs.frozen
class Snippet:
    """What one editor needs.

    Attributes:
        name: the name on the command line.
        title: the editor's name.
        tested: whether and how it was tested, a sentence.
        language: of the snippet.
        advice: what to know first.
        snippet: the text, filled in.
        aliases: other names on the command line.
        write: how it is put into place; None where the editor or its user does that.
    """

    name: str
    title: str
    tested: str
    language: str
    advice: str
    snippet: str
    aliases: tuple[str, ...] = ()
    write: Write | None = None


_converter = Converter(forbid_extra_keys=True)
_converter.register_structure_hook(
    Write,
    make_dict_structure_fn(Write, _converter, source=override(rename="from"), _cattrs_forbid_extra_keys=True),
)


def folder() -> Path:
    """Where the editors' files lie."""
    return Path(__file__).parents[1]


def editor_names() -> list[str]:
    """Every editor's name on the command line."""
    return sorted(path.stem for path in (folder() / "snippets").glob("*.toml"))


def find_editor(wanted: str, system: str = sys.platform) -> Snippet:
    """An editor's snippet, by its name or another that people use.

    Args:
        wanted: the name.
        system: as `sys.platform` calls it; an editor's files lie elsewhere on some.

    Raises:
        SetupProblem: there is none of that name.
    """
    for name in editor_names():
        snippet = _read(name, system)
        if wanted.lower() in (name, *snippet.aliases):
            return snippet
    raise SetupProblem(f"There is no editor '{wanted}'; there are {', '.join(editor_names())}.")


def _read(name: str, system: str) -> Snippet:
    raw = tomllib.loads((folder() / "snippets" / f"{name}.toml").read_text(encoding="utf-8"))
    if "write" in raw:
        raw["write"] |= {"instead": [], **there} if (there := raw["write"].pop("on", {}).get(system)) else {}
    return _converter.structure({"name": name, **cast("dict[str, Any]", _filled(raw))}, Snippet)


def _filled(value: object) -> object:
    """A value with every @place@ put in."""
    if isinstance(value, dict):
        return {key: _filled(inner) for key, inner in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_filled(inner) for inner in cast("list[object]", value)]
    if isinstance(value, str):
        for place, text in _places().items():
            value = value.replace(place, text)
    return value


def _places() -> dict[str, str]:
    """What the snippets name, with slashes: a backslash would begin an escape in Lua, TOML, JSON and Lisp."""
    home = Path.home()
    return {
        "@command@": command().replace(os.sep, "/"),
        "@home@": home.as_posix(),
        "@config@": os.environ.get("XDG_CONFIG_HOME") or (home / ".config").as_posix(),
        "@data@": os.environ.get("XDG_DATA_HOME") or (home / ".local" / "share").as_posix(),
        "@roaming@": Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming").as_posix(),
        "@local@": Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local").as_posix(),
        "@plugin@": (folder() / "neovim").as_posix(),
        "@emacs@": (folder() / "emacs").as_posix(),
    }


def command() -> str:
    """What starts foretype: its name where that is on PATH, else the path of this very program.

    An editor started from a desktop's menu may have a shorter PATH than a terminal; the name is still
    what people expect to read, and what survives the next installation.
    """
    for name in ("foretype", "foretype.exe"):
        beside = Path(sys.executable).with_name(name)
        if shutil.which("foretype") is None and beside.exists():
            return str(beside)
    return "foretype"
