"""Rules of `trim` about blanks, tabs and line ends: what the model indents becomes what the file indents."""

from __future__ import annotations

import re

import attrs

from .draft import Draft
from .lines import columns, indent_of, split_lines, without_end
from .place import Place, closes_only, first_word, opens_block
from .values import StopRules

_TOUCHING = re.compile(r"(?:[(\[!~]|(?<!\.)\.)$")
"""What a blank doesn't stand behind: brackets, the dot of a member, a sign."""

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
        padded = _is_padded(draft, place)
        touching = _TOUCHING.search(place.before) is not None and not padded
        doubled = place.before[-1:].isspace() or touching
        return attrs.evolve(draft, text=text.lstrip(" \t")) if doubled else draft
    if indent == " " and place.indent:
        return attrs.evolve(draft, text=text[1:])  # the blank that tokenisers put in front of a word
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


def _is_padded(draft: Draft, place: Place) -> bool:
    """Whether brackets have blanks inside them: in this text, or in the lines nearby."""
    if draft.ended and re.search(r"[ \t](?:$|[)\]](?!\w))", draft.text):
        return True
    opener = re.compile(re.escape(place.before[-1:]) + r"[ \t]\S")
    return any(opener.search(line) for line in (*place.above, *place.below))


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
    """Indent the further lines in the file's own unit: tabs or blanks, and as many of them.

    Depths are followed as in Python's tokeniser: a line deeper than an opening line before it is one unit
    deeper than that, and one as deep as an earlier line stays with it. What continues a statement keeps its
    distance.
    """
    del rules
    lines = split_lines(draft.text)
    if len(lines) < 2:
        return draft
    first = place.before + lines[0]
    base = place.columns_of(first)
    levels: list[tuple[int, int]] = [(base, base)]
    before = first
    fitted = [lines[0]]
    for line in lines[1:]:
        code = line.lstrip(" \t")
        if not code.strip():
            fitted.append(code)
            continue
        width = place.columns_of(line)
        fitted.append(_indentation(_fitted_width(width, before, levels, place), place) + code)
        before = line
    return attrs.evolve(draft, text="".join(fitted))


def _fitted_width(width: int, before: str, levels: list[tuple[int, int]], place: Place) -> int:
    """The columns for a line that the model put at `width`; `levels` pairs its columns with the file's."""
    base = levels[0][1]
    if width < base:
        return width
    while len(levels) > 1 and width < levels[-1][0]:
        levels.pop()
    own, fitted = levels[-1]
    if width > own and opens_block(without_end(before), place.language):
        step = columns(place.style.unit, place.style.tab_width) if place.style.known else width - own
        levels.append((width, fitted + step))
        return fitted + step
    if len(levels) == 1 and width < place.columns_of(before):
        return fitted  # back from a block that the model put deeper than the file would
    return fitted + width - own


def drop_trailing_blanks(draft: Draft, place: Place, rules: StopRules) -> Draft:
    """No blanks at the ends of lines, and none at the end but what the rest of the line waits for.

    A last line of nothing but blanks in front of a closer is that closer's indentation.
    """
    del rules
    text = _TRAILING.sub("", draft.text)
    after = place.after[draft.replace_right :]
    if draft.ended and after.strip() and not after[0].isspace() and draft.text.strip():
        return attrs.evolve(draft, text=text + draft.text[len(draft.text.rstrip(" \t")) :])
    if text.endswith(("\n", "\r")) and after.strip():
        return attrs.evolve(draft, text=text + split_lines(draft.text + "|")[-1][:-1])
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
