"""Formats of models that were trained to predict the next edit: which one a model has, as data.

They stand in `edit_formats.toml`, whose head explains every key. Prompts are laid out by `rewriting`.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs
import cattrs

from .formats import ModelFacts, is_token

_FIELDS = ("{files}", "{changes}")


@attrs.frozen
class EditFormat:
    """A format as data. `edit_formats.toml` says what each attribute means."""

    name: str
    title: str
    match: str
    prompt: tuple[str, ...]
    change: tuple[str, ...]
    answer: Literal["region", "marks"]
    stops: tuple[str, ...]
    file: tuple[str, ...] = ()
    after_files: tuple[str, ...] = ()
    before_changes: tuple[str, ...] = ()
    between_changes: str = ""
    after_changes: tuple[str, ...] = ()
    cursor: str = ""
    start: str = ""
    begin: str = ""
    end: str = ""
    unchanged: str = ""

    @property
    def items(self) -> tuple[str, ...]:
        """Everything that may stand in a prompt."""
        return (
            *self.prompt,
            *self.file,
            *self.after_files,
            *self.before_changes,
            *self.change,
            *self.after_changes,
        )


@attrs.frozen
class EditRecognition:
    """The format in which a model predicts edits.

    Attributes:
        format: which.
        ids: token ids by their texts; what the vocabulary lacks is spelt out.
        stops: ids of tokens that end an answer.
        texts: the texts of all of them, by id; text of the user's never becomes one.
    """

    format: EditFormat
    ids: Mapping[str, int]
    stops: tuple[int, ...]
    texts: Mapping[int, str]


@functools.cache
def edit_formats() -> tuple[EditFormat, ...]:
    """All known formats, in the order in which they are tried."""
    data = tomllib.loads(Path(__file__).with_name("edit_formats.toml").read_text(encoding="utf-8"))
    return cattrs.Converter(forbid_extra_keys=True).structure(data["format"], tuple[EditFormat, ...])


def recognise_edits(model: ModelFacts) -> EditRecognition | None:
    """The format in which a model was trained to predict edits; None where it wasn't."""
    for known in edit_formats():
        if any(re.search(known.match, name, re.IGNORECASE) for name in (model.name, model.file)):
            return _bound(known, model)
    return None


def _bound(known: EditFormat, model: ModelFacts) -> EditRecognition:
    wanted = [each for each in known.items if is_token(each) and each not in _FIELDS]
    ids = {text: model.tokens[text] for text in wanted if text in model.tokens}
    stops = {text: model.tokens[text] for text in known.stops if text in model.tokens}
    texts = {token: text for text, token in {**ids, **stops}.items()}
    return EditRecognition(known, ids, tuple(stops.values()), texts)
