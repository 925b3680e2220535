"""What an engine does with a prompt for lines to be written anew: asks as its model was trained.

A model that was trained to predict edits gets a prompt of its own and answers with the whole stretch. Any
other one may write the cursor's line, as what stands between what is above it and what is below. Either way
the answer's text is what the stretch becomes, "" where nothing is to be done.
"""

from __future__ import annotations

import attrs

from ...context.shared.values import Completion, Prompt, Rewrite, StopReason, StopRules
from ..prompts.edit_formats import EditFormat
from ..prompts.rewriting import rewritten

LONGEST_TOKENS = 768
"""Tokens of an answer: more lines than a stretch has are no edit."""


def asked(prompt: Prompt, rules: StopRules, known: EditFormat | None) -> tuple[Prompt, StopRules] | None:
    """What the model is asked in fact, and where it stops; None where it can't be asked at all."""
    rewrite = prompt.rewrite
    if rewrite is None:
        return prompt, rules
    if known is not None:
        longest = min(LONGEST_TOKENS, 64 + len(rewrite.region))
        whole = StopRules(multiline=True, max_tokens=longest, budget_ms=rules.budget_ms)
        return attrs.evolve(prompt, prefix="", suffix=""), whole
    if not rewrite.line:
        return None
    return attrs.evolve(prompt, rewrite=None), attrs.evolve(rules, multiline=False, openers=())


def answered(answer: Completion, rewrite: Rewrite | None, known: EditFormat | None) -> Completion:
    """An answer with what the stretch becomes as its text."""
    if rewrite is None or answer.stop in (
        StopReason.CANCELLED,
        StopReason.SUPERSEDED,
        StopReason.UNAVAILABLE,
    ):
        return answer
    if known is None:
        text = _with_line(rewrite, answer.text)
    elif answer.stop is StopReason.END or (known.end and known.end in answer.text):
        text = rewritten(known, rewrite, answer.text) or ""
    else:
        text = ""  # what was cut short says nothing about the rest of the stretch
    return attrs.evolve(answer, text=text)


def _with_line(rewrite: Rewrite, written: str) -> str:
    """The stretch with another line where the cursor is; its indentation stays."""
    region = rewrite.region
    start = region.rfind("\n", 0, rewrite.cursor) + 1
    end = region.find("\n", rewrite.cursor)
    end = len(region) if end < 0 else end
    line = region[start:end]
    new = written.split("\n", 1)[0].rstrip()
    indent = line[: len(line) - len(line.lstrip())]
    return f"{region[:start]}{indent}{new}{region[end:]}" if new else ""
