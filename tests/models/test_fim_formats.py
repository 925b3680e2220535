"""Which fill-in-the-middle format a model gets, how its prompts are laid out, and that text stays text."""

# ruff: noqa: RUF001 - DeepSeek-Coder spells its markers with U+FF5C, not with |
from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import attrs
import llama_cpp
import pytest
from click.testing import CliRunner
from foretype.context.shared.values import RelatedPart
from foretype.models.cli.models import models
from foretype.models.gguf import file as gguf
from foretype.models.prompts import formats as fim
from foretype.models.prompts import layout
from foretype.models.prompts.user_formats import from_overrides
from foretype.tests.support.tiny_gguf import tiny_model, vocabulary_file
from hypothesis import given, settings
from hypothesis import strategies as st

AROUND = layout.Surroundings(
    related=(RelatedPart("a/b.py", "x = 1\n"), RelatedPart("c.py", "y")),
    path="m.py",
    repository="repo",
    language="python",
)
NOTHING = layout.Surroundings()


def facts(
    *tokens: str, architecture: str = "llama", name: str = "", pre: str = "", **declared: int
) -> fim.ModelFacts:
    """A model with these tokens, numbered from 100."""
    ids = {text: 100 + number for number, text in enumerate(tokens)}
    return fim.ModelFacts(architecture, name, "file", pre, ids, declared)


def every_token(known: fim.FimFormat) -> list[str]:
    parts = (known.items, known.repository, known.file, known.last, known.current)
    texts = [item for part in parts for item in part if fim.is_token(item)]
    roles = ("PREFIX", "SUFFIX", "MIDDLE")
    return list(dict.fromkeys([*known.marker_texts(), *(text for text in texts if text not in roles)]))


QWEN = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
STAR = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
DEEPSEEK = ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
SMOLLM2 = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<file_sep>", "<filename>")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (facts(*QWEN, "<|repo_name|>", "<|file_sep|>", architecture="qwen2"), "qwen2.5-coder"),
        (facts(*QWEN, "<|im_start|>", "<|im_end|>", name="Qwen3-Coder-30B-A3B-Instruct"), "qwen3-coder"),
        (facts(*QWEN, "<|im_start|>", "<|im_end|>", name="Qwen3 4B"), "qwen2.5-coder"),
        (facts(*QWEN, "<|file_separator|>", architecture="gemma"), "codegemma"),
        (facts(*QWEN, "<|end_of_text|>", architecture="granitehybrid"), "granite-4"),
        (facts(*STAR, "<|end_of_text|>", architecture="granite"), "granite-3.3"),
        (facts(*STAR, "<reponame>", "<filename>", "<gh_stars>", architecture="starcoder"), "starcoder"),
        (facts(*STAR, "<repo_name>", "<file_sep>", architecture="starcoder2"), "starcoder2"),
        (facts(*STAR, "<repo_name>", "<file_sep>"), "starcoder2"),
        (facts(*STAR, architecture="stablelm"), "stablecode"),
        (
            facts(*STAR, "<reponame>", "<file_sep>", architecture="qwen2", name="CodeQwen1.5-7B"),
            "codeqwen1.5",
        ),
        (facts(*STAR, "<reponame>", architecture="refact"), "refact"),
        (facts(*STAR, "<filename>", name="Mellum 4b sft python"), "mellum"),
        (facts("<fim-prefix>", "<fim-suffix>", "<fim-middle>"), "santacoder"),
        (facts(*DEEPSEEK), "deepseek-coder"),
        (facts("▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"), "codellama"),
        (facts("[PREFIX]", "[SUFFIX]", "[MIDDLE]", name="Codestral-22B-v0.1"), "codestral"),
        (facts("[PREFIX]", "[SUFFIX]", "[MIDDLE]", name="Mistral-7B-v0.3"), "plain"),
        (facts("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"), "seed-coder"),
        (facts("▁<AIX-SPAN-PRE>", "▁<AIX-SPAN-POST>", "▁<AIX-SPAN-MIDDLE>"), "aixcoder"),
        (facts("▁", "<AIX-SPAN-PRE>", "<AIX-SPAN-POST>", "<AIX-SPAN-MIDDLE>"), "aixcoder-split"),
        (facts(*SMOLLM2), "plain"),
        (facts("<|fim_begin|>", "<|fim_hole|>", "<|fim_end|>"), "plain"),  # ASCII look-alikes
        (facts(*QWEN[:2]), "plain"),  # a middle that is not there
        (facts(), "plain"),
    ],
)
def test_a_model_is_recognised_by_what_its_file_says(model: fim.ModelFacts, expected: str) -> None:
    found = fim.recognise(model)
    assert found.format.name == expected
    assert found.reason


@pytest.mark.parametrize(
    ("vocab", "expected", "ids", "stops"),
    [
        ("starcoder", "starcoder2", (1, 3, 2), {6, 0, 5, 4}),
        ("deepseek-coder", "deepseek-coder", (32016, 32015, 32017), {32014, 32021}),
        ("refact", "refact", (1, 3, 2), {0, 5, 18, 4}),
    ],
)
def test_real_vocabularies_are_recognised(
    vocab: str, expected: str, ids: tuple[int, int, int], stops: set[int]
) -> None:
    found = fim.recognise(fim.facts(gguf.read_gguf(vocabulary_file(vocab))))
    assert found.format.name == expected
    assert tuple(found.ids[role] for role in ("PREFIX", "SUFFIX", "MIDDLE")) == ids
    assert set(found.stops) == stops


def test_other_stops_tell_look_alikes_apart() -> None:
    stops = ("<|file_separator|>", "<|end_of_text|>", "<|file_sep|>", "<|endoftext|>")
    gemma = fim.recognise(facts(*QWEN, *stops, architecture="gemma"))
    granite = fim.recognise(facts(*QWEN, *stops[1:], architecture="granite"))
    qwen = fim.recognise(facts(*QWEN, *stops[1:], architecture="qwen2"))
    assert {gemma.texts[token] for token in gemma.stops} >= {"<|file_separator|>"}
    assert {granite.texts[token] for token in granite.stops} == {"<|end_of_text|>"}
    assert {qwen.texts[token] for token in qwen.stops} == {"<|file_sep|>", "<|endoftext|>"}


def test_ids_declared_in_the_file_make_a_format_of_any_model() -> None:
    found = fim.recognise(facts("<a>", "<b>", "<c>", PREFIX=100, SUFFIX=101, MIDDLE=102))
    assert (found.format.name, found.format.order) == ("declared", "psm")
    assert found.ids == {"PREFIX": 100, "SUFFIX": 101, "MIDDLE": 102}


def test_declared_ids_that_agree_keep_the_known_layout() -> None:
    model = facts(*STAR, "<filename>", name="mellum", PREFIX=100, SUFFIX=101, MIDDLE=102)
    assert fim.recognise(model).format.name == "mellum"


def test_declared_ids_that_contradict_win() -> None:
    model = facts(*STAR, "x", "y", "z", PREFIX=103, SUFFIX=104, MIDDLE=105)
    assert fim.recognise(model).format.name == "declared"


def test_declared_ids_are_read_from_a_file(tmp_path: Path) -> None:
    extra = {
        "tokenizer.ggml.fim_pre_token_id": 34,
        "tokenizer.ggml.suffix_token_id": 35,
        "tokenizer.ggml.fim_mid_token_id": 36,
        "tokenizer.ggml.fim_suf_token_id": 1 << 30,  # outside the vocabulary: ignored
    }
    found = fim.recognise(
        fim.facts(gguf.read_gguf(tiny_model("starcoder", tmp_path, tied=True, extra=extra)))
    )
    assert found.ids == {"PREFIX": 34, "SUFFIX": 35, "MIDDLE": 36}


def test_every_format_can_be_found_by_its_name() -> None:
    names = [known.name for known in fim.formats()]
    assert len(set(names)) == len(names)
    assert all(fim.named(name) is not None for name in names)


# --- layouts --------------------------------------------------------------------------------------


def shown(pieces: tuple[layout.PromptPiece, ...]) -> str:
    return "".join(f"⟦{p.text}⟧" if isinstance(p, layout.Marker) else p.text for p in pieces)


def bound(name: str) -> fim.Recognition:
    """The format with every token that it could use."""
    known = fim.named(name)
    assert known is not None
    own = attrs.evolve(known, match=None)
    return fim.recognise(facts(*every_token(known)), (fim.Override("*", own),))


@pytest.mark.parametrize(
    ("name", "alone", "among"),
    [
        (
            "qwen2.5-coder",
            "⟦<|fim_prefix|>⟧P⟦<|fim_suffix|>⟧S⟦<|fim_middle|>⟧",
            "⟦<|repo_name|>⟧repo\n⟦<|file_sep|>⟧a/b.py\nx = 1\n⟦<|file_sep|>⟧c.py\ny\n"
            "⟦<|file_sep|>⟧m.py\n⟦<|fim_prefix|>⟧P⟦<|fim_suffix|>⟧S⟦<|fim_middle|>⟧",
        ),
        (
            "qwen3-coder",
            "⟦<|im_start|>⟧system\nYou are a code completion assistant.⟦<|im_end|>⟧\n⟦<|im_start|>⟧user\n"
            "⟦<|fim_prefix|>⟧P⟦<|fim_suffix|>⟧S⟦<|fim_middle|>⟧⟦<|im_end|>⟧\n⟦<|im_start|>⟧assistant\n",
            None,
        ),
        (
            "starcoder2",
            "⟦<fim_prefix>⟧P⟦<fim_suffix>⟧S⟦<fim_middle>⟧",
            "⟦<repo_name>⟧repo⟦<file_sep>⟧a/b.py\nx = 1\n⟦<file_sep>⟧c.py\ny\n⟦<file_sep>⟧"
            "⟦<fim_prefix>⟧m.py\nP⟦<fim_suffix>⟧S⟦<fim_middle>⟧",
        ),
        (
            "starcoder",
            "⟦<fim_prefix>⟧P⟦<fim_suffix>⟧S⟦<fim_middle>⟧",
            "⟦<fim_prefix>⟧⟦<reponame>⟧repo⟦<filename>⟧m.py⟦<gh_stars>⟧100-1000\n"
            "# a/b.py\nx = 1\n\n# c.py\ny\n\nP⟦<fim_suffix>⟧S⟦<fim_middle>⟧",
        ),
        (
            "codeqwen1.5",
            "⟦<fim_prefix>⟧P⟦<fim_suffix>⟧S⟦<fim_middle>⟧",
            "⟦<reponame>⟧repo\n⟦<file_sep>⟧a/b.py\nx = 1\n⟦<file_sep>⟧c.py\ny\n⟦<file_sep>⟧m.py\n"
            "⟦<fim_prefix>⟧P⟦<fim_suffix>⟧S⟦<fim_middle>⟧",
        ),
        (
            "deepseek-coder",
            "⟦<｜fim▁begin｜>⟧P⟦<｜fim▁hole｜>⟧S⟦<｜fim▁end｜>⟧",
            "⟦<｜fim▁begin｜>⟧#a/b.py\nx = 1\n#c.py\ny\n#m.py\nP⟦<｜fim▁hole｜>⟧S⟦<｜fim▁end｜>⟧",
        ),
        (
            "codegemma",
            "⟦<|fim_prefix|>⟧P⟦<|fim_suffix|>⟧S⟦<|fim_middle|>⟧",
            "a/b.py\nx = 1\n⟦<|file_separator|>⟧c.py\ny\n⟦<|file_separator|>⟧m.py\n"
            "⟦<|fim_prefix|>⟧P⟦<|fim_suffix|>⟧S⟦<|fim_middle|>⟧",
        ),
        ("codellama", "⟦▁<PRE>⟧P⟦▁<SUF>⟧S⟦▁<MID>⟧", None),
        ("codellama-spm", "⟦▁<PRE>⟧⟦▁<SUF>⟧S⟦▁<MID>⟧P", None),
        (
            "codestral",
            "⟦[SUFFIX]⟧S⟦[PREFIX]⟧P",
            "⟦[SUFFIX]⟧S⟦[PREFIX]⟧+++++ a/b.py\nx = 1\n\n+++++ c.py\ny\n\n+++++ m.py\nP",
        ),
        ("granite-4", "⟦<|fim_prefix|>⟧P⟦<|fim_suffix|>⟧S⟦<|fim_middle|>⟧", None),
        ("granite-3.3", "⟦<fim_prefix>⟧P⟦<fim_suffix>⟧S⟦<fim_middle>⟧", None),
        ("stablecode", "⟦<fim_prefix>⟧P⟦<fim_suffix>⟧S⟦<fim_middle>⟧", None),
        ("santacoder", "⟦<fim-prefix>⟧P⟦<fim-suffix>⟧S⟦<fim-middle>⟧", None),
        ("refact", "⟦<fim_suffix>⟧S⟦<fim_prefix>⟧P⟦<fim_middle>⟧", None),
        (
            "mellum",
            "⟦<fim_suffix>⟧S⟦<fim_prefix>⟧P⟦<fim_middle>⟧",
            "⟦<filename>⟧a/b.py\nx = 1\n⟦<filename>⟧c.py\ny\n⟦<filename>⟧m.py\n"
            "⟦<fim_suffix>⟧S⟦<fim_prefix>⟧P⟦<fim_middle>⟧",
        ),
        ("seed-coder", "⟦<[fim-suffix]>⟧S⟦<[fim-prefix]>⟧P⟦<[fim-middle]>⟧", None),
        (
            "aixcoder-split",
            "⟦▁⟧⟦<AIX-SPAN-PRE>⟧P⟦▁⟧⟦<AIX-SPAN-POST>⟧S⟦▁⟧⟦<AIX-SPAN-MIDDLE>⟧",
            None,
        ),
        ("plain", "P", "# a/b.py\nx = 1\n\n# c.py\ny\n\n# m.py\nP"),
    ],
)
def test_a_prompt_is_laid_out_as_the_model_was_trained(name: str, alone: str, among: str | None) -> None:
    found = bound(name)
    assert shown(layout.whole(found, "P", "S", NOTHING)) == alone
    if among is not None:
        assert shown(layout.whole(found, "P", "S", AROUND)) == among


def test_excerpts_of_the_file_itself_get_a_section_but_no_comment() -> None:
    own = RelatedPart("m.py", "z = 1\n")
    alone = layout.Surroundings((own,), "m.py", "repo", "python")
    assert shown(layout.whole(bound("plain"), "P", "S", alone)) == "z = 1\n\nP"
    among = attrs.evolve(AROUND, related=(*AROUND.related, own))
    assert shown(layout.whole(bound("plain"), "P", "S", among)).endswith("\n\n# m.py\nz = 1\n\n# m.py\nP")
    sections = shown(layout.head(bound("qwen2.5-coder"), alone))
    assert sections.count("⟦<|file_sep|>⟧m.py\n") == 2


def test_mellum_names_the_current_file_even_alone() -> None:
    around = layout.Surroundings(path="m.py")
    assert shown(layout.head(bound("mellum"), around)) == "⟦<filename>⟧m.py\n⟦<fim_suffix>⟧"


def test_a_vocabulary_without_file_tokens_gets_comments() -> None:
    found = fim.recognise(facts(*QWEN, architecture="qwen2"))
    assert shown(layout.head(found, AROUND)).startswith("# a/b.py\nx = 1\n")


def test_an_ordinary_token_in_a_layout_is_no_marker() -> None:
    found = bound("aixcoder-split")
    assert "▁" in found.ids
    assert "▁" not in found.texts.values()


def test_comments_are_those_of_the_language() -> None:
    plain = fim.recognise(facts())
    lead = [
        shown(layout.head(plain, attrs.evolve(AROUND, language=language))).splitlines()[0]
        for language in ("rust", "html", "python", "nosuch")
    ]
    assert lead == ["// a/b.py", "<!-- a/b.py -->", "# a/b.py", "# a/b.py"]


def test_a_path_stays_on_its_line_and_braces_stay_braces() -> None:
    part = RelatedPart("a\nb{text}.py", "{path} {repository}\n")
    around = layout.Surroundings((part,), "m.py", "re\npo", "python")
    assert shown(layout.head(bound("starcoder2"), around)) == (
        "⟦<repo_name>⟧re po⟦<file_sep>⟧a b{text}.py\n{path} {repository}\n⟦<file_sep>⟧⟦<fim_prefix>⟧m.py\n"
    )


def test_code_llamas_prefix_begins_a_text_and_its_suffix_does_not() -> None:
    pieces = layout.whole(bound("codellama"), "P", "S", NOTHING)
    assert [piece.continues for piece in pieces if isinstance(piece, layout.Text)] == [False, True]


def test_behind_comments_code_llamas_prefix_goes_on() -> None:
    start = layout.head(bound("codellama"), AROUND)
    body = layout.body_psm(bound("codellama"), "P", "S", AROUND)
    assert isinstance(start[-1], layout.Text)
    assert isinstance(body[0], layout.Text)
    assert (start[-1].continues, body[0].continues) == (False, True)


def test_a_plain_prompt_begins_a_text_once() -> None:
    plain = fim.recognise(facts())
    assert layout.prefix_text(plain, "P") == layout.Text("P", continues=False)
    assert layout.prefix_text(plain, "P", AROUND) == layout.Text("P", continues=True)


LETTERS = st.text(st.characters(max_codepoint=0x7FF, exclude_categories=("Cs",)), max_size=5)
TEXTS = st.text(max_size=30) | st.sampled_from([*QWEN, *STAR, *DEEPSEEK, "{prefix}", "PREFIX", "=x", "⟦"])


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_text_never_becomes_a_marker(data: st.DataObject) -> None:
    """The markers of a prompt depend on which texts are there, never on what stands in them."""
    found = bound(data.draw(st.sampled_from([known.name for known in fim.formats()])))
    prefix, suffix, related, path, repository = (data.draw(TEXTS) for _ in range(5))
    around = layout.Surroundings((RelatedPart(path or "p", related),), path, repository, "python")
    harmless = layout.Surroundings(
        (RelatedPart("p", "r"),), "p" if path else "", "r" if repository else "", "python"
    )
    pieces = layout.whole(found, prefix, suffix, around)
    expected = layout.whole(found, "p", "s", harmless)
    assert markers(pieces) == markers(expected)
    texts = "".join(piece.text for piece in pieces if isinstance(piece, layout.Text))
    assert prefix in texts
    assert found.format.order == "plain" or suffix in texts


def markers(pieces: tuple[layout.PromptPiece, ...]) -> list[int]:
    return [piece.id for piece in pieces if isinstance(piece, layout.Marker)]


# --- the user's word ------------------------------------------------------------------------------


def test_the_user_may_name_a_format() -> None:
    overrides, problems = from_overrides({"star*": "starcoder"})
    assert problems == ()
    model = facts(*STAR, "<repo_name>", "<file_sep>", name="StarCoder2-3B")
    assert fim.recognise(model, overrides).format.name == "starcoder"


def test_the_user_may_bring_a_format() -> None:
    table = {"own*": {"order": "spm", "prefix": "<p>", "suffix": "<s>", "stops": ["<e>"], "bos": True}}
    overrides, problems = from_overrides(table)
    found = fim.recognise(facts("<p>", "<s>", "<e>", name="Own 1B"), overrides)
    assert problems == ()
    assert shown(layout.whole(found, "P", "S", NOTHING)) == "⟦<s>⟧S⟦<p>⟧P"
    assert (found.stops, found.bos) == ((102,), True)


def test_a_format_whose_markers_are_missing_is_not_forced() -> None:
    overrides, _ = from_overrides({"*": "codellama"})
    found = fim.recognise(facts(*QWEN), overrides)
    assert found.format.name == "qwen2.5-coder"
    assert "has no ▁<PRE>" in found.reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("nosuch", "there is no format 'nosuch'"),
        (3, "must be the name of a format or a table"),
        ({"order": "sideways"}, "'order' has a value"),
        ({"order": "psm"}, "must name the markers"),
        ({"prefix": "<p>", "suffix": "<s>", "colour": "red"}, "no option 'colour'"),
        ({"prefix": "<p>", "suffix": "<s>", "prompt": ["PREFIX"]}, "must hold {prefix} and then {suffix}"),
        ({"prefix": "<p>", "suffix": "<s>", "stops": [1]}, "'stops' has a value"),
        ({"like": 1}, "'like' must be"),
    ],
)
def test_a_mistake_in_the_configuration_is_named_and_ignored(value: object, expected: str) -> None:
    overrides, problems = from_overrides({"a": value, "b": "starcoder"})
    assert [override.pattern for override in overrides] == ["b"]
    assert len(problems) == 1
    assert "'a'" in problems[0]
    assert expected in problems[0]


# --- with a real tokeniser ------------------------------------------------------------------------


class Vocabulary:
    """llama.cpp's tokeniser of a vocabulary-only file."""

    def __init__(self, path: Path) -> None:
        llama_cpp.llama_log_set(_silence, ctypes.c_void_p())
        parameters = llama_cpp.llama_model_default_params()
        parameters.vocab_only = True
        model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        assert model is not None
        self.model = model
        vocab = llama_cpp.llama_model_get_vocab(self.model)
        assert vocab is not None
        self.vocab = vocab

    def tokenise(self, text: bytes) -> list[int]:
        buffer = (llama_cpp.llama_token * (len(text) + 8))()
        count = llama_cpp.llama_tokenize(self.vocab, text, len(text), buffer, len(buffer), False, False)
        return list(buffer[:count])

    def pieces(self) -> list[bytes]:
        return []

    def spelt(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(256)
        count = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, 256, 0, True)
        return buffer.raw[:count]


@llama_cpp.llama_log_callback
def _silence(_level: int, _text: bytes, _data: ctypes.c_void_p) -> None:
    """Keep llama.cpp's log out of the tests' output."""


@pytest.fixture(scope="module", params=["starcoder", "deepseek-coder", "refact"])
def real(request: pytest.FixtureRequest) -> Iterator[tuple[Vocabulary, fim.Recognition]]:
    path = vocabulary_file(request.param)
    vocabulary = Vocabulary(path)
    yield vocabulary, fim.recognise(fim.facts(gguf.read_gguf(path)))
    llama_cpp.llama_model_free(vocabulary.model)


def test_source_that_holds_every_marker_literally_stays_text(
    real: tuple[Vocabulary, fim.Recognition],
) -> None:
    vocabulary, found = real
    guarded = layout.Guarded(vocabulary, found.texts)
    everything = "".join(f"x = '{text}'\n{text}" for text in found.texts.values())
    tokens = guarded.tokenise(everything.encode())
    assert found.texts.keys().isdisjoint(tokens)
    assert b"".join(map(vocabulary.spelt, tokens)) == everything.encode()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_text_yields_a_marker(real: tuple[Vocabulary, fim.Recognition], data: st.DataObject) -> None:
    vocabulary, found = real
    guarded = layout.Guarded(vocabulary, found.texts)
    parts = data.draw(st.lists(st.sampled_from(sorted(found.texts.values())) | LETTERS, max_size=8))
    text = "".join(parts).encode()
    tokens = guarded.tokenise(text)
    assert found.texts.keys().isdisjoint(tokens)
    assert b"".join(map(vocabulary.spelt, tokens)) == text


def test_a_user_defined_token_that_is_a_marker_is_spelled_out() -> None:
    """Why `Guarded` exists: llama.cpp finds user-defined tokens in text even with special tokens off."""
    vocabulary = Vocabulary(vocabulary_file("deepseek-coder"))
    text = b"x = '[PAD32022]'  # [PAD32023]"
    assert {32022, 32023} <= set(vocabulary.tokenise(text))
    guarded = layout.Guarded(vocabulary, {32022: "[PAD32022]", 32023: "[PAD32023]"})
    tokens = guarded.tokenise(text)
    assert {32022, 32023}.isdisjoint(tokens)
    assert b"".join(map(vocabulary.spelt, tokens)) == text
    llama_cpp.llama_model_free(vocabulary.model)


def test_info_says_what_the_configuration_makes_of_a_model(tmp_path: Path) -> None:
    file = tiny_model("starcoder", tmp_path)
    table: dict[str, object] = {"tiny-*": {"like": "starcoder2", "stops": ["<file_sep>"]}, "x": "nosuch"}
    said = CliRunner().invoke(models, ["info", str(file)], obj={"fim": lambda: table})
    assert said.exit_code == 0, said.output
    assert "your configuration says so ('tiny-*')" in said.output
    assert "there is no format 'nosuch'" in said.output
