"""One file's share of the work, for a process of its own, and the indexes of releases that it asks."""

from __future__ import annotations

import functools
from pathlib import Path

from foretype.context.checking.check import WorkspaceFacts
from foretype.context.workspace.index import Index
from foretype.tests.truth.answers import answers
from foretype.tests.truth.corpus import BUILD, File
from foretype.tests.truth.figures import Tally
from foretype.tests.truth.holes import Hole, holes
from foretype.tests.truth.names import with_own_names
from foretype.tests.truth.oracle import outcomes
from foretype.tests.truth.product import Foretype


@functools.cache
def index_of(root: Path) -> Index:
    """The complete index of a release's files; it is kept on disk."""
    index = Index(root, BUILD / "index")
    index.load()
    for _ in index.steps():
        pass
    index.save()
    return index


def of_file(
    file: File, each: int, kinds: tuple[str, ...], wanted: tuple[str, ...], roots: dict[str, Path]
) -> Tally:
    """All outcomes in one file.

    Args:
        file: which one.
        each: at most so many holes of every kind.
        kinds, wanted: only holes and answers of these kinds; all where there are none.
        roots: the releases' folders by name; the second oracle asks the indexes of those it has.
    """
    tally = Tally()
    for hole in holes(file, each, kinds):
        for outcome in outcomes(hole, Foretype, lambda kind: not wanted or kind in wanted):
            tally.add(outcome)
        if not wanted:
            _names(tally, hole, roots.get(file.source))
    return tally


def _names(tally: Tally, hole: Hole, root: Path | None) -> None:
    """The second oracle: without an index, and with one."""
    own = with_own_names(hole)
    if own is None:
        return
    answer = next(answers(own.hole))
    for index in (None, index_of(root)) if root is not None else (None,):
        known = WorkspaceFacts() if index is None else WorkspaceFacts.from_index(index, hole.path)
        cuts = Foretype(own.hole, known).answered(answer).cuts
        reason = next((cut for cut in cuts if cut.endswith((" name", " member"))), "")
        names = ", ".join(f"{name} ({kind})" for name, kind in own.names)
        before = own.hole.code.text[: own.hole.start].rsplit("\n", 1)[-1]
        page = f"{own.hole.name}; {names}\n\n```\n{before}‸{answer.text[:600]}\n```\n"
        tally.add_names((hole.language, hole.kind, index is not None, reason), page)
