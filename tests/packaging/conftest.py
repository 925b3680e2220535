"""What the tests of the package share: archives built from this commit, and an environment with the wheel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from foretype.tests.support.installed import NO_ENGINE, Place, build, copy_sources, make_place
from foretype.tests.support.private_home import private_home


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The archives of this commit, by file name."""
    return build(copy_sources(tmp_path_factory.mktemp("clone")))


@pytest.fixture(scope="session")
def wheel(archives: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as a file."""
    (name,) = [name for name in archives if name.endswith(".whl")]
    path = tmp_path_factory.mktemp("wheel") / name
    path.write_bytes(archives[name])
    return path


@pytest.fixture(scope="session")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An environment with the wheel, without an engine and without a model."""
    with private_home() as home:
        yield make_place(tmp_path_factory.mktemp("outside") / "env", wheel, home, [NO_ENGINE])
