"""What is measured: one model with declared FIM markers, one long file, one stretch of typing.

The default model has no fill-in-the-middle markers. For the typing replay three of its unused special
tokens are declared as markers through GGUF metadata, for both sides alike: its text is nonsense then, its
work is the same.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import attrs
from foretype.models.library.store import resolve_model

BUILD = Path(__file__).resolve().parents[2] / "build" / "bench"
MARKERS = {"fim_pre": 14, "fim_suf": 15, "fim_mid": 16}  # <jupyter_output>, <jupyter_script>, <empty_output>
TYPED = 120


@attrs.frozen
class Replay:
    """A stretch of a real file that is typed again.

    Attributes:
        before: the file up to where typing begins.
        typed: the characters to type.
        after: the rest of the file.
    """

    before: str
    typed: str
    after: str

    def at(self, count: int) -> tuple[str, str]:
        """Text before and after the cursor when `count` characters have been typed."""
        return self.before + self.typed[:count], self.after


def replay() -> Replay:
    """120 characters in the middle of a long file: the standard library's argparse, 2,600 lines.

    They begin at a line's start; the rest of the last line is left out, as if it were still to come.
    """
    text = Path(argparse.__file__).read_text(encoding="utf-8")
    middle = text.index("\n", len(text) // 2) + 1
    end = middle + TYPED
    return Replay(text[:middle], text[middle:end], text[text.index("\n", end) :])


def model() -> Path:
    """The default model as it is shipped."""
    return resolve_model("smollm2-135m")


def model_with_markers(source: Path) -> Path:
    """The same weights with the markers declared; made once."""
    target = BUILD / f"{source.stem}-fim.gguf"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        options = [
            word for name, token in MARKERS.items() for word in ("--special-token-by-id", name, str(token))
        ]
        subprocess.run(
            [
                sys.executable,
                "-m",
                "gguf.scripts.gguf_new_metadata",
                "--force",
                *options,
                str(source),
                str(partial),
            ],
            check=True,
            capture_output=True,
        )
        partial.replace(target)
    return target
