"""Whether the installed llama.cpp can compute here: tried once, in a process that may crash.

A library can load, say that it fits the processor, and end the process at its first computation. GCC's
`_tile_loadconfig` tells the optimiser that it reads 8 bytes of 64, the rest of the configuration is never
written, and AMX kernels compiled by it stop at an illegal instruction. The daemon would end at every request.
So a library that may do this computes first in a child (`trial_worker`, about 0.3 seconds), and what came of
it is remembered for this library and this processor in the cache folder.

Libraries that were compiled for another processor are `system`'s business.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, cast

from ...context.shared import leftovers, paths
from ...context.shared.problem import ModelProblem
from .library import library_folder
from .system import SystemInfo, foreign, processor_features, system_info

log = logging.getLogger(__name__)

_WITHIN_S = 20.0
"""How long the child may take, also on a busy machine; beyond it nothing is concluded."""

KEPT = 8
"""Outcomes that are remembered: a few environments, and some versions of each."""

_DOUBTFUL = frozenset({"AMX_INT8"})
"""What a library may be compiled with, and then end the process on a processor that has it."""

_WINDOWS_EXCEPTION = 0xC0000000
"""From here on an exit code of Windows names an exception, 0xC000001D an illegal instruction."""

Attempt = Callable[[], "int | None"]
"""Computes in a child process; its exit code, negative for a signal, or None where nothing is known."""


def check_library() -> None:
    """Refuse a llama.cpp that would end this process at its first computation.

    Raises:
        ModelProblem: saying which command mends it.
    """
    info = system_info()
    if problem := foreign(info.features, processor_features()) or cannot_compute(info):
        raise ModelProblem(problem)


def cannot_compute(
    info: SystemInfo,
    *,
    attempt: Attempt | None = None,
    memory: Path | None = None,
    identity: str | None = None,
    processor: Collection[str] | None = None,
) -> str:
    """What to do about a llama.cpp that ends the process in which it computes, or "".

    Args:
        info: the library.
        attempt: has it compute; by default `trial_worker` in a process of its own.
        memory: the file of earlier outcomes; by default in the user's cache folder.
        identity: tells this library on this processor from others; None looks at the files.
        processor: what the processor can do, as `processor_features` says it; None asks.
    """
    has = processor_features() if processor is None else processor
    if not worth_trying(info.features, has):
        return ""
    memory = memory or paths.cache_dir() / "llama-trials.json"
    identity = library_identity() if identity is None else identity
    known = _read(memory)
    code = known.get(identity)
    if code is None:
        code = (attempt or try_in_child)()
        if code is not None and (code == 0 or ended_by_exception(code)):
            _write(memory, {**known, identity: code})
    if code is None or not ended_by_exception(code):
        return ""  # what else may be wrong is said by loading itself
    return remedy(code, info.features)


def worth_trying(compiled: Collection[str], has: Collection[str]) -> bool:
    """Whether a library deserves a trial: known faults, or a processor that does not say what it can do."""
    return not has or not _DOUBTFUL.isdisjoint(compiled)


def ended_by_exception(code: int) -> bool:
    """Whether the exit code says that the processor or the system ended the process."""
    return code < 0 or code >= _WINDOWS_EXCEPTION


def remedy(code: int, compiled: Collection[str]) -> str:
    """The sentence for a library whose trial ended with `code`."""
    command = "pip install --force-reinstall --no-cache-dir --no-binary llama-cpp-python llama-cpp-python"
    doubtful = sorted(_DOUBTFUL.intersection(compiled))
    how, why = "Compile it for this machine", ""
    if doubtful:
        names, without = ", ".join(doubtful), " ".join(f"-U__{feature}__" for feature in doubtful)
        how, why = f"Compile it without {names}", f", since its compiler gets {names} wrong"
        quoted = without if len(doubtful) == 1 else f"'{without}'"
        command = f"CFLAGS={quoted} CXXFLAGS={quoted} {command}"
    return (
        f"llama.cpp ends every process in which it computes ({_exception(code)}){why}. {how}, and end a "
        f"running daemon: {command} && foretype daemon stop"
    )


def _exception(code: int) -> str:
    """What ended the child, as in "SIGILL: Illegal instruction"."""
    if code >= 0:
        return f"exit code {code:#x}"
    with contextlib.suppress(ValueError):
        return f"{signal.Signals(-code).name}: {signal.strsignal(-code)}"
    return f"signal {-code}"


def try_in_child() -> int | None:
    """Compute in a child process; see `Attempt`."""
    try:
        with tempfile.TemporaryDirectory(prefix="foretype-trial-") as folder:
            done = subprocess.run(
                [sys.executable, "-P", "-m", f"{__package__}.trial_worker", folder],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_WITHIN_S,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("whether llama.cpp can compute could not be tried: %s", type(error).__name__)
        return None
    log.info("llama.cpp was tried in a process of its own, which ended with %d", done.returncode)
    return done.returncode


def library_identity(folder: Path | None = None) -> str:
    """A digest of the library's files in `folder` (path, size, time of change) and of the processor."""
    folder = folder or library_folder() or Path()
    told: list[Any] = [platform.machine(), platform.processor(), *processor_features()]
    with contextlib.suppress(OSError):
        for file in sorted(folder.iterdir()):
            status = file.stat()
            told.append((os.fspath(file), status.st_size, status.st_mtime_ns))
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _read(memory: Path) -> Mapping[str, int]:
    """Earlier outcomes, the oldest first; none where the file cannot be used."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(memory.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            outcomes = cast("dict[str, object]", found)
            return {key: code for key, code in outcomes.items() if isinstance(code, int)}
    return {}


def _write(memory: Path, outcomes: Mapping[str, int]) -> None:
    """Remember the last outcomes; where that cannot be done, the next process tries again."""
    kept = dict(list(outcomes.items())[-KEPT:])
    with contextlib.suppress(OSError):
        memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        leftovers.write_marked(memory, [json.dumps(kept, indent=1).encode()])
