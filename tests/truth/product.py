"""foretype between model and file, as the language server runs it, with no model and no editor.

In order: tokens through the stop rules as `models.decode` does it, `lsp.judge` (trim and ground), the store
of suggestions, the item and its range; then the edit, as an editor applies it. `Product` is what the oracle
asks, so that a test can put another in its place.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import attrs
from foretype.context.checking.check import WorkspaceFacts
from foretype.context.checking.facts import NOTHING_KNOWN
from foretype.context.prompt.rules import should_trigger, stop_rules
from foretype.context.shared.values import Completion, StopReason, StopRules, Timings
from foretype.context.syntax.embedded import seen_at
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from foretype.lsp.completions.generation import Generation
from foretype.lsp.completions.items import item
from foretype.lsp.completions.judge import judge
from foretype.lsp.completions.suggestions import Suggestions
from foretype.lsp.documents.target import Target
from foretype.models.decoding.stops import StopWatch, cursor_line
from foretype.tests.truth.answers import Answer
from foretype.tests.truth.editor import State, begun
from foretype.tests.truth.holes import Hole

URI = "file:///truth"
MAX_TOKENS = 512
"""More than any answer has, where the token limit isn't what is looked at."""


@attrs.frozen
class Edit:
    """What accepting does: `text` replaces a range of the document."""

    start: int
    end: int
    text: str


class Session(Protocol):
    """One answer in one hole."""

    @property
    def cuts(self) -> tuple[str, ...]:
        """Why the model stopped, and why something was cut off."""
        ...

    def asked_at(self, state: State) -> Edit | None:
        """What would be shown there now; None for nothing."""
        ...


class Product(Protocol):
    """One hole."""

    @property
    def asks(self) -> bool:
        """Whether the product asks its model there unasked."""
        ...

    def answered(self, answer: Answer) -> Session:
        """The model has said this."""
        ...


def decoded(answer: Answer, rules: StopRules, line: str) -> Completion:
    """What the engine makes of a model's tokens: the order of steps is that of `models.decode`."""
    watch = StopWatch(rules, line)
    count = 0

    def ended(reason: StopReason) -> Completion:
        timings = Timings(decode_tokens=count)
        return Completion(watch.text, reason, timings=timings, mean_logprob=-0.1, logprobs=(-0.1,) * count)

    for piece in answer.pieces:
        if count >= rules.max_tokens:
            return ended(StopReason.LENGTH)
        count += 1
        stop = watch.feed(piece)
        if stop is not None:
            watch.text = watch.text[: stop.keep]
            return ended(stop.reason)
    if count >= rules.max_tokens:
        return ended(StopReason.LENGTH)
    count += 1  # the token that says it is over
    return ended(StopReason.END)


def streamed(answer: Answer, generation: Generation, line: str) -> Completion:
    """What is shown of a generation that still runs when the latency budget is used up."""
    watch = StopWatch(generation.rules, line)
    for piece in answer.pieces:
        stop = watch.feed(piece)
        if stop is not None:
            generation.text = watch.text[: stop.keep]
            return Completion(generation.text, stop.reason, timings=Timings(decode_tokens=len(answer.pieces)))
        generation.text = watch.text[: watch.settled()]
    return generation.so_far()


class Foretype:
    """The product itself, in one hole. State: what is computed once for all answers."""

    def __init__(self, hole: Hole, known: WorkspaceFacts = NOTHING_KNOWN) -> None:
        self._crlf = hole.layout == "crlf"
        self._known = known
        text, self._offset = self._as_document(begun(hole))
        tree = parse(text, hole.language)
        document = Snapshot(URI, hole.path, hole.language, text, tree=tree)
        self._snapshot = seen_at(document, self._offset)
        self.asks = should_trigger(self._snapshot, self._offset, invoked=False).trigger
        self._rules = stop_rules(self._snapshot, self._offset, MAX_TOKENS, 0.0)

    def answered(self, answer: Answer) -> Session:
        rules = attrs.evolve(self._rules, max_tokens=answer.limit) if answer.limit else self._rules
        line = cursor_line(self._snapshot.text[: self._offset])
        store = Suggestions()
        generation = Generation(
            store.next_id(), self._snapshot, self._offset, rules, task=_LOOP.create_future()
        )
        if answer.kind == "streamed":
            completion = streamed(answer, generation, line)
        else:
            completion = decoded(answer, rules, line)
        cuts: tuple[str, ...] = ()
        if completion.text:
            judgement = judge(completion, generation, self._known, invoked=not self.asks)
            cuts = judgement.cuts
            if judgement.suggestion is not None:
                store.remember(judgement.suggestion)
        return _Shown(self, store, (completion.stop.value, *cuts))

    def _as_document(self, state: State) -> tuple[str, int]:
        text, offset = state.text, state.offset
        if self._crlf:
            offset += text.count("\n", 0, offset)
            text = text.replace("\n", "\r\n")
        return text, offset

    def shown_at(self, store: Suggestions, state: State) -> Edit | None:
        text, offset = self._as_document(state)
        rest = store.find(URI, text, offset)
        if rest is None:
            return None
        shown = item(rest, Target(text, offset, offset, offset), text)
        start, end = shown.start, shown.end
        if self._crlf:
            start -= text.count("\n", 0, start)
            end -= text.count("\n", 0, end)
        return Edit(start, end, shown.text)


_LOOP = asyncio.new_event_loop()


@attrs.frozen
class _Shown:
    product: Foretype
    store: Suggestions

    cuts: tuple[str, ...]

    def asked_at(self, state: State) -> Edit | None:
        return self.product.shown_at(self.store, state)


def applied(state: State, edit: Edit) -> str:
    """The document after an editor has applied an edit; line ends as LF."""
    text = state.text
    return text[: edit.start] + edit.text.replace("\r\n", "\n").replace("\r", "\n") + text[edit.end :]
