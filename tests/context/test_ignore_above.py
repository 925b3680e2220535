"""Rules hold wherever an editor's folder begins; git's own word is the oracle for git's patterns."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from foretype.context.workspace.ignore import is_left_out, rules_in, told_about
from foretype.context.workspace.ignore_git import git_settings
from foretype.context.workspace.index import Index

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, so that the user's configuration says nothing."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in list(os.environ):
        if name.startswith("GIT_") or name == "XDG_CONFIG_HOME":
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return folder


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def git(folder: Path, *command: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    return subprocess.run(
        ["git", *identity, *command], cwd=folder, check=True, capture_output=True, text=True, timeout=60
    ).stdout


def check(root: Path, left_out: list[str], seen: list[str], top: Path | None = None) -> None:
    """Files below `root` that must not be read, and those that may; git agrees where `top` is given."""
    for path in [*left_out, *seen]:
        assert is_left_out(root, path) is (path in left_out), path
        if top is not None:
            said = subprocess.run(
                ["git", "check-ignore", "-q", str((root / path).relative_to(top))],
                cwd=top,
                check=False,
                timeout=60,
            )
            assert (said.returncode == 0) is (path in left_out), f"git says otherwise of {path}"


@needs_git
@pytest.mark.parametrize("root", ["", "packages", "packages/a"])
def test_gitignore_files_above_the_editors_folder_count(home: Path, root: str) -> None:
    repository = home / "repository"
    files = ["local.py", "x.log", "keep.log", "gen/a.py", "sub/b.gen.py", "sub/special.gen.py", "c.py"]
    write(repository, {f"packages/a/{name}": "" for name in files})
    write(
        repository, {".gitignore": "*.log\n/packages/a/local.py\n", "packages/.gitignore": "gen/\n*.gen.py\n"}
    )
    write(
        repository, {"packages/a/.gitignore": "!keep.log\n", "packages/a/sub/.gitignore": "!special.gen.py\n"}
    )
    git(repository, "init", "-q")
    inside = "packages/a".removeprefix(root).strip("/")
    within = [f"{inside}/{name}".strip("/") for name in files]
    out = [each for each in within if each.endswith(("local.py", "x.log", "gen/a.py", "b.gen.py"))]
    check(repository / root, out, [each for each in within if each not in out], repository)


@needs_git
@pytest.mark.parametrize("how", ["default", "xdg", "configured", "tilde", "included", "of the repository"])
def test_the_global_gitignore_counts(home: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    repository = home / "repository"
    write(repository, {"a/notes.local": "", "a/b.py": "", "kept.local": "", ".gitignore": "!kept.local\n"})
    git(repository, "init", "-q")
    patterns = home / "mine"
    if how == "default":
        patterns = home / ".config" / "git" / "ignore"
    elif how == "xdg":
        monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "elsewhere"))
        patterns = home / "elsewhere" / "git" / "ignore"
    elif how == "configured":
        write(home, {".gitconfig": f'[core] excludesFile = "{patterns}" # mine\n'})
    elif how == "tilde":
        write(home, {".config/git/config": "[CORE]\n\tExcludesfile = ~/mine\n"})
    elif how == "included":
        write(home, {".gitconfig": '[includeIf "gitdir:~/repository/"]\n path = other\n'})
        write(home, {"other": "[core]\n excludesfile = ~/\\\nmine\n"})
    else:
        git(repository, "config", "core.excludesFile", str(patterns))
    write(patterns.parent, {patterns.name: "*.local\n"})
    check(repository, ["a/notes.local"], ["a/b.py", "kept.local"], repository)
    check(repository / "a", ["notes.local"], ["b.py"], repository)


@needs_git
def test_a_repository_cannot_take_back_what_the_users_own_file_ignores(home: Path) -> None:
    repository = home / "repository"
    write(repository, {"a.local": "", "none": ""})
    write(home, {".config/git/ignore": "*.local\n"})
    git(repository, "init", "-q")
    git(repository, "config", "core.excludesFile", str(repository / "none"))
    check(repository, ["a.local"], ["none"])


@needs_git
def test_the_exclude_file_of_a_repository_counts_in_its_worktrees_and_below_its_patterns(home: Path) -> None:
    repository, tree = home / "repository", home / "tree"
    write(repository, {"a/mine.py": "", "a/back.py": "", "a/b.py": "", ".gitignore": "!back.py\n"})
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "x")
    git(repository, "worktree", "add", "-q", str(tree))
    write(repository, {".git/info/exclude": "mine.py\nback.py\nnew.py\n"})
    write(tree, {"a/new.py": ""})
    write(repository, {"a/new.py": ""})
    for top in (repository, tree):
        check(top, ["a/new.py"], ["a/back.py", "a/b.py"], top)
        check(top / "a", ["new.py"], ["back.py"], top)


@needs_git
def test_a_submodule_has_rules_of_its_own(home: Path) -> None:
    library, repository = home / "library", home / "repository"
    write(library, {"a.py": "", "b.gen": "", ".gitignore": "*.tmp\n"})
    git(library, "init", "-q")
    git(library, "add", ".")
    git(library, "commit", "-qm", "x")
    write(repository, {".gitignore": "*.gen\n"})
    git(repository, "init", "-q")
    git(repository, "submodule", "--quiet", "add", str(library), "vendor/library")
    inner = repository / "vendor" / "library"
    write(inner, {"x.tmp": "", "y.local": ""})
    exclude = repository / ".git" / "modules" / "vendor" / "library" / "info" / "exclude"
    write(exclude.parent, {exclude.name: "*.local\n"})
    check(inner, ["x.tmp", "y.local"], ["a.py", "b.gen"], inner)
    check(
        repository,
        [f"vendor/library/{name}" for name in ("x.tmp", "y.local")],
        [f"vendor/library/{name}" for name in ("a.py", "b.gen")],
    )


PATTERNS = str.split("""
    *.py *.log x.py /a a/ b/ lib/ /lib/x.py a/*.py **/b b/** * /* a/**/x.py [xy].py ?.py lib
    !*.py !x.py !a/ !b/ !/* !lib/ !a/*.py !b/** !**/b \\!x
""")


@needs_git
@pytest.mark.parametrize("seed", range(12))
def test_git_agrees_about_any_patterns_anywhere(home: Path, seed: int) -> None:
    """From every folder that an editor may open; patterns in all files that git reads."""
    chance = random.Random(seed)
    top = home / "repository"
    folders = ["/".join(chance.choices(["a", "b", "lib"], k=chance.randint(1, 3))) for _ in range(6)]
    files = {
        f"{folder}/{name}"
        for folder in folders
        for name in chance.sample(["x.py", "y.py", "z.log", "b.py"], 2)
    }
    write(top, dict.fromkeys(files, ""))
    git(top, "init", "-q")
    for folder in ["", *folders]:
        if chance.random() < 0.6:
            write(top / folder, {".gitignore": "\n".join(chance.choices(PATTERNS, k=3))})
    write(top, {".git/info/exclude": "\n".join(chance.choices(PATTERNS, k=2))})
    write(home, {".config/git/ignore": "\n".join(chance.choices(PATTERNS, k=2))})
    said = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=top,
        input="\n".join(files),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ignored = set(said.stdout.splitlines())
    for file in files:
        for folder in (top / file).parents:
            if folder.is_relative_to(top):
                assert is_left_out(folder, str((top / file).relative_to(folder))) is (file in ignored), (
                    file,
                    folder,
                )


def test_a_folder_that_git_ignores_is_closed_wherever_the_editor_opens_it(home: Path) -> None:
    write(home / "repository", {".gitignore": "/build/\n", "build/gen/a.py": "def made(): pass\n"})
    (home / "repository" / ".git").mkdir()
    check(home / "repository" / "build" / "gen", ["a.py"], [])
    index = Index(home / "repository" / "build" / "gen")
    for _ in index.steps():
        pass
    assert not index.knows("made")


def test_a_walk_and_a_single_question_agree(home: Path) -> None:
    root = home / "repository" / "packages"
    write(
        home / "repository",
        {
            ".gitignore": "*_pb2.py\n",
            ".foretypeignore": "packages/a/private/\n",
            "packages/a/private/x.py": "def one(): pass\n",
            "packages/a/x_pb2.py": "def two(): pass\n",
            "packages/b/.foretype.toml": 'exclude = ["c.py"]\n',
            "packages/b/c.py": "def three(): pass\n",
            "packages/b/nested/c.py": "def four(): pass\n",
            "packages/d/.git/HEAD": "",
            "packages/d/y_pb2.py": "def five(): pass\n",
            "packages/d/e.py": "def six(): pass\n",
            "packages/d/.foretypeignore": "e.py\n!private/\n",
        },
    )
    (home / "repository" / ".git").mkdir()
    index = Index(root)
    for _ in index.steps():
        pass
    assert set(index.paths()) == {"d/y_pb2.py"}
    check(root, ["a/private/x.py", "a/x_pb2.py", "b/c.py", "b/nested/c.py", "d/e.py"], ["d/y_pb2.py"])


def test_a_repository_of_dotfiles_at_home_says_nothing_about_projects(home: Path) -> None:
    (home / ".git").mkdir()
    write(home, {".gitignore": "*\n", "project/a.py": ""})
    check(home / "project", [], ["a.py"])


def test_what_an_outer_repository_keeps_back_no_inner_one_takes_back(home: Path) -> None:
    write(home / "outer", {".foretypeignore": "*.md\n", "inner/.foretypeignore": "!*.md\n", "inner/a.md": ""})
    for top in ("outer", "outer/inner"):
        (home / top / ".git").mkdir()
    assert told_about(home / "outer" / "inner" / "a.md").kept_back
    assert is_left_out(home / "outer" / "inner", "a.md")


@pytest.mark.parametrize("top", ["repository", "repository/packages", "."])
def test_a_document_hears_every_file_above_it(home: Path, top: str) -> None:
    """As far as the user's home, with a repository and without."""
    write(home / top, {".foretype.toml": 'disable_languages = ["go"]\n', ".foretypeignore": "x.py\n"})
    write(home / "repository" / "packages" / "a", {"x.py": "", "y.py": ""})
    (home / "repository" / ".git").mkdir()
    folder = home / "repository" / "packages" / "a"
    assert told_about(folder / "x.py").kept_back
    told = told_about(folder / "y.py")
    assert not told.kept_back
    assert [said.languages for _, said in told.narrowings] == [("go",)]
    assert told.top == home / "repository"


def test_what_lies_above_the_users_home_is_not_asked(home: Path, tmp_path: Path) -> None:
    write(tmp_path, {".foretypeignore": "*\n"})
    write(home, {"a.py": ""})
    assert not told_about(home / "a.py").kept_back


def test_outside_of_the_users_home_files_are_asked_up_to_the_disks_root(home: Path, tmp_path: Path) -> None:
    del home
    write(tmp_path, {".foretypeignore": "b.py\n", "shared/x/b.py": "", "shared/x/a.py": ""})
    assert told_about(tmp_path / "shared" / "x" / "b.py").kept_back
    assert not told_about(tmp_path / "shared" / "x" / "a.py").kept_back


def test_a_link_into_a_repository_is_as_what_it_leads_to(home: Path) -> None:
    write(
        home / "repository", {".foretypeignore": "a/\n", ".gitignore": "*.log\n", "a/b.py": "", "c/d.log": ""}
    )
    (home / "repository" / ".git").mkdir()
    (home / "link").symlink_to(home / "repository" / "a")
    (home / "other").symlink_to(home / "repository" / "c")
    assert told_about(home / "link" / "b.py").kept_back
    assert is_left_out(home / "other", "d.log")


def test_a_file_that_cannot_be_read_keeps_its_folder_back(home: Path) -> None:
    write(home, {"a/b.py": "", "c.py": ""})
    (home / "a" / ".foretypeignore").mkdir()
    assert told_about(home / "a" / "b.py").kept_back
    assert not told_about(home / "c.py").kept_back


def test_paths_of_any_depth_are_answered(home: Path) -> None:
    deep = home / "/".join(["a"] * 200) / "x.py"
    assert not told_about(deep).kept_back
    assert rules_in(deep.parent).at.endswith("/")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[core]\nexcludesFile = a", [("core.excludesfile", "a")]),
        ('[Core] ExcludesFile="a b" ; c', [("core.excludesfile", "a b")]),
        ("[core]\n\texcludesfile = a b   # c\n", [("core.excludesfile", "a b")]),
        ('[a "B\\"c"]\nx', [('a.B"c.x', "true")]),
        ("[core]\nexcludesfile = a\\\n b\n", [("core.excludesfile", "a b")]),
        ('[core]\nexcludesfile = "a # b"\\\\c\n', [("core.excludesfile", "a # b\\c")]),
        ("[core]\nexcludesfile =\n", [("core.excludesfile", "")]),
        ("x = 1\n[core\n= 3\n[]\n;\n", []),
        ("\ufeff[a.b]\ny=2", [("a.b.y", "2")]),
    ],
)
def test_gits_configuration_is_read_as_git_reads_it(text: str, found: list[tuple[str, str]]) -> None:
    assert list(git_settings(text)) == found
