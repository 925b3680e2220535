"""Prompts in which somebody else wrote fill-in-the-middle markers: what stands around the cursor there.

The texts of markers are those of the known formats, whichever model is loaded: what a plugin was set up for
need not be the model that answers. It makes no prompt; that is `layout`'s.
"""

from __future__ import annotations

import functools

from .formats import formats


def parted(prompt: str) -> tuple[str, str] | None:
    """The text before and behind the cursor; None where a prompt has no known markers for both.

    Markers may come in any order: each is followed by its text, up to the next one. What follows the marker
    of the middle was begun already and belongs in front of the cursor.
    """
    for prefix, suffix, middle in _roles():
        if prefix not in prompt or suffix not in prompt:
            continue
        marks = {prefix: 0, suffix: 1, middle: 2}
        places = sorted((prompt.find(mark), mark) for mark in marks if mark and mark in prompt)
        texts = ["", "", ""]
        ends = [at for at, _ in places[1:]] + [len(prompt)]
        for (at, mark), end in zip(places, ends, strict=True):
            texts[marks[mark]] = prompt[at + len(mark) : end]
        return texts[0] + texts[2], texts[1]
    return None


@functools.cache
def _roles() -> tuple[tuple[str, str, str], ...]:
    """The markers of all formats, each set once, longest first: one may be the beginning of another."""
    known = {each.roles for each in formats() if each.prefix and each.suffix}
    return tuple(sorted(known, key=lambda roles: (-len(roles[0]), roles)))
