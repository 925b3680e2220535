"""Text to tokens and back, on real vocabularies."""

from __future__ import annotations

from pathlib import Path

import pytest
from foretype.models.llama.llama import Model
from foretype.models.llama.vocabulary import GrowingText, Vocabulary, common_length, to_bytes
from foretype.models.prompts.healing import heal, split_unfinished
from foretype.tests.support.tiny_gguf import vocabulary_file
from hypothesis import example, given, settings
from hypothesis import strategies as st

VOCABULARIES = ["starcoder", "deepseek-coder", "refact"]


@pytest.fixture(scope="module", params=VOCABULARIES)
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    return Vocabulary(Model(Path(vocabulary_file(request.param)), vocabulary_only=True))


CODE = st.lists(
    st.sampled_from(
        [
            "def f(a):\n",
            "    return a\n",
            "\n",
            "\r\n",
            "x = 1;\n",
            "}\n",
            "\t",
            "  ",
            "é",
            "日本",
            "👍",
            "foo",
            "9",
            '"',
            "// ",
        ]
    )
    | st.text(st.characters(max_codepoint=0x1FFFF, exclude_categories=("Cs", "Cn", "Co")), max_size=5),
    max_size=120,
).map("".join)


@settings(max_examples=60, deadline=None)
@given(first=CODE, more=CODE, cut=st.integers(0, 400))
@example(first="Type\n\n" * 60 + "from . import a\n" * 40, more="x", cut=700)
def test_a_growing_text_is_tokenised_as_if_it_were_new(
    vocabulary: Vocabulary, first: str, more: str, cut: int
) -> None:
    growing = GrowingText(vocabulary)
    for text in (first, first + more, first[:cut] + more, first[:cut], first):
        data = to_bytes(text)
        assert growing.encode(data) == vocabulary.encode(data)


@settings(max_examples=60, deadline=None)
@given(text=CODE)
def test_tokens_spell_the_text(vocabulary: Vocabulary, text: str) -> None:
    data = to_bytes(text)
    assert vocabulary.decode(vocabulary.encode(data)) == data


@pytest.mark.parametrize("required", [b"lo", b" ", b"\xc3", b"    ", b"zq#", b"return"])
def test_continuations_are_just_the_tokens_that_fit(vocabulary: Vocabulary, required: bytes) -> None:
    expected = {
        token
        for token, piece in enumerate(vocabulary.pieces)
        if piece and (piece.startswith(required) or required.startswith(piece))
    }
    assert set(vocabulary.continuations(required).tolist()) == expected
    assert expected, "every byte can be spelled"


@settings(max_examples=60, deadline=None)
@given(text=CODE)
def test_healing_takes_back_what_it_then_requires(vocabulary: Vocabulary, text: str) -> None:
    whole, rest = split_unfinished(to_bytes(text))
    tokens = vocabulary.encode(whole)
    healed = heal(tokens, vocabulary, rest)
    assert tokens[: len(healed.kept)] == healed.kept
    assert vocabulary.decode(healed.kept) + healed.required == to_bytes(text)


def test_healing_stops_at_a_boundary_that_no_token_spans(vocabulary: Vocabulary) -> None:
    healed = heal(vocabulary.encode(b"value = json"), vocabulary)
    spanning = vocabulary.pieces[healed.kept[-1]] + healed.required
    assert not vocabulary.extends(spanning)


@pytest.mark.parametrize("character", ["é", "日", "👍"])
def test_an_unfinished_character_is_cut_off(character: str) -> None:
    data = character.encode()
    for length in range(1, len(data)):
        assert split_unfinished(b"ab" + data[:length]) == (b"ab", data[:length])
    assert split_unfinished(b"ab" + data) == (b"ab" + data, b"")


def test_bytes_that_are_no_utf8_are_left_to_the_tokeniser() -> None:
    assert split_unfinished(b"a\xff") == (b"a\xff", b"")
    assert split_unfinished(b"a\x80") == (b"a\x80", b"")
    assert split_unfinished(b"") == (b"", b"")


def test_a_lone_surrogate_is_a_raw_byte_or_a_replacement() -> None:
    assert to_bytes("a\udcc3") == b"a\xc3"
    assert to_bytes("a\ud83d") == "a\ufffd".encode()


@given(first=st.binary(max_size=80), second=st.binary(max_size=80), shared=st.binary(max_size=80))
def test_common_length_counts_shared_bytes(first: bytes, second: bytes, shared: bytes) -> None:
    one, two = shared + first, shared + second
    expected = next(
        (n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two))
    )
    assert common_length(one, two) == expected
