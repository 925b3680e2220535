"""A prompt as text for a server: fixed at an anchor while somebody types, healed, and without secrets.

What the server has evaluated stays in its cache as long as the beginning stays the same, so the anchor is
kept while it serves, and the related code with it; both are renewed when there is time. Which anchor serves
is `prompts/anchor`'s knowledge, where markers stand `prompts/layout`'s. Spelling is the protocols' business.
"""

from __future__ import annotations

import functools

import attrs

from ...context.secrets.lines import holds_secret, without_secrets
from ...context.secrets.paths import is_secret_path
from ...context.shared.values import Prompt, RelatedPart
from ..llama.vocabulary import to_bytes
from ..prompts import anchor as anchors
from ..prompts.anchor import Anchor
from ..prompts.formats import FimFormat, Recognition
from ..prompts.layout import (
    Marker,
    PromptPiece,
    Surroundings,
    Text,
    body_psm,
    body_spm,
    head,
    prefix_text,
)
from .text_healing import heal_text

_REMEMBERED = 64

OWN_LAYOUT = FimFormat(
    name="server", order="psm", title="the server's own", prefix="P", suffix="S", middle="M"
)
"""Stands for the layout of a server that lays out prompts itself: prefix, suffix, then what was typed."""

_PLAIN = Recognition(FimFormat(name="comments", order="plain"))


@attrs.frozen
class TextPrompt:
    """A prompt for a server.

    Attributes:
        pieces: markers and texts in order, what was typed since the anchor included; () where the server
            lays prompts out itself.
        before: text before the anchor.
        typed: text from there to the cursor, backed up to where the answer begins.
        after: text after the cursor.
        required: bytes with which the answer must begin.
        around: what else the model is shown.
        heading: that as comments, where the server lays prompts out itself; else "".
    """

    pieces: tuple[PromptPiece, ...]
    before: str
    typed: str
    after: str
    required: bytes
    around: Surroundings
    heading: str = ""


@attrs.frozen
class TextLayout:
    """The side of `prompts.anchor.PromptLayout` that needs no tokens."""

    format: FimFormat

    @property
    def prefix_is_fixed(self) -> bool:
        """See `PromptLayout`."""
        return self.format.order == "psm"

    @property
    def sees_suffix(self) -> bool:
        """See `PromptLayout`."""
        return self.format.order != "plain"

    def fixed(self, around: Surroundings, prefix: str, suffix: str) -> list[int]:
        """See `PromptLayout`; tokens are the server's business."""
        del around, prefix, suffix
        return []

    def tail_begins(self, fixed: list[int]) -> bool:
        """See `PromptLayout`."""
        return not fixed

    def after_tail(self) -> list[int]:
        """See `PromptLayout`."""
        return []


@attrs.define
class TextPrompts:
    """The prompts of one server. Its state: the anchor of each session.

    Attributes:
        recognition: the format; None where the server lays prompts out itself.
    """

    recognition: Recognition | None
    _anchors: dict[str, Anchor] = attrs.field(factory=dict[str, Anchor])

    def of(self, session: str, prompt: Prompt, *, renew: bool = False) -> TextPrompt | None:
        """What the server is asked; None where nothing of it may leave the machine.

        Args:
            session: the document.
            prompt: what stands around the cursor.
            renew: there is time: take a new anchor unless the old one is as good.
        """
        clean = cleaned(prompt)
        if clean is None:
            self._anchors.pop(session, None)
            return None
        layout = TextLayout(OWN_LAYOUT if self.recognition is None else self.recognition.format)
        anchor = self._anchors.pop(session, None)
        fit = None if anchor is None else anchors.match(anchor, clean, layout)
        if anchor is None or fit is None or (renew and not fit.exact):
            anchor = anchors.place(clean, layout)
        self._anchors[session] = anchor
        while len(self._anchors) > _REMEMBERED:
            del self._anchors[next(iter(self._anchors))]
        return self._from(anchor, clean.prefix[anchor.tail_from :])

    def forget(self, session: str) -> None:
        """The session is over."""
        self._anchors.pop(session, None)

    def _from(self, anchor: Anchor, tail: str) -> TextPrompt:
        healed = heal_text(tail)
        around, recognition = anchor.around, self.recognition
        if recognition is None:
            heading = "".join(piece.text for piece in head(_PLAIN, around) if isinstance(piece, Text))
            return TextPrompt(
                (),
                readable(anchor.prefix),
                healed.kept,
                readable(anchor.suffix),
                healed.required,
                around,
                readable(heading),
            )
        pieces = self._pieces(recognition, anchor, healed.kept)
        after = readable(anchor.suffix)
        return TextPrompt(pieces, readable(anchor.prefix), healed.kept, after, healed.required, around)

    @staticmethod
    def _pieces(recognition: Recognition, anchor: Anchor, kept: str) -> tuple[PromptPiece, ...]:
        """Everything in its order; what was typed stands at the end, or where the prefix does."""
        around, order = anchor.around, recognition.format.order
        typed = (prefix_text(recognition, kept, around),) if kept else ()
        pieces = head(recognition, around)
        if order == "psm":
            pieces += (*body_psm(recognition, anchor.prefix, anchor.suffix, around), *typed)
        elif order == "spm":
            rest = body_spm(recognition, anchor.suffix, around)
            pieces += (*rest.before, *typed, *rest.after)
        else:
            pieces += typed
        return tuple(whole_characters(piece) for piece in pieces)


def whole_characters(piece: PromptPiece) -> PromptPiece:
    """The same piece without what is no character."""
    return piece if isinstance(piece, Marker) else Text(readable(piece.text), piece.continues)


def readable(text: str) -> str:
    """A text as JSON can carry it: bytes that are no character become U+FFFD."""
    return text if text.isascii() else to_bytes(text).decode("utf-8", "replace")


def cleaned(prompt: Prompt) -> Prompt | None:
    """The prompt without secrets; None where the cursor stands in one, or its file holds them."""
    if is_secret_path(prompt.path):
        return None
    above = max(prompt.prefix.rfind("\n"), prompt.prefix.rfind("\r")) + 1
    line, below = anchors.split_line(prompt.suffix)
    if holds_secret(prompt.prefix[above:] + line):
        return None
    related = tuple(
        RelatedPart(part.path, _clean(part.text, part.path), part.origin, part.score)
        for part in prompt.related
        if not is_secret_path(part.path)
    )
    return attrs.evolve(
        prompt,
        prefix=_clean(prompt.prefix[:above], prompt.path) + prompt.prefix[above:],
        suffix=line + _clean(below, prompt.path),
        related=related,
    )


@functools.lru_cache(maxsize=128)
def _clean(text: str, path: str) -> str:
    """The text without the lines that hold secrets; most texts come back at every key."""
    return without_secrets(text, path)
