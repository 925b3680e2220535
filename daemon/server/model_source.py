"""Where the engine comes from: the user's configuration names a model, the models room loads it.

The models room is imported when a model is loaded and not before, so that importing the daemon stays
cheap. Tests put a source of their own in place of `ConfiguredModel`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import attrs

from ...context.shared import paths
from ...context.shared.problem import ModelProblem, Problem
from ..settings.file import load_settings
from ..settings.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from ...models.engine.interface import EngineLike, EngineSettings

log = logging.getLogger(__name__)


class ModelProvider(Protocol):
    """Finds and loads the model that the user wants."""

    def name(self) -> str:
        """What is going to be loaded, for people. Cheap."""
        ...

    def fingerprint(self) -> object:
        """A value that changes when loading again could come out differently. Cheap, never raises."""
        ...

    def load(self, on_progress: Callable[[float], None]) -> EngineLike:
        """Load it. Called in the engine thread; `on_progress` takes 0.0 to 1.0.

        Raises:
            ModelProblem: it cannot be loaded, and why.
        """
        ...


def model_path(model: ModelSettings, *, setting: str = "model.path") -> Path:
    """The GGUF file that the settings mean.

    Raises:
        ModelProblem: there is none, or its path depends on the directory that foretype was started in.
    """
    from ...models.library.store import resolve_model

    if "/" in model.path and not Path(model.path).expanduser().is_absolute():
        raise ModelProblem(
            f"The configuration's {setting} is '{model.path}'; write the whole path, from / or ~ on."
        )
    return resolve_model(model.path or model.name)


def use_library(model: ModelSettings) -> None:
    """Have this process, and those that it starts, compute with the llama.cpp that the settings mean.

    Raises:
        ModelProblem: another one is loaded already.
    """
    from ...models.llama.library import choose_library

    choose_library(model.library)


def model_identity(path: Path) -> str:
    """What names a model file by its contents, in hexadecimal.

    Raises:
        ModelProblem: it cannot be read.
    """
    from ...models.tuning.record import identity

    try:
        return identity(path)
    except OSError as error:
        raise ModelProblem(f"The model {path} cannot be read ({error.strerror}).") from error


def tuned_choices() -> Path:
    """The folder in which `foretype tune` keeps its choices."""
    from ...models.tuning.record import tuned_dir

    return tuned_dir()


def engine_settings(settings: Settings) -> EngineSettings:
    """How the user has a model run.

    Raises:
        ModelProblem: there is no such draft model.
    """
    from ...models.engine.interface import EngineSettings, SpeculationMode

    return EngineSettings(
        context_tokens=settings.model.context_tokens,
        threads=settings.model.threads,
        gpu_layers=settings.model.gpu_layers,
        latency_budget_ms=settings.completion.latency_budget_ms,
        fim=settings.fim,
        states=paths.cache_dir() / "kv",
        speculation=SpeculationMode(settings.model.speculation),
        draft=_draft_path(settings.model),
    )


def sees_suffix(settings: Settings) -> bool:
    """Whether the model that the settings mean is shown what stands behind the cursor; True without one.

    Reads the beginning of the model's file and loads nothing.
    """
    from ...models.library.describe import describe
    from ...models.prompts.user_formats import from_overrides

    try:
        return describe(model_path(settings.model), from_overrides(settings.fim)[0]).order != "plain"
    except Problem:
        return True


def _draft_path(model: ModelSettings) -> Path | None:
    if model.speculation != "always" or not model.draft:
        return None
    return model_path(attrs.evolve(model, path=model.draft), setting="model.draft")


def _meanwhile_path(model: ModelSettings) -> Path | None:
    """The small model's file; None for none, and where one that is set is not there: the large one does."""
    from ...models.library.catalogue import DEFAULT_MODEL

    if model.meanwhile in ("", "never"):
        return None
    automatic = model.meanwhile == "auto"
    name = DEFAULT_MODEL if automatic else model.meanwhile
    try:
        return model_path(attrs.evolve(model, path=name), setting="model.meanwhile")
    except ModelProblem as problem:
        if not automatic:
            log.warning("no model answers meanwhile: %s", problem)
        return None


def _edits_path(model: ModelSettings) -> Path | None:
    """The file of the model that predicts edits; None for none, and where one that is set is not there."""
    if not model.edits:
        return None
    try:
        return model_path(attrs.evolve(model, path=model.edits), setting="model.edits")
    except ModelProblem as problem:
        log.warning("no other model predicts edits: %s", problem)
        return None


def _file_of(model: ModelSettings) -> Path | None:
    try:
        return model_path(model)
    except Problem:
        return None


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


class ConfiguredModel:
    """The model that the user's configuration file names; read anew at every load."""

    def __init__(self, config_file: Path) -> None:
        self._config_file = config_file

    def name(self) -> str:
        model = self._model()
        return Path(model.path).name if model.path else model.name

    def fingerprint(self) -> object:
        model = self._model()
        files = [_file_of(model)]
        if model.edits:
            files.append(_file_of(attrs.evolve(model, path=model.edits)))
        return _stamp(self._config_file), *((path, path and _stamp(path)) for path in files)

    def load(self, on_progress: Callable[[float], None]) -> EngineLike:
        settings, complaints = load_settings(self._config_file)
        for complaint in complaints:
            log.warning("%s", complaint)
        path = model_path(settings.model)
        use_library(settings.model)
        try:
            from ...models.engine.edit_model import with_edit_model
            from ...models.engine.loading import load_engine
            from ...models.engine.meanwhile import beside
            from ...models.library.staging import sweep_downloads
            from ...models.library.store import models_dir
        except ImportError as error:
            from ...models.llama.complaints import no_library

            raise ModelProblem(no_library(error, "'foretype doctor' says what is missing.")) from error
        sweep_downloads(models_dir())
        how = engine_settings(settings)
        engine = beside(load_engine(path, how, on_progress), _meanwhile_path(settings.model), how)
        return with_edit_model(engine, _edits_path(settings.model), how)

    def _model(self) -> ModelSettings:
        return load_settings(self._config_file)[0].model
