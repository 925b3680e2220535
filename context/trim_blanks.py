"""Rules of `trim` about blanks, tabs and line ends: what the model indents becomes what the file indents."""

from __future__ import annotations

import re

import attrs

from .draft import Draft
from .lines import columns, indent_of, split_lines, without_end
from .place import Place, closes_only, first_word, opens_block
from .values import StopRules

_TRAILING = re.compile(r"[ \t]+(?=\r?\n|\r|$)")


def use_the_documents_line_ends(draft: Draft, place: Place, rules: StopRules) -> Draft:
    """Write line ends as the document does."""
    del rules
    text = "".join(
        without_end(line) + (place.newline if without_end(line) != line else "")
        for line in split_lines(draft.text)
    )
    return attrs.evolve(draft, text=text)


def drop_leading_blank_lines(draft: Draft, place: Place, rules: StopRules) -> Draft:
    """Begin in the cursor's line where that is empty, and in the next where it has just opened a block."""
    lines = split_lines(draft.text)
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return attrs.evolve(draft, text="")
    if first == 0:
        return draft
    if place.blank:
        return attrs.evolve(draft, text="".join(lines[first:]))
    if not rules.multiline:
        return attrs.evolve(draft, text="")
    return attrs.evolve(draft, text=place.newline + "".join(lines[first:]))


def fit_the_first_line(draft: Draft, place: Place, rules: StopRules) -> Draft:
    """Don't indent twice what the editor has indented, and don't put a second blank after a blank."""
    del rules
    text = draft.text
    indent = indent_of(text)
    if not indent:
        return draft
    if not place.blank:
        doubled = place.before[-1:].isspace() or place.before.endswith(("(", "[", ".", "!", "~"))
        return attrs.evolve(draft, text=text.lstrip(" \t")) if doubled and not place.prose else draft
    wanted = _expected_indent(place, text)
    missing = wanted - place.indent
    width = columns(indent_of(place.before + indent), place.style.tab_width)
    if place.indent and width != wanted and missing <= 0:
        return attrs.evolve(draft, text=text.lstrip(" \t"))
    if missing <= 0:
        return attrs.evolve(draft, text=text.lstrip(" \t")) if width > wanted else draft
    return (
        attrs.evolve(draft, text=_indentation(missing, place) + text.lstrip(" \t"))
        if width != wanted
        else draft
    )


def _expected_indent(place: Place, text: str) -> int:
    """Columns at which a line in the cursor's place should begin."""
    line = text.splitlines()[0]
    if not place.above:
        return 0
    nearest = place.columns_of(place.above[0])
    if place.opened_above() and not closes_only(line, place.language):
        return nearest + columns(place.style.unit, place.style.tab_width)
    if place.opened_above() or first_word(line) in place.language.layout.continuations:
        return place.indent
    return nearest if place.touching or not place.indent else place.indent


def _indentation(width: int, place: Place) -> str:
    if place.style.unit == "\t":
        return "\t" * (width // place.style.tab_width) + " " * (width % place.style.tab_width)
    return " " * width


def fit_the_indentation(draft: Draft, place: Place, rules: StopRules) -> Draft:
    """Indent the further lines in the file's own unit: tabs or blanks, and as many of them."""
    del rules
    lines = split_lines(draft.text)
    if len(lines) < 2:
        return draft
    step = columns(place.style.unit, place.style.tab_width)
    first = place.before + lines[0]
    base = place.columns_of(first)
    own = _own_step(lines, first, base, place)
    fitted = [lines[0]]
    for line in lines[1:]:
        code = line.lstrip(" \t")
        width = columns(indent_of(line), place.style.tab_width)
        if own and own != step and width > base and (width - base) % own == 0:
            width = base + (width - base) // own * step
        fitted.append((_indentation(width, place) if code.strip() else "") + code)
    return attrs.evolve(draft, text="".join(fitted))


def _own_step(lines: list[str], first: str, base: int, place: Place) -> int:
    """The text's own indentation step, seen after its first line that opens a block; 0 where unknown."""
    before = first
    for line in lines[1:]:
        if not line.strip():
            continue
        if opens_block(before, place.language):
            step = place.columns_of(line) - place.columns_of(before)
            return step if step > 0 and (place.columns_of(before) - base) % step == 0 else 0
        before = line
    return 0


def drop_trailing_blanks(draft: Draft, place: Place, rules: StopRules) -> Draft:
    """No blanks at the ends of lines, and none at the end but what the rest of the line waits for."""
    del rules
    text = _TRAILING.sub("", draft.text)
    if not place.after.strip():
        text = text.rstrip()
    elif (
        draft.text.endswith((" ", "\t"))
        and "\n" not in text[-2:]
        and text.strip()
        and not place.after[0].isspace()
    ):
        text = draft.text[: len(draft.text.rstrip())] + " " if place.after[0].isalnum() else text
    return attrs.evolve(draft, text=text)
