"""A home of its own for a test that starts real processes: sockets, logs, caches and settings apart.

The model is the one exception: it is the user's, named by path in the private configuration.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.lsp.replay.home import private_environment
from foretype.lsp.replay.home import run_foretype as foretype
from foretype.models.library.store import resolve_model

DEFAULT_MODEL = "smollm2-135m"


def default_model() -> Path:
    """The default model's file; skips the test where it was never pulled."""
    try:
        return resolve_model(DEFAULT_MODEL)
    except ModelProblem:
        pytest.skip(f"needs the model: 'foretype models pull {DEFAULT_MODEL}'")


@contextmanager
def private_home(model: Path | None = None) -> Generator[dict[str, str]]:
    """The environment of a fresh home. A daemon that was started in it is ended with it."""
    with private_environment(f'[model]\npath = "{model}"\n' if model is not None else "") as environment:
        yield environment


__all__ = ["DEFAULT_MODEL", "default_model", "foretype", "private_home"]
