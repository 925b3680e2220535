"""The Agent Client Protocol's next edit suggestions, as an editor asks for them; no process takes part."""

from __future__ import annotations

from typing import Any

import pytest
from foretype.tests.support.acp_client import OTHER, SOURCE, URI, AcpClient, acp_inside, rename
from foretype.tests.support.lsp_client import Refused


async def refusal(agent: AcpClient, method: str, **params: Any) -> int:
    """The code with which a request is refused."""
    with pytest.raises(Refused) as refused:
        await agent.ask(method, **params)
    return refused.value.code


async def test_it_says_what_it_can_do_and_what_it_wants_to_hear() -> None:
    async with acp_inside() as agent:
        hello = await agent.ask("initialize", protocolVersion=1, clientCapabilities={"nes": {}})
    assert hello["protocolVersion"] == 1
    assert hello["agentInfo"]["name"] == "foretype"
    capabilities = hello["agentCapabilities"]
    assert capabilities["positionEncoding"] == "utf-16"
    events = capabilities["nes"]["events"]["document"]
    assert events == {"didOpen": {}, "didChange": {"syncKind": "incremental"}, "didClose": {}}


async def test_a_rename_is_followed_to_its_last_use() -> None:
    async with acp_inside() as agent:
        found = await rename(agent)
        lines: list[int] = []
        while found:
            (suggestion,) = found
            assert suggestion["kind"] == "edit"
            assert suggestion["uri"] == URI
            (edit,) = suggestion["edits"]
            start, end = edit["range"]["start"], edit["range"]["end"]
            assert suggestion["cursorPosition"] == {
                "line": start["line"],
                "character": start["character"] + len("width"),
            }
            agent.replace(URI, start["line"], start["character"], end["character"], edit["newText"])
            agent.tell("nes/accept", id=suggestion["id"])
            lines.append(start["line"])
            found = await agent.suggestions(URI, **suggestion["cursorPosition"])
    assert lines == [1, 2, 3]


async def test_what_was_rejected_does_not_come_back() -> None:
    reasons = {"rejected": False, "": False, "ignored": True, "replaced": True, "cancelled": True}
    async with acp_inside() as agent:
        for reason, comes_back in reasons.items():
            agent.session = (await agent.ask("nes/start"))["sessionId"]
            (suggestion,) = await rename(agent)
            agent.tell("nes/reject", id=suggestion["id"], **({"reason": reason} if reason else {}))
            assert bool(await agent.suggestions(URI, 0, 14)) is comes_back, reason


async def test_positions_are_counted_as_was_negotiated() -> None:
    for offered, start in ((["utf-8", "utf-16"], 19), (["utf-32"], 16), (["klingon"], 17)):
        async with acp_inside(positionEncodings=offered) as agent:
            agent.open(URI, "def f(w):\n    return '😀', w\n")
            agent.replace(URI, 0, 6, 7, "width")
            (suggestion,) = await agent.suggestions(URI, 0, 11)
            assert suggestion["edits"][0]["range"]["start"] == {"line": 1, "character": start}


async def test_sessions_know_nothing_of_each_other() -> None:
    async with acp_inside() as agent:
        first = agent.session
        (suggestion,) = await rename(agent)
        agent.tell("nes/reject", id=suggestion["id"], reason="rejected")
        agent.session = (await agent.ask("nes/start"))["sessionId"]
        assert agent.session != first
        assert (
            await refusal(agent, "nes/suggest", uri=URI, version=2, position={"line": 0, "character": 0}) < 0
        )
        assert len(await rename(agent)) == 1


async def test_a_closed_session_is_gone() -> None:
    async with acp_inside() as agent:
        await rename(agent)
        assert await agent.ask("nes/close") == {}
        assert await refusal(agent, "nes/suggest", uri=URI) == -32602
        assert await refusal(agent, "nes/close") == -32602
        agent.replace(URI, 0, 0, 0, "# ")
        assert (await agent.ask("nes/start"))["sessionId"], "a notification of no session harms nobody"


async def test_an_old_version_gets_nothing_and_an_unknown_document_a_sentence() -> None:
    async with acp_inside() as agent:
        await rename(agent)
        assert await agent.suggestions(URI, 0, 14, version=1) == []
        place = {"line": 0, "character": 0}
        with pytest.raises(Refused, match="document/didOpen"):
            await agent.ask("nes/suggest", uri=OTHER, version=1, position=place)


async def test_a_document_that_is_closed_or_replaced_has_no_history() -> None:
    async with acp_inside() as agent:
        await rename(agent)
        agent.change(URI, {"text": SOURCE})
        assert await agent.suggestions(URI, 0, 14) == []
        await rename(agent)
        agent.tell("document/didClose", uri=URI)
        agent.open(URI, SOURCE)
        assert await agent.suggestions(URI, 0, 14) == []


async def test_another_open_file_is_suggested_in() -> None:
    async with acp_inside() as agent:
        agent.open(OTHER, "from shapes import area\n\nprint(area(1, 2))\n")
        agent.open(URI, "def area(width, height):\n    return width * height\n")
        agent.replace(URI, 0, 4, 8, "surface")
        (suggestion,) = await agent.suggestions(URI, 0, 11)
        assert suggestion["uri"] == OTHER


async def test_every_message_that_makes_no_sense_is_answered_and_harms_nobody() -> None:
    async with acp_inside() as agent:
        codes: list[int] = []
        for line in (b"{", b"[]", b'{"jsonrpc":"2.0","id":{},"method":"nes/start"}', b'"x"'):
            agent.send_line(line)
            with pytest.raises(Refused) as refused:
                await agent.answer(None)
            codes.append(refused.value.code)
        assert codes == [-32700, -32600, -32600, -32600]
        assert await refusal(agent, "session/new", cwd="/", mcpServers=[]) == -32601
        assert await refusal(agent, "nes/suggest", uri=7, version="x", position=None) == -32602
        agent.send_line(b"")
        agent.tell("document/didSave", uri=URI)
        agent.tell("document/didChange", uri=URI, contentChanges="all of it")
        agent.tell("nes/accept", id=["x"])
        assert len(await rename(agent)) == 1


async def test_a_cancelled_request_is_answered_once() -> None:
    async with acp_inside() as agent:
        await rename(agent)
        place = {"line": 0, "character": 14}
        numbers: list[int] = []
        for _ in range(5):
            number = agent.request("nes/suggest", uri=URI, version=2, position=place, triggerKind="manual")
            agent.send({"method": "$/cancel_request", "params": {"requestId": number}})
            numbers.append(number)
        codes = set[int]()
        for number in numbers:
            try:
                await agent.answer(number)
            except Refused as refused:
                codes.add(refused.code)
        assert codes <= {-32800}
        assert len(await agent.suggestions(URI, 0, 14)) == 1
