"""The values that travel between the rooms: what is asked of the model, and what it answered.

They are frozen, hold text and code points only, and know nothing of tokens, sockets or editors. A
`Prompt` and its `StopRules` are made in `context/`, carried unchanged by `daemon/wire/messages` and read
by `models/`; a `Completion` goes the other way. Nothing here decides anything.
"""

from __future__ import annotations

import enum

import attrs


@attrs.frozen
class RelatedPart:
    """A piece of code from elsewhere that the model should see before the current file.

    Attributes:
        path: where it comes from, relative to the workspace, with forward slashes.
        text: the code itself, ending with a newline.
        origin: which retriever found it ("definition", "recent-edit", "open-file", "overlap" …).
        score: the fused rank score; higher is more relevant. Only for explanations: order is decided.
    """

    path: str
    text: str
    origin: str = ""
    score: float = 0.0


@attrs.frozen
class EditedLines:
    """Lines that the user changed lately.

    Attributes:
        path: the file, relative to its workspace.
        line: the number of the first of them, from 1, as it is now.
        old, new: the lines before and after, without the last line end; "" where none were or are.
    """

    path: str
    line: int
    old: str
    new: str


@attrs.frozen
class Rewrite:
    """A stretch of lines that a model is to write anew, as what the user would make of it next.

    Attributes:
        before: the lines above that the model sees, with their line ends.
        region: the stretch, without its last line end.
        after: what stands below, from that line end on.
        cursor: where the user is, in code points from the region's start.
        original: the region before the latest edit.
        edits: what the user changed lately, the oldest first.
        from_start: `before` begins where the file does.
        line: an ordinary model may write the cursor's line anew, from what the prompt says around it; else
            only a model that was trained for it is asked.
    """

    before: str
    region: str
    after: str
    cursor: int
    original: str
    edits: tuple[EditedLines, ...] = ()
    from_start: bool = False
    line: bool = False


@attrs.frozen
class Prompt:
    """What stands around the cursor, as text, with stable outer edges.

    Attributes:
        prefix: text from the window's first line up to the cursor.
        suffix: text from the cursor to the window's last line, the rest of the cursor's line included.
        path: the file's path relative to its workspace, with forward slashes ("" for untitled).
        language: the language identifier as editors spell it ("python", "typescriptreact" …).
        related: code from elsewhere, most stable first.
        repository: the workspace's name, for formats that have a place for it.
        rewrite: lines to be written anew instead of a middle; the answer's text is what they become, "" for
            nothing.
    """

    prefix: str
    suffix: str = ""
    path: str = ""
    language: str = ""
    related: tuple[RelatedPart, ...] = ()
    repository: str = ""
    rewrite: Rewrite | None = None


@attrs.frozen
class StopRules:
    """Where decoding ends, beside the model's own end and a cancellation.

    Attributes:
        multiline: False stops at the first line end; True goes on to the end of the scope.
        reference_indent: columns (a tab counts to the next multiple of `tab_width`). A generated line,
            from the second on, that is shallower ends the suggestion before it.
        closing_indent: columns; at most `reference_indent`. A shallower line that begins with one of
            `closers` or `continuations` is kept when it is at least this deep: `} else {` goes on, and a
            line of nothing but closers is the last one.
        closers: what closes a block: brackets, and words (`end`, `fi`).
        continuations: words that go on with a statement at its own depth (`else`, `except`).
        openers: what opens a block at a line's end. In single-line mode, a first line that ends with one
            of these goes on to the end of its block: as in multi-line mode, `closing_indent` being that
            line's indentation and `reference_indent` one column more. Empty: one line is one line.
        opening_pattern: a regular expression for a line that opens a block as well; "" for none.
        next_indent: columns of the line that `next_line` is; -1 where that says nothing.
        bracketed: the cursor stands between a brace and the one that closes it: a first line that is
            shallower than `reference_indent` says how deep the block stands.
        in_brackets: the cursor stands in brackets that are closed right of it: in single-line mode, a first
            line that doesn't close them goes on to where they are closed.
        stop_at_blank: True where a blank line after code ends the suggestion (Python).
        gap_indent: columns; a blank line behind code that is no deeper ends the suggestion; -1 for none.
        unindented: what lines begin with that say nothing about depth (C's `#if`).
        comments: what comment lines begin with, where those say nothing about depth either: not in Python.
        block_comments: what comments over several lines begin and end with: nor do lines inside say anything.
        next_line: the next non-blank line after the cursor's line, stripped, or "". Generating it
            again ends the suggestion before it.
        tab_width: columns of a tab.
        tabs: whether the file indents with tabs. A generated line that begins with blanks may then be as deep
            as it has pairs of them.
        max_tokens: upper bound of generated tokens.
        budget_ms: wall-clock time in ms for decoding, counted from the first generated token; 0 means
            no bound. It also cuts inside a line.
    """

    multiline: bool = False
    reference_indent: int = 0
    closing_indent: int = 0
    closers: tuple[str, ...] = ("}", ")", "]")
    continuations: tuple[str, ...] = ()
    openers: tuple[str, ...] = ()
    opening_pattern: str = ""
    bracketed: bool = False
    in_brackets: bool = False
    stop_at_blank: bool = False
    gap_indent: int = -1
    unindented: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    block_comments: tuple[tuple[str, str], ...] = ()
    next_line: str = ""
    next_indent: int = -1
    tab_width: int = 4
    tabs: bool = False
    max_tokens: int = 64
    budget_ms: float = 0.0


@attrs.frozen
class Restriction:
    """How an answer must begin: with a text, and behind it with one of some names.

    Attributes:
        beginning: the text, mostly what an earlier answer to the same prompt began with.
        names: what may stand behind it, or the rest of it where the user has begun the name. Once one stands
            there, the answer goes on freely with anything that doesn't go on with the name.
    """

    beginning: str
    names: tuple[str, ...]


class StopReason(enum.StrEnum):
    """Why a generation ended. Part of every answer."""

    END = "end"  # the model said so: end of text or of the middle
    LINE = "line"  # a line end, in single-line mode
    SCOPE = "scope"  # a line shallower than the scope
    SUFFIX = "suffix"  # the generated text ran into what already follows
    REPETITION = "repetition"  # the model began to repeat itself
    BUDGET = "budget"  # the wall-clock budget was used up
    LENGTH = "length"  # the token limit
    CANCELLED = "cancelled"  # the client took the request back
    SUPERSEDED = "superseded"  # a newer request of the same session replaced it
    UNAVAILABLE = "unavailable"  # no model, or none that could answer


class Stage(enum.StrEnum):
    """How far a request had come when it ended."""

    QUEUE = "queue"
    PREFILL = "prefill"
    DECODE = "decode"
    DONE = "done"


@attrs.frozen
class Timings:
    """Where the time of one request went. Times in ms, counts in tokens.

    Attributes:
        queue_ms: waiting for the engine.
        prefill_ms: evaluating prompt tokens that were not in the KV cache.
        prefill_tokens: how many those were.
        cached_tokens: prompt tokens found in the KV cache.
        decode_ms: generating, from the first sampled token to the last.
        decode_tokens: how many tokens were generated.
        draft_tokens: tokens proposed by drafts.
        accepted_tokens: drafted tokens that the model confirmed.
    """

    queue_ms: float = 0.0
    prefill_ms: float = 0.0
    prefill_tokens: int = 0
    cached_tokens: int = 0
    decode_ms: float = 0.0
    decode_tokens: int = 0
    draft_tokens: int = 0
    accepted_tokens: int = 0


@attrs.frozen
class Completion:
    """What the model added at the cursor, not yet trimmed or checked.

    Attributes:
        text: the generated text, without what the user had already typed.
        stop: why it ended.
        stage: how far the request came; `Stage.DONE` unless it was cut short.
        timings: where the time went.
        mean_logprob: mean natural-log probability of the generated tokens; 0.0 when there are none.
        logprobs: that of each generated token, those included that a stop cut off.
        ends: code points of `text` up to the end of each of them, never fewer than before it; a token that a
            stop cut off, or that spelled what was typed already, adds none. Empty where nobody can say.
        name_logprob: natural-log probability of the name that a `Restriction` asked for, among all that the
            model could have written there; None where none was asked for or none stands there.
        detail: one sentence for the user when `stop` is UNAVAILABLE, else "".
        context: which part of the prompt's tokens the model saw. Below 1.0 it is a first answer, made from
            less so that it came in time, and worth little.
        provisional: another engine is still at it, and its answer will be worth more.
        remote: an engine elsewhere made it.
    """

    text: str
    stop: StopReason
    stage: Stage = Stage.DONE
    timings: Timings = attrs.field(factory=Timings)
    mean_logprob: float = 0.0
    logprobs: tuple[float, ...] = ()
    ends: tuple[int, ...] = ()
    detail: str = ""
    context: float = 1.0
    name_logprob: float | None = None
    provisional: bool = False
    remote: bool = False

    @property
    def early(self) -> bool:
        """A shortened context made it, or the weaker engine; what comes later may say something else."""
        return self.context < 1.0 or self.provisional
