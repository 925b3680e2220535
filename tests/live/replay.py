"""The variants that `make live` compares in real time: each a home with a daemon and the default model."""

from __future__ import annotations

import contextlib
import enum
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from foretype.lsp.replay.variant import Variant
from foretype.models.tuning.record import tuned_dir
from foretype.tests.support.private_home import default_model, private_home

AS_PULLED = Path(__file__).resolve().parents[2] / "build" / "live" / "pulled"
"""A data folder whose tuned form is the one that `foretype models pull` ends with."""

_TUNE = """
import sys
from pathlib import Path
from foretype.models.cli.brief_tuning import tune_briefly
print(tune_briefly(Path(sys.argv[1])))
"""


class Form(enum.Enum):
    """Which form of the model a home runs. Nothing is tuned there in any case."""

    PULLED = "as `foretype models pull` leaves it"
    TUNED = "as the user's own `foretype tune` has chosen"
    UNTUNED = "as it was published"


@contextlib.contextmanager
def variant(name: str, python: str, settings: str, form: Form) -> Generator[Variant]:
    """A home with the default model in a form, and `settings` as the rest of its configuration file."""
    with private_home(default_model()) as home:
        config = Path(home["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
        config.write_text(config.read_text("utf-8") + "tune = false\n" + settings, "utf-8")
        if form is not Form.UNTUNED:
            theirs = Path(home["XDG_DATA_HOME"]) / "foretype"
            theirs.mkdir(parents=True)
            there = _as_pulled() if form is Form.PULLED else tuned_dir()
            (theirs / "tuned").symlink_to(there, target_is_directory=True)
        yield Variant(name, home, python)


def _as_pulled() -> Path:
    """Where the form lies that pulling the model ends with; made the first time, which takes some 20 s."""
    made = AS_PULLED / "foretype" / "tuned"
    if not list(made.glob("*.json")):
        made.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "XDG_DATA_HOME": str(AS_PULLED)}
        subprocess.run([sys.executable, "-c", _TUNE, str(default_model())], env=environment, check=True)
    return made
