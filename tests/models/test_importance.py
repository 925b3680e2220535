"""Which weights matter: what flows into a model's matrices, and what it saves when they are requantised."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from foretype.models.library.store import resolve_model
from foretype.models.llama.governor import Governor, ProcessorLoad
from foretype.models.llama.llama import Context, Model
from foretype.models.llama.quantise import quantise
from foretype.models.machine.cores import cores
from foretype.models.tuning.importance import importance, passages, tokens_to_read
from foretype.models.tuning.measuring import PASSAGE, mean_log_probability, sample_tokens
from foretype.models.tuning.sample import other_code, tuning_sample
from foretype.tests.support.tiny_gguf import tiny_model
from gguf import GGUFReader


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return tiny_model("starcoder", tmp_path)


def governor() -> Governor:
    return Governor(1, load=ProcessorLoad.in_group(cores()))


def matrices(path: Path) -> dict[str, int]:
    """The names of a file's matrices in its layers, and how wide their inputs are."""
    tensors = GGUFReader(path).tensors
    return {each.name: int(each.shape[0]) for each in tensors if len(each.shape) == 2 and "blk" in each.name}


def test_inputs_of_every_matrix_are_told_token_by_token(tiny: Path) -> None:
    told: dict[str, npt.NDArray[np.float32]] = {}
    model = Model(tiny, gpu_layers=0)
    context = Context(model, size=64, sequences=1, governor=governor(), listens=told.__setitem__)
    tokens = model.tokenise(b"def total(items):\n    return sum(items)\n")[:8]
    context.decode(tokens, 0, 0, logits=len(tokens))
    context.close()
    model.close()
    widths = matrices(tiny)
    assert widths
    assert {name: values.shape for name, values in told.items() if name in widths} == {
        name: (len(tokens), width) for name, width in widths.items()
    }
    assert all(np.isfinite(values).all() and values.any() for values in told.values())


def test_listening_changes_no_answer(tiny: Path) -> None:
    model = Model(tiny, gpu_layers=0)
    tokens = model.tokenise(b"return first + second\n")[:8]
    answers: list[npt.NDArray[np.float32]] = []

    def ignore(_name: str, _values: npt.NDArray[np.float32]) -> None:
        pass

    for listens in (None, ignore):
        context = Context(model, size=64, sequences=1, governor=governor(), listens=listens)
        context.decode(tokens, 0, 0)
        answers.append(np.array(context.logits()))
        context.close()
    model.close()
    assert np.allclose(*answers, atol=1e-4)


def test_importance_is_the_mean_square_of_what_flows_in(tiny: Path) -> None:
    told: dict[str, list[npt.NDArray[np.float32]]] = {}
    model = Model(tiny, gpu_layers=0)
    found = importance(model, PASSAGE, 1)
    context = Context(
        model,
        size=PASSAGE,
        sequences=1,
        governor=governor(),
        listens=lambda name, values: told.setdefault(name, []).append(values),
    )
    (passage,) = passages(model.tokenise(other_code()), PASSAGE)
    context.decode(passage, 0, 0, logits=len(passage))
    context.close()
    model.close()
    assert found.keys() == told.keys() >= matrices(tiny).keys()
    for name, parts in told.items():
        assert np.allclose(found[name], np.square(np.concatenate(parts)).mean(axis=0), rtol=1e-3)


def test_passages_lie_evenly_and_are_as_many_as_asked_for() -> None:
    tokens = list(range(10 * PASSAGE))
    assert [passage[0] for passage in passages(tokens, 5 * PASSAGE)] == [0, 1024, 2048, 3072, 4096]
    assert passages([1, 2, 3], PASSAGE) == [[1, 2, 3]]


@pytest.mark.parametrize(("speed", "count"), [(1.0, 6144), (0.1, 2560), (0.001, 1024)])
def test_slow_models_read_less(speed: float, count: int) -> None:
    assert tokens_to_read(speed) == count


def test_what_is_measured_on_stays_the_same_bytes_whatever_becomes_of_the_project() -> None:
    digests = [hashlib.sha256(text).hexdigest() for text in (tuning_sample(), other_code())]
    assert digests == [
        "291462a5947dbcd00128035610abda78fb191e428957ba3e177f50b09dc89ea8",
        "a7a69b73f3de11a0991e16c615fb03c45da692f4a933ba3fb1e901c84f7eda65",
    ]


def test_quality_is_measured_on_other_code() -> None:
    lines = {line for line in tuning_sample().splitlines() if len(line) > 60}
    assert lines
    assert len(lines & set(other_code().splitlines())) < len(lines) / 20


@pytest.mark.model
def test_knowing_what_matters_loses_less(tmp_path: Path) -> None:
    shipped = resolve_model("smollm2-135m")
    model = Model(shipped, gpu_layers=0)
    known = importance(model, 2 * PASSAGE, 2)
    model.close()
    qualities: list[float] = []
    for number, each in enumerate((known, None)):
        path = tmp_path / f"{number}.gguf"
        assert quantise(shipped, path, 2, 2, importance=each)
        made = Model(path, gpu_layers=0)
        context = Context(made, size=PASSAGE, sequences=1, governor=Governor(2))
        qualities.append(mean_log_probability(context, sample_tokens(made)[:1024], PASSAGE))
        context.close()
        made.close()
    assert qualities[0] > qualities[1] + 0.05
