"""Names of GGUF files: the parts that a large model is split into, and what is no model by its name. Pure."""

from __future__ import annotations

import re

import attrs

_SPLIT = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE | re.DOTALL)


@attrs.frozen
class ModelPart:
    """A file of a model, as its name says it.

    Attributes:
        stem: the model's name: without the suffix, and without what tells parts apart.
        number: which part it is, from 1.
        count: how many there are; 1 for a model in one file.
    """

    stem: str
    number: int = 1
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether the file stands for its model."""
        return self.number == 1


def part_of(name: str) -> ModelPart | None:
    """What a file's name says; None where it is no GGUF's, or that of a projector for pictures."""
    if not name.lower().endswith(".gguf") or "mmproj" in name.lower():
        return None
    found = _SPLIT.fullmatch(name)
    if found is None:
        return ModelPart(name[: -len(".gguf")])
    return ModelPart(found["stem"], int(found["number"]), int(found["count"]))
