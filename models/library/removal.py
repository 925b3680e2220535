"""`foretype models rm`: removes a model from the models folder, with all its parts and what was tuned of it.

Only what lies in the models folder is ever removed; a file that the user has elsewhere is theirs. Which file
a name means is `store`'s business.
"""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from ...context.shared.problem import ModelProblem
from ..tuning import journal, record
from . import store

_SPLIT = re.compile(r"-\d{5}-of-(\d{5})\.gguf$", re.IGNORECASE)


@attrs.frozen
class Removable:
    """A model that may be removed.

    Attributes:
        path: its file; the first part of a split model.
        parts: all of its files.
        size: their bytes.
    """

    path: Path
    parts: tuple[Path, ...]
    size: int


def find_removable(name: str, directory: Path | None = None) -> Removable:
    """The files of the model that `name` means.

    Raises:
        ModelProblem: there is none, or it does not lie in the models folder.
    """
    folder = directory or store.models_dir()
    path = store.resolve_model(name, folder)
    if path.parent.resolve() != folder.resolve():
        raise ModelProblem(
            f"{path} does not lie in the models folder, so it is not removed; delete it yourself."
        )
    parts = (path,)
    split = _SPLIT.search(path.name)
    if split is not None:
        stem = path.name[: split.start()]
        pattern = re.compile(rf"{re.escape(stem)}-\d{{5}}-of-{split[1]}\.gguf", re.IGNORECASE)
        parts = tuple(sorted(part for part in folder.iterdir() if pattern.fullmatch(part.name)))
    return Removable(path, parts, sum(part.stat().st_size for part in parts))


def remove_model(model: Removable, tuned_folder: Path | None = None) -> None:
    """Remove it. A link goes, and what it points to stays.

    Raises:
        ModelProblem: a file cannot be removed; what was tuned is gone then.
    """
    try:
        journal.remove_journal(record.identity(model.path), tuned_folder)
        record.forget(model.path, tuned_folder)
        for part in model.parts:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise ModelProblem(f"{error.filename or model.path} cannot be removed: {error.strerror}.") from error
