"""Anchored fill-in-the-middle: which part of a prompt is fixed, and which grows at the cursor.

A prompt for a fill-in-the-middle model is fixed at an anchor, the start of the line where the user began,
and what was typed since is the forced beginning of the middle:

    <PRE> text before the anchor <SUF> text after it <MID>   evaluated once
    what was typed since                                      one or two tokens a keystroke

Formats that put the prefix last, and models without markers, need no anchor: there the whole prefix is
what grows. So every layout is a list of fixed tokens, a tail of text, and closing tokens. All decisions
here are pure functions on text; evaluation is the engine's work.
"""

from __future__ import annotations

from typing import Protocol

import attrs

from ...context.shared.values import Prompt
from .layout import Surroundings

_CLOSERS = frozenset(")]}>\"'`;, \t")

MAX_CLOSER_LINES = 3
"""Lines of nothing but closers right below the cursor that an editor may have put there."""

LONG_LINE = 2000
"""Code points of a line from which an anchor stands inside it, at a multiple of half of this."""

MIDDLE_LIMIT = 4000
"""Code points a middle may grow to before its anchor is given up."""

MIDDLE_TIRED = 1000
"""Code points from which an anchor is moved when there is time."""


class PromptLayout(Protocol):
    """How one model family wants its prompt, as tokens."""

    @property
    def prefix_is_fixed(self) -> bool:
        """True where the prefix comes before the suffix (PSM): the tail is then only what was typed."""
        ...

    @property
    def sees_suffix(self) -> bool:
        """False for models without fill-in-the-middle markers."""
        ...

    def fixed(self, around: Surroundings, prefix: str, suffix: str) -> list[int]:
        """Everything up to the tail. `prefix` matters only where `prefix_is_fixed`."""
        ...

    def tail_begins(self, fixed: list[int]) -> bool:
        """Whether the tail is tokenised as the beginning of a text (SentencePiece's dummy space)."""
        ...

    def after_tail(self) -> list[int]:
        """Markers between the tail and the generated text."""
        ...


@attrs.frozen
class Cut:
    """How much of a prompt the model sees, in code points from the window's outer edges.

    Attributes:
        prefix_from: this much of the prefix's beginning is left out.
        suffix_to: this much of the suffix is kept; -1 keeps all.
        related: whether related code is shown.
    """

    prefix_from: int = 0
    suffix_to: int = -1
    related: bool = True

    @property
    def whole(self) -> bool:
        """Nothing is left out."""
        return not self.prefix_from and self.suffix_to < 0 and self.related


@attrs.frozen
class Anchor:
    """The fixed part of a prompt.

    Attributes:
        around: what the prompt says beside the text, related code included.
        prefix: the window's text before the anchor ("" where the prefix is the tail).
        suffix: the window's text after the cursor when the anchor was set, closers on its line removed.
        cut: what the model sees of them.
        tokens: the fixed tokens.
    """

    around: Surroundings
    prefix: str
    suffix: str
    cut: Cut
    tokens: list[int] = attrs.field(eq=False, repr=False)

    @property
    def tail_from(self) -> int:
        """Where in a prompt's prefix the tail begins, in code points."""
        return max(len(self.prefix), self.cut.prefix_from)


@attrs.frozen
class AnchorFit:
    """An anchor that serves a prompt.

    Attributes:
        tail: text between the anchor and the cursor.
        exact: nothing that matters has changed since; False asks for a new anchor when there is time.
    """

    tail: str
    exact: bool


def place(prompt: Prompt, layout: PromptLayout, cut: Cut | None = None) -> Anchor:
    """An anchor for `prompt`: at the start of the cursor's line, or nowhere where the prefix is the tail."""
    cut = cut or Cut()
    prefix = prompt.prefix[: anchor_point(prompt.prefix)] if layout.prefix_is_fixed else ""
    suffix = settled_suffix(prompt.suffix) if layout.sees_suffix else ""
    seen_suffix = suffix if cut.suffix_to < 0 else suffix[: cut.suffix_to]
    around = surroundings(prompt)
    shown = around if cut.related else attrs.evolve(around, related=())
    tokens = layout.fixed(shown, prefix[cut.prefix_from :], seen_suffix)
    return Anchor(around, prefix, suffix, cut, tokens)


def surroundings(prompt: Prompt) -> Surroundings:
    """What a prompt says beside the text."""
    return Surroundings(prompt.related, prompt.path, prompt.repository, prompt.language, prompt.rewrite)


def match(anchor: Anchor, prompt: Prompt, layout: PromptLayout) -> AnchorFit | None:
    """Whether `anchor` still serves `prompt`, and with which tail.

    It does while the cursor is behind the anchor, nothing before the anchor has changed, and the text
    from the next line on is the same. The rest of the cursor's line is not compared: editors insert
    closing brackets and quotes as one types, and the suggestion is trimmed against what really stands
    there. Lines of nothing but closers that come or go right below are tolerated as well.
    """
    around = surroundings(prompt)
    if attrs.evolve(anchor.around, related=prompt.related) != around:
        return None
    if not prompt.prefix.startswith(anchor.prefix) or anchor.cut.prefix_from > len(prompt.prefix):
        return None
    tail = prompt.prefix[anchor.tail_from :]
    # Related code that was chosen anew comes first in the prompt: worth a new anchor only when idle.
    exact = anchor.around == around
    if layout.sees_suffix:
        suffix = compare_suffix(anchor.suffix, prompt.suffix)
        if suffix is None:
            return None
        exact = exact and suffix
    if layout.prefix_is_fixed:
        if len(tail) > MIDDLE_LIMIT:
            return None
        exact = exact and len(tail) <= MIDDLE_TIRED
    return AnchorFit(tail, exact)


def compare_suffix(anchored: str, now: str) -> bool | None:
    """Whether an anchored suffix still says what stands after the cursor.

    Returns:
        True: it does. False: only the cursor's line or lines of closers differ. None: it does not.
    """
    now = settled_suffix(now)
    if anchored == now:
        return True
    anchored_rest, anchored_below = split_line(anchored)
    rest, below = split_line(now)
    if anchored_rest and anchored_rest != rest:
        return None  # the model would be shown text that is gone from there
    if anchored_below == below:
        return False
    if strip_closer_lines(anchored_below) == strip_closer_lines(below):
        return False
    return None


def settled_suffix(suffix: str) -> str:
    """The suffix without closers on the cursor's line: they come and go as one types."""
    rest, below = split_line(suffix)
    if all(char in _CLOSERS for char in rest):
        return below
    return suffix


def split_line(text: str) -> tuple[str, str]:
    """The rest of the first line, and everything from its line end on."""
    for at, char in enumerate(text):
        if char in "\r\n":
            return text[:at], text[at:]
    return text, ""


def strip_closer_lines(below: str) -> str:
    """Drop up to `MAX_CLOSER_LINES` leading lines that hold only closers. `below` begins at a line end."""
    for _ in range(MAX_CLOSER_LINES):
        end = _after_line_end(below)
        rest, further = split_line(below[end:])
        if not end or not rest.strip() or any(char not in _CLOSERS for char in rest):
            break
        below = further
    return below


def anchor_point(prefix: str) -> int:
    """Where the anchor of a cursor behind `prefix` stands: its line's start, or inside a long line."""
    start = _line_start(prefix)
    length = len(prefix) - start
    if length < LONG_LINE:
        return start
    step = LONG_LINE // 2
    return start + length // step * step - step


def _line_start(text: str) -> int:
    """Where the last line of `text` begins."""
    return max(text.rfind("\n"), text.rfind("\r")) + 1


def _after_line_end(text: str) -> int:
    if text.startswith("\r\n"):
        return 2
    return 1 if text[:1] in ("\n", "\r") else 0


def shorten(prompt: Prompt, prefix: int, suffix: int) -> Cut:
    """A cut that leaves about so many code points, at line starts where one is near."""
    prefix_from = max(0, len(prompt.prefix) - prefix)
    if prefix_from:
        line_end = prompt.prefix.find("\n", prefix_from, prefix_from + prefix // 2)
        prefix_from = line_end + 1 if line_end >= 0 else prefix_from
    settled = settled_suffix(prompt.suffix)
    suffix_to = -1
    if suffix < len(settled):
        line_end = settled.rfind("\n", suffix // 2, suffix)
        suffix_to = max(0, line_end + 1 if line_end >= 0 else suffix)
    return Cut(prefix_from, suffix_to, related=False)
