"""`foretype lsp --in-process`: the engine lives in the language server, and keys are heard all the same."""

from __future__ import annotations

import asyncio
import time

import pytest
from foretype.tests.support import in_process_server
from foretype.tests.support.lsp_client import PATIENCE_S, LspClient, Refused, connected, python
from foretype.tests.support.private_home import default_model, foretype, private_home

URI = "untitled:numbers.py"
SCRIPTED = python(str(in_process_server.__file__))
SERVER = python("-P", "-m", "foretype.lsp", "--in-process")
WITHIN_S = 0.05
TRIES = 5
STATUS = {"status": True}
INVOKED = {"triggerKind": 1}


async def becomes_busy(client: LspClient) -> None:
    """Wait until a generation runs, which is when the status says so."""
    while (await client.expect("foretype/status"))["params"]["state"] != "busy":
        pass


async def check_cancelled(client: LspClient, line: int, character: int) -> None:
    """A request is taken back while its generation runs, and that is answered within `WITHIN_S`."""
    client.notifications.clear()
    number, answer = client.complete(URI, line, character, context=INVOKED)
    await becomes_busy(client)
    began = time.perf_counter()
    client.cancel(number)
    with pytest.raises(Refused) as refused:
        await asyncio.wait_for(answer, PATIENCE_S)
    assert time.perf_counter() - began < WITHIN_S
    assert refused.value.code == -32800
    assert client.answers[number] == 1


async def test_a_scripted_engine_inside_the_server_completes() -> None:
    with private_home() as home:
        async with connected(*SCRIPTED, env=home) as client:
            client.open(URI, "x = ")
            (item,) = await client.items(URI, 0, 4)
    assert item["insertText"] == "42"


async def test_every_cancelled_request_is_answered_at_once() -> None:
    with private_home() as home:
        async with connected(*SCRIPTED, "hold", env=home, initializationOptions=STATUS) as client:
            client.open(URI, "".join(f"x_{number} = \n" for number in range(TRIES)))
            for line in range(TRIES):
                await check_cancelled(client, line, 6)


@pytest.mark.model
async def test_the_model_inside_the_server_completes_and_every_cancelled_prefill_is_answered_at_once() -> (
    None
):
    functions = [f"def function_{number}(value):\n    return value * {number}\n\n" for number in range(200)]
    lines = 3 * len(functions)
    with private_home(default_model()) as home:
        async with connected(*SERVER, env=home, initializationOptions=STATUS) as client:
            client.open(URI, "".join(functions) + "total = ")
            found = await client.items(URI, lines, 8, context=INVOKED)  # the model is loaded from here on
            for number in range(TRIES):
                await check_cancelled(client, 3 * (20 + 37 * number) + 1, 4)
            again = await client.items(URI, lines, 8, context=INVOKED)
        assert foretype(home, "daemon", "status").returncode == 1, "a daemon was started all the same"
    assert found
    assert found[0]["insertText"].strip()
    assert again
