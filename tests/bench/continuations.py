"""What the model writes behind places of real files, chosen greedily and kept on disk.

With these the choice of drafts can be replayed in seconds and without a quiet machine (`drafting`). One line
of JSON for each file under build/bench; files that are there already are not asked again.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import cattrs
from foretype.models.engine.local import LocalEngine
from foretype.models.llama.cancellation import Cancellation
from foretype.tests.bench.speculation import FILES, GENERATED, Span, repeated_edits, source_files, spans
from foretype.tests.bench.subject import BUILD


@attrs.frozen
class Continuation:
    """One place.

    Attributes:
        before: tokens left of it.
        below: tokens of the text below it.
        chosen: the `GENERATED` tokens that greedy decoding chose, and the one after them.
    """

    before: list[int]
    below: list[int]
    chosen: list[int]


@attrs.frozen
class Recorded:
    """One file.

    Attributes:
        name: of the file.
        model: stem of the model file that chose.
        places: spread over the file; they make one session.
        repeated: the place where an edit of the session is made once more.
    """

    name: str
    model: str
    places: list[Continuation]
    repeated: list[Continuation]


def greedy(engine: LocalEngine, span: Span) -> Continuation:
    """Decode plainly behind a span."""
    cache = engine.cache
    sequence = cache.acquire()
    if sequence is None:
        raise ValueError("no sequence is free")
    try:
        cache.sync(sequence, span.before, Cancellation())
        chosen: list[int] = []
        while len(chosen) <= GENERATED:
            logits = cache.logits(sequence)
            if logits is None:
                raise ValueError("the logits of the last token are gone")
            chosen.append(int(logits.argmax()))
            if len(chosen) <= GENERATED:
                cache.extend(sequence, chosen[-1:])
        return Continuation(span.before, engine.vocabulary.encode(span.below.encode()), chosen)
    finally:
        cache.release(sequence)


def store(model: Path) -> Path:
    """Where the continuations of a model file lie."""
    return BUILD / f"continuations-{model.stem}.jsonl"


def read(model: Path) -> list[Recorded]:
    """What was recorded so far."""
    path = store(model)
    if not path.exists():
        return []
    return [cattrs.structure(json.loads(line), Recorded) for line in path.read_text("utf-8").splitlines()]


def record(engine: LocalEngine, model: Path, *, files: int = FILES) -> list[Recorded]:
    """Bring the recording up to so many files, and read it."""
    known = {one.name for one in read(model)}
    BUILD.mkdir(parents=True, exist_ok=True)
    with store(model).open("a", encoding="utf-8") as out:
        for path in source_files(files):
            if path.name not in known:
                places = [greedy(engine, span) for span in spans(engine, path)]
                repeated = [greedy(engine, span) for span in repeated_edits(engine, path)]
                found = Recorded(path.name, model.stem, places, repeated)
                out.write(json.dumps(attrs.asdict(found)) + "\n")
                out.flush()
    return read(model)
