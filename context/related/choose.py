"""Related code: what the retrievers propose, fused into one ranking, cut to a budget, in an order that lasts.

The model's cache holds as long as the prompt begins as before. So related code is chosen anew only when the
cursor comes into another declaration or the caller says that there is time, and what was chosen stands in an
order that doesn't follow the scores: by origin and path, what changes most at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ..shared.values import RelatedPart
from ..syntax.snapshot import Snapshot
from ..text.lines import line_end, line_start
from ..workspace.ignore import is_secret_path, without_secrets
from .retrievers import RETRIEVERS, Candidate, Retriever, Sources, query_at

RANK_CONSTANT = 60
_WEIGHTS = {"same-file": 2.0}
"""Weights of the retrievers' ranks; 1.0 for those not listed."""

_ORDER = ("definition", "tests", "open-file", "overlap", "recent-edit", "same-file")
_SHARE = {"overlap": 0.4, "open-file": 0.4, "tests": 0.4}
"""The share of the budget for the long pieces of one origin: definitions are short and tell more."""
_REDUNDANT = 0.6
_TELLING = 8
_LOOK_BACK = 20_000


@attrs.frozen
class _Row:
    """One candidate in the account of a choice.

    Attributes:
        path, line: where it stands.
        origins: the retrievers that proposed it, best rank first.
        score: its fused score.
        characters: its size in code points.
        verdict: "chosen", or why it wasn't: "seen", "repeated", "budget", "secret".
    """

    path: str
    line: int
    origins: tuple[str, ...]
    score: float
    characters: int
    verdict: str


@attrs.frozen
class Choice:
    """What was chosen for a declaration.

    Attributes:
        declaration: which one; while the cursor stays in it, the choice stays.
        parts: what the model sees, in the prompt's order.
        rows: every candidate with its verdict, best first.
    """

    declaration: str
    parts: tuple[RelatedPart, ...] = ()
    rows: tuple[_Row, ...] = ()


@attrs.frozen
class _Fused:
    candidate: Candidate
    origins: tuple[str, ...]
    score: float


def select_related(
    snapshot: Snapshot,
    offset: int,
    sources: Sources,
    budget: int,
    previous: Choice | None = None,
    *,
    anew: bool = False,
    seen: tuple[int, int] | None = None,
    retrievers: Sequence[Retriever] = RETRIEVERS,
) -> Choice:
    """The related code for a cursor.

    Args:
        snapshot: the document.
        offset: the cursor, in code points.
        sources: what there is beside the document.
        budget: code points of related code, at most.
        previous: the last choice for this document: given back while the cursor is in the same declaration.
        anew: choose again all the same, because there is time.
        seen: from where to where the model sees the document anyway, in code points; all of it when None.
        retrievers: where candidates come from.
    """
    declaration = declaration_at(snapshot, offset)
    if (
        previous is not None
        and not anew
        and _same_declaration(previous.declaration, declaration, snapshot, offset)
    ):
        return previous
    if budget <= 0:
        return Choice(declaration)
    query = query_at(snapshot, offset, seen)
    fused = fuse([retriever(query, sources) for retriever in retrievers])
    start, end = seen or (0, len(snapshot.text))
    return _within(fused, declaration, budget, _telling_lines(snapshot.text[start:end]))


def declaration_at(snapshot: Snapshot, offset: int) -> str:
    """A name for the declaration around a cursor that stays the same while one types in it."""
    text = snapshot.text
    offset = min(max(offset, 0), len(text))
    headers: list[str] = []
    if snapshot.tree is not None:
        scopes = [scope for scope in snapshot.tree.scopes(offset) if scope.definition]
        headers = [
            text[scope.start : min(line_end(text, scope.start), scope.start + 120)] for scope in scopes
        ]
    elif (margin := _line_at_the_margin(text, offset)) != "":
        headers = [margin]
    return "\n".join((snapshot.path or snapshot.uri, *headers))


def _same_declaration(before: str, now: str, snapshot: Snapshot, offset: int) -> bool:
    """Whether the cursor is where it was; a tree that half-typed code has broken may say less than before."""
    if before == now:
        return True
    if snapshot.tree is None or not snapshot.tree.has_defects:
        return False
    known, found = before.split("\n"), now.split("\n")
    above = snapshot.text[max(0, offset - _LOOK_BACK) : offset]
    return known[: len(found)] == found and all(header in above for header in known[len(found) :])


def _line_at_the_margin(text: str, offset: int) -> str:
    """The nearest line above that isn't indented: what a file without a tree has for a declaration."""
    start = line_start(text, offset)
    for _ in range(400):
        if start <= 0:
            break
        start = line_start(text, start - 1)
        if not text[start : start + 1].isspace() and text[start : start + 1] not in "})]":
            return text[start : min(line_end(text, start), start + 120)]
    return ""


def fuse(rankings: Sequence[Sequence[Candidate]]) -> list[_Fused]:
    """Several rankings as one, best first: reciprocal rank fusion with k = 60.

    The method is that of Cormack, Clarke and Buettcher, SIGIR 2009.
    Candidates of one file that overlap are one; the first to be proposed speaks for it.
    """
    fused: list[_Fused] = []
    for ranking in rankings:
        counted: set[int] = set()
        for rank, candidate in enumerate(ranking, 1):
            score = _WEIGHTS.get(candidate.origin, 1.0) / (RANK_CONSTANT + rank)
            place = next((n for n, each in enumerate(fused) if _overlap(each.candidate, candidate)), None)
            if place is None:
                counted.add(len(fused))
                fused.append(_Fused(candidate, (candidate.origin,), score))
            elif place not in counted:
                counted.add(place)
                known = fused[place]
                fused[place] = _Fused(
                    known.candidate, (*known.origins, candidate.origin), known.score + score
                )
    return sorted(fused, key=lambda each: (-each.score, each.candidate.path, each.candidate.line))


def _overlap(one: Candidate, other: Candidate) -> bool:
    return one.path == other.path and one.line <= other.end_line and other.line <= one.end_line


def _within(fused: Sequence[_Fused], declaration: str, budget: int, seen: set[str]) -> Choice:
    rows: list[_Row] = []
    chosen: list[_Fused] = []
    shown: set[str] = set()
    left = budget
    shares = {origin: int(budget * share) for origin, share in _SHARE.items()}
    for each in fused:
        candidate = each.candidate
        text = without_secrets(candidate.text, candidate.path)
        lines = _telling_lines(text)
        if is_secret_path(candidate.path) or not text.strip():
            verdict = "secret"
        elif _mostly(lines, seen):
            verdict = "seen"
        elif _mostly(lines, shown):
            verdict = "repeated"
        elif len(text) > min(left, shares.get(candidate.origin, left)):
            verdict = "budget"
        else:
            verdict = "chosen"
            left -= len(text)
            if candidate.origin in shares:
                shares[candidate.origin] -= len(text)
            shown |= lines
            chosen.append(attrs.evolve(each, candidate=attrs.evolve(candidate, text=text)))
        rows.append(_Row(candidate.path, candidate.line, each.origins, each.score, len(text), verdict))
    return Choice(declaration, _parts(chosen), tuple(rows))


def _parts(chosen: Sequence[_Fused]) -> tuple[RelatedPart, ...]:
    """What was chosen, in an order that lasts; definitions from one file are one part."""
    parts: list[RelatedPart] = []
    for each in sorted(chosen, key=lambda each: (*_place(each.candidate), each.candidate.text)):
        candidate = each.candidate
        last = parts[-1] if parts else None
        if (
            last is not None
            and last.path == candidate.path
            and last.origin == candidate.origin == "definition"
        ):
            parts[-1] = attrs.evolve(last, text=last.text + candidate.text, score=max(last.score, each.score))
        else:
            parts.append(RelatedPart(candidate.path, candidate.text, candidate.origin, each.score))
    return tuple(parts)


def _place(candidate: Candidate) -> tuple[int, str, int]:
    origin = candidate.origin
    return _ORDER.index(origin) if origin in _ORDER else len(_ORDER), candidate.path, candidate.line


def _telling_lines(text: str) -> set[str]:
    return {line for raw in text.splitlines() if len(line := raw.strip()) >= _TELLING}


def _mostly(lines: set[str], known: set[str]) -> bool:
    return bool(lines) and len(lines & known) >= _REDUNDANT * len(lines)


def explain(choice: Choice) -> tuple[_Row, ...]:
    """Every candidate of a choice with its origins, score and verdict, best first; for people to read."""
    return choice.rows
