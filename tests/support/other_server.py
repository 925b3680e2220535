"""A language server of somebody else's, for editors that run it beside foretype."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

LABEL = "return of_theirs"

server = LanguageServer("theirs", "1.0")


@server.feature(types.TEXT_DOCUMENT_COMPLETION)
def complete(_parameters: types.CompletionParams) -> list[types.CompletionItem]:
    """The line."""
    return [types.CompletionItem(label=LABEL)]


if __name__ == "__main__":
    server.start_io()
