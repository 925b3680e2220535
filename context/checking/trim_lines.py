"""Rules of `trim` about whole lines: how many there are, and which were there already."""

from __future__ import annotations

import re

import attrs

from ..shared.values import StopRules
from ..syntax.cursor_lines import CursorLines, closers_only, closes_only, first_word, opens_block
from ..text.brackets import balance
from ..text.comments import comment_left_open
from ..text.lines import columns, indent_of, split_lines, without_end
from ..text.repetition import MOST_LINES, end_of_first_unit, lines_before_a_loop
from .draft import DraftText

MARKERS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|fim_",
    "<|file_sep|>",
    "<|file_separator|>",
    "<|repo_name|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<fim_",
    "<fim-",
    "<[fim-",
    "<file_sep>",
    "<filename>",
    "<reponame>",
    "<repo_name>",
    "<gh_stars>",
    "<jupyter_",
    "<issue_start>",
    "<empty_output>",
    "<|cursor|>",
    "<PRE>",
    "<SUF>",
    "<MID>",
    "<EOT>",
    "[SUFFIX]",
    "[PREFIX]",
    "<｜fim",  # noqa: RUF001 - DeepSeek's markers are written with full-width bars
    "<｜end",  # noqa: RUF001
    "<AIX-SPAN",
)
"""What models write instead of their end markers when they spell them out."""

_UNWRITTEN = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Control characters and lone surrogates, which nobody types: an answer ends before them."""

_LOOSE = re.compile(r"""[\s"'`]+""")
_UNFINISHED = re.compile(r"[\s+\-*%=&|^,.(\[{<>!?:@$#~]*(?:\w+##)*\w*$")
"""What a text ends with that may be the beginning of something longer; C's `##` makes one name of two."""
_INFORMATIVE = 4
_LONG = 12
_MOST = 0.75


def cut_at_markers(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Stop where the model spells out a marker or fences its answer, unless the code talks about markers."""
    del rules
    text = draft.text
    nearby = "\n".join((*place.above, place.before, place.after, *place.below))
    ends = [at for marker in MARKERS if marker not in nearby and (at := text.find(marker)) >= 0]
    fence = re.search(r"^```", text, re.MULTILINE)
    if fence is not None and "```" not in nearby and not place.language.layout.fences:
        ends.append(fence.start())
    unwritten = _UNWRITTEN.search(text)
    if unwritten is not None:
        ends.append(unwritten.start())
    return draft.cut(text[: min(ends)]) if ends else draft


def drop_what_was_cut_off(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Where generation ran out of time or tokens, drop the unfinished last line, or its last word."""
    del rules
    if not draft.cut_off:
        return draft
    lines = split_lines(draft.text)
    if draft.text.endswith(("\n", "\r")):
        return draft
    if len(lines) > 1:
        return attrs.evolve(
            draft, text="".join(lines[:-1]) if any(line.strip() for line in lines[:-1]) else ""
        )
    if len(lines) == 1 and not place.prose:
        return attrs.evolve(draft, text=_UNFINISHED.sub("", draft.text))
    return draft


def keep_one_line(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """One line is one line; and with code right of the cursor it can't be more."""
    if rules.multiline and place.at_line_end:
        return draft
    lines = split_lines(draft.text)
    line = without_end(lines[0]) if lines else ""
    return draft if line == draft.text else draft.cut(line)


def cut_at_the_end_of_the_scope(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Stop before the first line that is shallower than the block, its own closing line apart."""
    lines = split_lines(draft.text)
    rules = _as_the_first_line_has_it(lines, rules)
    kept: list[str] = []
    code_seen, comment = bool(place.before.strip()), ""
    for number, line in enumerate(lines):
        within, whole = comment, line if number else place.before + line
        comment = comment_left_open(whole, rules.block_comments, comment)
        if not line.strip() and without_end(line) == line and place.after.strip():
            kept.append(line)  # the indentation of the closer that follows
            continue
        if not line.strip():
            twice = bool(kept) and not kept[-1].strip() and number > 1
            ends = rules.stop_at_blank and not _is_inside(kept, place, rules)
            if number and code_seen and (ends or twice or _is_gap(kept, place, rules)):
                break
            kept.append(line)
            continue
        indent = columns(indent_of(line), rules.tab_width)
        shallow = indent < rules.reference_indent and not within and not _says_no_depth(line, rules)
        if number and shallow:
            if not _goes_on(line, indent, place, rules):
                break
            kept.append(line)
            if closes_only(line, place.language):
                break
            continue
        code_seen = True
        kept.append(line)
    if len(kept) == len(lines):
        return draft
    while len(kept) > 1 and _is_margin(kept[-1], rules):
        kept.pop()
    return draft.cut("".join(kept).rstrip())


def _is_inside(kept: list[str], place: CursorLines, rules: StopRules) -> bool:
    """Whether brackets stand open behind these lines: their own, or those that are closed at the cursor."""
    before = place.before if rules.in_brackets else ""
    return bool(balance(before + "".join(kept), place.language).openers)


def _is_gap(kept: list[str], place: CursorLines, rules: StopRules) -> bool:
    """Whether a blank line behind these ends them: the last with code is no deeper than the block."""
    if rules.gap_indent < 0:
        return False
    said = [place.before + kept[0], *kept[1:]] if kept else []
    last = next((line for line in reversed(said) if line.strip()), "")
    opened = balance("".join(said), place.language).openers
    return not opened and columns(indent_of(last), rules.tab_width) <= rules.gap_indent


def _as_the_first_line_has_it(lines: list[str], rules: StopRules) -> StopRules:
    """The rules for a block between braces that stands no deeper than its header."""
    first = next((line for line in lines[1:] if line.strip()), "")
    blank = bool(lines) and not lines[0].strip()
    if not (rules.bracketed and blank and first) or first.lstrip()[0] in ")]}":
        return rules
    indent = columns(indent_of(first), rules.tab_width)
    if indent >= rules.reference_indent or _says_no_depth(first, rules):
        return rules
    return attrs.evolve(rules, reference_indent=indent, closing_indent=indent)


def _says_no_depth(line: str, rules: StopRules) -> bool:
    marks = (*rules.unindented, *rules.comments)
    return bool(marks) and line.lstrip().startswith(marks)


def _is_margin(line: str, rules: StopRules) -> bool:
    """Whether a line is a comment at the margin: behind the block's end it belongs to what follows."""
    comment = line.lstrip().startswith(rules.comments or ("\n",))
    return not line.strip() or (
        comment and columns(indent_of(line), rules.tab_width) < rules.reference_indent
    )


def _goes_on(line: str, indent: int, place: CursorLines, rules: StopRules) -> bool:
    """Whether a line that is shallower than the block still belongs to its statement."""
    if indent < rules.closing_indent:
        return False
    word = first_word(line)
    if word in rules.continuations:
        return not (place.below and first_word(place.below[0]) == word)
    return line.lstrip().startswith((")", "]", "}", ",")) or word in rules.closers


def cut_repetition(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Stop where a model that found no end began to say the same again: lines, or inside a line."""
    del rules
    if draft.ended:
        return draft
    lines = split_lines(draft.text)
    codes = [without_end(line) for line in lines]
    if codes:
        codes[0] = place.before + codes[0]
    for number, code in enumerate(codes):
        first = max(0, number + 1 - MOST_LINES)
        closes = closes_only(code, place.language)
        kept = None if closes else lines_before_a_loop(codes[first : number + 1])
        if kept is not None:
            return draft.cut("".join(lines[: first + kept]).rstrip())
        end = end_of_first_unit(code)
        if end is not None:
            said = end - (len(place.before) if number == 0 else 0)
            return draft.cut(("".join(lines[:number]) + lines[number][: max(said, 0)]).rstrip(" \t,"))
    return draft


def cut_what_follows(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Stop where the text runs into the lines that follow the cursor already."""
    if not place.below:
        return draft
    lines = split_lines(draft.text)
    ended = draft.ended or draft.whole_line or draft.text.endswith(("\n", "\r"))
    behind = "" if closers_only(place.after) or place.after.strip() in draft.text else place.after
    for number in range(len(lines)):
        ahead = [without_end(line) for line in lines[number:] if line.strip()]
        if ahead and len(lines) == 1:
            ahead[-1] += behind
        if not ahead or not lines[number].strip():
            continue
        if number and _is_the_closer_below(ahead[0], "".join(lines[:number]), place):
            return draft.cut("".join(lines[:number]).rstrip())
        if number == 0:
            ahead[0] = place.before + ahead[0]
        if _runs_into(ahead, place.below, rules.tab_width, ended):
            return draft.cut("".join(lines[:number]).rstrip() if number else "")
    return draft


def _is_the_closer_below(line: str, said: str, place: CursorLines) -> bool:
    """Whether a closing line is the one that follows the cursor, which ends the block of the cursor's line.

    So it is in `void on(‸)` with `}` below, once what was said has closed the bracket and opened the block.
    """
    there = place.below[0]
    if line.strip() != there.strip() or not closes_only(line, place.language):
        return False
    indent = place.indent
    if place.blank or not indent == place.columns_of(line) == place.columns_of(there):
        return False
    opened = said.rstrip()
    opens = opens_block(opened[opened.rfind("\n") + 1 :], place.language)
    closed = bool(balance(said, place.language, place.before).closers)
    return opens and closed and not _closes_what_is_above(place)


def _closes_what_is_above(place: CursorLines) -> bool:
    """Whether a line above, as deep as the cursor's, has opened a block that stands open at the cursor."""
    closed = 0
    for line in place.above:
        depth = place.columns_of(line)
        if depth < place.indent:
            return False
        if depth == place.indent and opens_block(line, place.language):
            if not closed:
                return True
            closed -= 1
        closed += depth == place.indent and closes_only(line, place.language)
    return False


def _runs_into(ahead: list[str], below: tuple[str, ...], tab_width: int, ended: bool) -> bool:
    """Whether generated lines are what follows: all of them, as far as both go."""
    count = min(len(ahead), len(below), 3)
    exact = loose = telling = 0
    for number in range(count):
        line, there = ahead[number], below[number]
        same_depth = columns(indent_of(line), tab_width) == columns(indent_of(there), tab_width)
        last = number == len(ahead) - 1 and not ended
        if line.strip() == there.strip():
            exact += same_depth or len(line.strip()) >= _LONG
        elif last and same_depth and _is_most_of(line.strip(), there.strip()):
            exact += 1
        elif _loosely(line) == _loosely(there) and same_depth:
            loose += 1
        telling += _informative(line.strip())
    return exact + loose == count and telling > 0


def _is_most_of(line: str, there: str) -> bool:
    """Whether a line that may go on is nearly all of another: half of it, many neighbours have in common."""
    return len(line) >= _LONG and there.startswith(line) and len(line) >= _MOST * len(there)


def _loosely(line: str) -> str:
    """A line without what two people would write differently: blanks, kinds of quotes, final punctuation."""
    return _LOOSE.sub("", line).rstrip(";,")


def drop_what_is_above(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Drop a text that only says the line above once more, or the lines above."""
    del rules
    lines = [without_end(line) for line in split_lines(draft.text) if line.strip()]
    if not lines or not place.above or place.prose == "string":
        return draft
    lines[0] = place.before + lines[0]
    if not place.at_line_end:
        lines[-1] += place.after
    nearest = place.above[0].strip()
    if lines[0].strip() == nearest and len(nearest) >= _LONG and not nearest.endswith((",", ";;")):
        return attrs.evolve(draft, text="")
    count = len(lines)
    above = [line.strip() for line in reversed(place.above[:count])]
    if count > 1 and [line.strip() for line in lines] == above and any(_informative(line) for line in above):
        return attrs.evolve(draft, text="")
    return draft


def drop_too_little(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Drop what isn't worth showing: blanks, one mark of punctuation, an empty comment, what is there."""
    del rules
    code = draft.text.strip()
    words = any(character.isalnum() or character == "_" for character in code)
    empty_comment = code in (
        *place.language.comments.line,
        *(begin for begin, _ in place.language.comments.block),
    )
    nothing = not code or (len(code) == 1 and not words) or empty_comment
    same = closers_only(code) and place.after.strip().startswith(code)
    return attrs.evolve(draft, text="", replace_right=0) if nothing or same else draft


def _informative(code: str) -> bool:
    """Whether a line says something that isn't found everywhere: more than brackets and a short word."""
    return len(code) >= _INFORMATIVE and any(character.isalnum() for character in code)
