"""Which llama.cpp is used: llama-cpp-python's, or one of the user's whose structures were compared."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import llama_cpp
import pytest
from foretype.models.llama import declared, library, probe
from foretype.tests.support.tiny_gguf import tiny_model

FOLDER = Path(llama_cpp.__file__).parent / "lib"
THEIRS: Any = llama_cpp.llama_cpp

ASK = """
import hashlib, sys
from pathlib import Path
from foretype.models.llama.governor import Governor
from foretype.models.llama.library import c
from foretype.models.llama.llama import Context, Model, build
from foretype.models.llama.quantise import quantise
path = Path(sys.argv[1])
model = Model(path, gpu_layers=0)
told = []
hears = lambda name, _: told.append(name)
context = Context(model, size=256, sequences=2, governor=Governor(1), listens=hears)
tokens = model.tokenise(b"def add(a, b):\\n    return a")
context.decode(tokens, 0, 0)
logits = context.logits().copy()
state = context.save(0)
context.restore(1, state)
context.decode([tokens[0]], 1, len(tokens))
context.remove(0, 3)
written = quantise(path, path.with_name(sys.argv[2]), 0, 1)
print(hashlib.sha256(logits.tobytes()).hexdigest(), len(state))
print(context.last_position(0), context.last_position(1))
print(sorted(set(told)), len(model.pieces()), model.metadata("general.architecture"), written)
print(c.title, file=sys.stderr)
"""
"""Goes through what of the API the engine uses, and prints what came of it."""

NO_PYTHON_PACKAGE = "import sys; sys.modules['llama_cpp'] = None\n"


def computed(model: Path, *, own: Path | None, package: bool = True) -> subprocess.CompletedProcess[str]:
    """What a process of its own computes, with a libllama of the user's or the one that is installed."""
    environment = {name: value for name, value in os.environ.items() if name != library.VARIABLE}
    if own is not None:
        environment[library.VARIABLE] = str(own)
    code = ASK if package else NO_PYTHON_PACKAGE + ASK
    return subprocess.run(
        [sys.executable, "-c", code, str(model), f"made-{own is None}.gguf"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("starcoder", tmp_path_factory.mktemp("model"))


def test_a_library_of_ones_own_computes_the_same_without_pythons_package(model: Path) -> None:
    theirs, ours = computed(model, own=None), computed(model, own=FOLDER, package=False)
    assert theirs.returncode == 0, theirs.stderr
    assert ours.returncode == 0, ours.stderr
    assert ours.stdout == theirs.stdout
    assert "llama-cpp-python" in theirs.stderr
    assert f"libllama {probe.version(ctypes.CDLL(str(next(FOLDER.glob('*llama.*')))))}" in ours.stderr


def test_without_any_there_is_one_sentence(model: Path) -> None:
    said = computed(model, own=None, package=False)
    assert "EngineMissingProblem: There is no llama.cpp here to run a model with." in said.stderr


@pytest.mark.parametrize("named", ["nowhere", "a folder without one"])
def test_a_library_that_is_not_there_is_named(model: Path, tmp_path: Path, named: str) -> None:
    said = computed(model, own=tmp_path if "folder" in named else tmp_path / "nowhere")
    assert f"There is no libllama at {tmp_path}" in said.stderr


def test_a_file_that_is_no_library_is_named(model: Path, tmp_path: Path) -> None:
    (tmp_path / "libllama.so").write_bytes(b"no library")
    said = computed(model, own=tmp_path / "libllama.so")
    assert "cannot be loaded" in said.stderr
    assert "LibraryProblem" in said.stderr


CHOOSE = """
import os, sys
from foretype.models.llama.library import LibraryProblem, VARIABLE, c, choose_library
folder = sys.argv[1]
choose_library(folder)
assert os.environ[VARIABLE] == folder
choose_library("")
assert VARIABLE not in os.environ
choose_library(folder)
c.load()
choose_library(folder)
for other in ("", "/elsewhere"):
    try:
        choose_library(other)
    except LibraryProblem as problem:
        print(problem)
"""


def test_a_process_has_one_library_and_says_so_when_the_setting_changes() -> None:
    environment = {name: value for name, value in os.environ.items() if name != library.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", CHOOSE, str(FOLDER)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'foretype daemon stop'") == 2


@pytest.mark.parametrize("name", declared.TYPES)
def test_what_is_declared_here_is_what_the_installed_package_declares(name: str) -> None:
    ours, theirs = declared.TYPES[name], getattr(THEIRS, name)
    if not issubclass(ours, ctypes.Structure):
        assert ours is theirs
        return
    assert ctypes.sizeof(ours) == ctypes.sizeof(theirs)
    ours, theirs = (
        [(field, getattr(each, field).offset, getattr(each, field).size) for field, *_ in each._fields_]
        for each in (ours, theirs)
    )
    assert ours == theirs


@pytest.mark.parametrize("name", declared.FUNCTIONS)
def test_each_function_takes_what_the_installed_package_gives_it(name: str) -> None:
    theirs = getattr(THEIRS._lib, name)
    result, *arguments = declared.FUNCTIONS[name]
    assert [size(each) for each in arguments] == [size(each) for each in theirs.argtypes]
    assert size(result) == size(theirs.restype)


def size(kind: Any) -> int:
    return 0 if kind is None else ctypes.sizeof(kind)


# -- libraries that are not what they should be, compiled for the purpose


HEAD = """
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
"""


def c_source(*, version: str = "0.5.0", context: str = "", values: str = "", without: str = "") -> str:
    """A libllama that computes nothing: its structures are those declared here, but for what is said."""
    parts = [HEAD]
    for expected in probe.EXPECTED:
        kind = expected.structure.__name__
        more = context if kind == "ContextParameters" else ""
        parts.append(f"struct {kind} {{ {fields(expected.structure)} {more} }};")
        arguments = ", ".join(f"int32_t a{at}" for at, _ in enumerate(expected.arguments)) or "void"
        known = [f"made.{name} = {value:g};" for name, value in expected.values.items()]
        pointers = [f"made.{name} = malloc(64);" for name in ("token", "pos", "n_seq_id", "seq_id", "logits")]
        changed = values if kind == "ContextParameters" else ""
        body = " ".join([*known, *(pointers if kind == "Batch" else []), changed])
        body = f"{{ struct {kind} made = {{0}}; {body} return made; }}"
        parts.append(f"struct {kind} {expected.function}({arguments}) {body}")
    made = {expected.function for expected in probe.EXPECTED}
    parts += [f"void {name}(void) {{}}" for name in declared.FUNCTIONS if name not in {*made, without}]
    if version:
        parts.append(f'const char * llama_version(void) {{ return "{version}"; }}')
    return "\n".join(parts)


def fields(structure: type[ctypes.Structure]) -> str:
    names = {1: "int8_t", 4: "int32_t", 8: "void *"}
    told: list[str] = []
    for name, kind in (each[:2] for each in structure._fields_):
        spelled = "float" if kind is ctypes.c_float else names[ctypes.sizeof(kind)]
        told.append(f"{'uint64_t' if kind is ctypes.c_size_t else spelled} {name};")
    return " ".join(told)


def why(tmp_path: Path, **how: str) -> str:
    """What is said of a library that was compiled so."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    source, made = tmp_path / "made.c", tmp_path / "libllama.so"
    source.write_text(c_source(**how), encoding="utf-8")
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", str(made), str(source)], check=True, timeout=60)
    return probe.why_unusable(ctypes.CDLL(str(made)))


def test_a_library_with_the_declared_structures_is_taken(tmp_path: Path) -> None:
    assert why(tmp_path) == ""


def test_a_newer_library_with_the_same_structures_is_taken(tmp_path: Path) -> None:
    assert why(tmp_path, version="0.9.2-dev") == ""


def test_a_structure_that_has_grown_is_refused(tmp_path: Path) -> None:
    said = why(tmp_path, context="void * more; ", values="made.more = malloc(1);")
    assert said
    assert "llama_context_default_params" in said


def test_a_structure_in_another_order_is_refused(tmp_path: Path) -> None:
    assert why(tmp_path, values="made.n_batch = 512; made.n_ubatch = 2048;").endswith(
        "another value in n_batch"
    )


def test_an_older_library_is_refused(tmp_path: Path) -> None:
    assert "it is 0.4.9" in why(tmp_path, version="0.4.9")


def test_a_library_without_a_version_is_refused(tmp_path: Path) -> None:
    assert "does not say its version" in why(tmp_path, version="")


def test_a_library_that_lacks_a_function_is_refused(tmp_path: Path) -> None:
    assert why(tmp_path, without="llama_model_is_hybrid") == "it has no llama_model_is_hybrid"


@pytest.mark.parametrize(
    ("told", "found"), [("0.5.0-dev", (0, 5, 0)), ("1.2", (1, 2)), ("b1234", ()), ("", ())]
)
def test_the_numbers_of_a_version(told: str, found: tuple[int, ...]) -> None:
    assert probe.numbers(told) == found


def test_the_size_that_is_written_is_the_size_that_is_declared() -> None:
    real = ctypes.CDLL(str(next(FOLDER.glob("*llama.*"))))
    for expected in probe.EXPECTED:
        written = probe.size_written(real, expected)
        if written is not None:  # this processor's calling convention tells
            assert 0 <= ctypes.sizeof(expected.structure) - written < 8
