"""Rules of `trim` about blanks, tabs and line ends: what the model indents becomes what the file indents."""

from __future__ import annotations

import itertools
import re

import attrs

from ..shared.values import StopRules
from ..syntax.cursor_lines import CursorLines, closes_only, first_word, opens_block
from ..text.brackets import balance
from ..text.lines import columns, indent_of, split_lines, without_end
from ..text.reindent import IndentFacts, reindented
from .draft import DraftText

_SCANNED = 60
"""Lines of an answer that are searched for open quotes, at most."""

_TOUCHING = re.compile(r"(?:[(\[!~]|(?<!\.)\.)$")
"""What a blank doesn't stand behind: brackets, the dot of a member, a sign."""

_HERE_DOCUMENT = re.compile(r"<<[-~]?\s*[\"'\\]?\w")
_TRAILING = re.compile(r"[ \t]+(?=\r?\n|\r|$)")


def use_the_documents_line_ends(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Write line ends as the document does."""
    del rules
    text = "".join(
        without_end(line) + (place.newline if without_end(line) != line else "")
        for line in split_lines(draft.text)
    )
    return attrs.evolve(draft, text=text)


def drop_leading_blank_lines(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Begin in the cursor's line where that is empty, and in the next where it has just opened a block."""
    lines = split_lines(draft.text)
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return attrs.evolve(draft, text="")
    if first == 0 or (draft.ended and rules.multiline and not place.blank):
        return draft
    if place.blank:
        return attrs.evolve(draft, text="".join(lines[first:]))
    if not rules.multiline:
        return attrs.evolve(draft, text="")
    return attrs.evolve(draft, text=place.newline + "".join(lines[first:]))


def fit_the_first_line(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Don't indent twice what the editor has indented, and don't put a second blank after a blank."""
    del rules
    text = draft.text
    indent = indent_of(text)
    if not indent:
        return draft
    if not place.blank:
        if (place.prose == "string" or place.language.layout.prose) and indent != " ":
            return draft  # a string's own blanks, or those that align a table
        padded = _is_padded(draft, place)
        touching = _TOUCHING.search(place.before) is not None and not padded
        doubled = place.before[-1:].isspace() or touching
        return attrs.evolve(draft, text=text.lstrip(" \t")) if doubled else draft
    if indent == " " and place.indent:
        return attrs.evolve(draft, text=text[1:])  # the blank that tokenisers put in front of a word
    wanted = _expected_indent(place, text)
    style, code = place.style, text.lstrip(" \t")
    missing = wanted - place.indent
    width = columns(indent_of(place.before + indent), style.tab_width)
    if missing <= 0:
        return attrs.evolve(draft, text=code) if width > wanted or place.indent else draft
    foreign = "\t" not in indent if style.tabs else "\t" in indent
    return attrs.evolve(draft, text=style.written(missing) + code) if foreign or width != wanted else draft


def _is_padded(draft: DraftText, place: CursorLines) -> bool:
    """Whether brackets have blanks inside them: in this text, or in the lines nearby."""
    if re.search(r"[ \t][)\]](?!\w)", draft.text) or (draft.ended and draft.text.endswith((" ", "\t"))):
        return True
    if place.language.layout.loose_brackets:
        return True
    opener = re.compile(re.escape(place.before[-1:]) + r"[ \t]\S")
    return any(opener.search(line) for line in (*place.above, *place.below))


def _expected_indent(place: CursorLines, text: str) -> int:
    """Columns at which a line in the cursor's place should begin."""
    line = text.splitlines()[0]
    if not place.above:
        return 0
    nearest = place.columns_of(place.above[0])
    if place.opened_above() and not closes_only(line, place.language):
        return nearest + place.style.step
    if place.opened_above() or first_word(line) in place.language.layout.continuations:
        return place.indent
    return nearest if place.touching or not place.indent else place.indent


def fit_the_indentation(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Indent the further lines as the file does. The text of a string that goes over lines stays as it is."""
    del rules
    lines, language = split_lines(draft.text), place.language
    tabbed = any("\t" in indent_of(line) for line in lines[1:])
    if len(lines) < 2 or (language.layout.aligned and tabbed == place.style.tabs):
        return draft
    told = IndentFacts(
        opens=lambda line: opens_block(line, language) and not line.rstrip().endswith("\\"),
        closes=lambda line: closes_only(line, language) or first_word(line) in language.layout.continuations,
        shifts=language.layout.only == "blanks",
    )
    fitted = _fitted(lines, place, told)
    if fitted != lines and (text := lines_of_text(lines, place)):
        fitted = _fitted(lines, place, attrs.evolve(told, text=text))
    return attrs.evolve(draft, text="".join(fitted))


def _fitted(lines: list[str], place: CursorLines, told: IndentFacts) -> list[str]:
    """The lines as the file indents them; blanks at the end are those of the closer that follows."""
    last = lines[-1]
    if last.strip() or last != without_end(last) or not place.after.strip():
        return reindented(lines, place.before, place.style, told)
    fitted = reindented([*lines[:-1], last + place.after], place.before, place.style, told)
    return [*fitted[:-1], indent_of(fitted[-1])]


def lines_of_text(lines: list[str], place: CursorLines) -> frozenset[int]:
    """The numbers of the lines of an answer that begin inside a string.

    A syntax tree of the document with the answer in it tells; where strings are still open, their quotes do.
    """
    answer = "".join(lines)
    starts = list(itertools.accumulate(len(line) for line in lines[:-1]))
    inside: set[int] = set()
    if place.snapshot is not None:
        text, offset = place.snapshot.text, place.offset
        tree = place.snapshot.with_text(text[:offset] + answer + text[offset:]).tree
        for number, start in enumerate(starts if tree is not None else (), 1):
            code = offset + start + len(indent_of(lines[number]))
            # A place at the very start of a string is none in it: so the first line of a here-document.
            within = code + 1 if _HERE_DOCUMENT.search(lines[number - 1]) else code
            if tree is not None and tree.prose_at(within) == "string":
                inside.add(number)
    several = place.language.layout.multiline_quotes
    for number, start in enumerate(starts[:_SCANNED], 1):
        quote = balance(place.before + answer[:start], place.language).quote
        if len(quote) > 1 or quote in several:
            inside.add(number)
    return frozenset(inside)


def drop_trailing_blanks(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
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
