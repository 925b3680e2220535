"""Which headers the headers of a workspace include: how far what a file includes reaches.

A header of the workspace's own may bring in a library's. Only headers are kept, not what includes them in the
end; what follows from where the chain leads is the decision of `origins`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import attrs

Headers = Callable[[str], "tuple[str, ...] | None"]
"""What a header includes that goes by a name; None where the workspace has no such file."""


@attrs.define(eq=False)
class Includes:
    """What each header of a workspace includes. State: that, by path, and the paths by file name."""

    _of: dict[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]], init=False)
    _paths: dict[str, list[str]] = attrs.field(factory=dict[str, list[str]], init=False)

    def add(self, path: str, included: tuple[str, ...]) -> None:
        """Know a header, by its path relative to the workspace."""
        self._of[path] = tuple(map(sys.intern, included))
        self._paths.setdefault(_file_name(path), []).append(path)

    def remove(self, path: str) -> None:
        """Forget a header; unknown ones are ignored."""
        if self._of.pop(path, None) is not None:
            self._paths[_file_name(path)].remove(path)

    def of(self, header: str) -> tuple[str, ...] | None:
        """What the header that `header` stands for includes; if several fit, what any of them does."""
        paths = self._paths.get(_file_name(header))
        if not paths:
            return None
        tail = "/" + header.replace("../", "").replace("./", "")
        meant = [path for path in paths if f"/{path}".endswith(tail)] or paths
        return tuple(dict.fromkeys(each for path in meant for each in self._of[path]))


def _file_name(path: str) -> str:
    return path[path.rfind("/") + 1 :]
