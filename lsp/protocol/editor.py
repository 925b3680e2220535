"""The editor at the other end: what it can do, and the two ways to speak to it.

It knows no method by name; `json_rpc` writes what is sent here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

import attrs


@attrs.define(eq=False)
class Editor:
    """State: the capabilities that `initialize` brought.

    Attributes:
        notify: sends a notification: method and parameters.
        request: sends a request; its future has the client's plain answer, or `ClientError`.
        capabilities: the client's, as it sent them.
    """

    notify: Callable[[str, Any], None]
    request: Callable[[str, Any], Future[Any]]
    capabilities: dict[str, Any] = attrs.field(factory=dict[str, Any])

    def ask(self, method: str, params: Any) -> asyncio.Future[Any]:
        """Send a request that can be awaited."""
        return asyncio.wrap_future(self.request(method, params))

    def can(self, area: str, name: str) -> bool:
        """Whether a capability, such as `applyEdit` of `workspace`, is there."""
        within = self.capabilities.get(area)
        return isinstance(within, dict) and bool(cast("dict[str, Any]", within).get(name))
