"""The workspace's symbols: found, kept, brought up to date, and never more than is allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from foretype.context.workspace import storage
from foretype.context.workspace.index import Index, Limits, WalkProgress
from foretype.context.workspace.symbols import outline, symbols_of


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def indexed(root: Path, cache: Path | None = None, limits: Limits | None = None) -> Index:
    index = Index(root, cache, limits or Limits())
    index.load()
    for _ in index.steps():
        pass
    return index


def test_definitions_are_found_with_their_signatures_and_documentation(tmp_path: Path) -> None:
    write(
        tmp_path,
        a_dot_py='class Ledger(Base):\n    """Keeps sums."""\n\n'
        "    def add(\n        self, x: int\n    ) -> int:\n        def local(): pass\n        return x\n",
        b_dot_go="package b\n\n// Area says how large it is.\nfunc Area(w, h int) int {\n\treturn w * h\n}\n",
    )
    index = indexed(tmp_path)
    assert [(each.signature, each.doc, each.path, each.line) for each in index.find("Ledger")] == [
        ("class Ledger(Base):", "Keeps sums.", "a.py", 1)
    ]
    assert [(each.signature, each.container) for each in index.find("add")] == [
        ("def add( self, x: int ) -> int:", "Ledger")
    ]
    assert [(each.signature, each.doc, each.line) for each in index.find("Area")] == [
        ("func Area(w, h int) int", "Area says how large it is.", 4)
    ]
    assert not index.knows("local")
    assert not index.find("unheard_of")


def test_a_class_is_outlined_with_its_members() -> None:
    symbols = symbols_of("class A:\n    def f(self, x): pass\n    def g(self): pass\n", "python", "a.py")
    assert outline(symbols, symbols[0]) == "class A:\n    def f(self, x): ...\n    def g(self): ...\n"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("typescript", "export interface A { b: string }\nexport const c = () => 1;\n", ["A", "A.b", "c"]),
        ("rust", "impl<T> P<T> {\n    fn f(&self) {}\n}\nstruct P<T> { x: T }\n", ["P.f", "P", "P.x"]),
        (
            "java",
            "class A { int f; void g() { int h; } enum E { X } }\n",
            ["A", "A.f", "A.g", "A.E", "A.E.X"],
        ),
        (
            "c",
            "#define M 1\nstruct s { int x; };\nstatic int f(int a) { return a; }\n",
            ["M", "s", "s.x", "f"],
        ),
        ("cpp", "namespace n {\nclass A { void f(); };\n}\nvoid n::A::f() {}\n", ["n", "n.A", "n.A.f", "f"]),
        (
            "cpp",
            '#ifdef X\nextern "C" {\nnamespace a {\nnamespace b {\nclass C {\nstruct D {\nvoid f();\n'
            "};\n};\n}\n}\n}\n#endif\n",
            ["a", "a.b", "a.b.C", "a.b.C.D", "a.b.C.D.f"],
        ),
        ("ruby", "module M\n  class A\n    def f; end\n  end\nend\n", ["M", "M.A", "M.A.f"]),
        ("php", "<?php\nclass A { const K = 1; function f() {} }\n", ["A", "A.K", "A.f"]),
        ("csharp", "class A { int F() { return 1; } string P { get; set; } }\n", ["A", "A.F", "A.P"]),
        ("lua", "local function f() end\nfunction M.g() end\n", ["f", "g"]),
        ("shellscript", "X=1\nf() {\n  echo\n}\n", ["X", "f"]),
        ("css", ".card { --gap: 1px; }\n", ["card", "--gap"]),
        ("markdown", "# Title\n\ntext\n\n## Part\n", ["Title", "Part"]),
    ],
)
def test_every_language_has_its_definitions(language: str, text: str, expected: list[str]) -> None:
    symbols = symbols_of(text, language, "a")
    assert [f"{each.container}.{each.name}".lstrip(".") for each in symbols] == expected


def test_what_headers_include_is_known(tmp_path: Path) -> None:
    write(
        tmp_path,
        src__list_dot_h='#include "node.h"\n#include <avif/avif.h>\n',
        src__node_dot_h="int node;\n",
        other__node_dot_h="#include <stdio.h>\n",
        main_dot_c="#include <curses.h>\n",
    )
    first = indexed(tmp_path, tmp_path / "cache")
    first.save()
    for index in (first, indexed(tmp_path, tmp_path / "cache")):
        assert index.headers("list.h") == ("node.h", "avif/avif.h")
        assert index.headers("../src/node.h") == ()
        assert index.headers("node.h") == ("stdio.h",)
        assert index.headers("main.c") is None
        assert index.headers("avif/avif.h") is None
    (tmp_path / "src" / "list.h").unlink()
    first.update(["src/list.h"])
    assert first.headers("list.h") is None


def test_what_is_ignored_secret_or_too_large_is_not_indexed(tmp_path: Path) -> None:
    write(
        tmp_path,
        _dot_gitignore="out/\n",
        out__a_dot_py="def generated(): pass\n",
        node_modules__b_dot_js="function vendored() {}\n",
        src__c_dot_py="def own(): pass\n",
        src___dot_foretypeignore="d.py\n",
        src__d_dot_py="def left_out(): pass\n",
        large_dot_py="def large(): pass\n" + "#" * 5000,
        notes_dot_txt="def prose(): pass\n",
        my_secrets_dot_json="{}",
    )
    (tmp_path / "binary.py").write_bytes(b"def binary(): pass\n\0\0")
    index = indexed(tmp_path, limits=Limits(file_bytes=1000))
    assert index.knows("own")
    for name in ("generated", "vendored", "left_out", "large", "prose", "binary"):
        assert not index.knows(name), name


def test_a_signature_with_a_password_is_not_kept(tmp_path: Path) -> None:
    write(tmp_path, a_dot_py='PASSWORD = "correct-horse-battery"\nLIMIT = 3\n')
    index = indexed(tmp_path)
    assert index.knows("LIMIT")
    assert not index.knows("PASSWORD")


def test_links_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, work__a_dot_py="def a(): pass\n", outside_dot_py="def outside(): pass\n")
    root = tmp_path / "work"
    (root / "loop").symlink_to(root)
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    index = indexed(root)
    assert index.paths() == ("a.py",)


def test_there_is_a_cap_on_files_and_on_symbols(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path, **{f"deep__d{number}_dot_py": f"def f{number}(): pass\n"})
    write(tmp_path, top_dot_py="def top(): pass\n")
    assert indexed(tmp_path, limits=Limits(files=3)).file_count == 3
    assert indexed(tmp_path, limits=Limits(files=3)).knows("top")
    few = indexed(tmp_path, limits=Limits(symbols=4))
    assert sum(few.knows(f"f{number}") for number in range(10)) == 3


def test_progress_counts_up_to_the_end(tmp_path: Path) -> None:
    write(tmp_path, a_dot_py="def a(): pass\n", b_dot_py="def b(): pass\n")
    steps = list(Index(tmp_path).steps())
    assert steps[-1] == WalkProgress(2, 2, 28)
    assert steps[0].total == 0


def test_a_second_start_reads_the_cache_and_only_what_changed(tmp_path: Path) -> None:
    root, cache = tmp_path / "work", tmp_path / "cache"
    write(root, a_dot_py="def a(): pass\n", b_dot_py="def b(): pass\n", c_dot_py="def c(): pass\n")
    assert indexed(root, cache).save()
    (root / "b.py").write_text("def changed(): pass\n")
    (root / "c.py").unlink()
    again = Index(root, cache)
    assert again.load() == 3
    assert again.knows("b")
    assert list(again.steps())[-1].read_bytes == len("def changed(): pass\n")
    assert again.knows("a")
    assert again.knows("changed")
    assert not again.knows("b")
    assert not again.knows("c")


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "swapped"])
def test_a_damaged_cache_is_built_anew(tmp_path: Path, damage: str) -> None:
    root, cache = tmp_path / "work", tmp_path / "cache"
    write(root, a_dot_py="def a(): pass\n")
    assert indexed(root, cache).save()
    (file,) = cache.iterdir()
    data = file.read_bytes()
    changed = {"cut": data[:-5], "noise": os.urandom(300), "empty": b"", "swapped": data[40:] + data[:40]}
    file.write_bytes(changed[damage])
    again = Index(root, cache)
    assert again.load() == 0
    for _ in again.steps():
        pass
    assert again.knows("a")


def test_a_cache_of_other_grammars_is_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, cache = tmp_path / "work", tmp_path / "cache"
    write(root, a_dot_py="def a(): pass\n")
    assert indexed(root, cache).save()
    monkeypatch.setattr(storage, "INDEX_FORMAT", 999)
    assert Index(root, cache).load() == 0


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    write(tmp_path, a_dot_py="def a(): pass\n", blocked="a file where a folder should be")
    index = indexed(tmp_path, tmp_path / "blocked")
    assert not index.save()
    assert index.knows("a")


def test_a_changed_file_is_seen_after_an_update(tmp_path: Path) -> None:
    write(tmp_path, a_dot_py="def a(): pass\n", sub__b_dot_py="def b(): pass\n")
    index = indexed(tmp_path)
    write(tmp_path, a_dot_py="def other(): pass\n", new_dot_py="def fresh(): pass\n")
    (tmp_path / "sub" / "b.py").unlink()
    (tmp_path / "sub").rmdir()
    index.update(["a.py", "new.py", "sub", ".env", "../x.py"])
    assert index.knows("other")
    assert index.knows("fresh")
    assert not index.knows("a")
    assert not index.knows("b")


def test_names_are_forgotten_only_with_their_last_file(tmp_path: Path) -> None:
    write(tmp_path, a_dot_py="def twice(): pass\n", b_dot_py="def twice(): pass\n")
    index = indexed(tmp_path)
    assert [each.path for each in index.find("twice")] == ["a.py", "b.py"]
    (tmp_path / "a.py").unlink()
    index.update(["a.py"])
    assert [each.path for each in index.find("twice")] == ["b.py"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_folders_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, a_dot_py="def a(): pass\n", closed__b_dot_py="def b(): pass\n")
    (tmp_path / "closed").chmod(0)
    try:
        assert indexed(tmp_path).paths() == ("a.py",)
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_workspace_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert indexed(tmp_path / "nowhere").file_count == 0


@pytest.mark.parametrize(
    ("language", "path", "source", "outlined"),
    [
        ("rust", "a.rs", "enum Kind {\n    One,\n    Two,\n}\n", "enum Kind {\n    One,\n    Two,\n}\n"),
        ("rust", "a.rs", "fn f(x: u8) -> u8 {\n    x\n}\n", "fn f(x: u8) -> u8;\n"),
        ("go", "a.go", "package a\n\nfunc F(n int) int {\n\treturn n\n}\n", "func F(n int) int { ... }\n"),
        ("c", "a.c", "int f(int a)\n{\n    return a;\n}\n", "int f(int a);\n"),
    ],
)
def test_what_is_outlined_is_still_code(language: str, path: str, source: str, outlined: str) -> None:
    symbols = symbols_of(source, language, path)
    assert outline(symbols, symbols[0]) == outlined


def test_a_file_does_not_vouch_for_itself(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("call_me(common)\n")
    (tmp_path / "two.py").write_text("common = 1\n")
    index = Index(tmp_path)
    for _ in index.steps():
        pass
    assert index.mentions("call_me")
    assert index.mentions("common", but="one.py")
    assert not index.mentions("call_me", but="one.py")
    assert not index.mentions("nobody_says_this")
    (tmp_path / "one.py").write_text("pass\n")
    index.update(["one.py"])
    assert not index.mentions("call_me")
    assert not index.absence_is_evidence  # two files say little about what is not in them


def test_a_file_is_mentioned_by_its_own_path(tmp_path: Path) -> None:
    write(tmp_path, tools__ledger_dot_py="pass\n")
    index = indexed(tmp_path)
    assert index.mentions("ledger")
    assert index.mentions("tools")


def test_a_package_that_only_the_manifest_names_is_mentioned_as_code_spells_it(tmp_path: Path) -> None:
    write(tmp_path, Cargo_dot_toml='[dependencies]\nserde-json = "1"\n', main_dot_rs="fn main() {}\n")
    index = indexed(tmp_path)
    assert index.mentions("serde_json")
    assert not index.mentions("serde_yaml")
