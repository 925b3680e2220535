"""Edits go on in files that nobody has open: which of them are read, and how many."""

from __future__ import annotations

from pathlib import Path

import attrs
from foretype.context.workspace.index import Index
from foretype.lsp.edits.unopened import LARGEST_READ, MOST_NAMED, MOST_READ, UnopenedFiles
from foretype.lsp.workspace.folders import Folder


@attrs.define
class ReadFolder(Folder):
    """A folder that remembers what was read of it."""

    reads: list[str] = attrs.field(factory=list[str])

    def read(self, path: str) -> str | None:
        self.reads.append(path)
        return super().read(path)


def folder(root: Path, files: dict[str, str]) -> ReadFolder:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    index = Index(root)
    for _ in index.steps():
        pass
    return ReadFolder(root, index)


def found(
    of: ReadFolder, *words: str, path: str = "a/shapes.py", opened: frozenset[str] = frozenset()
) -> list[str]:
    """The paths of the files that are looked at, in their order."""
    files = UnopenedFiles(of, path, "python", opened)
    return [Path(each.name).name for each in files.mentioning([words])]


def test_only_files_that_mention_the_words_are_read_and_the_nearest_first(tmp_path: Path) -> None:
    of = folder(
        tmp_path,
        {
            "b/far.py": "area()\n",
            "a/near.py": "area()\n",
            "a/other.py": "volume()\n",
            "a/open.py": "area()\n",
            "a/shapes.py": "def area(): pass\n",
            "a/notes.md": "area\n",
        },
    )
    assert found(of, "area", opened=frozenset({"a/open.py"})) == ["near.py", "far.py"]
    assert of.reads == ["a/near.py", "b/far.py"]


def test_only_a_few_files_are_read_and_none_for_a_word_that_is_everywhere(tmp_path: Path) -> None:
    many = {
        f"m{number}.py": f"common = 1\n{'area' if number < 20 else 'x'} = 2\n"
        for number in range(MOST_NAMED + 5)
    }
    of = folder(tmp_path, many)
    assert len(found(of, "area")) == MOST_READ == len(of.reads)
    of.reads.clear()
    assert found(of, "common") == of.reads == []


def test_what_is_too_long_or_secret_is_passed_over(tmp_path: Path) -> None:
    of = folder(tmp_path, {"long.py": "area = 1\n" + "x = 1\n" * (LARGEST_READ // 6), "a.py": "area = 1\n"})
    (tmp_path / "secrets.env").write_text("area=1\n")
    assert found(of, "area") == ["a.py"]


def test_the_next_file_is_read_only_when_it_is_asked_for(tmp_path: Path) -> None:
    of = folder(tmp_path, {f"m{number}.py": "area = 1\n" for number in range(5)})
    files = UnopenedFiles(of, "shapes.py", "python", ()).mentioning([("area",)])
    next(files)
    assert len(of.reads) == 1
