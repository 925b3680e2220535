"""`foretype complete` and friends with what people really type."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from foretype.context.shared.figures import percentile
from foretype.lsp.cli.complete import offset_of, read_source, read_target
from foretype.lsp.demo.script import next_key, read_script, wanted
from foretype.tests.support.private_home import foretype, private_home


@pytest.fixture(scope="module")
def home() -> Generator[dict[str, str]]:
    with private_home(Path("/nowhere/to/be/found.gguf")) as environment:
        yield environment


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "odd:name.py"
    path.write_text("é = 1\r\nx\n")
    return path


@pytest.mark.parametrize("target", ["x.py", "x.py:1", "x.py:a:b", ":1:1", "x.py:1:"])
def test_a_target_that_is_none_is_a_wrong_command_line(home: dict[str, str], target: str) -> None:
    run = foretype(home, "complete", target)
    assert run.returncode == 2
    assert "FILE:LINE:COLUMN" in run.stderr


@pytest.mark.parametrize(("line", "column"), [(0, 1), (4, 1), (1, 0), (1, 7), (-1, -1), (10**18, 1)])
def test_a_place_outside_the_file_is_named(
    home: dict[str, str], source: Path, line: int, column: int
) -> None:
    run = foretype(home, "complete", f"{source}:{line}:{column}")
    assert run.returncode == 2
    assert "there is no" in run.stderr


def test_lines_and_columns_count_from_one_in_characters(source: Path) -> None:
    text = read_source(source)
    assert read_target(f"{source}:1:6") == (source, 1, 6)
    assert [offset_of(text, *place, source) for place in ((1, 1), (1, 6), (2, 1), (2, 2), (3, 1))] == [
        0,
        5,
        7,
        8,
        9,
    ]


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"a\x00b", "NUL"), (b"\xff\xfe\xfd", "UTF-8"), (None, "no file"), ("folder", "directory")],
)
def test_what_is_no_source_code_gets_a_sentence(
    home: dict[str, str], tmp_path: Path, content: bytes | str | None, word: str
) -> None:
    path = tmp_path / "thing"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
    run = foretype(home, "complete", f"{path}:1:1")
    assert run.returncode == 1
    assert word in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["demo", "complete"])
def test_without_a_model_the_next_step_is_named(home: dict[str, str], source: Path, command: str) -> None:
    run = foretype(home, command, *([f"{source}:1:1"] if command == "complete" else []))
    assert run.returncode in (1, 3)
    assert "foretype" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_language_server_never_imports_llama() -> None:
    code = (
        "import sys, foretype.lsp.server.server, foretype.lsp.server.stdio;"
        "import foretype.lsp.completions.requests, foretype.daemon.client.client;"
        "sys.exit(any(name.split('.')[0] == 'llama_cpp' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_initialize_waits_for_nothing_heavy() -> None:
    code = (
        "import sys, foretype.lsp.cli.commands, foretype.lsp.server.stdio, foretype.lsp.server.server;"
        "heavy = {'tree_sitter', 'watchfiles', 'numpy', 'msgpack', 'psutil', 'rich'};"
        "print(heavy & {name.split('.')[0] for name in sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert run.stdout.strip() == "set()"


def test_the_demo_types_what_is_marked() -> None:
    script = read_script("a = «1»\nb = «2»\n")
    assert script.text == "a = \nb = \n"
    text = script.text
    for passage in script.passages:
        text = text[: passage.offset] + passage.text + text[passage.offset :]
    assert text == "a = 1\nb = 2\n"


def test_the_typist_takes_only_what_was_going_to_be_typed() -> None:
    assert wanted("return x", "return x + 1") == 8
    assert wanted("return y", "return x + 1") == 0
    assert wanted("re", "return x") == 0
    assert wanted("", "return x") == 0
    assert wanted("x", "x") == 1
    assert next_key("abc") == "a"
    assert next_key("\n    abc") == "\n    "


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([], 0.5) == 0.0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([1.0, 2.0], 0.95) == 2.0
