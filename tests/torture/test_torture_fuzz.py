"""Small rounds of what `make torture` does for hours, and its oracle and books against what is known."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from foretype.tests.torture import fuzz_files, fuzz_gguf, fuzz_lsp, fuzz_wire
from foretype.tests.torture.campaign import SECTIONS
from foretype.tests.torture.journal import Journal, Round, imported, source_hash
from foretype.tests.torture.limited import attacked
from foretype.tests.torture.model_documents import ModelDocuments
from foretype.tests.torture.section import Found, Section


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_an_editor_sends_each_request_is_answered_once_and_texts_are_the_editors(seed: int) -> None:
    assert asyncio.run(fuzz_lsp.session(seed, 1000)) == ()


def test_whatever_comes_over_the_socket_the_daemon_serves_the_others() -> None:
    found = fuzz_wire.play(1, connections=40, frames=20)
    assert found.wrong == ()
    assert found.counts["fuzz.wire.frames"] > 200


def test_a_broken_model_file_costs_a_sentence() -> None:
    assert fuzz_gguf.play(1, count=20).wrong == ()


def test_broken_files_of_our_own_cost_what_stood_in_them() -> None:
    assert fuzz_files.play(1, count=50).wrong == ()


@pytest.mark.parametrize("kind", fuzz_files.KINDS)
def test_a_whole_file_is_read_as_whole(tmp_path: Path, kind: str) -> None:
    one = fuzz_files.KINDS[kind]
    path = one.make(tmp_path)
    assert path.stat().st_size > 0
    assert one.read(path) == ""


def test_a_process_that_ends_otherwise_is_a_finding() -> None:
    (sentence,) = attacked("no_such_module", 0, 1)
    assert "ended with 1" in sentence
    assert "No module named" in sentence


def check(text: str, change: dict[str, object], wanted: str, encoding: str = "utf-16") -> None:
    """What the oracle makes of one change."""
    documents = ModelDocuments()
    documents.encoding = encoding
    item = {"uri": "u", "text": text}
    documents.hear({"method": "textDocument/didOpen", "params": {"textDocument": item}})
    params = {"textDocument": {"uri": "u"}, "contentChanges": [change]}
    documents.hear({"method": "textDocument/didChange", "params": params})
    assert documents.texts["u"] == wanted


def span(*numbers: int) -> dict[str, object]:
    first, second = (
        {"line": line, "character": column} for line, column in zip(numbers[::2], numbers[1::2], strict=True)
    )
    return {"start": first, "end": second}


def test_the_oracle_knows_lines_columns_and_what_lies_outside() -> None:
    check("a\r\nb\rc\n", {"range": span(2, 0, 2, 1), "text": "X"}, "a\r\nb\rX\n")
    check("é👩x", {"range": span(0, 3, 0, 4), "text": ""}, "é👩")
    check("é👩x", {"range": span(0, 2, 0, 6), "text": ""}, "éx", "utf-8")
    check("é👩x", {"range": span(0, 2, 0, 2), "text": "|"}, "é|👩x")
    check("ab", {"range": span(9, 9, 9, 9), "text": "c"}, "abc")
    check("ab\n", {"range": span(0, 99, 0, 99), "text": "c"}, "abc\n")
    check("ab", {"text": "\ud800"}, "\ufffd")


def test_books_go_on_where_they_were(tmp_path: Path) -> None:
    path = tmp_path / "rounds.jsonl"
    journal = Journal(path, {"a": "s"})
    journal.keep(Round("a", 0, "s", 1.0, Found({"n": 3}, {"m": 2.0})))
    journal.keep(Round("a", 1, "s", 1.0, Found({"n": 4}, {"m": 1.0}, ("broken",))))
    with path.open("a") as file:
        file.write('{"section": "a", "se')
    again = Journal(path, {"a": "s"})
    assert again.next_seed("a") == 2
    assert again.found("a") == Found({"n": 7}, {"m": 2.0}, ("broken",))
    assert Journal(path, {"a": "other sources"}).rounds == []
    section = Section("a", "n", 7, "n.wrong", lambda _: Found())
    assert section.done(again.found("a"), 2)
    assert section.figures(again.found("a")) == {"n": 7, "m": 2.0, "n.wrong": 1}


def test_campaigns_side_by_side_play_different_rounds_and_count_them_all(tmp_path: Path) -> None:
    one, other = (Journal(tmp_path / "rounds.jsonl", {"a": "s"}) for _ in range(2))
    seeds = [each.next_seed("a") for each in (one, other, one, other)]
    assert seeds == [0, 1, 2, 3]
    for each, seed in ((one, 0), (other, 1), (other, 1), (one, 2)):
        each.keep(Round("a", seed, "s", 1.0, Found({"n": 1})))
    assert one.found("a").counts["n"] == 3, "a round that was played twice counts once"
    one.forget()
    assert one.next_seed("a") == 0


def test_what_a_killed_campaign_played_is_left_to_the_next(tmp_path: Path) -> None:
    """Each fault is one seed: none may be skipped."""
    begun = f"Journal(Path({str(tmp_path / 'rounds.jsonl')!r}), {{'a': 's'}}).next_seed('a')"
    code = f"import os; from pathlib import Path; from {Journal.__module__} import Journal; {begun}"
    ended = subprocess.run([sys.executable, "-c", f"{code}; os._exit(9)"], check=False)
    assert ended.returncode == 9
    journal = Journal(tmp_path / "rounds.jsonl", {"a": "s"})
    journal.keep(Round("a", 1, "s", 1.0, Found({"n": 1})))
    assert [journal.next_seed("a"), journal.next_seed("a")] == [0, 2]


def test_a_section_depends_on_what_it_imports_and_on_no_other_section() -> None:
    names = {path.name for path in imported("foretype.tests.torture.fuzz_wire")}
    assert {"fuzz_wire.py", "fake_daemon.py", "fake_engine.py", "mutation.py"} <= names
    assert "fuzz_lsp.py" not in names
    assert "shim.c" in {path.name for path in imported("foretype.tests.torture.faults")}
    modules = {section.module for section in SECTIONS.values()}
    assert len({source_hash(module) for module in modules}) == len(modules)


def test_every_section_has_figures_of_its_own() -> None:
    names = [name for section in SECTIONS.values() for name in (section.unit, section.violations)]
    assert len(names) == len(set(names))
