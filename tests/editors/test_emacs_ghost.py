"""Ghost text in the real Emacs: keys through its command loop, a real language server, a scripted model.

An Emacs that is not installed is skipped; nothing is installed here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.editors

EMACS = shutil.which("emacs")
PACKAGE = Path(__file__).resolve().parents[2] / "editors" / "emacs"
SERVER = Path(__file__).parents[1] / "support" / "scripted_server.py"

DRIVER = """
(require 'foretype)
(require 'json)
(setq foretype-command (list (getenv "FORETYPE_TEST_PROGRAM")) steps nil)
(find-file "sample.py")
(python-mode)
(goto-char (point-min))
(search-forward "|")
(delete-char -1)
(foretype-mode 1)
(defun ghost ()
  (if foretype--overlay (substring-no-properties (overlay-get foretype--overlay 'before-string)) ""))
(defun wait-for (wanted)
  (with-timeout (20 (message "no ghost %S, but %S" wanted (ghost)))
    (while (not (equal (ghost) wanted)) (accept-process-output nil 0.02))))
(defun step (keys wanted)
  (execute-kbd-macro (kbd keys))
  (unless (equal wanted "?") (wait-for wanted))
  (push (vector (buffer-string) (ghost) (point)) steps))
(dolist (each (append (json-read-file "steps.json") nil)) (step (aref each 0) (aref each 1)))
(accept-process-output nil 0.3)
(princ (json-encode (vconcat (reverse steps))))
(foretype-mode -1)
"""


def check(
    folder: Path, source: str, script: dict[str, str], steps: list[tuple[str, str]]
) -> list[tuple[str, str, int]]:
    """Press keys in a file whose cursor is at `|`, waiting for a ghost after each ("?" waits for none).

    Returns:
        After each step the buffer, the ghost, and point.
    """
    if EMACS is None:
        pytest.skip("needs Emacs: Debian's package emacs-nox")
    (folder / "script.json").write_text(json.dumps(script))
    program = folder / "foretype-server"
    program.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -P "{SERVER}" "{folder}/script.json" "{folder}/journal.json"\n'
    )
    program.chmod(0o755)
    (folder / "sample.py").write_text(source)
    (folder / "steps.json").write_text(json.dumps(steps))
    (folder / "drive.el").write_text(DRIVER)
    homes = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    run = subprocess.run(
        [EMACS, "-Q", "--batch", "--directory", str(PACKAGE), "--load", "drive.el"],
        cwd=folder,
        env={**os.environ, **homes, "HOME": str(folder), "FORETYPE_TEST_PROGRAM": str(program)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "no ghost" not in run.stderr, run.stderr
    found: list[Any] = json.loads(run.stdout)
    return [(buffer, ghost, point) for buffer, ghost, point in found]


def test_a_suggestion_stands_behind_point_is_typed_into_and_taken(tmp_path: Path) -> None:
    shown, typed, taken = check(
        tmp_path,
        "def add(a, b):\n    |\n",
        {"    re": "turn a + b"},
        [("r e", "turn a + b"), ("t", "urn a + b"), ("TAB", "")],
    )
    assert shown[0] == "def add(a, b):\n    re\n"  # the ghost is no part of the buffer
    assert typed[0] == "def add(a, b):\n    ret\n"
    assert taken == ("def add(a, b):\n    return a + b\n", "", len("def add(a, b):\n    return a + b") + 1)


def test_a_word_at_a_time_then_the_rest(tmp_path: Path) -> None:
    _, word, rest = check(
        tmp_path,
        "def add(a, b):\n    |\n",
        {"    re": "turn a + b"},
        [("r e", "turn a + b"), ("M-<right>", " a + b"), ("TAB", "")],
    )
    assert word[0] == "def add(a, b):\n    return\n"
    assert rest[0] == "def add(a, b):\n    return a + b\n"


def test_what_stands_right_of_point_is_replaced_where_the_suggestion_says_it(tmp_path: Path) -> None:
    *_, taken = check(
        tmp_path,
        "print(|)\n",
        {"print(s": "tr(1))"},
        [("s", "tr(1))"), ("TAB", "")],
    )
    assert taken[0] == "print(str(1))\n"


def test_another_key_goes_on_and_a_dismissed_one_is_gone(tmp_path: Path) -> None:
    shown, other, again, dismissed = check(
        tmp_path,
        "x = 1\n|\n",
        {"ab": "c = 2", "abz": "d = 3"},
        [("a b", "c = 2"), ("z", "d = 3"), ("C-b", ""), ("C-f", "?")],
    )
    assert shown[1] == "c = 2"
    assert other[:2] == ("x = 1\nabz\n", "d = 3")
    assert again[1] == ""
    assert dismissed[0] == "x = 1\nabz\n"


def test_characters_outside_the_basic_plane_do_not_move_it(tmp_path: Path) -> None:
    *_, taken = check(
        tmp_path,
        's = "🦊 é"; |\n',
        {"re": "sult = s"},
        [("r e", "sult = s"), ("TAB", "")],
    )
    assert taken[0] == 's = "🦊 é"; result = s\n'


def test_it_compiles_without_a_warning_about_what_is_not_there(tmp_path: Path) -> None:
    if EMACS is None:
        pytest.skip("needs Emacs: Debian's package emacs-nox")
    copy = tmp_path / "foretype.el"
    copy.write_text((PACKAGE / "foretype.el").read_text())
    run = subprocess.run(
        [EMACS, "-Q", "--batch", "--funcall", "batch-byte-compile", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0
    assert [line for line in run.stderr.splitlines() if "not known" in line or "free variable" in line] == []
