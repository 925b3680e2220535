"""Where model files lie, and which file a name means.

Any GGUF that the user drops into the models folder has a name, its file stem; a path to a GGUF anywhere works
too. Nothing here reads inside a file (`gguf.file` does) or fetches one (`download` does).
"""

from __future__ import annotations

from pathlib import Path

from ...context.shared.paths import data_dir
from ...context.shared.problem import ModelProblem
from ..gguf.parts import part_of
from . import catalogue
from .elsewhere import is_elsewhere, resolve_elsewhere


def models_dir() -> Path:
    """The folder of model files, in the user's data directory."""
    return data_dir() / "models"


def path_of_model(entry: catalogue.Entry, directory: Path | None = None) -> Path:
    """Where the file of a catalogue entry lies once it was pulled."""
    return (directory or models_dir()) / entry.file


def own_files(directory: Path | None = None) -> dict[str, Path]:
    """The GGUF files that the user put into the models folder, by file stem; split ones by their first."""
    folder = directory or models_dir()
    ours = {entry.file for entry in catalogue.entries()}
    found: dict[str, Path] = {}
    try:
        files = sorted(folder.iterdir())
    except OSError:
        return found
    for file in files:
        part = part_of(file.name)
        if part is not None and part.is_first and file.name not in ours and not file.name.startswith("."):
            found[part.stem] = file
    return found


def resolve_model(name_or_path: str, directory: Path | None = None) -> Path:
    """The GGUF file that a name or a path means.

    A name is looked up in the catalogue, then among the file stems of the models folder, never in the
    current directory; whatever has a slash in it or ends in `.gguf` is a path (`~` is expanded), and one
    without a slash is looked for in the models folder as well. A name that begins with another program's
    (`ollama:…`) is that of a model which this program keeps.

    Raises:
        ModelProblem: there is no such file; the sentence names the next step.
    """
    wanted = name_or_path.strip()
    folder = directory or models_dir()
    if not wanted or "\0" in wanted:
        raise ModelProblem("No model is named. 'foretype models list' shows what there is.")
    if is_elsewhere(wanted):
        return resolve_elsewhere(wanted)
    if is_path(wanted):
        return _resolve_path(wanted, folder)
    entry = catalogue.find_model(wanted)
    if entry is not None:
        path = path_of_model(entry, folder)
        if path.is_file():
            return path
        raise ModelProblem(
            f"The model {entry.name} is not on this machine yet: "
            f"'foretype models pull {entry.name}' downloads it ({catalogue.size_text(entry.size)})."
        )
    own = own_files(folder)
    lowered = {stem.lower(): path for stem, path in own.items()}
    path = own.get(wanted) or lowered.get(wanted.lower())
    if path is not None and path.is_file():
        return path
    hint = catalogue.suggestion(wanted, (*catalogue.model_names(), *own))
    raise catalogue.UnknownModelProblem(f"There is no model called '{wanted}'.{hint}")


def is_path(name_or_path: str) -> bool:
    """Whether this is the path of a file rather than a name."""
    return not is_elsewhere(name_or_path) and ("/" in name_or_path or name_or_path.lower().endswith(".gguf"))


def _resolve_path(wanted: str, folder: Path) -> Path:
    try:
        path = Path(wanted).expanduser()
        if path.is_file():
            return path
        if "/" not in wanted and (folder / wanted).is_file():
            return folder / wanted
        if path.is_dir():
            raise ModelProblem(f"{wanted} is a directory; name the GGUF file in it.")
    except (OSError, RuntimeError) as error:
        raise ModelProblem(f"The model file {wanted} cannot be opened: {error}.") from error
    raise ModelProblem(f"There is no model file {wanted}; 'foretype models list' shows what there is.")
