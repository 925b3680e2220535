"""Settings as they are in force: the user's file, then what the editor sent, then this session's switches.

What the editor sends is kept as received and resolved anew whenever a layer changes; each value that is
wrong is named and ignored alone. An editor's settings may come from a workspace, and a workspace is data:
so they can't choose a model, a log or the daemon's life, which are the user's own file's business. An editor
that can tell a workspace's settings from the user's sends them apart, as `restrictions`: they only narrow.
Of others whatever they send counts as the user's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from ...daemon.settings.settings import (
    CompletionSettings,
    ConfigComplaint,
    EditsSettings,
    Flaw,
    Settings,
    StatisticsSettings,
    WorkspaceSettings,
    apply,
)
from ..protocol.fields import as_list, as_map

EDITOR = "the editor's settings"

OWN_OPTIONS = frozenset(
    {
        "status",
        "better_suggestions",
        "completion_items",
        "editor_info",
        "editor_plugin_info",
        "token",
    }
)
"""Initialization options that are about the client and not settings."""

RESTRICTIONS = "restrictions"
"""What a workspace asks for, kept apart from the user's settings by editors that can tell them apart."""

NARROWING = (
    ("completion", "enabled"),
    ("completion", "disabled_languages"),
    ("workspace", "index"),
    ("edits", "enabled"),
)
"""The settings that a workspace can narrow: switch off, or name further languages."""

_SECTIONS = ("completion", "workspace", "edits", "statistics")
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")


@attrs.frozen
class Switches:
    """What was switched off in this session by command.

    Attributes:
        everywhere: no suggestions at all.
        languages: language identifiers without suggestions.
        folders: paths of workspace folders without suggestions.
    """

    everywhere: bool = False
    languages: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()

    def allows(self, language: str, path: str) -> bool:
        """Whether a document of that language and absolute path ("" for none) gets suggestions."""
        inside = any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in self.folders)
        return not (self.everywhere or language in self.languages or inside)


def snake_case(value: Any) -> Any:
    """The keys of nested maps as the settings' classes spell them: "maxTokens" becomes "max_tokens"."""
    if isinstance(value, Mapping):
        return {
            _CAMEL.sub(r"_\1", str(key)).lower(): snake_case(inner) for key, inner in as_map(value).items()
        }
    return value


def received(value: Any) -> dict[str, Any]:
    """An editor's settings, taken out of a "foretype" section if they came in one."""
    fields = as_map(value)
    inner = fields.get("foretype")
    settings: dict[str, Any] = snake_case(inner if isinstance(inner, dict) else fields)
    if isinstance(settings.get("completion"), bool):
        del settings["completion"]  # asks for ordinary completion items, and is no setting
    return settings


def resolve_settings(base: Settings, *layers: Mapping[str, Any]) -> tuple[Settings, list[ConfigComplaint]]:
    """The settings of the file, changed by the editor's layers in order; and what of those was ignored.

    What a workspace restricts is applied last: nothing that comes from elsewhere takes it back.
    """
    settings, complaints = base, list[ConfigComplaint]()
    for layer in layers:
        allowed = {key: value for key, value in layer.items() if key in _SECTIONS}
        for key in layer.keys() - allowed.keys() - OWN_OPTIONS - {RESTRICTIONS}:
            complaints.append(ConfigComplaint(EDITOR, 0, key, _not_here(key)))
        settings, flaws = apply(settings, allowed)
        complaints += [_complaint(flaw) for flaw in flaws]
    for layer in layers:
        settings, ignored = restrict(settings, as_map(layer.get(RESTRICTIONS)))
        complaints += ignored
    return settings, complaints


def restrict(settings: Settings, wanted: Mapping[str, Any]) -> tuple[Settings, list[ConfigComplaint]]:
    """The settings narrowed by what a workspace wants, and what of that was ignored; nothing grows wider."""
    complaints: list[ConfigComplaint] = []
    for section, values in wanted.items():
        for key, value in as_map(values).items():
            name = f"{section}.{key}"
            if (section, key) not in NARROWING:
                why = f"a workspace can't set '{name}'; it is ignored."
                complaints.append(ConfigComplaint(EDITOR, 0, name, why))
                continue
            current = getattr(getattr(settings, section), key)
            if isinstance(current, bool):
                narrower: Any = current and value is not False
            else:
                narrower = [*current, *(each for each in as_list(value) if isinstance(each, str))]
            settings, flaws = apply(settings, {section: {key: narrower}})
            complaints += [_complaint(flaw) for flaw in flaws]
    return settings, complaints


def _complaint(flaw: Flaw) -> ConfigComplaint:
    return ConfigComplaint(EDITOR, 0, ".".join(flaw.path), flaw.what)


def _not_here(key: str) -> str:
    if key in attrs.fields_dict(Settings):
        return f"'{key}' can only be set in the user's own configuration file; it is ignored."
    return f"there is no section '{key}'; it is ignored."


def schema() -> dict[str, Any]:
    """The JSON schema of what an editor may set, generated from the settings' classes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "foretype",
        "type": "object",
        "properties": {
            "completion": _schema_of(CompletionSettings),
            "workspace": _schema_of(WorkspaceSettings),
            "edits": _schema_of(EditsSettings),
            "statistics": _schema_of(StatisticsSettings),
        },
    }


def _schema_of(kind: type[Any]) -> dict[str, Any]:
    explained = dict(re.findall(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", kind.__doc__ or "", re.MULTILINE))
    properties: dict[str, Any] = {}
    for field in attrs.fields(attrs.resolve_types(kind)):
        default: Any = field.default
        described: dict[str, Any] = {**_TYPES[type(default)], "default": default}
        if default == ():
            described["default"] = []
        if field.name in explained:
            described["description"] = re.sub(r"\s+", " ", explained[field.name])
        described |= _limits(field.validator)
        properties[field.name] = described
    return {"type": "object", "properties": properties, "additionalProperties": False}


_TYPES: dict[type, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    tuple: {"type": "array", "items": {"type": "string"}},
}


def _limits(validator: Any) -> dict[str, Any]:
    """What attrs' validators say, in the schema's words."""
    found: dict[str, Any] = {}
    for one in getattr(validator, "_validators", (validator,)):
        if hasattr(one, "options"):
            found["enum"] = sorted(one.options)
        elif hasattr(one, "bound"):
            found["minimum" if one.compare_op == ">=" else "maximum"] = one.bound
    return found
