"""Where the tokens of an answer end, for answers that were kept before the engine said so.

A greedy model nearly always writes what its tokeniser makes of a text. So the answer is tokenised behind what
the engine had taken back of the line, and where the count is that of the answer, those are its tokens.
"""

from __future__ import annotations

from foretype.context.shared.values import Completion, StopReason
from foretype.models.llama.vocabulary import Vocabulary, to_bytes
from foretype.models.prompts.anchor import anchor_point
from foretype.models.prompts.healing import heal

_CUT_OFF = ("\n", "\n\n", "\n ")
"""What a stop at a line's end has cut off."""


def recovered(answer: Completion, prefix: str, vocabulary: Vocabulary) -> tuple[int, ...]:
    """`Completion.ends` of an answer behind `prefix`; empty where its tokens are others."""
    count, text = len(answer.logprobs), answer.text
    line = vocabulary.encode(to_bytes(prefix[anchor_point(prefix) :]))
    required = heal(line, vocabulary).required
    rests = _CUT_OFF if answer.stop is StopReason.LINE else ("",)
    for rest in rests:
        tokens = vocabulary.encode(required + to_bytes(text + rest))
        whole = answer.stop in {StopReason.LINE, StopReason.LENGTH}
        if len(tokens) == count or (not whole and len(tokens) < count):
            ends = _ends(tokens, len(required), text, vocabulary)
            return (*ends, *[len(text)] * (count - len(ends)))
    return ()


def _ends(tokens: list[int], required: int, text: str, vocabulary: Vocabulary) -> list[int]:
    spelled, ends = b"", list[int]()
    for token in tokens:
        spelled += vocabulary.pieces[token]
        said = spelled[required:].decode("utf-8", errors="ignore")
        ends.append(min(len(said), len(text)))
    return ends
