"""Which engine elsewhere the user wants: read from the settings and the environment, and made.

The models room is imported only where one is set.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import attrs

from ..settings.environment import with_environment
from ..settings.file import load_settings
from ..settings.settings import RemoteSettings, Settings

if TYPE_CHECKING:
    from ...models.remote.engine import RemoteEngine, RemoteTarget

log = logging.getLogger(__name__)


@attrs.frozen
class RemoteWish:
    """What the user wants of an engine elsewhere.

    Attributes:
        target: which; None for none.
        where: a host and a port, for people; "" for none.
        alone: the engine here is asked only where it fails or is late.
        budget_s: seconds that it has before the engine here answers.
    """

    target: RemoteTarget | None = None
    where: str = ""
    alone: bool = False
    budget_s: float = 0.4


class RemoteProvider(Protocol):
    """Says which engine elsewhere is wanted, and makes it."""

    def fingerprint(self) -> object:
        """A value that changes when the wish could be another one. Cheap, never raises."""
        ...

    def wish(self) -> RemoteWish:
        """What the user wants now. Never raises."""
        ...

    def make(self, target: RemoteTarget) -> RemoteEngine:
        """An engine that asks there. It asks nothing before its first request."""
        ...


class ConfiguredRemote:
    """The engine elsewhere that the user's configuration file and environment name."""

    def __init__(self, config_file: Path, environment: Mapping[str, str] | None = None) -> None:
        self._config_file = config_file
        self._environment = os.environ if environment is None else environment

    def fingerprint(self) -> object:
        """See `RemoteProvider`."""
        try:
            status = self._config_file.stat()
        except OSError:
            return "no file"
        return status.st_mtime_ns, status.st_size

    def wish(self) -> RemoteWish:
        """See `RemoteProvider`."""
        settings, complaints = with_environment(load_settings(self._config_file)[0], self._environment)
        for complaint in complaints:
            log.warning("%s", complaint)
        return wish_of(settings)

    def make(self, target: RemoteTarget) -> RemoteEngine:
        """See `RemoteProvider`."""
        from ...models.remote.engine import RemoteEngine

        return RemoteEngine(target, self._environment)


def wish_of(settings: Settings) -> RemoteWish:
    """What settings want of an engine elsewhere."""
    remote = settings.remote
    if not remote.url or remote.use == "never":
        return RemoteWish()
    target = remote_target(remote, settings.fim)
    budget_s = settings.completion.latency_budget_ms / 1000
    return RemoteWish(target, target.shown, alone=remote.use == "always", budget_s=budget_s)


def remote_target(remote: RemoteSettings, fim: Mapping[str, object]) -> RemoteTarget:
    """Where and how the engine elsewhere is asked."""
    from ...models.remote.engine import RemoteTarget

    return RemoteTarget(
        url=remote.url,
        protocol=remote.protocol,
        model=remote.model,
        key=remote.key,
        headers=remote.headers,
        ca_file=remote.ca_file,
        proxy=remote.proxy,
        connect_timeout_s=remote.connect_timeout_s,
        timeout_s=remote.timeout_s,
        parallel=remote.parallel,
        fim=fim,
    )
