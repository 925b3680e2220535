"""The variants that `make live` compares in real time: each a home with a daemon and the default model."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

from foretype.lsp.replay.variant import Variant
from foretype.models.tuning.record import tuned_dir
from foretype.tests.support.private_home import default_model, private_home


@contextlib.contextmanager
def variant(name: str, python: str, settings: str, *, tuned: bool = False) -> Generator[Variant]:
    """A home with the default model and `settings` as the rest of its configuration file.

    With `tuned` the user's own choice of `foretype tune` holds there; nothing is tuned there in any case.
    """
    with private_home(default_model()) as home:
        config = Path(home["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
        config.write_text(config.read_text("utf-8") + "tune = false\n" + settings, "utf-8")
        if tuned:
            theirs = Path(home["XDG_DATA_HOME"]) / "foretype"
            theirs.mkdir(parents=True)
            (theirs / "tuned").symlink_to(tuned_dir(), target_is_directory=True)
        yield Variant(name, home, python)
