"""The user's text never becomes a marker: what looks like one is broken up before a server sees it.

Servers look for special tokens in the text of a prompt. Where a prompt can be sent in parts, a marker's
spelling is cut in two, and each half is read apart: the model sees the text as it is. Where it can't, a
blank goes in.
"""

from __future__ import annotations

import functools
import re

from ..prompts.formats import FimFormat, formats, is_token

_ROLES = ("PREFIX", "SUFFIX", "MIDDLE")
_COMMON = [
    "<s>",
    "</s>",
    "<unk>",
    "<pad>",
    "<bos>",
    "<eos>",
    "<mask>",
    "[INST]",
    "[/INST]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "<start_of_turn>",
    "<end_of_turn>",
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<jupyter_script>",
    "<empty_output>",
    "<commit_before>",
    "<commit_msg>",
    "<commit_after>",
    "<issue_start>",
    "<issue_comment>",
    "<issue_closed>",
    "<gh_stars>",
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
]
_SHAPES = "|".join(
    (
        r"<\|[^|<>\s]{1,40}\|>",
        r"<\uff5c[^\uff5c<>\s]{1,40}\uff5c>",
        r"<\[[^<>\s\]]{1,40}\]>",
        r"<unused\d{1,4}>",
        r"<0x[0-9A-F]{2}>",
    )
)
"""How special tokens of models that nobody here knows are spelled: `<|…|>` and the like."""


def spelled(used: FimFormat) -> tuple[str, ...]:
    """The texts of all tokens that a format names, each once."""
    items = (*used.items, *used.repository, *used.file, *used.last, *used.current)
    texts = (*used.roles, *(item for item in items if is_token(item) and item not in _ROLES), *used.stops)
    return tuple(dict.fromkeys(text for text in texts if text))


@functools.cache
def all_spellings() -> tuple[str, ...]:
    """The texts of all tokens that any known format names."""
    return tuple(dict.fromkeys(text for used in formats() for text in spelled(used)))


@functools.cache
def _markers(own: tuple[str, ...]) -> re.Pattern[str]:
    plain = {text.replace("▁", "") for text in (*own, *all_spellings())} | {*own, *all_spellings(), *_COMMON}
    known = sorted((text for text in plain if len(text) > 1), key=len, reverse=True)
    return re.compile("|".join([*map(re.escape, known), _SHAPES]))


def holds_marker(text: str, own: tuple[str, ...] = ()) -> bool:
    """Whether a server could take a part of the text for a special token.

    Args:
        text: the user's.
        own: texts of the model's markers that no known format has.
    """
    return _markers(own).search(text) is not None


def parts(text: str, own: tuple[str, ...] = ()) -> list[str]:
    """The text in parts none of which holds a marker; together they are the text."""
    found: list[str] = []
    waiting = [text]
    while waiting:
        part = waiting.pop()
        marker = _markers(own).search(part)
        if marker is None:
            found.append(part)
            continue
        cut = marker.start() + (marker.end() - marker.start()) // 2
        waiting += [part[cut:], part[:cut]]
    return found


def broken_up(text: str, own: tuple[str, ...] = ()) -> str:
    """The text with a blank in each marker, for servers that take nothing but one text."""
    return " ".join(parts(text, own))
