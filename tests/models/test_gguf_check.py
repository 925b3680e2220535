"""What is read from a GGUF file, and what is refused before llama.cpp sees it."""

from __future__ import annotations

import ctypes
import struct
import time
from collections.abc import Callable
from pathlib import Path

import gguf as gguf_package
import numpy as np
import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.models.gguf import file as gguf
from foretype.models.gguf import head as gguf_head
from foretype.models.gguf.sizes import memory_needed
from foretype.tests.support.tiny_gguf import tiny_model, vocabulary_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TOKENS = ["<s>", "</s>", "a", "b", "äöü", "<fim_prefix>"]


def write(path: Path, change: Callable[[gguf_package.GGUFWriter], None] | None = None) -> Path:
    """A small but complete model file."""
    writer = gguf_package.GGUFWriter(path, "llama")
    writer.add_name("small")
    writer.add_block_count(2)
    writer.add_context_length(2048)
    writer.add_embedding_length(32)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_file_type(7)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 1, 1, 1, 4])
    writer.add_token_merges(["a b"])
    writer.add_add_bos_token(False)
    writer.add_array("test.layers", [1, 2, 3])
    writer.add_tensor("token_embd.weight", np.ones((6, 32), np.float32))
    writer.add_tensor("blk.0.attn_q.weight", np.ones((32, 32), np.float16))
    if change is not None:
        change(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("gguf") / "small.gguf")


def check(tmp_path: Path, content: bytes, expected: str) -> None:
    """A file of this content is refused with a sentence that names the file and says `expected`."""
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelProblem) as caught:
        gguf.check_file(path, available_bytes=1 << 40)
    assert "model.gguf" in str(caught.value)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def patched(small: Path, at: int, new: bytes) -> bytes:
    content = bytearray(small.read_bytes())
    content[at : at + len(new)] = new
    return bytes(content)


def test_a_sound_file_is_read(small: Path) -> None:
    file = gguf.check_file(small, available_bytes=1 << 40)
    assert (file.architecture, file.name, file.version) == ("llama", "small", 3)
    assert (file.context_tokens, file.quantisation, file.vocabulary_size) == (2048, "Q8_0", 6)
    assert file.parameters == 6 * 32 + 32 * 32
    assert file.tokens() == [text.encode() for text in TOKENS]
    assert file.token_types() == (3, 3, 1, 1, 1, 4)
    assert file.boolean("tokenizer.ggml.add_bos_token") is False
    assert file.metadata["test.layers"] == (1, 2, 3)
    assert file.parts == (small,)


def test_what_is_read_agrees_with_the_gguf_package(tmp_path: Path) -> None:
    path = tiny_model("deepseek-coder", tmp_path, tied=True)
    ours, theirs = gguf.read_gguf(path), gguf_package.GGUFReader(path)
    assert [(t.name, t.kind, t.start, t.size) for t in ours.tensors] == [
        (t.name, t.tensor_type.name, t.data_offset, t.n_bytes) for t in theirs.tensors
    ]
    assert [tuple(t.shape) for t in ours.tensors] == [tuple(map(int, t.shape)) for t in theirs.tensors]
    field = theirs.fields["tokenizer.ggml.tokens"]
    assert ours.tokens()[:50] == [bytes(field.parts[index]) for index in field.data[:50]]


def test_block_sizes_are_those_of_the_library() -> None:
    import llama_cpp

    folder = Path(llama_cpp.__file__).parent / "lib"
    library = next(iter(sorted(folder.glob("libggml-base.*"))), None)
    if library is None:
        pytest.skip("llama.cpp's libraries lie elsewhere on this system")
    ggml = ctypes.CDLL(str(library))
    ggml.ggml_type_size.restype = ctypes.c_size_t
    ggml.ggml_blck_size.restype = ctypes.c_int64
    for number, (name, block, size) in gguf_head.tensor_types().items():
        assert (ggml.ggml_blck_size(number), ggml.ggml_type_size(number)) == (block, size), name


def test_a_large_vocabulary_is_checked_quickly(tmp_path: Path) -> None:
    path = tmp_path / "large.gguf"
    writer = gguf_package.GGUFWriter(path, "llama")
    writer.add_token_list([f"token{number}" for number in range(150_000)])
    writer.add_token_merges(["ab cd"] * 150_000)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    begin = time.perf_counter()
    file = gguf.read_gguf(path)
    elapsed = time.perf_counter() - begin
    assert file.vocabulary_size == 150_000
    assert elapsed < 3, "meant to take tens of milliseconds; this only catches a change of order"


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "it is empty"),
        (b"hello", "does not begin with 'GGUF'"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"PK\x03\x04" + bytes(40), "zip archive"),
        (b"lmgg" + bytes(40), "from before GGUF"),
        (struct.pack("<Q", 20) + b'{"a": 1}' + bytes(40), "safetensors"),
        (b"GGUF", "ends in the middle"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(40), "big-endian"),
        (b"GGUF" + struct.pack("<I", 1) + bytes(40), "version 1"),
        (b"GGUF" + struct.pack("<I", 77) + bytes(40), "version 77"),
        (b"GGUF" + struct.pack("<I", 0) + bytes(40), "version 0"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), f"{1 << 60} tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60), f"{1 << 60} metadata entries"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 63), "a metadata name is"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "which architecture"),
    ],
)
def test_what_is_no_model_is_named(tmp_path: Path, content: bytes, expected: str) -> None:
    check(tmp_path, content, expected)


def entry(key: bytes, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(key)) + key + struct.pack("<I", kind) + value


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([entry(b"a", 99, bytes(8))], "unknown type 99"),
        ([entry(b"a", 8, struct.pack("<Q", 1 << 62))], "bytes long"),
        ([entry(b"a", 9, struct.pack("<IQ", 9, 1))], "unreadable type 9"),
        ([entry(b"a", 9, struct.pack("<IQ", 4, 1 << 63))], "ends in the middle"),
        ([entry(b"a", 9, struct.pack("<IQ", 8, 1 << 63))], "list of"),
        ([entry(b"a", 9, struct.pack("<IQ", 8, 2) + struct.pack("<Q", 1 << 63))], "ends in the middle"),
        ([entry(b"a", 0, b"1"), entry(b"a", 0, b"1")], "twice"),
        ([entry(b"general.alignment", 4, struct.pack("<I", 0))], "alignment"),
        ([entry(b"general.alignment", 4, struct.pack("<I", 48))], "alignment"),
        ([entry(b"tokenizer.ggml.tokens", 4, struct.pack("<I", 48))], "no list of texts"),
    ],
)
def test_hostile_metadata_is_refused(tmp_path: Path, entries: list[bytes], expected: str) -> None:
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries))
    check(tmp_path, head + b"".join(entries) + bytes(64), expected)


def test_a_list_without_end_is_refused_before_it_is_walked(tmp_path: Path) -> None:
    count = 5_000_000
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + entry(b"a", 9, struct.pack("<IQ", 8, count))
    path = tmp_path / "model.gguf"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + 8 * count)  # a hole: the disk is not filled
    with pytest.raises(ModelProblem, match="list of 5000000 texts"):
        gguf.read_gguf(path)


def tensor(
    name: bytes = b"t", shape: tuple[int, ...] = (32,), kind: int = 0, offset: int = 0, dimensions: int = -1
) -> bytes:
    count = len(shape) if dimensions < 0 else dimensions
    row = struct.pack("<Q", len(name)) + name + struct.pack("<I", count)
    return row + b"".join(struct.pack("<Q", size) for size in shape) + struct.pack("<IQ", kind, offset)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([tensor(shape=(1 << 40, 1 << 40))], "impossible shape"),
        ([tensor(shape=(0,))], "impossible shape"),
        ([tensor(shape=(31,), kind=8)], "impossible shape"),
        ([tensor(dimensions=9)], "9 dimensions"),
        ([tensor(dimensions=0, shape=())], "0 dimensions"),
        ([tensor(kind=4)], "type 4"),
        ([tensor(offset=7)], "not aligned"),
        ([tensor(offset=1 << 40)], "beyond the end"),
        ([tensor(shape=(1 << 20,))], "beyond the end"),
        ([tensor(), tensor(b"u")], "overlaps"),
        ([tensor(), tensor(offset=128)], "twice"),
        ([tensor(name=b"n" * 64)], "a tensor's name"),
    ],
)
def test_a_hostile_tensor_table_is_refused(tmp_path: Path, rows: list[bytes], expected: str) -> None:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(rows), 0)
    check(tmp_path, head + b"".join(rows) + bytes(512), expected)


def test_arrays_that_belong_to_the_vocabulary_must_fit_it(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gguf", lambda writer: writer.add_token_scores([1.0, 2.0]))
    with pytest.raises(ModelProblem, match="scores"):
        gguf.read_gguf(path)


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [("bert", "cannot continue text"), ("llada", "cannot continue text"), ("nosuch", "does not know")],
)
def test_an_architecture_that_cannot_be_run_is_refused(
    tmp_path: Path, architecture: str, expected: str
) -> None:
    path = tiny_model("deepseek-coder", tmp_path, tied=True, architecture=architecture)
    with pytest.raises(ModelProblem, match=expected):
        gguf.check_file(path)


def test_a_vocabulary_alone_is_readable_but_no_model() -> None:
    path = vocabulary_file("starcoder")
    assert gguf.read_gguf(path).vocabulary_size == 49152
    with pytest.raises(ModelProblem, match="no weights"):
        gguf.check_file(path)


def test_a_control_character_in_a_name_does_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tiny_model("deepseek-coder", tmp_path, tied=True, architecture="\x1b[2Jevil")
    with pytest.raises(ModelProblem) as caught:
        gguf.check_file(path)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("kind", ["missing", "directory"])
def test_a_path_that_is_no_file_is_said_so(tmp_path: Path, kind: str) -> None:
    path = tmp_path if kind == "directory" else tmp_path / "none.gguf"
    with pytest.raises(ModelProblem, match="directory" if kind == "directory" else "There is no model file"):
        gguf.read_gguf(path)


# --- memory ---------------------------------------------------------------------------------------


def test_a_model_that_does_not_fit_is_refused_with_both_numbers(small: Path) -> None:
    with pytest.raises(ModelProblem, match=r"needs about \d\d MB of memory and 1 MB are free"):
        gguf.check_file(small, available_bytes=1_000_000)


def test_memory_grows_by_the_kv_cache(small: Path) -> None:
    file = gguf.read_gguf(small)
    one_token = 2 * 2 * 2 * (8 + 8)  # bytes, layers, KV heads, key and value of a head
    assert memory_needed(file, 1001) - memory_needed(file, 1000) == one_token


# --- split models ---------------------------------------------------------------------------------


def split(directory: Path, part: int, count: int = 2, tensors: int = 4) -> Path:
    def change(writer: gguf_package.GGUFWriter) -> None:
        writer.add_uint16("split.no", part - 1)
        writer.add_uint16("split.count", count)
        writer.add_int32("split.tensors.count", tensors)

    return write(directory / f"big-{part:05d}-of-{count:05d}.gguf", change)


def test_all_parts_of_a_split_model_are_checked(tmp_path: Path) -> None:
    first, second = split(tmp_path, 1), split(tmp_path, 2)
    file = gguf.check_file(first)
    assert file.parts == (first, second)
    assert len(file.tensors) == 4
    assert file.size == first.stat().st_size + second.stat().st_size


def test_a_part_that_is_not_the_first_names_the_first(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="name its first part, big-00001-of-00002"):
        gguf.read_gguf(split(tmp_path, 2))


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match=r"big-00002-of-00002\.gguf is missing"):
        gguf.read_gguf(split(tmp_path, 1))


def test_a_renamed_part_says_how_it_must_be_called(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="NAME-00001-of-00002"):
        gguf.read_gguf(split(tmp_path, 1).rename(tmp_path / "big.gguf"))


def test_parts_of_different_models_are_refused(tmp_path: Path) -> None:
    split(tmp_path, 2, tensors=9)
    with pytest.raises(ModelProblem, match="do not belong together"):
        gguf.read_gguf(split(tmp_path, 1, tensors=9))


# --- damage of every kind -------------------------------------------------------------------------


def survives(path: Path, content: bytes) -> None:
    """Reading never ends in anything but a file or a sentence."""
    path.write_bytes(content)
    try:
        file = gguf.check_file(path, available_bytes=1 << 40)
        file.tokens()
        file.token_types()
        assert file.quantisation
    except ModelProblem as problem:
        refused = str(problem)
    else:
        refused = "damaged.gguf"
    assert "damaged.gguf" in refused


QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(data=st.data())
@QUICK
def test_a_truncated_file_is_refused(small: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = small.read_bytes()
    end = data.draw(st.integers(0, len(content) - 1))
    path = tmp_path / "damaged.gguf"
    path.write_bytes(content[:end])
    with pytest.raises(ModelProblem, match=r"damaged\.gguf"):
        gguf.check_file(path)


@given(data=st.data())
@QUICK
def test_flipped_bits_never_surprise(small: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(small.read_bytes())
    head = len(content) - 6 * 32 * 4 - 32 * 32 * 2  # the weights themselves may hold anything
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, head))
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    survives(tmp_path / "damaged.gguf", bytes(content))


@given(data=st.data())
@QUICK
def test_hostile_numbers_never_surprise(small: Path, tmp_path: Path, data: st.DataObject) -> None:
    hostile = st.sampled_from([0, 1, (1 << 31) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
    at = data.draw(st.integers(4, 1600))
    survives(tmp_path / "damaged.gguf", patched(small, at, struct.pack("<Q", data.draw(hostile))))


@given(content=st.binary(max_size=400))
@QUICK
def test_noise_behind_the_magic_never_surprises(tmp_path: Path, content: bytes) -> None:
    survives(tmp_path / "damaged.gguf", b"GGUF" + struct.pack("<I", 3) + content)
