"""What a language server needs for its first answer, brought into memory while its event loop goes on.

Importing takes a tenth of a second, so nothing of this is done before `initialize` is answered, and then it
is done in a thread. It makes no objects: that remains with those who use them.
"""

from __future__ import annotations

import importlib

MODULES = (
    "completions.requests",
    "workspace.related",
    "workspace.folders",
    "workspace.restrictions",
    "session.settings",
    "statistics.store",
    "documents.query",
    "session.commands",
    "session.observing",
    "server.fallback",
    "protocol.progress",
    "completions.imports",
    "edits.next_edits",
    "documents.trees",
    "server.next_edits",
)
"""Modules of this room that are imported late. What others of it import with them is theirs."""


def prepare() -> None:
    """Import them, and read the descriptions of all languages."""
    for module in MODULES:
        importlib.import_module(f"foretype.lsp.{module}")
    from ...context.edits import propose
    from ...context.languages import all_languages
    from ...context.shared import paths
    from ...context.syntax.tree_work import parse
    from ...daemon.client import client

    del client, paths, propose
    all_languages()
    parse("x = 1\n", "python")
