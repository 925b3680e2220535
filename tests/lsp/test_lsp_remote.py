"""What of a workspace an engine elsewhere gets to see, on the wire; and that editors say where code goes.

The language server and the daemon are the real ones, the server elsewhere is the tests' own.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from foretype.daemon.wire.messages import ModelState, ModelStatus
from foretype.lsp.session.status import COMMON_STATUS, STATUS, StatusBoard
from foretype.tests.support.fake_engine import until
from foretype.tests.support.lsp_client import connected, python
from foretype.tests.support.private_home import private_home
from foretype.tests.support.remote_server import RemoteServer, remote_server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no daemon on Windows")

FILES = {
    "shop.py": 'def price(item):\n    return item.cost\n\n\nPASSWORD = "hunter2-in-code-Zq8x"\n',
    ".env": "API_KEY=hunter2-in-env-Zq8x\n",
    "secrets/prod.yaml": "password: hunter2-in-yaml-Zq8x\n",
    "kept.py": "KEPT_BACK = 'hunter2-kept-back'\n\n\ndef price_kept(item):\n    return item.kept_back\n",
    ".foretypeignore": "kept.py\n",
}
HERE = "from shop import price\n\n\ndef total(items):\n    return sum(price(item) for item in "


def written(root: Path, **more: str) -> Path:
    for name, text in {**FILES, **more}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


async def visited(root: Path, served: RemoteServer, names: tuple[str, ...]) -> list[Any]:
    """Open files one after the other, ask at the end of each, and in a new one; what that last brought."""
    with private_home() as home:
        config = Path(home["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(f'[remote]\nurl = "{served.url}"\nuse = "always"\n[statistics]\nenabled = false\n')
        folders = [{"uri": root.as_uri(), "name": root.name}]
        async with connected(
            *python("-P", "-m", "foretype.lsp"), env=home, workspaceFolders=folders
        ) as client:
            for name in names:
                uri, text = (root / name).as_uri(), FILES[name]
                client.open(uri, text)
                await client.items(uri, text.count("\n"), 0)
            uri = (root / "total.py").as_uri()
            client.open(uri, HERE)
            found: list[Any] = []
            for _ in range(20):
                found = await client.items(uri, 4, len(HERE.rpartition("\n")[2]))
                if found:
                    break
                await asyncio.sleep(0.1)
            return found


async def test_secrets_and_what_is_kept_back_never_reach_the_wire(tmp_path: Path) -> None:
    def model(_prompt: str) -> tuple[str, ...]:
        return (" items", ")", "\n")

    async with remote_server(model=model) as served:
        found = await visited(
            written(tmp_path / "shop"), served, ("shop.py", ".env", "secrets/prod.yaml", "kept.py")
        )
        assert found, "the engine elsewhere was not asked"
        assert any("def total(items)" in each.prompt for each in served.asked)
        sent = b"\n".join(each.raw for each in served.received)
        assert b"def price(item)" in sent
        for secret in (b"hunter2", b"API_KEY", b"KEPT_BACK", b"kept_back", b"prod.yaml"):
            assert secret not in sent, secret


async def test_a_workspace_that_forbids_it_is_never_sent(tmp_path: Path) -> None:
    async with remote_server() as served:
        root = written(tmp_path / "shop", **{".foretype.toml": "remote = false\n"})
        await visited(root, served, ("shop.py",))
        await until(lambda: served.open == 0)
        assert not [each for each in served.received if "def " in each.raw.decode("utf-8", "replace")]


def test_editors_are_told_where_code_goes_as_long_as_it_may() -> None:
    sent: list[tuple[str, dict[str, Any]]] = []

    def send(method: str, params: dict[str, Any]) -> None:
        sent.append((method, params))

    board = StatusBoard(send)
    board.tell(STATUS, COMMON_STATUS)
    board.model(ModelStatus(ModelState.READY, "tiny", elsewhere="gpu.example.org"))
    assert sent[-2][1]["elsewhere"] == "gpu.example.org"
    assert sent[-1][1]["message"] == "Code is sent to gpu.example.org."
    board.running(1)
    assert sent[-2][1]["elsewhere"] == "gpu.example.org"
    board.model(ModelStatus(ModelState.READY, "tiny", detail="It fails.", elsewhere="gpu.example.org"))
    assert (sent[-2][1]["message"], sent[-2][1]["state"]) == ("It fails.", "busy")
    board.model(ModelStatus(ModelState.READY, "tiny"))
    assert sent[-2][1]["elsewhere"] == ""
