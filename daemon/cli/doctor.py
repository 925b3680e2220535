"""Looks at everything foretype needs, and says what to do about what is wrong.

Each check is a function that yields findings and never raises; printing them is `daemon`'s business.
Nothing is changed, started or downloaded.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ...context.shared import paths
from ...context.shared.problem import DaemonProblem, Problem
from ..process.home import DaemonHome, holder
from ..process.release import release
from ..server.model_source import use_library
from ..settings.file import load_settings

if TYPE_CHECKING:
    from ...models.library.catalogue import Entry

HASHED_BYTES = 1 << 30
"""Model files up to this size are hashed; a larger one is checked by its size alone, which is quick."""


COMPILED_WHEELS = (
    "Without a compiler: 'pip install llama-cpp-python --prefer-binary --extra-index-url INDEX' into the "
    f"environment of {sys.executable}, INDEX being the one that llama-cpp-python's README names for your "
    "system and accelerator."
)


@attrs.frozen
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what, in a word or two.
        found: what is the case.
        remedy: what to do about it, when it has to be mended; "" when all is well.
    """

    subject: str
    found: str
    remedy: str = ""


def examine(place: DaemonHome | None = None, config_file: Path | None = None) -> Iterator[Finding]:
    """Look at everything, in an order in which earlier findings explain later ones."""
    place = place or DaemonHome()
    config_file = config_file or paths.config_file()
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _installation,
        lambda: _llama(config_file),
        _memory,
        grammars,
        lambda: _configuration(config_file),
        lambda: _files(place),
        lambda: _model(config_file),
        lambda: _edit_model(config_file),
        lambda: _daemon(place),
    )
    for check in checks:
        try:
            yield from check()
        except Exception as error:  # noqa: BLE001 - a doctor who faints helps nobody
            yield Finding(
                "doctor", f"a check failed with {type(error).__name__}: {error}", "Please report this."
            )


def _installation() -> Iterator[Finding]:
    system = f"{platform.system()} {platform.release()} on {platform.machine()}"
    yield Finding(
        "foretype", f"{release()}, Python {platform.python_version()} at {sys.executable}, {system}"
    )
    found = [f"{name} {_version(name)}" for name in ("pygls", "tree-sitter", "msgpack", "watchfiles")]
    missing = [entry for entry in found if entry.endswith("missing")]
    yield Finding("libraries", ", ".join(found), "Install foretype anew." if missing else "")


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _llama(file: Path) -> Iterator[Finding]:
    from ...models.llama.library import EngineMissingProblem
    from ...models.llama.system import (
        foreign,
        how_to_accelerate,
        processor_features,
        system_info,
        unused_gpu,
    )
    from ...models.llama.trial import cannot_compute

    cores = f"{os.cpu_count() or 'an unknown number of'} logical cores"
    has = processor_features()
    yield Finding("processor", ", ".join((cores, *has)))
    try:
        use_library(load_settings(file)[0].model)
        info = system_info()
    except EngineMissingProblem as problem:
        yield Finding("llama.cpp", "is missing", f"{problem} {COMPILED_WHEELS}")
        return
    except Problem as problem:
        yield Finding("llama.cpp", "cannot be used", str(problem))
        return
    gpu = "with a GPU" if info.gpu else "on the processor"
    unused = [feature for feature in has if feature in ("AVX2", "FMA") and feature not in info.features]
    remedy = foreign(info.features, has) or cannot_compute(info)
    if unused and not remedy:
        remedy = (
            f"It was compiled without {', '.join(unused)}, which this processor has; it would be faster with "
            "it: pip install --force-reinstall --no-binary llama-cpp-python llama-cpp-python"
        )
    yield Finding(
        "llama.cpp",
        f"{info.binding}, {gpu}, compiled with {', '.join(info.features) or 'no extras'}",
        remedy,
    )
    if not info.gpu and (backend := unused_gpu()):
        yield Finding("GPU", f"there is one for {backend}, which is not used", how_to_accelerate(backend))


def _memory() -> Iterator[Finding]:
    import psutil

    from ...models.machine import memory

    free = memory.available_bytes()  # of the container, where there is one
    little = free < 512 << 20
    yield Finding(
        "memory",
        f"{in_bytes(free)} available of {in_bytes(psutil.virtual_memory().total)}",
        "End other programs: a small model needs about half a gigabyte." if little else "",
    )


def grammars() -> Iterator[Finding]:
    """Which languages there are, and whose grammars aren't installed."""
    from ...context.languages import all_languages

    languages = {each: each.grammar for each in all_languages() if each.grammar}
    absent = {each: grammar for each, grammar in languages.items() if not _is_there(grammar.package)}
    needed = sorted({grammar.package for grammar in absent.values() if not grammar.extra})
    if needed:
        yield Finding("grammars", f"missing: {', '.join(needed)}", f"pip install {_wheels(needed)}")
    unread = sorted(each.name for each, grammar in absent.items() if grammar.extra)
    if unread:
        wheels = _wheels(sorted({grammar.package for grammar in absent.values() if grammar.extra}))
        how = f"{', '.join(unread)} by their lines alone; their grammars: pip install {wheels}"
        yield Finding("more grammars", how)
    yield Finding("languages", ", ".join(sorted(each.name for each in languages)))


def _wheels(packages: list[str]) -> str:
    return " ".join(package.replace("_", "-") for package in packages)


def _is_there(package: str) -> bool:
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


def _configuration(file: Path) -> Iterator[Finding]:
    from ...models.prompts.user_formats import from_overrides

    settings, complaints = load_settings(file)
    there = "" if file.exists() else " (not there: the defaults are used)"
    yield Finding("configuration", f"{file}{there}")
    for complaint in complaints:
        yield Finding("configuration", str(complaint), "Correct it; the rest of the file is honoured.")
    for sentence in from_overrides(settings.fim)[1]:
        yield Finding("configuration", f"{file}: {sentence}", "Correct it; the rest of the file is honoured.")


def _files(place: DaemonHome) -> Iterator[Finding]:
    for subject, directory in (
        ("data", paths.data_dir()),
        ("cache", paths.cache_dir()),
        ("logs", place.logs),
    ):
        yield Finding(subject, str(directory), _unwritable(directory))
    try:
        place.check()
    except Problem as problem:
        yield Finding("runtime", str(place.directory), str(problem))
    else:
        yield Finding("runtime", str(place.directory), _unwritable(place.directory))


def _unwritable(directory: Path) -> str:
    existing = next((folder for folder in (directory, *directory.parents) if folder.exists()), None)
    if existing is None or not os.access(existing, os.W_OK | os.X_OK):
        return f"{existing or directory} cannot be written; mend its owner or permissions."
    if shutil.disk_usage(existing).free < 64 << 20:
        return f"The disk of {existing} is full."
    return ""


def _model(file: Path) -> Iterator[Finding]:
    import psutil

    from ...models.gguf import file as gguf
    from ...models.library import catalogue
    from ..server.model_source import model_path

    settings = load_settings(file)[0].model
    wanted = settings.path or settings.name
    try:
        path = model_path(settings)
        gguf.check_file(path, available_bytes=psutil.virtual_memory().total)
        size = path.stat().st_size
    except (Problem, OSError) as problem:
        yield Finding("model", wanted, str(problem))
        return
    entry = None if settings.path else catalogue.find_model(settings.name)
    what, remedy = _checked(path, size, entry)
    yield Finding("model", f"{wanted}: {path}, {in_bytes(size)}, {what}", remedy)


def _edit_model(file: Path) -> Iterator[Finding]:
    from ...models.engine.edit_model import untrained
    from ..server.model_source import model_path

    model = load_settings(file)[0].model
    if not model.edits:
        return
    try:
        path = model_path(attrs.evolve(model, path=model.edits), setting="model.edits")
        remedy = untrained(path)
    except (Problem, OSError) as problem:
        yield Finding("model for edits", model.edits, str(problem))
        return
    yield Finding("model for edits", f"{model.edits}: {path}, {in_bytes(path.stat().st_size)}", remedy)


def _checked(path: Path, size: int, entry: Entry | None) -> tuple[str, str]:
    """How far a model file was compared with the catalogue, and the remedy when it differs."""
    if entry is None or entry.size is None:
        return "not in the catalogue, its head is sound", ""
    again = f"'foretype models pull --force {entry.name}' downloads it anew."
    if size != entry.size:
        return f"but its size should be {entry.size} bytes", again
    if entry.sha256 is None or size > HASHED_BYTES:
        return "size correct", ""
    with path.open("rb") as model:
        digest = hashlib.file_digest(model, "sha256").hexdigest()
    return ("checksum correct", "") if digest == entry.sha256 else ("but its checksum is wrong", again)


def _daemon(place: DaemonHome) -> Iterator[Finding]:
    import asyncio

    from ..client.client import DaemonClient, NotRunningProblem

    try:
        status = asyncio.run(DaemonClient(place, name="doctor").status())
    except NotRunningProblem:
        if pid := holder(place):
            yield Finding("daemon", f"process {pid} accepts no connections", "foretype daemon stop")
        else:
            yield Finding("daemon", "not running; the first editor starts it")
        return
    except DaemonProblem as problem:
        yield Finding("daemon", "does not answer", str(problem))
        return
    model = status.model
    yield Finding(
        "daemon",
        f"process {status.pid}, foretype {status.release}, {status.clients - 1} clients, model {model.state}",
        _daemon_remedy(status.release, model.detail),
    )


def _daemon_remedy(running: str, detail: str) -> str:
    if running != release():
        return f"It is foretype {running}, but {release()} is installed: foretype daemon stop"
    return detail


def in_bytes(size: float) -> str:
    """A size for people, such as "98.4 MB"."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
