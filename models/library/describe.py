"""What `foretype models info` tells of a GGUF file: facts, the format in use, how a prompt will look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from ...context.shared.problem import ModelProblem
from ...context.shared.values import RelatedPart
from ..gguf import file as gguf
from ..gguf.sizes import memory_needed
from ..prompts import formats, layout
from ..prompts.edit_formats import recognise_edits

_PREFIX = "def area(width, height):\n    return "
_SUFFIX = "\n\nprint(area(3, 4))\n"
_AROUND = layout.Surroundings(
    related=(RelatedPart("shapes/unit.py", "UNIT = 'cm'\n"),),
    path="shapes/area.py",
    repository="shapes",
    language="python",
)


@attrs.frozen
class Description:
    """One GGUF file, described. Counts in tokens, sizes in bytes.

    Attributes:
        path: the file.
        architecture: `general.architecture`.
        name: `general.name`.
        parameters: weights in all tensors.
        quantisation: what the tensors mostly are.
        size: all parts together.
        memory: what it takes to run, with a context of 4096 tokens or what it was trained for.
        context_tokens: the context it was trained for.
        vocabulary: tokens that it knows.
        tokenizer: `tokenizer.ggml.model`.
        pre: `tokenizer.ggml.pre`.
        usable: "" or the sentence that says why it cannot complete code.
        fim: name of the format in use.
        order: "psm", "spm" or "plain".
        reason: why that format.
        markers: ids by marker text.
        stops: ids by text of the tokens that end a suggestion.
        bos: the rule about a beginning-of-sequence token, in words.
        prompt: an example, markers in ⟦⟧.
        edits: in whose format it was trained to predict edits; "" where it was not.
    """

    path: str
    architecture: str
    name: str
    parameters: int
    quantisation: str
    size: int
    memory: int
    context_tokens: int
    vocabulary: int
    tokenizer: str
    pre: str
    usable: str
    fim: str
    order: str
    reason: str
    markers: Mapping[str, int]
    stops: Mapping[str, int]
    bos: str
    prompt: str
    edits: str


def describe(path: Path, overrides: Sequence[formats.Override] = ()) -> Description:
    """Read a file and say what was recognised.

    Raises:
        ModelProblem: it is no GGUF, or damaged.
    """
    file = gguf.read_gguf(path)
    model = formats.facts(file)
    found = formats.recognise(model, overrides)
    try:
        gguf.check_architecture(file)
        usable = ""
    except ModelProblem as problem:
        usable = str(problem)
    return Description(
        path=str(path),
        architecture=file.architecture,
        name=file.name,
        parameters=file.parameters,
        quantisation=file.quantisation,
        size=file.size,
        memory=memory_needed(file),
        context_tokens=file.context_tokens,
        vocabulary=file.vocabulary_size,
        tokenizer=file.text("tokenizer.ggml.model"),
        pre=model.pre,
        usable=usable,
        fim=found.format.name,
        order=found.format.order,
        reason=found.reason,
        markers={found.texts.get(token, str(token)): token for token in found.ids.values()},
        stops={found.texts.get(token, str(token)): token for token in found.stops},
        bos=_bos(found, model),
        prompt=rendered(layout.whole(found, _PREFIX, _SUFFIX, _AROUND)),
        edits=edits.format.title if (edits := recognise_edits(model)) else "",
    )


def _bos(found: formats.Recognition, model: formats.ModelFacts) -> str:
    if found.bos is not None:
        return "added, as the format wants it" if found.bos else "not added, as the format wants it"
    if model.add_bos is None:
        return "as llama.cpp does for this tokenizer; the file does not say"
    return "added, as the file says" if model.add_bos else "not added, as the file says"


def rendered(pieces: Sequence[layout.PromptPiece]) -> str:
    """A prompt for people: markers in ⟦⟧ so that they differ from text that looks like one."""
    return "".join(f"⟦{piece.text}⟧" if isinstance(piece, layout.Marker) else piece.text for piece in pieces)
