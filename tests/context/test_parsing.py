"""Trees that are made in parts, and trees of a part: the same as others, as far as they go."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc

import pytest
from foretype.context.checking.ground import Verdict, ground
from foretype.context.syntax import matching
from foretype.context.syntax.parsing import MAX_CHARACTERS, PARSED_WHOLE, Region, TreeEdit, region_around
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree import SyntaxTree
from foretype.context.syntax.tree_work import TreeWork, parse
from foretype.tests.support.code_samples import SOURCES
from hypothesis import given, settings
from hypothesis import strategies as st

UNIT = "function step(list) {\n  const kept = list.filter((each) => each > 1);\n  return kept;\n}\n\n"
LARGE = UNIT * (400_000 // len(UNIT))


def made(work: TreeWork) -> SyntaxTree:
    """The tree of some work, done in many parts."""
    while not work.run(0.2):
        pass
    assert work.tree is not None
    return work.tree


@pytest.mark.parametrize("language", SOURCES)
def test_a_tree_made_in_parts_is_the_tree(language: str) -> None:
    text = SOURCES[language] * 20
    work, parts = TreeWork(text, language), 1
    while not work.run(0):
        parts += 1
    whole = parse(text, language)
    assert work.tree is not None
    assert whole is not None
    assert work.tree.structure() == whole.structure()
    assert parts > 3


def test_parts_may_be_done_in_one_thread_after_another() -> None:
    work = TreeWork(LARGE, "javascript")
    assert not work.run(1)
    thread = threading.Thread(target=work.run)
    thread.start()
    thread.join()
    assert work.tree is not None
    assert not work.tree.has_defects


def test_who_parses_lets_others_have_the_interpreter() -> None:
    """While half a megabyte is parsed, another thread gets its turn again and again."""
    work, turns = TreeWork(LARGE, "javascript"), 0
    thread = threading.Thread(target=work.run)
    thread.start()
    while thread.is_alive():
        thread.join(0.0001)
        turns += 1
    assert turns > 3


def test_parsing_gives_up_when_its_time_is_up_also_in_parts() -> None:
    work = TreeWork("a=b;" * 100_000, "javascript", limit_ms=5)
    while not work.run(1):
        pass
    assert work.tree is None


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, len(LARGE)), data=st.data())
def test_the_tree_of_a_region_is_that_of_its_text(place: int, data: st.DataObject) -> None:
    """Wherever it is, and after any number of edits: in the right places, and sound where the text is."""
    text, tree = LARGE, made(TreeWork(LARGE, "javascript", around=place))
    for _ in range(data.draw(st.integers(0, 4))):
        at = text.index(UNIT, data.draw(st.integers(0, len(text) - 40 * len(UNIT))))
        inserted = data.draw(st.sampled_from(["let é = '😀';\n", UNIT, "call();\n" * 200]))
        removed = data.draw(st.sampled_from([0, 0, len(UNIT)]))
        text = text[:at] + inserted + text[at + removed :]
        edit = TreeEdit(at, at + removed, at + len(inserted))
        place = min(max(0, data.draw(st.sampled_from([place, at]))), len(text))
        tree = made(TreeWork(text, "javascript", base=tree, edit=edit, around=place))
    region = tree.region
    assert region is not None
    assert region.serves(place, len(text))
    assert tree.text is text
    assert not tree.has_defects
    part = parse(text[region.start : region.end], "javascript")
    assert part is not None
    assert tree.structure() == part.structure()
    ours = [(each.name, each.start, each.end) for each in tree.definitions()]
    theirs = [(each.name, each.start + region.start, each.end + region.start) for each in part.definitions()]
    assert ours == theirs


def test_what_lies_outside_a_region_is_not_covered() -> None:
    tree = made(TreeWork(LARGE, "javascript", around=200_000))
    assert tree.region is not None
    assert tree.covers(200_000, 200_010)
    assert not tree.covers(0, 10)
    assert not tree.covers(tree.region.end - 5, tree.region.end + 5)


@pytest.mark.parametrize(
    ("start", "old_end", "new_end", "moved"),
    [
        (10, 20, 40, Region(120, 220)),
        (150, 160, 150, Region(100, 190)),
        (300, 310, 400, Region(100, 200)),
        (90, 110, 100, None),
        (190, 300, 200, None),
    ],
)
def test_a_region_moves_with_edits(start: int, old_end: int, new_end: int, moved: Region | None) -> None:
    assert Region(100, 200).moved(TreeEdit(start, old_end, new_end)) == moved


@given(st.text("ab \n\r;{}é", max_size=300), st.integers(0, 300))
def test_a_region_lies_in_its_text_around_its_place(text: str, place: int) -> None:
    text *= 600
    place = min(place * 600, len(text))
    region = region_around(text, place)
    assert 0 <= region.start <= place <= region.end <= len(text)
    assert region.serves(place, len(text))


def test_a_text_of_middling_size_is_known_whole() -> None:
    assert made(TreeWork(LARGE[:PARSED_WHOLE], "javascript", around=0)).region is None


def test_a_text_that_is_too_large_has_no_tree_in_any_region() -> None:
    work = TreeWork("x" * (MAX_CHARACTERS + 1), "javascript", around=0)
    assert work.run()
    assert work.tree is None


@pytest.mark.parametrize("language", SOURCES)
def test_a_question_asked_in_bites_has_the_same_answer(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = parse(SOURCES[language] * 3, language)
    assert tree is not None
    captures, definitions = tree.captures(), tree.definitions()
    monkeypatch.setattr(matching, "_BITE", 48)
    assert tree.captures() == captures
    assert tree.definitions() == definitions
    assert definitions


def check_name(name: str, shown: bool) -> None:
    """Whether a completion that uses a name is shown in the middle of a large file."""
    text = LARGE + "const farAway = 1;\n"
    place = text.index("\n}\n", 200_000)
    tree = made(TreeWork(text, "javascript", around=place))
    assert not tree.covers(len(text) - 19, len(text))
    snapshot = Snapshot("file:///a.js", "a.js", "javascript", text, tree=tree)
    assert ground(f"\n  use({name});".replace("use", "step"), snapshot, place).shown is shown


def test_names_from_another_part_of_a_large_file_are_known() -> None:
    check_name("farAway", True)


def test_names_from_nowhere_are_found_wanting_in_a_large_file_too() -> None:
    check_name("farAwayFromHere", False)


def check_without_a_tree(said: str, shown: str) -> None:
    """What is shown where the document's tree could not be made."""
    text = "import math\n\ndef area(radius):\n    return \n\nprint(area(1))\n"
    snapshot = Snapshot("file:///a.py", "a.py", "python", text, tree=None)
    verdict = ground(said, snapshot, text.index("return ") + 7)
    assert (verdict.text if verdict.shown else "") == shown


def test_without_a_tree_what_is_sound_is_shown() -> None:
    check_without_a_tree("math.pi * radius", "math.pi * radius")


def test_without_a_tree_what_is_wrong_is_not_shown() -> None:
    check_without_a_tree("math.pi * radios", "")
    check_without_a_tree(")))", "")


def test_what_cannot_be_checked_in_time_is_not_shown() -> None:
    text = "def area(radius):\n    return \n" + "    radius += 1\n" * 300
    snapshot = Snapshot("file:///a.py", "a.py", "python", text, tree=parse(text, "python"))
    place = text.index("return ") + 7
    assert ground("radius", snapshot, place).shown
    assert ground("radius", snapshot, place, within_ms=0.001) == Verdict("", False, ("no time",))


def test_checking_gives_up_when_its_time_is_up() -> None:
    """What a model that has lost its way says in C++ would have to be tried a hundred times."""
    bad = (
        "template <typename T, typename = a<b>::c<d>>> auto x<y>::w(int(&&q)[3] { (a < b && (d { ]] }\n" * 12
    )
    loop = "  if (v[1] < v[2]) { swap(v[1], v[2]); }\n"
    text = "void all(std::vector<int>& v) {\n" + loop * 150 + "  \n}\n"
    snapshot = Snapshot("file:///a.cpp", "a.cpp", "cpp", text, tree=parse(text, "cpp"))
    began = time.thread_time()
    ground(bad, snapshot, text.index("\n}\n"), within_ms=30)
    assert time.thread_time() - began < 0.15


def test_what_is_read_while_parsing_is_let_go_of() -> None:
    """py-tree-sitter keeps what a callback returns while it parses, for good: it gets the same buffers."""
    text = SOURCES["python"] * 200

    def parsed() -> None:
        for _ in range(5):
            tree = parse(text, "python")
            assert tree is not None
            tree.definitions()

    parsed()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        parsed()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < len(text) / 4, "five copies of it were kept"
