"""Which tokens may come next where an answer has to begin with a text and one of some names."""

from __future__ import annotations

import random

import pytest
from foretype.context.shared.values import Restriction
from foretype.models.decoding.restriction import NameGuide
from foretype.models.llama.vocabulary import Vocabulary
from hypothesis import given, settings
from hypothesis import strategies as st

LETTERS = "ab_1. ("


class FewPieces:
    """A tokeniser of a small vocabulary: all letters, and some longer pieces."""

    def __init__(self, longer: list[str]) -> None:
        self.all = [b"", *(letter.encode() for letter in LETTERS), *(piece.encode() for piece in longer)]

    def tokenise(self, text: bytes) -> list[int]:
        return [self.all.index(bytes([byte])) for byte in text]

    def pieces(self) -> list[bytes]:
        return self.all


def could_be(text: str, beginning: str, names: list[str]) -> bool:
    """Brute force: whether a text is a beginning of what is wanted, or goes on from one."""
    wanted = [beginning + name for name in names]
    if any(each.startswith(text) for each in wanted):
        return True
    return any(text.startswith(each) and text[len(each)] in ". (" for each in wanted)


PIECES = st.text("ab_1. (", min_size=2, max_size=4)
NAMES = st.text("ab_1", min_size=1, max_size=4)


@settings(max_examples=300, deadline=None)
@given(
    longer=st.lists(PIECES, unique=True, max_size=12),
    beginning=st.text(LETTERS, max_size=4),
    names=st.lists(NAMES, min_size=1, max_size=5),
    seed=st.integers(0, 2**32),
)
def test_just_the_tokens_are_allowed_that_lead_to_a_name(
    longer: list[str], beginning: str, names: list[str], seed: int
) -> None:
    vocabulary = Vocabulary(FewPieces(longer))
    guide, text, chance = NameGuide.of(Restriction(beginning, tuple(names))), "", random.Random(seed)
    while not guide.over:
        allowed = {int(token) for token in guide.tokens(vocabulary)}
        assert allowed == {
            token
            for token, piece in enumerate(vocabulary.pieces)
            if piece and could_be(text + piece.decode(), beginning, names)
        }
        assert allowed == {token for token, piece in enumerate(vocabulary.pieces) if guide.allows(piece)}
        assert guide.stands == (text in {beginning + name for name in names})
        chosen = vocabulary.pieces[chance.choice(sorted(allowed))]
        text += chosen.decode()
        guide.add(chosen, -1.0)
    assert guide.stands
    assert any(text.startswith(beginning + name) and text[len(beginning + name)] in ". (" for name in names)


def test_a_name_may_end_an_answer_and_half_a_name_may_not() -> None:
    vocabulary = Vocabulary(FewPieces(["ab"]))
    guide = NameGuide.of(Restriction("(", ("ab", "ab_1")))
    for piece, may_end in ((b"(", False), (b"a", False), (b"b", True), (b"_", False), (b"1", True)):
        guide.add(piece, -0.5)
        assert guide.stands == may_end
        assert (0 in list(guide.tokens(vocabulary, frozenset({0})))) == may_end
    assert guide.logprob == pytest.approx(-2.0), "what stands before the name is no part of it"
