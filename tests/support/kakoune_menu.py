"""What kakoune-lsp would do with one request: a completion menu for Kakoune, from the server that it is told.

`python kakoune_menu.py SERVERS FILE LINE COLUMN`. SERVERS is the option `lsp_servers`, in TOML.
LINE and COLUMN count from 1, in bytes. Prints a command for Kakoune that fills the option `foretype_menu`.
"""

from __future__ import annotations

import asyncio
import sys
import tomllib
from pathlib import Path

from foretype.tests.support.lsp_client import connected


async def menu(servers: str, uri: str, text: str, line: int, column: int) -> str:
    """The command for Kakoune. Lines hold ASCII only: nothing here converts columns."""
    server = next(iter(tomllib.loads(servers).values()))
    async with connected(server["command"], *server["args"]) as client:
        client.open(uri, text)
        place = {"textDocument": {"uri": uri}, "position": {"line": line - 1, "character": column - 1}}
        found = await client.ask("textDocument/completion", place)
    edit, label = found["items"][0]["textEdit"], found["items"][0]["label"]
    start = edit["range"]["start"]["character"] + 1
    header = f"{line}.{start}+{column - start}@%val{{timestamp}}"
    return f'set-option buffer foretype_menu "{header}" {_quoted(edit["newText"] + "||" + label)}'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    opened = Path(sys.argv[2]).absolute()
    print(
        asyncio.run(
            menu(sys.argv[1], opened.as_uri(), opened.read_text(), int(sys.argv[3]), int(sys.argv[4]))
        )
    )
