"""Which fill-in-the-middle format a server's model has: by the tokens that it finds, else by its name.

A server that tokenises is asked for all markers that are known here; which of them come back as one token
says what stands in the vocabulary, and `prompts/formats` decides as it does for a file. Others are known by
name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import attrs

from ..prompts.formats import ModelFacts, Override, Recognition, named, recognise
from .escaping import all_spellings, spelled

_NAMES = (
    (r"qwen-?3.*coder", "qwen3-coder"),
    (r"codeqwen", "codeqwen1.5"),
    (r"qwen.*cod|qwen-?2", "qwen2.5-coder"),
    (r"starcoder-?2", "starcoder2"),
    (r"star-?coder|starchat|tiny-?star", "starcoder"),
    (r"santacoder", "santacoder"),
    (r"refact", "refact"),
    (r"mellum", "mellum"),
    (r"stable-?code", "stablecode"),
    (r"code-?gemma", "codegemma"),
    (r"granite.*(4\.|-4|:4)", "granite-4"),
    (r"granite", "granite-3.3"),
    (r"deepseek.*coder", "deepseek-coder"),
    (r"code-?llama", "codellama"),
    (r"codestral|devstral", "codestral"),
    (r"seed-?coder", "seed-coder"),
    (r"aix-?coder", "aixcoder"),
)
"""What models are called, and the format that they were trained with; the first that fits is taken."""

_MADE_UP = 1 << 30
"""Where the made-up ids of tokens begin whose real ones nobody says; they are never sent."""


def probe_text() -> str:
    """A text with every known marker, each in a line of its own."""
    return "\n".join(all_spellings())


def by_tokens(
    name: str, tokens: Mapping[str, int], overrides: Sequence[Override], architecture: str = ""
) -> Recognition:
    """The format of a model whose vocabulary has these tokens.

    Args:
        name: the model's.
        tokens: ids by text, of those that were looked for.
        overrides: the user's own formats.
        architecture: as a GGUF file says it, where the server does.
    """
    found = recognise(ModelFacts(architecture, name, stem(name), "", tokens), overrides)
    if found.format.order == "plain":
        by_its_name = _by_pattern(name)
        used = named(by_its_name) if by_its_name else None
        if used is not None and all(text in tokens for text in used.marker_texts()):
            return by_name(name, overrides, tokens)
    return found


def by_name(name: str, overrides: Sequence[Override], tokens: Mapping[str, int] | None = None) -> Recognition:
    """The format that a model of this name has; ids are made up where `tokens` doesn't say them."""
    for override in overrides:
        facts = ModelFacts("", name, stem(name), "", tokens or _numbered(spelled(override.format)))
        found = recognise(facts, [override])
        if found.format is override.format:
            return found
    known = _by_pattern(name)
    used = named(known) if known else None
    if used is None:
        plain = recognise(ModelFacts("", name, stem(name), "", {}))
        return attrs.evolve(plain, reason=f"nobody knows here what markers '{name}' has; [fim] can say it")
    facts = ModelFacts("", name, stem(name), "", tokens or _numbered(spelled(used)))
    found = recognise(facts, [Override("*", used)])
    return attrs.evolve(found, reason=f"it is called '{name}'")


def stem(name: str) -> str:
    """A model's name without its owner, its file's ending and its quantisation."""
    last = name.rsplit("/", 1)[-1]
    return re.sub(r"\.gguf$", "", last, flags=re.IGNORECASE)


def _by_pattern(name: str) -> str:
    lowered = name.lower()
    return next((known for pattern, known in _NAMES if re.search(pattern, lowered)), "")


def _numbered(texts: Sequence[str]) -> dict[str, int]:
    return {text: _MADE_UP + number for number, text in enumerate(texts)}
