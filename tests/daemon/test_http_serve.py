"""`foretype serve` as plugins of llama-server know it: their requests, and everybody else's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from foretype.context.shared.values import StopReason
from foretype.daemon.http import server as http_server
from foretype.daemon.wire.messages import ModelState, ModelStatus
from foretype.tests.support.fake_engine import FakeEngine, until
from foretype.tests.support.http_plugin import RESPONSE_FIELDS, RING_UPDATE, Served, llama_vim, serving

SOURCE = "def twice(x):\n    ‸\n\n\ndef thrice(x):\n    return 3 * x\n"


def at_cursor(source: str) -> tuple[str, int]:
    return source.replace("‸", ""), source.index("‸")


def saying(text: str) -> FakeEngine:
    return FakeEngine(lambda _prompt: [text])


async def infill(served: Served, source: str, **changes: Any) -> dict[str, Any]:
    answer = await served.client.post("/infill", json=llama_vim(*at_cursor(source), **changes))
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


async def test_llama_vims_request_is_answered_with_the_fields_it_names() -> None:
    async with serving(saying("return 2 * x\n")) as served:
        answer = await infill(served, SOURCE.replace("‸", "re‸"))
        assert answer["content"] == "return 2 * x"
        assert set(answer) == set(RESPONSE_FIELDS)
        [call] = served.engine.of("complete")
        assert call.prompt is not None
        assert call.prompt.prefix == "def twice(x):\n    re"
        assert call.prompt.suffix.startswith("\n\n\ndef thrice(x):")


async def test_an_answer_has_passed_the_checks_of_every_other_front_end() -> None:
    async with serving(saying("x))\n\nprint(1)\n")) as served:
        answer = await infill(served, "print(str(‸))\n", response_fields=[])
        assert answer["content"] == "x"  # the closers stand there, and this client can only insert
        assert answer["stop"] is True
        assert answer["timings"]["prompt_n"] > 0


@pytest.mark.parametrize(
    ("source", "said", "content"),
    [
        (SOURCE, "return 2 * x\n", "    return 2 * x"),
        ("class A {\n\tvoid f() {\n\t\t‸\n\t}\n}\n", "g();\n", "\t\tg();"),
        ("x = 1\n‸\ny = 2\n", "z = 3\n", "z = 3"),
    ],
)
async def test_a_line_of_blanks_that_the_plugin_leaves_out_is_indented_again(
    source: str, said: str, content: str
) -> None:
    async with serving(saying(said)) as served:
        assert (await infill(served, source))["content"] == content


async def test_what_llama_vim_sends_to_have_chunks_read_costs_nothing() -> None:
    async with serving() as served:
        answer = await served.client.post("/infill", json=RING_UPDATE)
        assert answer.status_code == httpx.codes.OK
        assert served.engine.of("complete") == []


async def test_a_new_request_ends_the_one_before_it() -> None:
    engine = FakeEngine()
    engine.hold()
    async with serving(engine) as served:
        first = asyncio.create_task(infill(served, SOURCE))
        await until(lambda: engine.running is not None)
        second = asyncio.create_task(infill(served, SOURCE.replace("‸", "r‸")))
        answer = await first
        assert answer["content"] == ""
        engine.run_freely()
        assert (await second)["content"]
        assert [call.stop for call in engine.of("complete")] == [StopReason.CANCELLED, StopReason.END]


async def test_whoever_goes_away_takes_the_request_back() -> None:
    engine = FakeEngine()
    engine.hold()
    async with serving(engine) as served:
        body = json.dumps(llama_vim(*at_cursor(SOURCE))).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = f"POST /infill HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await until(lambda: engine.running is not None)
        writer.close()
        del reader
        await until(lambda: engine.running is None)
        assert [call.stop for call in engine.of("complete")] == [StopReason.CANCELLED]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Host": "example.com:8012"},
        {"Host": "127.0.0.1.example.com"},
        {"Host": ""},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
async def test_pages_in_a_browser_are_refused(headers: dict[str, str]) -> None:
    async with serving() as served:
        answer = await served.client.post("/infill", json=llama_vim("x = ", 4), headers=headers)
        assert answer.status_code in {400, 403}
        assert "access-control-allow-origin" not in answer.headers
        assert served.engine.of("complete") == []


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_client_that_sends_no_host_is_refused(version: str) -> None:
    async with serving() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(f"GET /props HTTP/{version}\r\n\r\n".encode())
        answer = await reader.read()
        assert answer.split()[1] in {b"400", b"403"}
        writer.close()


@pytest.mark.parametrize("path", ["/infill", "/completion", "/v1/completions"])
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"{", b'{"prompt": 7}', b'{"input_prefix": []}', b"[" * 100_000, b"\xff"]
)
async def test_a_request_that_says_nothing_gets_a_sentence(path: str, body: bytes) -> None:
    async with serving() as served:
        answer = await served.client.post(path, content=body)
        assert answer.status_code == httpx.codes.BAD_REQUEST
        assert answer.json()["error"]["message"].endswith(".")
        assert (await served.client.get("/health")).status_code == httpx.codes.OK


async def test_fifty_megabytes_are_refused_unread_and_the_next_one_is_answered() -> None:
    async with serving() as served:
        answer = await served.client.post("/infill", content=b"x" * 50_000_000)
        assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
        assert (await infill(served, SOURCE))["content"]


async def test_a_body_without_an_end_is_refused_as_well() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async with serving() as served:
        try:
            answer = await served.client.post("/infill", content=endless())
        except httpx.NetworkError:
            pass  # it went on sending for longer than anybody listened
        else:
            assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
        assert (await infill(served, SOURCE))["content"]


async def test_of_two_hundred_connections_each_is_answered_or_refused() -> None:
    async with serving() as served:
        limits = httpx.Limits(max_connections=200)
        address = f"http://127.0.0.1:{served.port}"
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30.0) as crowd:
            answers = await asyncio.gather(
                *(crowd.post("/infill", json=llama_vim(f"a{n} = ", len(f"a{n} = "))) for n in range(200))
            )
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) <= {200, 503}
        assert statuses.count(200) >= http_server.MOST_CONNECTIONS // 2
        assert (await infill(served, SOURCE))["content"]


async def test_a_token_is_asked_for_where_one_is_set() -> None:
    async with serving(token="secret") as served:
        body = llama_vim(*at_cursor(SOURCE))
        assert (await served.client.post("/infill", json=body)).status_code == httpx.codes.UNAUTHORIZED
        wrong = {"Authorization": "Bearer other"}
        assert (await served.client.post("/infill", json=body, headers=wrong)).status_code == 401
        right = {"Authorization": "Bearer secret"}
        assert (await served.client.post("/infill", json=body, headers=right)).status_code == 200
        assert (await served.client.get("/health")).status_code == 200
        assert (await served.client.get("/props")).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "def twice(x):\n    ", "suffix": "\n\ndef thrice(x):\n", "max_tokens": 64},
        {"prompt": "<fim_prefix>def twice(x):\n    <fim_suffix>\n\ndef thrice(x):\n<fim_middle>"},
        {"prompt": "<|fim_prefix|>def twice(x):\n    <|fim_suffix|>\n\ndef thrice(x):\n<|fim_middle|>"},
    ],
    ids=["a suffix", "markers", "other markers"],
)
async def test_completions_say_what_stands_around_the_cursor(body: dict[str, Any]) -> None:
    async with serving(saying("return 2 * x\n")) as served:
        answer = (await served.client.post("/v1/completions", json=body)).json()
        assert answer["choices"][0]["text"] == "return 2 * x"
        assert answer["choices"][0]["finish_reason"] == "stop"
        [call] = served.engine.of("complete")
        assert call.prompt is not None
        assert call.prompt.prefix == "def twice(x):\n    "
        assert call.prompt.suffix == "\n\ndef thrice(x):\n"


@pytest.mark.parametrize("path", ["/completion", "/v1/completions"])
async def test_whoever_wants_events_gets_the_checked_text_in_one(path: str) -> None:
    async with serving(saying("return 2 * x\n")) as served:
        body = {"prompt": "def twice(x):\n    ", "stream": True, "stop": [" *"]}
        answer = await served.client.post(path, json=body)
        assert answer.headers["content-type"] == "text/event-stream"
        events = [line.removeprefix("data: ") for line in answer.text.split("\n") if line]
        first = json.loads(events[0])
        assert first.get("content", first.get("choices", [{}])[0].get("text")) == "return 2"


async def test_health_says_whether_the_model_is_there() -> None:
    async with serving() as served:
        served.server.on_model(ModelStatus(ModelState.LOADING))
        assert (await served.client.get("/health")).status_code == httpx.codes.SERVICE_UNAVAILABLE
        served.server.on_model(ModelStatus(ModelState.READY, "fake", context_tokens=2048))
        assert (await served.client.get("/health")).json() == {"status": "ok"}
        properties = (await served.client.get("/props")).json()
        assert properties["default_generation_settings"]["n_ctx"] == 2048


async def test_without_a_model_the_sentence_says_why() -> None:
    engine = FakeEngine()
    engine.refuse_with = "There is no model yet; 'foretype models pull' gets one."
    async with serving(engine) as served:
        answer = await served.client.post("/infill", json=llama_vim(*at_cursor(SOURCE)))
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.json()["error"]["message"] == engine.refuse_with


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/infill", 405), ("POST", "/x", 404)])
async def test_what_is_not_there_is_said(method: str, path: str, status: int) -> None:
    async with serving() as served:
        assert (await served.client.request(method, path)).status_code == status
