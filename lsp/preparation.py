"""What a language server needs for its first answer, brought into memory while its event loop goes on.

Importing takes a tenth of a second, so nothing of this is done before `initialize` is answered, and then it
is done in a thread. It makes no objects: that remains with those who use them.
"""

from __future__ import annotations

import importlib

MODULES = (
    "inline",
    "relations",
    "workspace",
    "narrowing",
    "options",
    "statistics",
    "query",
    "commands",
    "fallback",
    "progress",
    "imports",
    "trees",
)
"""Modules of this room that are imported late. What others of it import with them is theirs."""


def prepare() -> None:
    """Import them, and read the descriptions of all languages."""
    for module in MODULES:
        importlib.import_module(f".{module}", __package__)
    from ..context.languages import all_languages
    from ..context.syntax import parse
    from ..daemon import client, paths

    del client, paths
    all_languages()
    parse("x = 1\n", "python")
