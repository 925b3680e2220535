"""A document that stays in front is evaluated before the first key; others are not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from foretype.daemon.client import DaemonClient
from foretype.daemon.config import CompletionSettings
from foretype.daemon.place import Place
from foretype.lsp.ahead import warm_offset
from foretype.tests.support.lsp_client import PATIENCE_S, connected, python
from foretype.tests.support.private_home import default_model, foretype, private_home

SMALL = CompletionSettings(prefix_characters=100)


@pytest.mark.parametrize(
    ("length", "asked", "offset"),
    [(80, None, 80), (100, None, 100), (101, None, None), (0, None, None), (500, 320, 320), (50, 320, 50)],
)
def test_the_cursor_is_assumed_where_guessing_is_worth_it(
    length: int, asked: int | None, offset: int | None
) -> None:
    assert warm_offset(length, asked, SMALL) == offset


@pytest.mark.model
async def test_the_first_key_in_an_opened_file_finds_it_evaluated() -> None:
    uri = "untitled:warm.py"
    text = "".join(
        f"def area_{number}(width, height):\n    return width * height\n\n\n" for number in range(12)
    )
    with private_home(default_model()) as home:
        assert foretype(home, "daemon", "start").returncode == 0
        daemon = DaemonClient(Place(Path(home["XDG_RUNTIME_DIR"]) / "foretype", Path(home["XDG_STATE_HOME"])))
        async with connected(*python("-P", "-m", "foretype.lsp"), env=home) as client:
            client.open(uri, text + "def volume(width, height, depth):\n    ret")
            evaluated = await asyncio.wait_for(warmed(daemon), 3 * PATIENCE_S)
            await client.items(uri, text.count("\n") + 1, 7)
            known = await daemon.status()
        await daemon.aclose()
    assert known.requests == 1
    assert known.prefill_tokens - evaluated < 20


async def warmed(daemon: DaemonClient) -> int:
    """Wait until the whole file was evaluated; how many tokens that took."""
    while (known := await daemon.status()).prefill_tokens < 150:  # noqa: ASYNC110 - another process works
        await asyncio.sleep(0.05)
    return known.prefill_tokens
