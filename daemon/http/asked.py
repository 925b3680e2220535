"""What a plugin asks for, read leniently from the JSON that it sends llama-server. Pure.

Three shapes: `/infill` with `input_prefix`, `prompt` and `input_suffix`; completions with a prompt and maybe
a suffix; and a prompt in which the plugin wrote a model's fill-in-the-middle markers itself. All say what
stands before the cursor and what behind it. Where the answer ends, and which model gives it, is ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import attrs

from ...context.languages import identify, language_of
from ...context.shared.problem import Problem
from ...context.shared.values import RelatedPart

PREFIX_CHARACTERS, SUFFIX_CHARACTERS, RELATED_CHARACTERS = 48_000, 16_000, 24_000
"""Code points that are looked at, nearest to the cursor; of related code, the newest."""

_MOST_PARTS = 32
_MOST_TOKENS = 256
_USUAL_TOKENS = 128
_TELLING = 12
"""A line of fewer letters stands in many files."""


class BadRequestProblem(Problem):
    """A request that can't be understood. One sentence."""


@attrs.frozen
class Wanted:
    """One request.

    Attributes:
        prefix, suffix: text before and behind the cursor.
        related: code from elsewhere, oldest first.
        path: of the file, where the related code gives it away; "" otherwise.
        language: its language identifier, or "plaintext".
        max_tokens: what may be generated at most; 0 asks for nothing but reading.
        budget_ms: time for generating; 0 for no bound.
        temperature: 0.0 for the most probable token each time.
        stops: texts at which an answer ends, without them.
        fields: what of the answer is wanted, by path ("timings/prompt_n"); all where it is empty.
        stream: the answer is wanted as events.
        fills: whether something stands behind the cursor.
    """

    prefix: str
    suffix: str = ""
    related: tuple[RelatedPart, ...] = ()
    path: str = ""
    language: str = "plaintext"
    max_tokens: int = _USUAL_TOKENS
    budget_ms: float = 0.0
    temperature: float = 0.0
    stops: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    stream: bool = False
    fills: bool = True


def infill(body: object) -> Wanted:
    """What `/infill` is asked.

    Raises:
        BadRequestProblem: a field is missing, or something else than text.
    """
    said = _table(body)
    if "input_prefix" not in said and "input_suffix" not in said:
        raise BadRequestProblem("input_prefix and input_suffix are missing: what stands around the cursor.")
    prefix = _text(said, "input_prefix") + _text(said, "prompt")
    return _asked(said, prefix, _text(said, "input_suffix"), fills=True)


def completion(body: object, markers: MarkerReader) -> Wanted:
    """What `/completion` and `/v1/completions` are asked.

    Args:
        body: the JSON.
        markers: reads a prompt that has fill-in-the-middle markers in it.

    Raises:
        BadRequestProblem: there is no prompt, or it is something else than text.
    """
    said = _table(body)
    if "prompt" not in said:
        raise BadRequestProblem("prompt is missing: the text to go on with.")
    prompt, suffix = said["prompt"], _text(said, "suffix")
    if isinstance(prompt, list):
        parts = cast("list[object]", prompt)
        if len(parts) != 1 or not isinstance(parts[0], str):
            raise BadRequestProblem("prompt has to be one text; tokens or several prompts aren't understood.")
        prompt = parts[0]
    if not isinstance(prompt, str):
        raise BadRequestProblem("prompt has to be a text.")
    parted = None if suffix else markers(prompt[-2 * PREFIX_CHARACTERS :])
    if parted is not None:
        return _asked(said, *parted, fills=True)
    return _asked(said, prompt, suffix, fills=bool(suffix))


class MarkerReader:
    """Reads what stands before and behind the cursor out of a prompt with markers; None without any."""

    def __call__(self, prompt: str) -> tuple[str, str] | None:
        """Imported when first needed: most plugins send no markers."""
        from ...models.prompts.marked import parted

        return parted(prompt)


def _asked(said: Mapping[str, object], prefix: str, suffix: str, *, fills: bool) -> Wanted:
    prefix = prefix[-PREFIX_CHARACTERS:].replace("\r\n", "\n")
    suffix = suffix[:SUFFIX_CHARACTERS].replace("\r\n", "\n")
    related = _related(said.get("input_extra"))
    path = _path_of(prefix + suffix, related)
    wanted = _number(said, "n_predict", _number(said, "max_tokens", -1))
    return Wanted(
        prefix,
        suffix,
        related,
        path,
        language_of(path) or identify("", "", prefix) or "plaintext",
        _USUAL_TOKENS if wanted < 0 else min(int(wanted), _MOST_TOKENS),
        max(_number(said, "t_max_predict_ms", 0), 0.0),
        min(max(_number(said, "temperature", 0), 0.0), 2.0) if not fills else 0.0,
        _texts(said.get("stop")),
        _texts(said.get("response_fields")),
        said.get("stream") is True,
        fills,
    )


def _table(body: object) -> Mapping[str, object]:
    if not isinstance(body, dict):
        raise BadRequestProblem("The request's body has to be a JSON object.")
    return cast("dict[str, object]", body)


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequestProblem(f"{name} has to be a text.")
    return value


def _number(said: Mapping[str, object], name: str, otherwise: float) -> float:
    value = said.get(name)
    usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
    return float(cast("float", value)) if usable else otherwise


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    items = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(each for each in items[:64] if isinstance(each, str) and each)


def _related(value: object) -> tuple[RelatedPart, ...]:
    """The chunks of code that come along: the newest ones, as much as is looked at, oldest first."""
    found: list[RelatedPart] = []
    room = RELATED_CHARACTERS
    items = cast("list[object]", value) if isinstance(value, list) else []
    for each in reversed(items[-_MOST_PARTS:]):
        chunk = cast("dict[str, object]", each) if isinstance(each, dict) else {}
        text, name = chunk.get("text"), chunk.get("filename")
        if not isinstance(text, str) or not text.strip() or len(text) > room:
            continue
        room -= len(text)
        path = name.replace("\\", "/") if isinstance(name, str) else ""
        found.append(RelatedPart(path, text if text.endswith("\n") else text + "\n", "open-file"))
    return tuple(reversed(found))


def _path_of(text: str, related: tuple[RelatedPart, ...]) -> str:
    """The path of the chunk of which most lines stand in the file as well; "" where none has any.

    Plugins don't say which file is edited, but their chunks come from it, too.
    """
    lines = {line.strip() for line in text.split("\n")}
    best, path = 0, ""
    for part in related:
        told = [line.strip() for line in part.text.split("\n")]
        alike = sum(len(re.sub(r"\W", "", line)) >= _TELLING and line in lines for line in told)
        if part.path and alike > max(best, len(told) // 4):
            best, path = alike, part.path
    return path
