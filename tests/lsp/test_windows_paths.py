"""URIs as editors on Windows send them: drive letters in either case, encoded or not, and shares."""

from __future__ import annotations

import pytest
from foretype.lsp.documents.roots import path_of, relative_path, root_of
from hypothesis import given
from hypothesis import strategies as st

letters = st.sampled_from("abcdefghijklmnopqrstuvwxyz")
names = st.text("abcXYZ019-_.ä ", min_size=1, max_size=8).filter(lambda name: name.strip(". ") != "")


def check(uri: str, path: str, root: str = "", relative: str = "") -> None:
    """The path of a URI, and where it lies in folders that are told in another spelling."""
    assert path_of(uri) == path
    roots = [path_of(each) for each in ("file:///c%3A/work/app", "file://server/share/app")]
    if root:
        assert root_of(uri, roots) == root
        assert relative_path(path, roots) == relative


@pytest.mark.parametrize("drive", ["c%3A", "C%3A", "c:", "C:", "c%3a"])
def test_a_drive_letter_is_the_same_however_it_is_spelled(drive: str) -> None:
    check(f"file:///{drive}/work/app/src/main.py", "c:/work/app/src/main.py", "c:/work/app", "src/main.py")


def test_a_share_keeps_its_machine() -> None:
    check("file://server/share/app/main.py", "//server/share/app/main.py", "//server/share/app", "main.py")


def test_blanks_and_other_scripts_are_decoded() -> None:
    uri = "file:///c%3A/work/app/My%20code/%C3%A4.py"
    check(uri, "c:/work/app/My code/ä.py", "c:/work/app", "My code/ä.py")


def test_another_drive_is_outside() -> None:
    assert root_of("file:///d%3A/work/app/main.py", [path_of("file:///c%3A/work/app")]) == ""


@given(letters, st.lists(names, min_size=1, max_size=4))
def test_all_spellings_of_a_path_are_one(letter: str, parts: list[str]) -> None:
    from urllib.parse import quote

    rest = "/".join(quote(part) for part in parts)
    drives = [f"{one}{colon}" for one in (letter, letter.upper()) for colon in (":", "%3A")]
    spelled = {path_of(f"file:///{drive}/{rest}") for drive in drives}
    assert spelled == {f"{letter}:/" + "/".join(parts)}
