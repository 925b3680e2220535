"""What the language server can do, as the answer to `initialize` says it. Decides nothing."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

COMMAND_NAMES = (
    "foretype.accepted",
    "foretype.importEdits",
    "foretype.dismissed",
    "foretype.enable",
    "foretype.disable",
    "foretype.restart",
    "foretype.chooseModel",
    "foretype.showContext",
    "foretype.statistics",
    "foretype.log",
    "foretype.status",
)
"""The keys of `commands.COMMANDS`, which is too heavy to import before `initialize` is answered."""


def capabilities(encoding: str, *, fallback: bool) -> dict[str, Any]:
    """What foretype can do, said once; nothing is registered later.

    A ServerCapabilities as the protocol writes it: making it of lsprotocol's values takes longer than all
    else that happens until the editor has its first answer.
    """
    said: dict[str, Any] = {
        "positionEncoding": encoding,
        "textDocumentSync": {"openClose": True, "change": types.TextDocumentSyncKind.Incremental.value},
        "notebookDocumentSync": {"notebookSelector": [{"notebook": "*"}]},
        "inlineCompletionProvider": {"workDoneProgress": False},
        "experimental": {"copilotInlineEditProvider": True},
        "executeCommandProvider": {"commands": list(COMMAND_NAMES)},
        "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
    }
    if fallback:
        said["completionProvider"] = {"triggerCharacters": list("._(=[{: ")}
    return said
