"""Which way the daemon is reached: a Unix socket where the system has them, else a port of this machine.

The daemon goes by the user's setting; clients go by what they find in its directory, so they need no
settings.
"""

from __future__ import annotations

import sys

from .home import DaemonHome
from .loopback import Loopback
from .transport import Transport
from .unix_socket import UnixSocket

HAS_UNIX_SOCKETS = sys.platform != "win32"
"""Windows has them, asyncio does not have them there."""


def chosen_transport(place: DaemonHome, setting: str = "auto") -> Transport:
    """Where the daemon of a place is to listen.

    Args:
        place: where it lives.
        setting: "unix", "tcp", or "auto" for what the system has.
    """
    if setting == "tcp" or (setting == "auto" and not HAS_UNIX_SOCKETS):
        return Loopback(place)
    return UnixSocket(place)


def transport_at(place: DaemonHome) -> Transport:
    """Where the daemon of a place is looked for: a port's file is there only while one listens at a port."""
    return Loopback(place) if place.port.exists() else chosen_transport(place)
