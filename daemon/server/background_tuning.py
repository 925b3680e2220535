"""Tuning while nobody needs the model: decides when, starts a process for it, ends it at once when disturbed.

The process measures and chooses (`models.tuning.worker`); nothing of it runs in here, so that a request waits
for nothing but a kill. It is tried while the daemon has had no request for `IDLE_S`, and not again in this
daemon's life once it ended by itself, either way. One that was ended by a request goes on later with what it
had measured (`models.tuning.journal`), and waits twice as long for that each time. The choice is used from
the daemon's next start on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

import attrs

from ..process.lifecycle import Clock
from ..settings.file import load_settings
from ..wire.messages import ModelState, ModelStatus
from .model_source import model_path

log = logging.getLogger(__name__)

IDLE_S = 300.0
"""Seconds without a request before tuning begins."""

LONGEST_IDLE_S = 1200.0
"""The longest pause in seconds when requests end it again and again; less than the daemon's own pause."""

LOOK_EVERY_S = 60.0
"""Seconds between two looks at what stands against it."""

SPARE_DISK = 2 << 30
"""Bytes that stay free on the disk whatever tuning writes."""

LARGEST_TRY = 400_000_000
"""Bytes that a file type may take although the original is smaller; see `models.tuning.plan.SMALL`."""

_TRIES = 5
"""File types that lie on the disk at once, at most."""

SPARE_MEMORY = 1 << 30

MOST_STARTS = 8
"""How often tuning is begun for one model. Each continues where the one before was ended."""

_GONE_WITHIN_S = 1.0


@attrs.frozen
class Facts:
    """What the decision depends on.

    Attributes:
        allowed: by the setting [model] tune.
        tuned: a choice is there already, or tuning would change nothing (on a GPU).
        model_bytes: size of the model file.
        free_disk: bytes free where tuned files go.
        free_memory: bytes free.
        on_battery: the machine says that it runs on its battery.
        starts: how often tuning was begun for this model already, and ended by requests.
    """

    allowed: bool
    tuned: bool
    model_bytes: int
    free_disk: int
    free_memory: int
    on_battery: bool
    starts: int = 0


def obstacle(facts: Facts) -> str:
    """What stands against tuning now, in a few words; "" when nothing does."""
    if not facts.allowed:
        return "switched off by [model] tune"
    if facts.tuned:
        return "nothing to tune"
    if facts.starts >= MOST_STARTS:
        return "begun often enough; 'foretype tune' does it at once"
    if facts.on_battery:
        return "on battery"
    if facts.free_disk < _TRIES * max(LARGEST_TRY, facts.model_bytes) + SPARE_DISK:
        return "too little disk space"
    if facts.free_memory < 2 * facts.model_bytes + SPARE_MEMORY:
        return "too little memory"
    return ""


class Child(Protocol):
    """A process that tunes."""

    def poll(self) -> int | None:
        """Its exit code once it has ended, else None. Never waits."""
        ...

    def kill(self) -> None:
        """End it at once. Never waits."""
        ...

    def said(self) -> str:
        """Its last sentence, once it has ended."""
        ...


class Machine(Protocol):
    """What tuning needs of the world outside."""

    def look(self) -> Facts:
        """The facts of this moment; cheap enough for once a minute."""
        ...

    def start(self) -> Child:
        """Start tuning. Raises OSError or Problem when it can't be."""
        ...

    def sweep(self) -> None:
        """Remove what a killed process left. May take a while; called in a thread."""
        ...


class BackgroundTuning:
    """Tunes when nobody needs the model. Called in the event loop's thread; nothing here waits.

    State: the process that tunes or was told to end, when facts were looked at last, whether it is over.
    """

    def __init__(self, machine: Machine, clock: Clock = time.monotonic) -> None:
        """Nothing runs yet."""
        self._machine = machine
        self._clock = clock
        self._child: Child | None = None
        self._killed = False
        self._over = False
        self._looked_at: float | None = None
        self._wanted_s = IDLE_S

    @property
    def running(self) -> bool:
        """Whether a process tunes."""
        return self._child is not None and not self._killed

    def tick(self, *, idle_s: float, busy: bool, model: ModelStatus) -> None:
        """Look after the process, or start it when the time has come.

        Args:
            idle_s: seconds since the last request.
            busy: somebody waits for the model.
            model: tuning waits until it has been loaded once: a file that cannot be loaded can't be record.
        """
        if self._child is not None:
            self._look_after(self._child)
        elif busy or idle_s < self._wanted_s or self._over or model.state is not ModelState.READY:
            return
        elif self._looked_at is None or self._clock() - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = self._clock()
            self._begin()

    def preempt(self) -> None:
        """Somebody needs the model: the process ends now."""
        if self._child is not None and not self._killed:
            log.info("a request came: tuning is put off")
            self._killed = True
            self._wanted_s = min(2 * self._wanted_s, LONGEST_IDLE_S)
            self._child.kill()

    def close(self) -> None:
        """The daemon ends: so does the process."""
        self._over = True
        self.preempt()

    async def cleared(self) -> None:
        """After `close`: wait until the process is gone, for a bounded time, and sweep up after it."""
        if self._child is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GONE_WITHIN_S):
                while self._child.poll() is None:  # noqa: ASYNC110 - a process tells only who asks
                    await asyncio.sleep(0.01)
        self._child = None
        await asyncio.get_running_loop().run_in_executor(None, self._machine.sweep)

    def _begin(self) -> None:
        try:
            against = obstacle(self._machine.look())
            if against:
                log.debug("no tuning: %s", against)
                return
            self._child, self._killed = self._machine.start(), False
            log.info("nobody needs the model: tuning")
        except Exception as error:  # noqa: BLE001 - tuning is a luxury, and must never harm the daemon
            self._over = True
            log.warning("tuning could not begin: %s", type(error).__name__)

    def _look_after(self, child: Child) -> None:
        code = child.poll()
        if code is None:
            return
        self._child = None
        if self._killed:
            self._sweep()
            return
        self._over = True
        log.log(
            logging.INFO if code == 0 else logging.WARNING,
            "tuning ended with code %d: %s",
            code,
            child.said() or "it said nothing",
        )
        if code != 0:
            self._sweep()

    def _sweep(self) -> None:
        asyncio.get_running_loop().run_in_executor(None, self._machine.sweep)


class _Process:
    """`models.tuning.worker`, at work."""

    def __init__(self, path: Path, threads: int) -> None:
        self._process = subprocess.Popen(
            # -P: never import from a workspace
            [sys.executable, "-P", "-m", "foretype.models.tuning.worker", str(path), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )

    def poll(self) -> int | None:
        return self._process.poll()

    def kill(self) -> None:
        self._process.kill()

    def said(self) -> str:
        """See `Child`. It says one sentence, which fits into the pipe."""
        if self._process.stdout is None:
            return ""
        lines = self._process.stdout.read().decode("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line), "")


_SWITCHED_OFF = Facts(allowed=False, tuned=False, model_bytes=0, free_disk=0, free_memory=0, on_battery=False)


class ThisMachine:
    """The user's machine and configuration; see `Machine`. The models room is imported when it is asked."""

    def __init__(self, config_file: Path) -> None:
        self._config_file = config_file

    def look(self) -> Facts:
        """See `Machine`."""
        import psutil

        from ...models.machine import memory
        from ...models.tuning import journal as tune_journal
        from ...models.tuning import record

        settings = load_settings(self._config_file)[0].model
        if not settings.tune:
            return _SWITCHED_OFF
        path = model_path(settings)
        battery = None
        with contextlib.suppress(AttributeError, OSError, RuntimeError):  # as good as unknown
            battery = psutil.sensors_battery()
        return Facts(
            allowed=True,
            tuned=not record.useful(path, gpu_layers=settings.gpu_layers),
            model_bytes=path.stat().st_size,
            free_disk=shutil.disk_usage(_existing(record.tuned_dir())).free,
            free_memory=memory.available_bytes(),
            on_battery=battery is not None and battery.power_plugged is False,
            starts=tune_journal.read_journal(record.identity(path)).starts,
        )

    def start(self) -> Child:
        """See `Machine`."""
        from ...models.tuning import journal as tune_journal
        from ...models.tuning import record

        settings = load_settings(self._config_file)[0].model
        path = model_path(settings)
        model = record.identity(path)
        journal = tune_journal.read_journal(model)
        journal.starts += 1
        tune_journal.write_journal(journal, model)
        return _Process(path, settings.threads)

    def sweep(self) -> None:
        """See `Machine`."""
        from ...models.tuning import record

        record.sweep_tuned()


def _existing(path: Path) -> Path:
    """The nearest folder above that exists: the one on whose disk `path` would be."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
