"""What a workspace says about itself in `.foretype.toml`: it may switch suggestions off and leave files out.

A workspace is data: nothing in it can widen what foretype does, so there are four keys and no others.
`disable = true` stops suggestions, `disable_languages` those for some languages, `exclude` leaves files out,
written as in a .gitignore. `remote = false` keeps code on this machine. What else stands there is named and
ignored. A file that can't be understood leaves everything out, since nobody knows what it wanted kept back.
Pure; reading the file is `ignore`'s.
"""

from __future__ import annotations

import tomllib
from typing import Any, cast

import attrs

WORKSPACE_SETTINGS_FILE = ".foretype.toml"


@attrs.frozen
class WorkspaceRestrictions:
    """What a workspace leaves out.

    Attributes:
        disabled: no suggestions at all.
        languages: language identifiers without suggestions.
        exclude: patterns as in a .gitignore, of files that are neither completed nor shown to the model.
        local_only: nothing of it may be sent to an engine elsewhere.
        complaints: a sentence for each thing that was ignored.
    """

    disabled: bool = False
    languages: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    local_only: bool = False


def unreadable(why: str) -> WorkspaceRestrictions:
    """Everything is left out, because the file is there and nobody can say what it wants."""
    return WorkspaceRestrictions(
        True,
        (),
        ("*",),
        (f"{WORKSPACE_SETTINGS_FILE} {why}; until that is mended, the workspace is left out.",),
        local_only=True,
    )


def parse_workspace_settings(text: str) -> WorkspaceRestrictions:
    """What a `.foretype.toml` says. Never raises."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return unreadable(f"is not TOML ({error})")
    except RecursionError:
        return unreadable("is nested too deeply")
    others = values.keys() - {"disable", "disable_languages", "exclude", "remote"}
    complaints = [
        f"{WORKSPACE_SETTINGS_FILE}: a workspace can't set '{key}'; it is ignored." for key in others
    ]
    disabled = values.get("disable", False)
    if not isinstance(disabled, bool):
        complaints.append(f"{WORKSPACE_SETTINGS_FILE}: 'disable' must be true or false; it is ignored.")
        disabled = False
    remote = values.get("remote", True)
    if remote is not False and "remote" in values:
        complaints.append(f"{WORKSPACE_SETTINGS_FILE}: 'remote' can only be false; it is ignored.")
    return WorkspaceRestrictions(
        disabled,
        _texts(values, "disable_languages", complaints),
        _texts(values, "exclude", complaints),
        tuple(sorted(complaints)),
        local_only=remote is False,
    )


def _texts(values: dict[str, Any], key: str, complaints: list[str]) -> tuple[str, ...]:
    found = values.get(key, [])
    if isinstance(found, list) and all(isinstance(one, str) for one in cast("list[object]", found)):
        return tuple(cast("list[str]", found))
    complaints.append(f"{WORKSPACE_SETTINGS_FILE}: '{key}' must be a list of texts in quotes; it is ignored.")
    return ()
