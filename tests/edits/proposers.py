"""Who proposes edits: foretype, and two to be compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from foretype.context.edits.propose import EditedDocument, Proposal, proposals
from foretype.tests.edits.replay import NAME, Standing

_TOKENS = re.compile(r"\w+")


def model_free(standing: Standing) -> Iterator[Proposal]:
    """What foretype proposes without a model."""
    document = EditedDocument(
        NAME, standing.language, standing.text, standing.tree, standing.history.of(NAME)
    )
    return proposals(document, standing.near, standing.refused.__contains__)


def nothing(standing: Standing) -> Iterator[Proposal]:
    """An editor's own rename, which has to be called: by itself it proposes nothing."""
    del standing
    return iter(())


def literal(standing: Standing) -> Iterator[Proposal]:
    """Search and replace of the last edit: the whole words it changed, wherever they stand."""
    edits = standing.history.of(NAME)
    if not edits:
        return
    last, text = edits[-1], standing.text
    start, end = last.start, last.end
    while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    old, new = text[start : last.start] + last.old + text[last.end : end], text[start:end]
    if not _TOKENS.search(old) or old == new or f"literal {old} {new}" in standing.refused:
        return
    found = [
        match.start()
        for match in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", text)
        if not any(each.start < match.end() and match.start() < each.end for each in edits)
    ]
    for at in sorted(found, key=lambda place: (place < standing.near, place)):
        yield Proposal(NAME, at, at + len(old), old, new, "literal", f"literal {old} {new}", 1)
