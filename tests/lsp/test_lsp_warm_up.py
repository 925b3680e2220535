"""A document that stays in front is evaluated before the first key; others are not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from foretype.context.prompt.size import ContextSize
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.wire.messages import WarmRequest
from foretype.lsp.completions.warm_up import warm_offset
from foretype.tests.support import virtual_time
from foretype.tests.support.lsp_client import PATIENCE_S, connected, python
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer
from foretype.tests.support.private_home import default_model, foretype, private_home

SMALL = ContextSize(100, 0, 0)
LINES = 2000
LARGE = "".join(f"value_{number} = {number}\n" for number in range(LINES))
LARGE_URI = "file:///srv/space/large.py"


class Listener(EchoBackend):
    """Remembers what it was to have ready."""

    def __init__(self) -> None:
        super().__init__(lambda _: "")
        self.warmed: list[str] = []

    async def warm(self, request: WarmRequest) -> None:
        self.warmed.append(request.prompt.prefix)


def warmed_at(*places: dict[str, int] | None, between_s: float = 1.0) -> list[str]:
    """The prefixes that are made ready when a cursor rests in places of `LARGE`; None: nobody says where."""

    async def play() -> list[str]:
        backend = Listener()
        inside = InsideServer(backend)
        inside.begin()
        document = {"uri": LARGE_URI, "languageId": "python", "version": 1, "text": LARGE}
        inside.feed(notification("textDocument/didOpen", {"textDocument": document}))
        for place in places:
            focus: dict[str, object] = {"textDocument": {"uri": LARGE_URI}}
            if place is not None:
                focus["position"] = place
            inside.feed(notification("textDocument/didFocus", focus))
            await asyncio.sleep(between_s)
        await asyncio.sleep(5)
        await inside.end()
        return backend.warmed

    return virtual_time.run(play())


def notification(method: str, params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def test_a_large_document_is_made_ready_where_the_cursor_rests() -> None:
    (prefix,) = warmed_at({"line": 900, "character": 9})
    assert prefix.endswith("value_899 = 899\nvalue_900")


def test_nobody_guesses_where_the_cursor_of_a_large_document_is() -> None:
    assert warmed_at(None) == []


def test_of_a_cursor_that_moves_on_only_the_last_place_is_made_ready() -> None:
    places = [{"line": line, "character": 0} for line in range(300, 320)]
    (prefix,) = warmed_at(*places, between_s=0.05)
    assert prefix.endswith("value_318 = 318\n")


@pytest.mark.parametrize("place", [{"line": 10**9, "character": -3}, {}, {"line": "x"}])
def test_a_position_that_is_none_does_no_harm(place: dict[str, int]) -> None:
    assert len(warmed_at(place)) <= 1


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
        daemon = DaemonClient(
            DaemonHome(Path(home["XDG_RUNTIME_DIR"]) / "foretype", Path(home["XDG_STATE_HOME"]))
        )
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
