"""The user's own fill-in-the-middle formats: the `[fim]` table of the configuration, read and checked.

Which format a model gets in the end is decided in `formats`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import attrs

from .formats import FimFormat, Override, formats, named


def from_overrides(table: Mapping[str, object]) -> tuple[tuple[Override, ...], tuple[str, ...]]:
    """Read the user's `[fim]` table: a pattern of model names on the left, a format on the right.

        [fim]
        "my-model*" = "starcoder2"          # a known format, by name
        [fim."other*"]                      # a format of one's own
        order = "psm"
        prefix = "<PRE>"
        suffix = "<SUF>"
        middle = "<MID>"
        stops = ["<EOT>"]

    Patterns know `*`, `?` and `[…]`, are compared in any case with the model's name and with its file's stem,
    and the first that fits wins. A table of one's own may name a known format as `like` and change parts
    of it.

    Returns:
        What was understood, in order, and one sentence for each entry that was not.
    """
    understood: list[Override] = []
    problems: list[str] = []
    for pattern, value in table.items():
        try:
            understood.append(Override(pattern, _user_format(pattern, value)))
        except ValueError as error:
            problems.append(f"[fim] '{pattern}' is ignored: {error}.")
    return tuple(understood), tuple(problems)


def _user_format(pattern: str, value: object) -> FimFormat:
    """A format from the user's configuration. Raises ValueError with half a sentence."""
    if isinstance(value, str):
        return _known_or_fail(value)
    if not isinstance(value, Mapping):
        raise ValueError("it must be the name of a format or a table")  # noqa: TRY004 - one kind for one handler
    options = dict(cast("Mapping[str, object]", value))
    like = options.pop("like", None)
    if like is not None and not isinstance(like, str):
        raise ValueError("'like' must be the name of a format")
    base = _known_or_fail(like) if like is not None else FimFormat(name=pattern, order="psm")
    changes: dict[str, object] = {}
    for key, option in options.items():
        if key not in _OPTIONS:
            raise ValueError(f"there is no option '{key}'")
        if not _OPTIONS[key](option):
            raise ValueError(f"'{key}' has a value that it cannot have")
        changes[key] = tuple(cast("list[str]", option)) if isinstance(option, list) else option
    made = attrs.evolve(base, name=pattern, title=pattern, match=None, **changes)  # pyright: ignore[reportArgumentType]
    _check_layout(made)
    return made


def _is_text(option: object) -> bool:
    return isinstance(option, str)


def _is_switch(option: object) -> bool:
    return isinstance(option, bool)


def _is_texts(option: object) -> bool:
    return isinstance(option, list) and all(isinstance(item, str) for item in cast("list[object]", option))


def _is_order(option: object) -> bool:
    return option in ("psm", "spm", "plain")


def _is_path_rule(option: object) -> bool:
    return option in ("always", "with-related")


_OPTIONS: Mapping[str, Callable[[object], bool]] = {
    "order": _is_order,
    "prefix": _is_text,
    "suffix": _is_text,
    "middle": _is_text,
    "prompt": _is_texts,
    "repository": _is_texts,
    "file": _is_texts,
    "last": _is_texts,
    "current": _is_texts,
    "stops": _is_texts,
    "path": _is_path_rule,
    "bos": _is_switch,
    "prefix_begins": _is_switch,
}


def _known_or_fail(name: str) -> FimFormat:
    known = named(name)
    if known is None:
        raise ValueError(
            f"there is no format '{name}'; known are {', '.join(each.name for each in formats())}"
        )
    return known


def _check_layout(made: FimFormat) -> None:
    """A layout must hold the texts in the order that it says. Raises ValueError with half a sentence."""
    if made.order != "plain" and not (made.prefix and made.suffix):
        raise ValueError("'prefix' and 'suffix' must name the markers")
    fields = [item for item in made.items if item in ("{prefix}", "{suffix}")]
    wanted = {"psm": ["{prefix}", "{suffix}"], "spm": ["{suffix}", "{prefix}"], "plain": ["{prefix}"]}[
        made.order
    ]
    if fields != wanted:
        raise ValueError(
            f"its 'prompt' must hold {' and then '.join(wanted)}, each once, for the order {made.order}"
        )
    for item, text in (("PREFIX", made.prefix), ("SUFFIX", made.suffix)):
        if item in made.items and not text:
            raise ValueError(f"its 'prompt' names {item}, and '{item.lower()}' is not given")
