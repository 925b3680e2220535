"""`python -m foretype.tests.quality.likelihood`: what each idea of related code is worth to the model.

Whether a suggestion is exactly right is a coin that is tossed once per hole: hundreds of holes tell ideas
apart only where they differ a lot. How probable the model thinks what the authors wrote differs with every
token. So each retriever alone, and all of them, are compared with the window alone in nats per hole, which is
how the retrievers' order and weights were found. Only the half of the files that rules are made on is used.
Nothing is decoded, trimmed or checked here; see `stages` for what comes to the screen.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from functools import partial

import attrs
import click
import numpy as np
from foretype.context.prompt.assemble import assemble
from foretype.context.related.choose import select_related
from foretype.context.related.retrievers import RETRIEVERS, Retriever
from foretype.context.shared.values import Prompt
from foretype.lsp.workspace.folders import Folder
from foretype.models.gguf import file as gguf
from foretype.models.llama.governor import Governor, ProcessorLoad, usable_cores
from foretype.models.llama.likelihood import log_probability
from foretype.models.llama.llama import Context, Model
from foretype.models.machine.cores import cores
from foretype.models.prompts.formats import Recognition, facts, recognise
from foretype.models.prompts.layout import Guarded, Marker, Surroundings, whole
from foretype.tests.quality.answers import model_file, sees_suffix
from foretype.tests.quality.corpus import CorpusProblem
from foretype.tests.quality.holes import Hole, sample
from foretype.tests.quality.stages import WINDOW, repository
from rich.console import Console
from rich.progress import track
from rich.table import Table

MOST_TOKENS = 40
"""Of the authors' line, so many are looked at."""

CONTEXT_TOKENS = 4096


class Reader:
    """A model that reads. Its state: one context, emptied for every text."""

    def __init__(self) -> None:
        """Load the model that the user's engine would."""
        file = gguf.check_file(model_file())
        self._recognition: Recognition = recognise(facts(file))
        self._model = Model(model_file(), gpu_layers=0)
        self._guarded = Guarded(self._model, self._recognition.texts)
        self._pieces = self._model.pieces()
        governor = Governor(usable_cores(), load=ProcessorLoad.in_group(cores()))
        self._context = Context(self._model, size=CONTEXT_TOKENS, sequences=1, governor=governor)

    def nats(self, prompt: Prompt, line: str) -> float:
        """The natural logarithm of the probability that the model goes on with `line`.

        A token that stands on both sides of the cursor counts as the line's.
        """
        tokens, first = self._tokens(prompt, line)
        tokens = tokens[: first + MOST_TOKENS]
        if first < 1 or len(tokens) > CONTEXT_TOKENS:
            return math.nan
        self._context.clear()
        size, total = self._context.batch_size, 0.0
        for start in range(0, len(tokens) - 1, size):
            part = tokens[start : min(start + size, len(tokens) - 1)]
            wanted = min(len(part), max(0, start + len(part) - first + 1))
            self._context.decode(part, 0, start, logits=max(1, wanted))
            for back in range(wanted, 0, -1):
                following = tokens[start + len(part) - back + 1]
                total += log_probability(np.array(self._context.logits(-back)), following)
        return total

    def _tokens(self, prompt: Prompt, line: str) -> tuple[list[int], int]:
        """The prompt with the line behind it, and where the line's first token is."""
        around = Surroundings(prompt.related, prompt.path, prompt.repository, prompt.language)
        pieces = whole(self._recognition, prompt.prefix, prompt.suffix, around)
        beginning = self._model.beginning(self._recognition.bos)
        tokens = [] if beginning is None else [beginning]
        for piece in pieces[:-1]:
            tokens += [piece.id] if isinstance(piece, Marker) else self._encode(piece.text)
        last = pieces[-1]
        if isinstance(last, Marker):
            tokens.append(last.id)
            return [*tokens, *self._encode(line)], len(tokens)
        joined, at, first = self._encode(last.text + line), len(last.text.encode()), 0
        while first < len(joined) and at >= len(self._pieces[joined[first]]):
            at -= len(self._pieces[joined[first]])
            first += 1
        return tokens + joined, len(tokens) + first

    def _encode(self, text: str) -> list[int]:
        return self._guarded.tokenise(text.encode())


def prompts(hole: Hole, *, suffix: bool) -> Iterator[tuple[str, Prompt]]:
    """The window alone, with what each retriever alone finds, and with all related code."""
    root, index = repository(hole.source)
    snapshot = hole.snapshot()
    bare, window = assemble(snapshot, hole.offset, WINDOW, repository=hole.source)
    sources = Folder(root, index).sources()
    chosen = partial(
        select_related, snapshot, hole.offset, sources, WINDOW.related, seen=window.seen(suffix=suffix)
    )
    ideas: dict[str, Sequence[Retriever]] = {each.__name__: (each,) for each in RETRIEVERS}
    yield "window", bare
    for name, retrievers in {**ideas, "all": RETRIEVERS}.items():
        yield name, attrs.evolve(bare, related=chosen(retrievers=retrievers).parts)


def line_of(hole: Hole) -> str:
    """The first line that the authors have there, with its end."""
    first, _, rest = hole.expected.partition("\n")
    return f"{first}\n" if first.strip() else f"{first}\n{rest.partition(chr(10))[0]}\n"


@click.command()
@click.option("--holes", default=200, show_default=True, help="How many; about half of them are read.")
@click.option("--seed", default=11, show_default=True, help="Decides which.")
def main(holes: int, seed: int) -> None:
    """Compare ideas of related code by what they make of the model's expectation."""
    reader = Reader()
    suffix = sees_suffix()
    found: dict[str, list[float]] = {}
    try:
        used = [hole for hole in sample(holes, seed) if not hole.held_out]
    except CorpusProblem as problem:
        raise click.ClickException(str(problem)) from problem
    for hole in track(used, "holes", console=Console(stderr=True)):
        known: dict[Prompt, float] = {}
        for name, prompt in prompts(hole, suffix=suffix):
            if prompt not in known:
                known[prompt] = reader.nats(prompt, line_of(hole))
            found.setdefault(name, []).append(known[prompt])
    Console().print(_table(found))


def _table(found: dict[str, list[float]]) -> Table:
    made = Table(title=f"Against the window alone, {len(found['window'])} holes, nats per hole")
    for heading in ("related code", "gain", "standard error", "something found", "of these better"):
        made.add_column(heading, justify="left" if heading == "related code" else "right")
    for name, values in found.items():
        gains = [now - before for now, before in zip(values, found["window"], strict=True)]
        gains = [gain for gain in gains if not math.isnan(gain)]
        moved = [gain for gain in gains if gain]
        if name == "window" or len(gains) < 2:
            continue
        made.add_row(
            name,
            f"{statistics.mean(gains):+.2f}",
            f"{statistics.stdev(gains) / math.sqrt(len(gains)):.2f}",
            f"{len(moved) / len(gains):.0%}",
            f"{sum(gain > 0 for gain in moved) / len(moved):.0%}" if moved else "",
        )
    return made


if __name__ == "__main__":
    main()
