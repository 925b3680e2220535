"""Which variants are compared, from models, settings files and single settings; their configuration as text.

Each begins with the user's own configuration. What would tune, count or write code down is off, so that a
replay changes nothing. Nothing runs here.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import attrs

from ...context.shared.problem import Problem
from ...daemon.server.model_source import model_identity, model_path
from ...daemon.settings.settings import Settings, apply

MOST_VARIANTS = 8
_OFF = {
    "model": {"tune": False},
    "statistics": {"enabled": False},
    "log": {"include_code": False},
}


class PlanProblem(Problem):
    """What is to be compared makes no sense."""

    exit_code = 2


@attrs.frozen
class VariantPlan:
    """One variant before it runs.

    Attributes:
        name: for people.
        settings: all of them.
        model: the model's file.
        identity: of the file's contents.
    """

    name: str
    settings: Settings
    model: Path
    identity: str

    def facts(self) -> dict[str, str]:
        """What a result depends on, beside the history."""
        settings = attrs.asdict(attrs.evolve(self.settings, model=attrs.evolve(self.settings.model, path="")))
        text = json.dumps(settings, sort_keys=True, default=str)  # it may hold what is nobody's business
        return {"model": self.identity, "settings": hashlib.sha256(text.encode()).hexdigest()}


@attrs.frozen
class _Change:
    """One thing in which variants differ: how it is called, and what it changes. "" for what all share."""

    name: str
    values: Mapping[str, Any]


def plan_variants(
    user: Settings,
    models: Sequence[str],
    files: Sequence[Path],
    changes: Sequence[str],
    remotes: Sequence[str] = (),
) -> list[VariantPlan]:
    """Every combination of the models, the files and the values of each setting.

    Args:
        user: the user's own settings.
        models: names or GGUF files, as the user writes them; none for the configured one.
        files: TOML files of settings that hold over the user's.
        changes: "KEY=VALUE"; a key that is there more than once makes a variant of each of its values.
        remotes: addresses of engines elsewhere; each makes a variant beside that of the engine here alone.

    Raises:
        PlanProblem: something cannot be read or is no setting, or there are too many or twice the same.
        ModelProblem: there is no such model.
    """
    choices = [
        [_Change(name, {"model": _model_values(name)}) for name in models] or [_Change("", {})],
        [_Change(path.stem if len(files) > 1 else "", _read(path)) for path in files] or [_Change("", {})],
        *_settings(changes),
        _elsewhere(remotes),
    ]
    combined = list(itertools.product(*choices))
    if len(combined) > MOST_VARIANTS:
        raise PlanProblem(f"These are {len(combined)} variants; compare {MOST_VARIANTS} at most at a time.")
    plans = [_plan(user, each) for each in combined]
    twice = [one.name for one, other in itertools.combinations(plans, 2) if one.facts() == other.facts()]
    twice += [one.name for one, other in itertools.combinations(plans, 2) if one.name == other.name]
    if twice:
        raise PlanProblem(f"Two variants are the same: {twice[0]}. Name each once.")
    return plans


def _plan(user: Settings, changes: Sequence[_Change]) -> VariantPlan:
    settings = user
    for change in changes:
        settings, flaws = apply(settings, change.values)
        if flaws:
            raise PlanProblem(f"A setting cannot be used: {flaws[0].what}")
    settings, _ = apply(settings, _OFF)
    model = model_path(settings.model).resolve()
    draft = settings.model.draft and str(model_path(attrs.evolve(settings.model, path=settings.model.draft)))
    name = ", ".join(change.name for change in changes if change.name)
    return VariantPlan(
        name or (Path(settings.model.path).name if settings.model.path else settings.model.name),
        attrs.evolve(settings, model=attrs.evolve(settings.model, path=str(model), draft=draft)),
        model,
        model_identity(model),
    )


def _elsewhere(remotes: Sequence[str]) -> list[_Change]:
    """What the engines elsewhere change, after the one here alone; nothing where none is named."""
    if not remotes:
        return [_Change("", {})]
    asked = [_Change(url, {"remote": {"url": url, "use": "always"}}) for url in remotes]
    return [_Change("here", {"remote": {"use": "never"}}), *asked]


def _model_values(name: str) -> dict[str, str]:
    path = Path(name).expanduser()
    is_file = path.suffix == ".gguf" or path.is_file()
    return {"path": str(path.absolute())} if is_file else {"name": name, "path": ""}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PlanProblem(f"The settings {path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise PlanProblem(f"The settings {path} are no TOML ({error}).") from error


def _settings(changes: Sequence[str]) -> list[list[_Change]]:
    """For each key the changes that its values make; those of a single value have no name."""
    values: dict[str, list[str]] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals or "." not in key:
            raise PlanProblem(f"'{change}' is no setting; write SECTION.KEY=VALUE.")
        values.setdefault(key.strip(), []).append(value.strip())
    return [
        [
            _Change(
                f"{key.rpartition('.')[2]}={value}" if len(found) > 1 else "", _nested(key, _value(value))
            )
            for value in found
        ]
        for key, found in values.items()
    ]


def _value(text: str) -> Any:
    """A value as TOML has it, or a text without quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return cast("dict[str, Any]", value)


def as_toml(settings: Settings) -> str:
    """Settings as the text of a configuration file."""
    return "".join(
        f"[{_quoted(section)}]\n"
        + "".join(f"{_quoted(key)} = {_shown(value)}\n" for key, value in values.items())
        for section, values in attrs.asdict(settings).items()
    )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return "{" + ", ".join(f"{_quoted(key)} = {_shown(each)}" for key, each in entries) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_shown(each) for each in cast("Sequence[Any]", value)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(text: str) -> str:
    """A text as TOML has it: like JSON, but without its pairs of surrogates, and DEL is escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
