"""An argument that came to one call, or went: the other calls of the same function.

Two witnesses are needed: two calls, or a call and the declaration whose parameter has the argument's name.
What a call looks like is read from its brackets, so this works in any language that writes `name(…)`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from .changes import TokenChange
from .lexing import Token, closing_of, is_word, opening_before, tokens_in
from .places import EditPlace, SearchedText, is_changed, prose_of

_REACHES = (200, 3000)
"""Code points from a call's opening bracket in which the closing one is looked for, the nearest first."""

DECLARING = frozenset({"def", "fn", "func", "function", "fun", "sub", "void", "int", "proc"})
"""Words in front of a name that is declared, not called."""


@attrs.frozen
class Argument:
    """What came to the arguments of a call, or went from them.

    Attributes:
        head: the name in front of the bracket.
        value: the argument's tokens.
        text: the argument as it was written.
        last: whether it is the last one; else the first.
        removed: whether it went.
        declared: whether these are a declaration's parameters.
        alone: whether there are no others.
    """

    head: str
    value: tuple[str, ...]
    text: str
    last: bool
    removed: bool
    declared: bool
    alone: bool

    def agrees(self, other: Argument) -> bool:
        """Whether two edits say the same about the same function."""
        if (self.head, self.last, self.removed) != (other.head, other.last, other.removed):
            return False
        if self.value == other.value:
            return not (self.declared and other.declared)
        parameter, argument = (self, other) if self.declared else (other, self)
        if not parameter.declared or argument.declared:
            return False
        return bool(set(filter(is_word, argument.value)) & set(filter(is_word, parameter.value[:2])))


def argument_of(change: TokenChange) -> Argument | None:
    """The argument that an edit added or took away; None where it did something else."""
    if bool(change.old) == bool(change.new):
        return None
    removed = bool(change.old)
    line = change.line.old if removed else change.line.new
    tokens = tokens_in(line)
    first = change.old_index if removed else change.new_index
    last = first + len(change.old or change.new)
    opening = opening_before(tokens, first)
    if opening < 1 or tokens[opening].text != "(" or not is_word(tokens[opening - 1].text):
        return None
    piece = tokens[first:last]
    if last < len(tokens) and tokens[last].text == ")":
        piece = piece[1:] if piece[0].text == "," else piece if first == opening + 1 else []
        at_end = True
    elif first == opening + 1 and piece[-1].text == ",":
        piece, at_end = piece[:-1], False
    else:
        return None
    if (
        not piece
        or any(each.text in ",;{}" for each in piece)
        or not any(is_word(each.text) for each in piece)
    ):
        return None
    declared = opening > 1 and (
        bool(DECLARING & {each.text for each in tokens[: opening - 1]})
        or (line.rstrip().endswith(("{", ":")) and tokens[opening - 2].text not in "=.(,")
    )
    text = line[piece[0].start : piece[-1].end]
    closing = closing_of(tokens, opening)
    alone = first == opening + 1 and last == closing
    value = tuple(each.text for each in piece)
    return Argument(tokens[opening - 1].text, value, text, at_end, removed, declared, alone)


def calls_of(argument: Argument, around: SearchedText) -> Iterator[EditPlace]:
    """The calls whose arguments are as the edited ones were, in order."""
    text = around.text
    for start in around.of(argument.head):
        end = start + len(argument.head)
        if text[end : end + 1] != "(" or _is_declared(text, start):
            continue
        if around.tree is not None and prose_of(around.tree, start, end):
            continue
        tokens, closing = _call(text, end)
        if closing < 0 or is_changed(around.edits, end, tokens[closing].start):
            continue
        place = _place(argument, text, tokens[: closing + 1])
        if place is not None:
            yield place


def _call(text: str, start: int) -> tuple[list[Token], int]:
    """The tokens from an opening bracket on, and the index of the one that closes it; -1: it is too far."""
    tokens: list[Token] = []
    for reach in _REACHES:
        tokens = tokens_in(text, start, min(len(text), start + reach))
        closing = closing_of(tokens, 0)
        if closing >= 0:
            return tokens, closing
    return tokens, -1


def _is_declared(text: str, start: int) -> bool:
    before = tokens_in(text, text.rfind("\n", 0, start) + 1, start)
    return bool(before) and before[-1].text in DECLARING


def _place(argument: Argument, text: str, tokens: Sequence[Token]) -> EditPlace | None:
    """The edit of one call, whose tokens go from bracket to bracket."""
    inside = list(tokens[1:-1])
    parts = _split(inside)
    values = [tuple(each.text for each in part) for part in parts]
    if argument.removed:
        wanted = -1 if argument.last else 0
        return _without(tokens, parts, wanted) if parts and values[wanted] == argument.value else None
    if argument.value in values or _is_named(argument, values):
        return None
    opening, closing = tokens[0], tokens[-1]
    if not inside and not argument.alone:
        return None
    if not inside:
        return EditPlace(opening.end, opening.end, argument.text)
    if not argument.last:
        return (
            EditPlace(opening.end, opening.end, f"{argument.text}, ")
            if _is_on_one_line(text, tokens)
            else None
        )
    end = inside[-1].end
    if inside[-1].text != ",":
        return EditPlace(end, end, f", {argument.text}")
    if "\n" not in text[end : closing.start]:
        return EditPlace(end, end, f" {argument.text},")
    line = text[text.rfind("\n", 0, end) + 1 : end]
    indent = line[: len(line) - len(line.lstrip())]
    return EditPlace(end, end, f"\n{indent}{argument.text},")


def _is_on_one_line(text: str, tokens: Sequence[Token]) -> bool:
    return "\n" not in text[tokens[0].start : tokens[1].start]


def _is_named(argument: Argument, values: list[tuple[str, ...]]) -> bool:
    """Whether an argument of that name is there already, with another value."""
    return (
        len(argument.value) > 1
        and argument.value[1] in "=:"
        and any(value[:2] == argument.value[:2] for value in values)
    )


def _split(tokens: Sequence[Token]) -> list[list[Token]]:
    """Arguments, cut at the commas between them; an empty one behind the last comma doesn't count."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for each in tokens:
        depth += (each.text in "([{") - (each.text in ")]}")
        if each.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(each)
    return parts if parts[-1] else parts[:-1]


def _without(tokens: Sequence[Token], parts: list[list[Token]], wanted: int) -> EditPlace:
    part = parts[wanted]
    if len(parts) == 1:
        return EditPlace(part[0].start, tokens[-1].start, "")
    if wanted == -1:
        return EditPlace(parts[-2][-1].end, part[-1].end, "")
    return EditPlace(part[0].start, parts[1][0].start, "")
