"""The truth oracle: what its verdicts say of products that are known, and foretype on files of our own.

A product that shows the model's words as they are, replacing the closers that come again in them, must come
out as exact; one that does a certain wrong must be found out. `CASES` are verdicts on documents.
"""

from __future__ import annotations

import functools
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import attrs
import pytest
from foretype.context.shared.values import StopReason, StopRules
from foretype.context.workspace.index import Index
from foretype.tests.quality.corpus import Source, unpacked
from foretype.tests.truth.answers import ANSWERS, Answer, answers
from foretype.tests.truth.code import read
from foretype.tests.truth.corpus import SUFFIXES, File, releases
from foretype.tests.truth.cuts import KINDS
from foretype.tests.truth.editor import State, begun, typed
from foretype.tests.truth.figures import Tally, figures
from foretype.tests.truth.holes import Hole, holes
from foretype.tests.truth.names import with_own_names
from foretype.tests.truth.oracle import outcomes
from foretype.tests.truth.product import Edit, Foretype, Session, decoded
from foretype.tests.truth.tokens import pieces
from foretype.tests.truth.verdict import (
    BEGINNING,
    CORRUPT,
    EXACT,
    FITTED,
    KILLED,
    RESTYLED,
    SILENT,
    judged,
    unshown,
)
from hypothesis import given
from hypothesis import strategies as st

TABS = "void f(void)\n{\n\ta();\n\tif (x) {\n\t\tb();\n\t}\n}\n"
FILES = {
    "python": """import os


def total(items, limit=3):
    result = 0
    for item in items:
        if item > limit:
            result += len(str(item))
            print("too much", item)
    return max(result, os.cpu_count() or 1)


def report(names):
    lines = [name.title() for name in names]
    print("\\n".join(lines))
    return {"lines": lines, "count": total([len(name) for name in names])}
""",
    "typescript": """import { readFile } from './files';

export class Cache {
  private entries = new Map<string, Array<number>>();

  add(name: string, value: number): void {
    const found = this.entries.get(name) ?? [];
    if (value > 0) {
      found.push(value);
    }
    this.entries.set(name, found);
  }

  each(callback: (name: string) => void): void {
    this.entries.forEach((values, name) => {
      if (values.length > 0) {
        callback(name);
      }
    });
  }
}

export function load(path: string): Promise<string> {
  return readFile(path, { encoding: 'utf-8', limit: 1000000 });
}
""",
    "go": """package shapes

import "fmt"

// Shape has a name and a size.
type Shape struct {
\tName string
\tSize int
}

func (s *Shape) Grow(by int) {
\tif by > 0 {
\t\ts.Size += by
\t}
\tfmt.Println("grown", s.Name, s.Size)
}

func All(shapes []Shape, keep func(Shape) bool) []Shape {
\tvar found []Shape
\tfor _, shape := range shapes {
\t\tif keep(shape) {
\t\t\tfound = append(found, shape)
\t\t}
\t}
\treturn found
}
""",
    "json": """{
  "name": "cache",
  "version": "1.0.0",
  "scripts": {
    "build": "tsc --project .",
    "test": "node --test"
  },
  "files": ["lib", "types"]
}
""",
}


def file(language: str, layout: str = "lf") -> File:
    """One of our files; its name decides its layout."""
    number = next(number for number in range(100) if _layout(f"own/{number}") == layout)
    return File("own", str(number), language, FILES[language])


def _layout(key: str) -> str:
    number = sum(key.encode()) % 10
    return ("lf", "crlf", "tabs", "no-eol")[max(0, number - 6)]


@functools.cache
def own_holes(language: str) -> tuple[Hole, ...]:
    """One hole of every kind."""
    return tuple(holes(file(language), 1))


@attrs.frozen
class Fake:
    """A product that makes its edit of the answer."""

    hole: Hole
    edit: Callable[[Answer, State], Edit | None]
    asks: bool = True

    def answered(self, answer: Answer) -> Session:
        return FakeSession(answer, self.edit)


@attrs.frozen
class FakeSession:
    answer: Answer
    edit: Callable[[Answer, State], Edit | None]
    cuts: tuple[str, ...] = ()

    def asked_at(self, state: State) -> Edit | None:
        return self.edit(self.answer, state)


def faithful(answer: Answer, state: State) -> Edit:
    """Shows the authors' text as far as it was said; replaces the closers that come again in it."""
    said = state.hole.wanted[: max(answer.said, state.typed)]
    kept = state.standing(state.hole.start + len(said))
    replaced = len(state.standing(state.offset)) - len(kept)
    return Edit(state.offset, state.offset + replaced, said[state.typed :])


def results(
    edit: Callable[[Answer, State], Edit | None], answer: str, kinds: tuple[str, ...] = tuple(KINDS)
) -> set[str]:
    """The classes that a product gets for one kind of answer at once, over all our files."""
    found: set[str] = set()
    for language in FILES:
        for hole in holes(file(language), 3, kinds):
            for each in outcomes(hole, lambda hole: Fake(hole, edit), lambda kind: kind == answer):
                if each.moment == "0":
                    found.add(each.verdict.outcome)
    return found


@pytest.mark.parametrize("answer", ["ends", "before-closers", "includes", "runs-on", "blank-doubled"])
def test_a_product_that_shows_what_was_said_is_exact(answer: str) -> None:
    assert results(faithful, answer) == {EXACT}


def test_it_stays_exact_while_the_authors_type_on() -> None:
    for language in FILES:
        for hole in holes(file(language), 2):
            for each in outcomes(hole, lambda hole: Fake(hole, faithful), lambda kind: kind == "ends"):
                assert each.verdict.outcome == EXACT, each.example


def test_what_the_token_limit_cut_is_at_best_a_beginning() -> None:
    assert results(faithful, "cut", ("rest", "line", "block")) == {BEGINNING}


def test_a_product_that_drops_the_last_closer_is_corrupt() -> None:
    def forgets(answer: Answer, state: State) -> Edit:
        edit = faithful(answer, state)
        return Edit(edit.start, edit.end + len(state.standing(state.offset)), edit.text)

    assert results(forgets, "before-closers") == {CORRUPT}


def test_a_product_that_repeats_a_closer_is_corrupt() -> None:
    def repeats(_answer: Answer, state: State) -> Edit:
        return Edit(state.offset, state.offset, state.hole.wanted[state.typed :])

    assert results(repeats, "includes", ("closers", "lambda", "quotes")) == {CORRUPT}


def test_a_product_that_shows_nothing_kills() -> None:
    assert KILLED in results(lambda _answer, _state: None, "ends")
    assert not {EXACT, BEGINNING, CORRUPT} & results(lambda _answer, _state: None, "ends")


# The cursor is ‸, and what follows it up to ⟧ is what the authors wrote.
CASES = (
    # language, the authors' text, closers on the right, what is inserted, class, fault
    ("python", "x = foo(‸abs(1)) + 1⟧\n", "⟨)⟩", "abs(1)) + 1", EXACT, ""),
    ("python", "x = foo(‸abs(1)) + 1⟧\n", ")", "abs(1)", BEGINNING, ""),
    ("python", "x = foo(‸abs(1)) + 1⟧\n", ")", "abs(1", CORRUPT, "open"),
    ("python", "x = foo(‸abs(1)) + 1⟧\n", ")", "abs(1)) + 1", CORRUPT, "doubled"),
    ("python", "x = foo(‸abs(1)) + 1⟧\n", "⟨)⟩", "abs(1)", CORRUPT, "open"),
    ("python", "x = ‸foo(1)⟧\ny = 2\n", "", "foo(1)", EXACT, ""),
    ("python", "x = ‸foo(1)⟧\ny = 2\n", "", "foo", BEGINNING, ""),
    ("python", "x = ‸foo(1)⟧\ny = 2\n", "", "foo(", BEGINNING, ""),
    ("python", "x = ‸foo(1)⟧\ny = 2\n", "", "foo(1)\ny = 2", CORRUPT, "doubled"),
    ("python", "x = ‸foo(1)⟧\ny = 2\n", "", "bar", CORRUPT, "changed"),
    ("python", "x = ‸foo(1)⟧\ny = 2\n", "", "fo o(1)", CORRUPT, "blanks"),
    (
        "python",
        "def f(x):\n    ‸if x:\n        g()\n    h()⟧\n",
        "",
        "if x:\n        g()\n        h()",
        CORRUPT,
        "blanks",
    ),
    (
        "python",
        "def f(x):\n    ‸if x:\n        g()\n    h()⟧\n",
        "",
        "if x:\n      g()\n    h()",
        FITTED,
        "",
    ),
    ("go", "package a\n\nfunc f() {‸\n\tif x {\n\t\tg()\n\t}⟧\n}\n", "", "\n    if x {", FITTED, ""),
    (
        "c",
        TABS + "void h(void)\n{‸\n\ta();\n    // so\n\tb();⟧\n}\n",
        "",
        "\n\ta();\n\t// so\n\tb();",
        FITTED,
        "",
    ),
    (
        "c",
        TABS + "void h(void)\n{‸\n\ta();\n\t// so\n\tb();⟧\n}\n",
        "",
        "\n\ta();\n    // so\n\tb();",
        RESTYLED,
        "",
    ),
    ("go", "package a\n\nfunc f() {\n\tg(‸h(1))⟧\n}\n", ")", "h(1", CORRUPT, "open"),
    ("go", "package a\n\nfunc f() {\n\tg(‸h(1))⟧\n}\n", ")", "h", BEGINNING, ""),
    (
        "go",
        "package a\n\nfunc f() {‸\n\tif x {\n\t\tg()\n\t}⟧\n}\n\nfunc h() {\n\tg()\n}\n",
        "",
        "\n    if x {\n        g()\n    }",
        RESTYLED,
        "",
    ),
)


def check(case: tuple[str, str, str, str, str, str]) -> None:
    """The third of a case: closers that stand right of the cursor; ⟨…⟩: the edit replaces these."""
    language, marked, right, inserted, outcome, fault = case
    before, _, rest = marked.partition("‸")
    wanted, _, behind = rest.partition("⟧")
    code = read(before + wanted + behind, language)
    assert code is not None
    assert code.sound
    bare = right.strip("⟨⟩")
    line = before.rfind("\n") + 1
    closers = tuple(
        sorted(end for start, end in code.closer_of.items() if line <= start < len(before) <= end)
    )[: len(bare)]
    hole = Hole("own", "a", language, "closers", "lf", code, len(before), len(before + wanted), closers)
    state = begun(hole)
    answer = Answer("ends", tuple(pieces(wanted)), len(wanted))
    replaced = len(bare) if right.startswith("⟨") else 0
    document = before + inserted + (bare[replaced:]) + behind
    verdict = judged(state, answer, document)
    assert (verdict.outcome, verdict.fault) == (outcome, fault)


@pytest.mark.parametrize("case", CASES)
def test_verdicts(case: tuple[str, str, str, str, str, str]) -> None:
    check(case)


def test_silence_is_right_where_there_is_next_to_nothing_to_say() -> None:
    hole = next(iter(holes(file("go"), 1, ("rest",))))
    state = begun(hole)
    assert unshown(state, Answer("ends", (")",), 1)).outcome == SILENT
    assert unshown(state, Answer("ends", ("return", " found"), 12)).outcome == KILLED
    assert unshown(state, Answer("streamed", ("return",), 6)).outcome == SILENT


@given(st.sampled_from(sorted(FILES)), st.integers(0, 60))
def test_an_editor_that_closes_brackets_has_the_authors_text_in_the_end(language: str, count: int) -> None:
    for hole in own_holes(language):
        whole = hole.end - hole.start
        state = typed(begun(hole), min(count, whole), closes=True)
        assert state.text.startswith(hole.code.text[: state.offset])
        assert typed(state, whole - state.typed, closes=True).text == hole.code.text


@given(st.text())
def test_tokens_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_every_kind_of_hole_and_answer_is_found() -> None:
    found = {language: list(holes(file(language), 3)) for language in FILES}
    assert {hole.kind for each in found.values() for hole in each} >= set(KINDS) - {"generics", "angles"}
    assert {"generics", "angles"} <= {hole.kind for hole in found["typescript"]}
    kinds = {answer.kind for each in found.values() for hole in each for answer in answers(hole)}
    assert kinds == set(ANSWERS)


def test_the_same_holes_come_every_time() -> None:
    once, again = (list(holes(file("typescript"), 2)) for _ in range(2))
    assert [(hole.name, hole.start, hole.end) for hole in once] == [
        (hole.name, hole.start, hole.end) for hole in again
    ]


def test_tokens_end_as_in_the_engine() -> None:
    line = StopRules(multiline=False, max_tokens=64)
    said = decoded(Answer("runs-on", ("a", " =", " 1", "\n", "b"), 5), line, "")
    assert (said.text, said.stop, said.timings.decode_tokens) == ("a = 1", StopReason.LINE, 4)
    said = decoded(Answer("ends", ("a", " =", " 1"), 5), line, "")
    assert (said.text, said.stop, said.timings.decode_tokens) == ("a = 1", StopReason.END, 4)
    said = decoded(Answer("cut", ("a", " ="), 3, limit=2), attrs.evolve(line, max_tokens=2), "")
    assert (said.text, said.stop, said.timings.decode_tokens) == ("a =", StopReason.LENGTH, 2)


def test_the_corpus_is_pinned_and_permissive() -> None:
    permissive = {"MIT", "MIT-CMU", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "CC0-1.0", "PSF-2.0"}
    permissive.add("Artistic-2.0")  # what Perl modules have: code may be read and measured; none is passed on
    for source, languages in releases().values():
        assert len(source.sha256) == 64
        assert set(source.licence.split(" OR ")) <= permissive
        assert set(languages) <= set(SUFFIXES)
    cut = {language for _, languages in releases().values() for language in languages}
    assert cut == set(SUFFIXES)


def named(language: str, marked: str) -> tuple[str, str, dict[str, str]]:
    """The file without the hole, what is wanted in it and the names; the hole stands between ‸ and ⟧."""
    before, _, rest = marked.partition("‸")
    wanted, _, behind = rest.partition("⟧")
    code = read(before + wanted + behind, language)
    assert code is not None
    own = with_own_names(Hole("own", "a", language, "line", "lf", code, len(before), len(before + wanted)))
    if own is None:
        return "", "", {}
    return own.hole.text, own.hole.wanted, {kind: name for name, kind in own.names}


def test_a_name_that_the_hole_makes_is_one_that_the_file_never_had() -> None:
    file_text = (
        "class A:\n    def __init__(self):\n        ‸self.items = []⟧\n\n"
        "    def f(self):\n        self.items.pop()\n"
    )
    text, wanted, names = named("python", file_text)
    assert (
        text == "class A:\n    def __init__(self):\n        \n\n    def f(self):\n        self.items.pop()\n"
    )
    assert wanted == f"self.{names['introduced']} = []"
    assert names["introduced"] not in file_text


def test_a_name_that_was_bound_before_is_left_alone() -> None:
    assert named("python", "x = 1\n‸x = x + 1⟧\nprint(x)\n") == ("", "", {})


def test_a_name_from_elsewhere_loses_its_other_mentions_but_not_its_import() -> None:
    text, wanted, names = named("python", "import os\n\n\n‸f(os.sep)⟧\ng(os.sep, os.name)\n")
    assert text == "import os\n\n\n\ng(zzyzx.zzyzx, zzyzx.name)\n"
    assert (wanted, set(names)) == ("f(os.sep)", {"given"})


def test_a_release_is_a_repository_of_its_own(tmp_path: Path) -> None:
    source = Source("own", "1", "MIT", "pip", "python", "")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("build/\n")
    folder = tmp_path / "build" / "corpus" / source.folder
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("def known():\n    pass\n")
    index = Index(unpacked(source, tmp_path / "build"), tmp_path / "index")
    for _ in index.steps():
        pass
    assert index.knows("known")


def test_two_campaigns_may_unpack_the_same_release(tmp_path: Path) -> None:
    """The other one is quicker; what it put there stays, and nothing half unpacked is left beside it."""
    archive = tmp_path / "archives" / "own-1.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as packed:
        member = tarfile.TarInfo("own-1/a.py")
        member.size = 4
        packed.addfile(member, io.BytesIO(b"a=1\n"))
    source = Source("own", "1", "MIT", "pip", "python", hashlib.sha256(archive.read_bytes()).hexdigest())
    folder = tmp_path / "corpus" / source.folder

    def wanted(_path: PurePosixPath) -> bool:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "theirs.py").write_text("a = 2\n")
        return True

    assert unpacked(source, tmp_path, wanted) == folder
    assert sorted(each.name for each in folder.iterdir()) == [".git", "theirs.py"]
    assert list(folder.parent.iterdir()) == [folder]


def test_figures_count_what_their_names_say() -> None:
    tally = Tally()
    for hole in holes(file("typescript"), 3):
        for each in outcomes(hole, lambda hole: Fake(hole, faithful)):
            tally.add(each)
    found = figures(tally)
    assert found["exact.plain.typescript"] == found["exact.closers.typescript"] == 1
    assert found["corrupt"] == sum(count for key, count in tally.counts.items() if key[5] == CORRUPT)


@pytest.mark.parametrize("layout", ["lf", "crlf", "tabs", "no-eol"])
@pytest.mark.parametrize("language", sorted(FILES))
def test_foretype_leaves_our_files_right(language: str, layout: str) -> None:
    """A slice of `make truth` for every run of the tests: every kind of answer, at every moment."""
    for hole in holes(file(language, layout), 2):
        for each in outcomes(hole, Foretype):
            assert each.verdict.outcome != CORRUPT, each.example
