"""Lays a prompt out for a format: a row of markers, by id, and texts. Pure functions, driven by data.

Text is only ever tokenised with special tokens off, so nothing that a user wrote becomes a marker; `Guarded`
closes the one gap that llama.cpp leaves there. What is fixed, what grows and what is cached is decided by
`anchor` and `interface`; windows and snippets come finished in the prompt.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import attrs

from ...context.shared.values import RelatedPart, Rewrite
from .formats import FimFormat, Recognition, comments, is_token


@attrs.frozen
class Marker:
    """A token that is put into the prompt by its id.

    Attributes:
        id: the token.
        text: how it is spelled, for people.
    """

    id: int
    text: str = attrs.field(default="", eq=False)


@attrs.frozen
class Text:
    """Text to tokenise with special tokens off.

    Attributes:
        text: as it is.
        continues: it goes on after other tokens: SentencePiece's dummy first character must be dropped.
    """

    text: str
    continues: bool = True


PromptPiece = Marker | Text


@attrs.frozen
class Surroundings:
    """What a prompt says beside the text before and after the cursor.

    Attributes:
        related: code from elsewhere, most stable first.
        path: the current file's path, "" where it has none.
        repository: the workspace's name, "" where it has none.
        language: the current file's language identifier.
        rewrite: lines to be written anew; the prompt is about them then, see `rewriting`.
    """

    related: tuple[RelatedPart, ...] = ()
    path: str = ""
    repository: str = ""
    language: str = ""
    rewrite: Rewrite | None = None


@attrs.frozen
class SuffixFirst:
    """A suffix-first prompt behind its head, without the prefix.

    Attributes:
        before: from the suffix up to where the prefix begins.
        after: between the prefix and what the model adds; often the marker of the middle, or nothing.
    """

    before: tuple[PromptPiece, ...]
    after: tuple[PromptPiece, ...]


def head(recognition: Recognition, around: Surroundings) -> tuple[PromptPiece, ...]:
    """What comes first and changes least: everything before the first text of the current file.

    It includes the marker that opens that text. A BOS token is not part of it; see `Recognition.bos`.
    """
    opening, _, _ = _sections(recognition.format)
    pieces = _expand(recognition, opening, around)
    if pieces and isinstance(pieces[0], Text):
        return (attrs.evolve(pieces[0], continues=False), *pieces[1:])
    if recognition.format.prefix_begins and recognition.format.order == "psm":
        return _begun(pieces)
    return pieces


def body_psm(
    recognition: Recognition, prefix: str, suffix: str, around: Surroundings | None = None
) -> tuple[PromptPiece, ...]:
    """The rest of a prefix-first prompt: prefix, suffix, up to and including the marker of the middle."""
    around = around or Surroundings()
    _, between, closing = _sections(recognition.format)
    return joined(
        (
            *_text(prefix, continues=_continues(recognition, around)),
            *_expand(recognition, between, around),
            *_text(suffix),
            *_expand(recognition, closing, around),
        )
    )


def body_spm(recognition: Recognition, suffix: str, around: Surroundings | None = None) -> SuffixFirst:
    """The rest of a suffix-first prompt: what stands around the prefix.

    Args:
        recognition: the format in use.
        suffix: text after the cursor.
        around: needed where the format puts related code next to the prefix (Codestral).
    """
    around = around or Surroundings()
    _, between, closing = _sections(recognition.format)
    lead = _expand(recognition, between, around)
    if recognition.format.prefix_begins:
        lead = _begun(lead)
    return SuffixFirst((*_text(suffix), *lead), _expand(recognition, closing, around))


def prefix_text(recognition: Recognition, prefix: str, around: Surroundings | None = None) -> Text:
    """The prefix as a piece, for suffix-first and plain prompts."""
    return Text(prefix, continues=_continues(recognition, around or Surroundings()))


def _continues(recognition: Recognition, around: Surroundings) -> bool:
    """Whether the prefix goes on after other tokens, as its tokeniser should see it."""
    opening, between, _ = _sections(recognition.format)
    lead = _expand(recognition, between if recognition.format.order == "spm" else opening, around)
    if not lead:
        return recognition.format.order == "spm"
    return isinstance(lead[-1], Text) or not recognition.format.prefix_begins


def _begun(pieces: tuple[PromptPiece, ...]) -> tuple[PromptPiece, ...]:
    """The same pieces where the text at the end, if it is one, begins a text."""
    if pieces and isinstance(pieces[-1], Text):
        return (*pieces[:-1], attrs.evolve(pieces[-1], continues=False))
    return pieces


def whole(
    recognition: Recognition, prefix: str, suffix: str, around: Surroundings
) -> tuple[PromptPiece, ...]:
    """The complete prompt, for showing it and for tests."""
    start = head(recognition, around)
    if recognition.format.order == "psm":
        return joined((*start, *body_psm(recognition, prefix, suffix, around)))
    text = (prefix_text(recognition, prefix, around),) if prefix else ()
    if recognition.format.order == "plain":
        return (*start, *text)
    rest = body_spm(recognition, suffix, around)
    return (*start, *rest.before, *text, *rest.after)


@functools.cache
def _sections(used: FimFormat) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The layout's items before the first text of the current file, between the two, and behind them."""
    items = used.items
    places = [place for place, item in enumerate(items) if item in ("{prefix}", "{suffix}")]
    first, last = places[0], places[-1]
    return items[:first], items[first + 1 : last], items[last + 1 :]


def _expand(recognition: Recognition, items: Iterable[str], around: Surroundings) -> tuple[PromptPiece, ...]:
    pieces: list[PromptPiece] = []
    for item in items:
        if item == "{related}":
            pieces += _related(recognition, around)
        elif item == "{current}":
            pieces += _current(recognition, around)
        else:
            pieces += _item(recognition, item, {})
    return joined(pieces)


def _item(recognition: Recognition, item: str, values: Mapping[str, str]) -> list[PromptPiece]:
    """One marker or one piece of fixed text, filled in."""
    if is_token(item):
        token = recognition.ids[item]
        return [Marker(token, recognition.texts.get(token, item))]
    return list(_text(filled(item[1:], values)))


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template with its fields replaced, once: a value that looks like a field stays as it is."""
    result: list[str] = []
    rest = template
    while rest:
        found = min(
            ((rest.find(f"{{{name}}}"), name) for name in values if f"{{{name}}}" in rest), default=None
        )
        if found is None:
            result.append(rest)
            break
        at, name = found
        result += (rest[:at], values[name])
        rest = rest[at + len(name) + 2 :]
    return "".join(result)


def _related(recognition: Recognition, around: Surroundings) -> list[PromptPiece]:
    if not around.related:
        return []
    used = recognition.format
    pieces: list[PromptPiece] = []
    structured = _is_structured(recognition)
    if structured and around.repository and used.repository and _possible(recognition, used.repository):
        pieces += _items(recognition, used.repository, {"repository": _one_line(around.repository)})
    for part in around.related:
        text = part.text if part.text.endswith("\n") else f"{part.text}\n"
        if structured:
            pieces += _items(recognition, used.file, {"path": _one_line(part.path), "text": text})
        else:
            name = _comment(part.path, around.language) if _has_others(around) else ""
            pieces += _text(f"{name}{text}\n")
    if structured and _possible(recognition, used.last):
        pieces += _items(recognition, used.last, {})
    return pieces


def _is_structured(recognition: Recognition) -> bool:
    """Whether each file that is shown has a section of its own, between markers."""
    return bool(recognition.format.file) and _possible(recognition, recognition.format.file)


def _has_others(around: Surroundings) -> bool:
    """Whether code of other files is shown; the file's own needs no name: a comment would only distract."""
    return any(part.path != around.path for part in around.related)


def _current(recognition: Recognition, around: Surroundings) -> list[PromptPiece]:
    used = recognition.format
    among_others = bool(around.related) and (_is_structured(recognition) or _has_others(around))
    if not around.path or not (among_others or used.path == "always"):
        return []
    if used.current and _possible(recognition, used.current):
        values = {"path": _one_line(around.path), "repository": _one_line(around.repository)}
        return _items(recognition, used.current, values)
    return list(_text(_comment(around.path, around.language)))


def _items(recognition: Recognition, items: Iterable[str], values: Mapping[str, str]) -> list[PromptPiece]:
    return [piece for item in items for piece in _item(recognition, item, values)]


def _possible(recognition: Recognition, items: Iterable[str]) -> bool:
    """Whether the vocabulary has every token that the items name."""
    return all(item in recognition.ids for item in items if is_token(item))


def _comment(path: str, language: str) -> str:
    """The comment line that names a file, in the current file's language."""
    if not path:
        return ""
    known = comments()
    return f"{known.get(language, known['default']).replace('{path}', _one_line(path))}\n"


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


def _text(text: str, *, continues: bool = True) -> tuple[PromptPiece, ...]:
    return (Text(text, continues),) if text else ()


def joined(pieces: Sequence[PromptPiece]) -> tuple[PromptPiece, ...]:
    """The same row with texts that follow each other made one."""
    row: list[PromptPiece] = []
    for piece in pieces:
        last = row[-1] if row else None
        if isinstance(piece, Text) and isinstance(last, Text):
            row[-1] = Text(last.text + piece.text, last.continues)
        else:
            row.append(piece)
    return tuple(row)


# --- tokenising without markers -------------------------------------------------------------------


class Tokenises(Protocol):
    """What is needed of a loaded model."""

    def tokenise(self, text: bytes) -> list[int]:
        """Tokens of `text`, special tokens off, nothing added."""
        ...

    def pieces(self) -> list[bytes]:
        """The bytes of every token."""
        ...


class Guarded:
    """A model whose tokeniser never yields a marker for text.

    With special tokens off llama.cpp still finds user-defined tokens in text. It takes the markers that it
    knows by their spelling for control tokens, but a vocabulary may hold others, or declare any token as a
    marker. Every marker that comes out of text is spelled out in ordinary tokens instead.
    """

    def __init__(self, model: Tokenises, markers: Mapping[int, str]) -> None:
        """Prepare the spelling of each marker.

        Args:
            model: the loaded model.
            markers: texts of the tokens that text must not become, by id: `Recognition.texts`.
        """
        self._model = model
        self._spelled = _spellings(model.tokenise, markers)

    def tokenise(self, text: bytes) -> list[int]:
        """Tokens of `text`, none of them a marker."""
        tokens = self._model.tokenise(text)
        if self._spelled.keys().isdisjoint(tokens):
            return tokens
        return [spelt for token in tokens for spelt in self._spelled.get(token, (token,))]

    def pieces(self) -> list[bytes]:
        """The bytes of every token."""
        return self._model.pieces()


def _spellings(
    tokenise: Callable[[bytes], list[int]], markers: Mapping[int, str]
) -> dict[int, tuple[int, ...]]:
    """How each marker that the tokeniser finds in text is written in ordinary tokens.

    A marker of one character, or one that stays however it is cut, is an ordinary token (like the space
    before aiXcoder's markers) and is left alone.
    """
    spelled: dict[int, tuple[int, ...]] = {}
    for token, text in markers.items():
        if token not in tokenise(text.encode()):
            continue
        for cut in range(1, len(text)):
            halves = (*tokenise(text[:cut].encode()), *tokenise(text[cut:].encode()))
            if markers.keys().isdisjoint(halves):
                spelled[token] = halves
                break
    return spelled
