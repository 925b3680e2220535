"""A completion checked against the code around it: whether it parses, and whether its names exist.

A completion is put into the definition around the cursor, which alone is parsed again; new defects cut it
back to its longest sound beginning, and so does a name that exists nowhere. Precision comes first: what can't
be decided is shown, above all where the code was broken before.
"""

from __future__ import annotations

import attrs

from ..imports import Import, Site
from ..languages.grammars import load_grammar
from ..syntax.excerpt import piece_around
from ..syntax.snapshot import Snapshot
from ..text.lines import line_start
from .allowance import WITHIN_MS, Allowance, OutOfTimeError
from .facts import NOTHING_KNOWN, WorkspaceFacts
from .name_checks import NameCheck
from .soundness import Bench, Probe
from .unknown import UnknownName


@attrs.frozen
class Verdict:
    """What may be shown of a completion.

    Attributes:
        text: the text to insert: the completion, a beginning of it, or one with what it left open closed.
        shown: whether anything is left.
        reasons: why something was cut, in order: "syntax", "unknown name", "misspelt name", "unknown member",
            "no time" for checking it; empty when nothing was. They never hold code.
        names: the names that are not known.
        replace_right: code points right of the cursor that `text` replaces.
        imports: what `text` uses and the document has to import, so that the text is sound.
        unknown: the name that it was cut at, if it was one.
    """

    text: str
    shown: bool
    reasons: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    replace_right: int = 0
    imports: tuple[Import, ...] = ()
    unknown: UnknownName | None = attrs.field(default=None, eq=False, repr=False)


def ground(  # noqa: PLR0917 - a completion, its place, and who is asked
    text: str,
    snapshot: Snapshot,
    offset: int,
    replace_right: int = 0,
    known: WorkspaceFacts = NOTHING_KNOWN,
    *,
    within_ms: float = WITHIN_MS,
) -> Verdict:
    """Check a trimmed completion in its place. Total: never raises.

    Args:
        text: the completion.
        snapshot: the document it is for.
        offset: the cursor, in code points.
        replace_right: code points right of the cursor that the completion replaces.
        known: what is known of the workspace.
        within_ms: processor time in ms for parsing and names; what can't be checked in it is not shown.
    """
    grammar = snapshot.described.grammar
    if not text.strip() or grammar is None or not grammar.strict or load_grammar(grammar) is None:
        return Verdict(text, bool(text.strip()), replace_right=replace_right)
    code = snapshot.embedded
    if code is not None and not code.strict:
        return Verdict(text, True, replace_right=replace_right)
    inner = len(text) if code is None else code.end_in(text)
    if inner < len(text):  # behind its end the outer language goes on, which isn't asked
        said = text[:inner].rstrip()
        verdict = ground(said, snapshot, offset, 0, known, within_ms=within_ms)
        whole = verdict.text == said
        return Verdict(text, True, replace_right=replace_right) if whole else verdict
    offset = min(max(offset, 0), len(snapshot.text))
    piece = piece_around(snapshot, offset)
    if piece is None or (snapshot.tree is not None and snapshot.tree.prose_at(offset) == "comment"):
        return Verdict(text, True, replace_right=replace_right)
    bench = Bench(snapshot, piece, text, replace_right, Allowance(within_ms))
    try:
        return _checked(bench, offset, known)
    except OutOfTimeError:
        return Verdict("", False, ("no time",))


def _checked(bench: Bench, offset: int, known: WorkspaceFacts) -> Verdict:
    """The verdict on what lies on the bench. Raises `OutOfTimeError`."""
    snapshot, piece, text = bench.snapshot, bench.piece, bench.text
    sound = bench.sound_beginning(text)
    reasons = ("syntax",) if sound.text != text else ()
    if not sound.text or sound.tree is None:
        return Verdict(sound.text, bool(sound.text), reasons, replace_right=sound.replace_right)
    start = len(piece.before)
    end = start + len(sound.text)
    site = Site(sound.tree, start, end, snapshot, offset)
    importing = known.imports is not None and snapshot.embedded is None
    brought = known.imports(site) if known.imports is not None and importing else ()
    names = frozenset(choice.name for _, choice in brought)
    check = NameCheck(
        snapshot, sound.tree, offset, start, end, known.names, bench.allowance, known.headers, names
    )
    culprit = check.first_unknown()
    if culprit is not None and bench.may_bind_later(sound.text, check):
        culprit = None
    if culprit is not None and len(piece.before) + len(piece.after) != len(snapshot.text):
        finish = len(sound.tree.text) - end - len(piece.after) + sound.replace_right
        culprit = check.confirmed(culprit, sound.replace_right, finish, complete=piece.complete)
    if culprit is None:
        needed = tuple(choice for _, choice in brought)
        return Verdict(sound.text, True, reasons, replace_right=sound.replace_right, imports=needed)
    use, reason = culprit
    at = use.start - start
    unknown = UnknownName(use, sound.text[: max(at, 0)], use.name[: max(-at, 0)], check)
    lines = _lines_before(sound.text, at)
    kept = bench.closed_lines(lines) if lines else Probe("", 0, None)
    needed = tuple(choice for mention, choice in brought if mention.start < start + len(kept.text))
    return Verdict(
        kept.text,
        bool(kept.text.strip()),
        (*reasons, reason),
        (use.name,),
        kept.replace_right,
        needed,
        unknown,
    )


def _lines_before(text: str, position: int) -> str:
    """The whole lines before the one that holds `position`."""
    return text[: line_start(text, min(max(position, 0), len(text)))].rstrip()
