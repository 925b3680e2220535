"""Fill-in-the-middle formats: which one a model was trained with, and the ids of its markers.

The formats are data (`formats.toml`). llama.cpp looks for markers by exact text, knows fewer spellings and no
layouts, so the decision is made here, from what stands in the GGUF file, and the user's configuration may
override it. Markers are known by id from here on; how a prompt is laid out is `layout`'s work.
"""

from __future__ import annotations

import fnmatch
import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

import attrs
import cattrs

from ..gguf.file import GgufFile

Order = Literal["psm", "spm", "plain"]

_ROLES = ("PREFIX", "SUFFIX", "MIDDLE")
_FIELDS = ("{prefix}", "{suffix}", "{related}", "{current}")
_ORDINARY = ("▁",)
"""Token texts that stand in layouts and are no markers: users write them, and models answer with them."""
_DEFAULT_PROMPT: Mapping[str, tuple[str, ...]] = {
    "psm": ("PREFIX", "{related}", "{current}", "{prefix}", "SUFFIX", "{suffix}", "MIDDLE"),
    "spm": ("{related}", "{current}", "SUFFIX", "{suffix}", "PREFIX", "{prefix}", "MIDDLE"),
    "plain": ("{related}", "{current}", "{prefix}"),
}
_DECLARED: Mapping[str, tuple[str, ...]] = {
    "PREFIX": ("tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"),
    "SUFFIX": ("tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id"),
    "MIDDLE": ("tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id"),
}


@attrs.frozen
class FormatCondition:
    """One alternative of a format's condition; everything given must hold. See `formats.toml`."""

    architecture: tuple[str, ...] = ()
    pre: tuple[str, ...] = ()
    name: str = ""
    has: tuple[str, ...] = ()


@attrs.frozen
class FimFormat:
    """A format as data. `formats.toml` says what each attribute means.

    Attributes:
        name: its identifier.
        title: what people read.
        order: "psm" (prefix, suffix, middle), "spm" (suffix first) or "plain" (no markers).
        match: alternatives, None when the markers alone decide.
        prefix: text of the marker before the prefix, "" without one.
        suffix: text of the marker before the suffix.
        middle: text of the marker before the middle, "" where generation starts right after the prefix.
        prompt: the order of things; empty for the usual one.
        repository: what names the repository.
        file: a file that is shown beside the current one.
        last: what stands between those files and the current one.
        current: what names the current file.
        path: "always" names the current file even when no other is shown.
        stops: texts of tokens that end the middle.
        bos: True or False overrides what the file says about a beginning-of-sequence token.
        prefix_begins: the prefix is tokenised as the beginning of a text, with SentencePiece's dummy space.
    """

    name: str
    order: Order
    title: str = ""
    match: tuple[FormatCondition, ...] | None = None
    prefix: str = ""
    suffix: str = ""
    middle: str = ""
    prompt: tuple[str, ...] = ()
    repository: tuple[str, ...] = ()
    file: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    current: tuple[str, ...] = ()
    path: Literal["with-related", "always"] = "with-related"
    stops: tuple[str, ...] = ()
    bos: bool | None = None
    prefix_begins: bool = False

    @property
    def items(self) -> tuple[str, ...]:
        """The order of things, the usual one where none is given; without markers that it does not have."""
        absent = {role for role, text in zip(_ROLES, self.roles, strict=True) if not text}
        return tuple(item for item in self.prompt or _DEFAULT_PROMPT[self.order] if item not in absent)

    @property
    def roles(self) -> tuple[str, str, str]:
        """The texts of PREFIX, SUFFIX and MIDDLE."""
        return self.prefix, self.suffix, self.middle

    def marker_texts(self) -> tuple[str, ...]:
        """Texts of the tokens without which the format cannot be used."""
        roles: dict[str, str] = dict(zip(_ROLES, self.roles, strict=True))
        texts = [roles.get(item, item) for item in self.items if is_token(item)]
        return tuple(dict.fromkeys(texts))


def is_token(item: str) -> bool:
    """Whether an item of a layout is the text of a token, not a field and not plain text."""
    return item not in _FIELDS and not item.startswith("=")


@attrs.frozen
class ModelFacts:
    """What a GGUF says about itself that matters here.

    Attributes:
        architecture: `general.architecture`.
        name: `general.name`.
        file: the file's stem.
        pre: `tokenizer.ggml.pre`.
        tokens: id of every token, by its text in the file.
        declared: ids that the metadata declares for PREFIX, SUFFIX and MIDDLE.
        add_bos: `tokenizer.ggml.add_bos_token`; None where the file leaves it to the tokenizer's kind.
    """

    architecture: str
    name: str
    file: str
    pre: str
    tokens: Mapping[str, int] = attrs.field(repr=False)
    declared: Mapping[str, int] = attrs.field(factory=dict[str, int])
    add_bos: bool | None = None


@attrs.frozen
class Recognition:
    """The format in use for a model.

    Attributes:
        format: which.
        ids: token ids by what stands in the format: PREFIX, SUFFIX, MIDDLE, and the texts of other tokens.
        stops: ids of tokens that end the middle, beside llama.cpp's own.
        texts: the texts of all markers in `ids` and `stops`, by id; text of the user's never becomes one.
        reason: one sentence on why this format was taken.
    """

    format: FimFormat
    ids: Mapping[str, int] = attrs.field(factory=dict[str, int])
    stops: tuple[int, ...] = ()
    texts: Mapping[int, str] = attrs.field(factory=dict[int, str])
    reason: str = ""

    @property
    def bos(self) -> bool | None:
        """Whether a prompt begins with the BOS token; None follows the file."""
        return self.format.bos


@functools.cache
def formats() -> tuple[FimFormat, ...]:
    """All known formats, in the order in which they are tried."""
    data = tomllib.loads(Path(__file__).with_name("formats.toml").read_text(encoding="utf-8"))
    return cattrs.Converter(forbid_extra_keys=True).structure(data["format"], tuple[FimFormat, ...])


@functools.cache
def comments() -> Mapping[str, str]:
    """How a path is written as a comment, by language identifier; "default" for all others."""
    data = tomllib.loads(Path(__file__).with_name("formats.toml").read_text(encoding="utf-8"))
    return cast("dict[str, str]", data["comments"])


def named(name: str) -> FimFormat | None:
    """The known format of that name, in any case."""
    return next((known for known in formats() if known.name == name.strip().lower()), None)


def facts(file: GgufFile) -> ModelFacts:
    """What matters here of a GGUF file. Reads its vocabulary, which takes some 30 ms for 150,000 tokens.

    Raises:
        ModelProblem: the file cannot be read any more.
    """
    texts = [token.decode("utf-8", errors="replace") for token in file.tokens()]
    tokens = {text: token for token, text in reversed(list(enumerate(texts)))}
    declared: dict[str, int] = {}
    for role, keys in _DECLARED.items():
        for key in keys:
            token = file.integer(key)
            if token is not None and 0 <= token < len(texts):
                declared.setdefault(role, token)
    return ModelFacts(
        architecture=file.architecture,
        name=file.name,
        file=file.path.stem,
        pre=file.text("tokenizer.ggml.pre"),
        tokens=tokens,
        declared=declared,
        add_bos=file.boolean("tokenizer.ggml.add_bos_token"),
    )


@attrs.frozen
class Override:
    """What the user configured for the models whose name or file stem fits a pattern."""

    pattern: str
    format: FimFormat


def recognise(model: ModelFacts, overrides: Sequence[Override] = ()) -> Recognition:
    """Decide which format a model gets.

    In this order: what the user configured; the first known format that fits; the ids that the file declares,
    with the usual layout; none. Declared ids that contradict a format's markers win over it.
    """
    for override in overrides:
        if _fits_pattern(override.pattern, model):
            return _overridden(model, override)
    known = next((each for each in formats() if each.order != "plain" and _fits(each, model)), None)
    complete = "PREFIX" in model.declared and "SUFFIX" in model.declared
    if known is not None:
        found = _bind(
            known, model, f"its vocabulary has {_listed(known.marker_texts())}{_because(known, model)}"
        )
        agrees = all(found.ids.get(role, token) == token for role, token in model.declared.items())
        if agrees or not complete:
            return found
    if complete and "MIDDLE" in model.declared:
        return _declared(model)
    plain = next(each for each in formats() if each.order == "plain")
    unused = [each.title for each in formats() if each.match and _has_markers(each, model)]
    reason = "its vocabulary has no fill-in-the-middle markers that are known here"
    if unused:
        reason = f"its vocabulary has the markers of {unused[0]}, but the model is another one"
    return _bind(plain, model, reason)


def _fits(known: FimFormat, model: ModelFacts) -> bool:
    if not _has_markers(known, model):
        return False
    return known.match is None or any(_holds(each, model) for each in known.match)


def _has_markers(known: FimFormat, model: ModelFacts) -> bool:
    texts = known.marker_texts()
    return bool(texts) and all(text in model.tokens for text in texts)


def _holds(match: FormatCondition, model: ModelFacts) -> bool:
    """Whether everything that an alternative names is so."""
    if match.architecture and model.architecture not in match.architecture:
        return False
    if match.pre and model.pre not in match.pre:
        return False
    if match.name and not any(
        re.search(match.name, name, re.IGNORECASE) for name in (model.name, model.file)
    ):
        return False
    return all(text in model.tokens for text in match.has)


def _because(known: FimFormat, model: ModelFacts) -> str:
    """The rest of the reason: which alternative held."""
    for match in known.match or ():
        if not _holds(match, model):
            continue
        if match.architecture:
            return f" and its architecture is {model.architecture}"
        if match.pre:
            return f" and its tokenizer is {model.pre}"
        if match.name:
            return f" and its name is {model.name}"
        return f" and {_listed(match.has)}"
    return ""


def _listed(texts: Sequence[str]) -> str:
    return " ".join(texts)


def _bind(known: FimFormat, model: ModelFacts, reason: str) -> Recognition:
    """The format with the ids that its token texts have in this vocabulary."""
    ids: dict[str, int] = {}
    for role, text in zip(_ROLES, known.roles, strict=True):
        if text in model.tokens:
            ids[role] = model.tokens[text]
    for item in (*known.items, *known.repository, *known.file, *known.last, *known.current):
        if is_token(item) and item not in _ROLES and item in model.tokens:
            ids[item] = model.tokens[item]
    stops = tuple(dict.fromkeys(model.tokens[text] for text in known.stops if text in model.tokens))
    named_tokens = (*known.roles, *(text for text in ids if text not in _ROLES), *known.stops)
    texts = {
        model.tokens[text]: text for text in named_tokens if text in model.tokens and text not in _ORDINARY
    }
    return Recognition(known, ids, stops, texts, reason)


def _declared(model: ModelFacts) -> Recognition:
    """The usual layout with the ids that the file declares."""
    ids = {role: model.declared[role] for role in _ROLES}
    texts = {token: text for text, token in model.tokens.items() if token in ids.values()}
    usual = FimFormat(
        name="declared",
        title="declared in the file",
        order="psm",
        prefix=texts.get(ids["PREFIX"], "prefix"),
        suffix=texts.get(ids["SUFFIX"], "suffix"),
        middle=texts.get(ids["MIDDLE"], "middle"),
    )
    # The markers themselves end a middle: a model that writes one has nothing more to add.
    return Recognition(usual, ids, tuple(ids.values()), texts, "its metadata declares the ids of the markers")


def _overridden(model: ModelFacts, override: Override) -> Recognition:
    missing = [text for text in override.format.marker_texts() if text not in model.tokens]
    if missing:
        rest = recognise(model)
        told = f"your configuration asks for {override.format.name}, but its vocabulary has no {missing[0]}; "
        return attrs.evolve(rest, reason=f"{told}{rest.reason}")
    return _bind(override.format, model, f"your configuration says so ('{override.pattern}')")


def _fits_pattern(pattern: str, model: ModelFacts) -> bool:
    lowered = pattern.lower()
    return any(fnmatch.fnmatchcase(name.lower(), lowered) for name in (model.name, model.file))
