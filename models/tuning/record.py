"""What `foretype tune` found out, kept for one model file on one machine.

A JSON file in the user's data directory says which file to load in place of the original, and how to run it.
It names the model by its contents and the machine by its processor and llama.cpp: whatever does not fit any
more, or cannot be read, is ignored. Measuring is `tune`'s business.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
import shutil
import time
from pathlib import Path

import attrs
import cattrs
import psutil

from ...context.shared import leftovers
from ...context.shared.paths import data_dir
from ..cache.saved_states import fingerprint
from ..llama.llama import build, supports_gpu

log = logging.getLogger(__name__)

_FORMAT = 1

UNNAMED_S = 3600.0
"""Seconds after which a tuned file that no choice names is left over: normally it takes a moment."""


@attrs.frozen
class Measured:
    """How fast one file ran in one way.

    Attributes:
        file_type: "as is", "Q4_0" …
        flash_attention: whether it was on.
        threads: that computed.
        micro_batch: tokens computed at once.
        prefill: tokens per ms.
        steps: ms of a batch, by its number of tokens.
        loss: mean natural-log probability per token that the file lost on a sample of source code.
        size: bytes of the file.
        eight_bits: whether keys and values were kept in 8 bits; see `llama.attention`.
    """

    file_type: str
    flash_attention: bool
    threads: int
    micro_batch: int
    prefill: float
    steps: dict[int, float]
    loss: float = 0.0
    size: int = 0
    eight_bits: bool = False


@attrs.frozen
class Tuned:
    """The choice for one model on one machine.

    Attributes:
        model: fingerprint of the original file, in hexadecimal.
        machine: see `machine`.
        path: the file to load.
        choice: how it ran.
        original: how the original ran untuned.
        source: the original file when it was tuned; "" in records that do not say.
        version: of this record.
        whole: everything was tried; otherwise a later run may find something better.
    """

    model: str
    machine: str
    path: str
    choice: Measured
    original: Measured
    version: int = _FORMAT
    source: str = ""
    whole: bool = True


def tuned_dir() -> Path:
    """Where choices and tuned files lie, in the user's data directory."""
    return data_dir() / "tuned"


def machine() -> str:
    """16 hexadecimal digits that name this processor, its cores and this llama.cpp."""
    facts = (platform.machine(), _processor(), psutil.cpu_count(logical=False), build())
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _processor() -> str:
    """The processor's name as the system tells it; "" where it does not."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith(("model name", "hardware", "cpu part")):
                return line.partition(":")[2].strip()
    return platform.processor()


def identity(path: Path) -> str:
    """The fingerprint of a model file, in hexadecimal."""
    return fingerprint(path).hex()


def record_path(model: str, directory: Path | None = None) -> Path:
    """Where the choice for a model on this machine is kept."""
    return (directory or tuned_dir()) / f"{model[:16]}-{machine()}.json"


def find_tuned(path: Path, directory: Path | None = None) -> Tuned | None:
    """The choice for the model file `path` on this machine; None when there is none that still holds."""
    try:
        model = identity(path)
        data = json.loads(record_path(model, directory).read_text(encoding="utf-8"))
        found = cattrs.structure(data, Tuned)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, cattrs.BaseValidationError) as error:
        log.warning("what 'foretype tune' found out cannot be read and is ignored: %s", error)
        return None
    holds = (found.version, found.model, found.machine) == (_FORMAT, model, machine())
    usable = found.choice.threads > 0 and found.choice.micro_batch > 0 and 1 in found.choice.steps
    if not holds or not usable or not Path(found.path).is_file():
        return None
    return found


def useful(path: Path, *, gpu_layers: int = 0, directory: Path | None = None) -> bool:
    """Whether tuning the model could still change how it runs: not on a GPU, and not once all was tried."""
    if gpu_layers != 0 and supports_gpu():
        return False
    found = find_tuned(path, directory)
    return found is None or not found.whole


def scratch_prefix(process: int | None = None) -> str:
    """How the name of a folder begins that a process (None: this one) uses while it tunes."""
    host = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
    return f".tuning-{host}-{os.getpid() if process is None else process}-"


def sweep_tuned(directory: Path | None = None) -> None:
    """Remove what processes of this machine left that were killed while they tuned, and what nobody uses.

    Nobody uses the choice for a model that is gone from its folder, nor a file that no choice names.
    """
    folder = directory or tuned_dir()
    leftovers.sweep_leftovers(folder)
    _sweep_abandoned(folder)
    for path in folder.glob(".tuning-*-*-*"):
        process = path.name.split("-")[2]
        if not process.isdigit() or not path.name.startswith(scratch_prefix(int(process))):
            continue
        if not psutil.pid_exists(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _sweep_abandoned(folder: Path) -> None:
    named: set[Path] = set()
    with contextlib.suppress(OSError):
        for record in list(folder.glob("*.json")):
            try:
                found = cattrs.structure(json.loads(record.read_text(encoding="utf-8")), Tuned)
            except (OSError, ValueError, TypeError, KeyError, cattrs.BaseValidationError):
                continue
            source = Path(found.source)
            # A folder that is gone may be a disk that is not there just now.
            if found.source and source.parent.is_dir() and not source.exists():
                record.unlink(missing_ok=True)
            else:
                named.add(Path(found.path))
        for file in list(folder.glob("*.gguf")):
            if file not in named and time.time() - file.stat().st_mtime > UNNAMED_S:
                log.info("a tuned file that no choice names is removed: %s", file.name)
                file.unlink(missing_ok=True)


def forget(path: Path, directory: Path | None = None) -> bool:
    """Remove all that was found out about a model file, the tuned file too; whether there was anything."""
    folder = directory or tuned_dir()
    model = identity(path)
    gone = False
    for one in [*folder.glob(f"{model[:16]}-*"), *folder.glob(f"*-{model[:8]}-*.gguf")]:
        one.unlink(missing_ok=True)
        gone = True
    return gone


def keep(tuned: Tuned, directory: Path | None = None) -> Path:
    """Write a choice, in place of an earlier one. The file is replaced at once or not at all.

    Raises:
        OSError: it could not be written.
    """
    path = record_path(tuned.model, directory)
    write_json(attrs.asdict(tuned), path)
    return path


def write_json(value: object, path: Path) -> None:
    """Write a value as JSON, in place of an earlier one: at once or not at all.

    Raises:
        OSError: it could not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    leftovers.write_marked(path, (json.dumps(value, indent=2).encode(),))
