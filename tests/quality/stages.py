"""One hole through the product: prompt, model, trim, ground; what would be on the screen after each stage.

- window: the model saw the file alone; its raw text, as far as the stop rules let it go
- related: it saw related code from the repository as well; raw text
- trim: that text, trimmed
- ground: that text, checked against syntax and names, the repository's symbols included; where an unknown
  name cut it, what the model says with one that exists
- sure: what is left once the model's own doubt is listened to
"""

from __future__ import annotations

import functools
import time
from functools import partial
from pathlib import Path
from typing import Protocol

import attrs
from foretype.context.checking.check import (
    Checked,
    CheckRequest,
    WorkspaceFacts,
    check,
    ground_trimmed,
    trim_answer,
    what_is_sure,
)
from foretype.context.checking.renaming import is_likely, reaches_the_name, restriction_at
from foretype.context.checking.unknown import UnknownName
from foretype.context.prompt.assemble import assemble
from foretype.context.prompt.rules import stop_rules
from foretype.context.prompt.size import ContextSize
from foretype.context.related.choose import select_related
from foretype.context.shared.values import Completion, Prompt, Restriction, StopRules
from foretype.context.workspace.index import Index
from foretype.lsp.workspace.folders import Folder
from foretype.tests.quality.corpus import BUILD, sources, unpacked
from foretype.tests.quality.holes import Hole

STAGES = ("window", "related", "trim", "ground", "sure")
WINDOW = ContextSize(prefix=1600, suffix=600, related=800)
"""About 512 tokens before the cursor: what two cores evaluate in the second or two that a user pauses."""
MAX_TOKENS = 64


class Complete(Protocol):
    """The model."""

    def __call__(
        self, prompt: Prompt, rules: StopRules, restriction: Restriction | None = None
    ) -> Completion:
        """Its greedy answer."""
        ...


class Rename(Protocol):
    """The model, asked once more where its answer was cut at an unknown name."""

    def __call__(self, restriction: Restriction) -> Completion:
        """The answer that begins as the restriction says."""
        ...


@attrs.frozen
class Shown:
    """What one stage would show.

    Attributes:
        text: to insert; "" for nothing.
        replace_right: code points right of the cursor that it replaces.
        milliseconds: what the stage took: evaluating and decoding for the first two.
        tokens: of the prompt, for the first two.
        reasons: why something was cut.
    """

    text: str
    replace_right: int = 0
    milliseconds: float = 0.0
    tokens: int = 0
    reasons: tuple[str, ...] = ()


@attrs.frozen
class Passage:
    """A hole and what each stage made of it.

    Attributes:
        hole: the place.
        shown: by stage.
        related: paths and origins of the related code.
        choose_ms: choosing it took so long.
        mean_logprob: of the answer that saw related code.
    """

    hole: Hole
    shown: dict[str, Shown]
    related: tuple[str, ...]
    choose_ms: float
    mean_logprob: float


@functools.cache
def repository(name: str) -> tuple[Path, Index]:
    """A repository's folder and its complete index; the index is kept on disk."""
    source = next(each for each in sources() if each.name == name)
    root = unpacked(source)
    (root / ".git").mkdir(exist_ok=True)  # a repository of its own: this project's ignores what it lies in
    index = Index(root, BUILD / "index")
    index.load()
    for _ in index.steps():
        pass
    index.save()
    return root, index


def passage(hole: Hole, complete: Complete, *, suffix: bool = True) -> Passage:
    """Take one hole through all stages.

    Args:
        hole: the place.
        complete: the model.
        suffix: whether it is shown what stands behind the cursor.
    """
    root, index = repository(hole.source)
    snapshot = hole.snapshot()
    rules = stop_rules(snapshot, hole.offset, MAX_TOKENS, 0.0)
    bare, window = assemble(snapshot, hole.offset, WINDOW, repository=hole.source)
    found = Folder(root, index).sources()
    started = time.perf_counter()
    choice = select_related(snapshot, hole.offset, found, WINDOW.related, seen=window.seen(suffix=suffix))
    choose_ms = (time.perf_counter() - started) * 1000
    alone = complete(bare, rules)
    seeing = attrs.evolve(bare, related=choice.parts)
    informed = complete(seeing, rules)
    rename = partial(complete, seeing, rules)
    shown = {
        "window": _raw(alone),
        "related": _raw(informed),
        **checked(hole, rules, informed, index, rename),
    }
    return Passage(
        hole,
        shown,
        tuple(f"{part.origin} {part.path}" for part in choice.parts),
        choose_ms,
        informed.mean_logprob,
    )


def check_request(hole: Hole, rules: StopRules, answer: Completion, index: Index | None) -> CheckRequest:
    """What has to be checked."""
    # The repository has the file as its authors wrote it: what only that mentions was cut out.
    known = WorkspaceFacts() if index is None else WorkspaceFacts.from_index(index, hole.path)
    return CheckRequest(answer, hole.snapshot(), hole.offset, rules, known)


def checked(
    hole: Hole, rules: StopRules, answer: Completion, index: Index | None, rename: Rename | None = None
) -> dict[str, Shown]:
    """The stages behind the model; without `rename` it is not asked again."""
    request = check_request(hole, rules, answer, index)
    began = time.perf_counter()
    trimmed = trim_answer(request)
    between = time.perf_counter()
    found = ground_trimmed(request, trimmed)
    ended = time.perf_counter()
    sure = what_is_sure(request, trimmed, found)
    if found.unknown is not None and rename is not None:
        found, sure = _renamed(request, found.unknown, rename) or (found, sure)
    reasons = (*(each for each in found.reasons if each not in trimmed.reasons), *found.names)
    grounded = Shown(found.text, found.replace_right, (ended - between) * 1000, reasons=reasons)
    return {
        "trim": Shown(trimmed.text, trimmed.replace_right, (between - began) * 1000, reasons=trimmed.reasons),
        "ground": grounded,
        "sure": Shown(sure.text, sure.replace_right, reasons=sure.reasons[len(found.reasons) :]),
    }


def _renamed(request: CheckRequest, unknown: UnknownName, rename: Rename) -> tuple[Checked, Checked] | None:
    """What is left with another name, before doubt and after it; None where that is no better.

    As the language server decides it.
    """
    restriction = restriction_at(unknown, request.completion.text)
    again = None if restriction is None else rename(restriction)
    if restriction is None or again is None or not is_likely(again):
        return None
    sure = check(attrs.evolve(request, completion=again))
    if not reaches_the_name(sure.text, restriction):
        return None
    whole = check(attrs.evolve(request, completion=again, everything=True))
    return attrs.evolve(whole, reasons=(*whole.reasons, "renamed")), sure


def _raw(answer: Completion) -> Shown:
    timings = answer.timings
    text = answer.text if answer.text.strip() else ""
    return Shown(text, 0, timings.prefill_ms + timings.decode_ms, timings.prefill_tokens)
