"""`foretype models rm`: removes a model from the models folder, with all its parts and what was tuned of it.

Only what lies in the models folder is ever removed; a file that the user has elsewhere is theirs. Which file
a name means is `store`'s business.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from ...context.shared.problem import ModelProblem
from ..gguf.parts import ModelPart, part_of
from ..tuning import journal, record
from . import store


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
    part = part_of(path.name)
    parts = (path,)
    if part is not None and part.count > 1:
        parts = tuple(sorted(other for other in folder.iterdir() if _belongs(other.name, part)))
    return Removable(path, parts, sum(part.stat().st_size for part in parts))


def _belongs(name: str, part: ModelPart) -> bool:
    """Whether a file is another part of the same model."""
    other = part_of(name)
    return other is not None and (other.stem, other.count) == (part.stem, part.count)


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
