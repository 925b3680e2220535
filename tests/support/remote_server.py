"""A completion server for tests, on loopback: it speaks every protocol, and goes wrong when it is told to.

Its model is a function from the prompt's text to tokens; its cache is the longest beginning that it has seen.
Each request for an answer takes the next fault from a schedule. Time passes only where a fault says so, and
what a client sent is kept as it came, so that a test can look at the wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import attrs

MARKERS = {"<fim_prefix>": 1, "<fim_middle>": 2, "<fim_suffix>": 3, "<fim_pad>": 4, "<|endoftext|>": 0}
"""Those of the vocabulary; StarCoder's."""

_WORDS = re.compile("|".join([*map(re.escape, MARKERS), r"\w+", r"[ \t]+", r"[^\w \t]"]))

Model = Callable[[str], Sequence[str]]


@attrs.frozen
class Fault:
    """What goes wrong with one answer; see `RemoteServer._fail`.

    Attributes:
        kind: "" for nothing.
        number: tokens before it, a status, or bytes, as the kind has it.
        delay_s: seconds before anything is said.
        headers: further headers of an answer.
    """

    kind: str = ""
    number: int = 0
    delay_s: float = 0.0
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


@attrs.frozen
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw) if self.raw else {}

    @property
    def prompt(self) -> str:
        """The text of the prompt, markers spelled out."""
        found = self.body.get("prompt", "")
        texts = {number: text for text, number in MARKERS.items()}
        row = [found] if isinstance(found, str) else cast("list[Any]", found)
        return "".join(texts.get(part, f"<{part}>") if isinstance(part, int) else part for part in row)


def forty_two(_prompt: str) -> Sequence[str]:
    """What the model says unless a test says otherwise."""
    return ("return", " ", "42", "\n")


@attrs.define
class RemoteServer:
    """Its state: what it has received, its cache, the schedule, how many streams are open or were left."""

    protocol: str = "llama-server"
    model: Model = forty_two
    name: str = "tiny-starcoder"
    slots: int = 4
    faults: list[Fault] = attrs.field(factory=list[Fault])
    always: Fault = attrs.field(factory=Fault)
    key: str = ""
    token_s: float = 0.0
    received: list[Received] = attrs.field(factory=list[Received])
    open: int = 0
    most_open: int = 0
    aborted: int = 0
    port: int = 0
    refuses_extras: bool = False
    unknown_markers: bool = False
    _cache: list[list[str]] = attrs.field(factory=list[list[str]])
    _held: asyncio.Event | None = None

    secure: bool = False

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}"

    def hold(self) -> None:
        """From now on no answer begins before `release`."""
        self._held = asyncio.Event()

    def release(self) -> None:
        if self._held is not None:
            self._held.set()

    @property
    def asked(self) -> list[Received]:
        """The requests for an answer."""
        return [each for each in self.received if each.path in ANSWERING and wanted(each.body)]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while (request := await _read(reader)) is not None:
                self.received.append(request)
                if not await self._answer(request, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; False ends the connection."""
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return await _send(writer, 401, b'{"error": "no"}')
        if request.path not in ANSWERING:
            found = self._facts(request)
            return await _send(writer, 200 if found else 404, json.dumps(found or {"error": "no"}).encode())
        if not wanted(request.body):
            self._cached(request.prompt)
            return await _send(writer, 200, json.dumps({"content": "", "stop": True}).encode())
        fault = self.faults.pop(0) if self.faults else self.always
        if self.refuses_extras and "logprobs" in request.body:
            fault = Fault("status", 400)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        left = asyncio.ensure_future(reader.read(1))  # whoever speaks again or leaves ends the answer
        work = asyncio.ensure_future(self._speak(request, fault, writer))
        try:
            await asyncio.wait({left, work}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self.aborted += 1
                return False
            return work.result() and not left.done()
        finally:
            self.open -= 1
            for task in (left, work):
                task.cancel()
            await asyncio.gather(left, work, return_exceptions=True)

    async def _speak(self, request: Received, fault: Fault, writer: asyncio.StreamWriter) -> bool:
        if self._held is not None:
            await self._held.wait()
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.kind not in STREAMING:
            return await self._fail(fault, writer)
        await _head(writer, 200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        cached, total = self._cached(request.prompt)
        for count, (text, stop) in enumerate(spoken(request.body, self.model(request.prompt))):
            if count == fault.number and fault.kind and not await self._fail(fault, writer):
                return False
            counts = (cached, total, count + 1)
            if fault.kind == "loris":
                await self._slowly(writer, request, text, counts)
            await _chunk(writer, self._line(request, text, stop, counts))
            await asyncio.sleep(self.token_s)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _slowly(
        self, writer: asyncio.StreamWriter, request: Received, text: str, counts: tuple[int, int, int]
    ) -> None:
        """An event of blanks, one byte after the other."""
        for _ in self._line(request, text, None, counts):
            await _chunk(writer, b" ")
            await asyncio.sleep(0.01)

    async def _fail(self, fault: Fault, writer: asyncio.StreamWriter) -> bool:
        """Go wrong; True where the answer goes on all the same."""
        match fault.kind:
            case "drop" | "cut":
                writer.transport.abort()
                return False
            case "hang" | "stall":
                await asyncio.sleep(3600)
                return False
            case "endless":
                await _head(writer, 200, {"Transfer-Encoding": "chunked"})
                while not writer.is_closing():
                    await _chunk(writer, b"x" * 65536)
                return False
            case "wrong length":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b'data: {"content":')
                await writer.drain()
                return False
            case "error":
                await _chunk(writer, b'data: {"error": {"message": "out of memory"}}\n\n')
                return True
            case "loris":
                return True
            case _:
                return await _send(writer, *refusal(fault))

    def _line(self, request: Received, text: str, stop: str | None, counts: tuple[int, int, int]) -> bytes:
        cached, total, decoded = counts
        limit = stop == "length"
        if request.path in ("/completion", "/infill"):
            kind = "limit" if limit else "eos" if stop == "eos" else "word"
            timings = {"cache_n": cached, "prompt_n": total - cached}
            event: dict[str, Any] = {"content": text, "stop": stop is not None, "tokens_predicted": decoded}
            event |= {"timings": timings}
            if stop is not None:
                event |= {"stop_type": kind, "stopping_word": stop if kind == "word" else ""}
            elif request.body.get("n_probs"):
                event["completion_probabilities"] = [_chance(text)]
        elif request.path == "/api/generate":
            event = {"response": text, "done": stop is not None, "logprobs": [_chance(text)] if text else []}
            if stop is not None:
                event |= {"done_reason": "length" if limit else "stop", "prompt_eval_count": total}
                event |= {"eval_count": decoded}
            return json.dumps(event).encode() + b"\n"
        else:
            usage = {"prompt_tokens": total, "completion_tokens": decoded}
            usage |= {"prompt_tokens_details": {"cached_tokens": cached}}
            reason = None if stop is None else "length" if limit else "stop"
            choice: dict[str, Any] = {"index": 0, "finish_reason": reason, "stop_reason": stop}
            if request.path == "/v1/fim/completions":
                choice["delta"] = {"content": text}
            else:
                choice["text"] = text
                if request.body.get("logprobs") and text:
                    choice["logprobs"] = {
                        "tokens": [text],
                        "token_logprobs": [-0.1],
                        "top_logprobs": [{text: -0.1}],
                    }
            event = {"choices": [choice]} | ({"usage": usage} if stop is not None else {})
        return b"data: " + json.dumps(event).encode() + b"\n\n"

    def _cached(self, prompt: str) -> tuple[int, int]:
        """How many tokens of a prompt were seen before, and how many it has."""
        tokens = cut(prompt)
        cached = max((_shared(tokens, known) for known in self._cache), default=0)
        self._cache = [*self._cache, tokens][-self.slots * 4 :]
        return min(cached, max(0, len(tokens) - 1)), len(tokens)

    def _facts(self, request: Received) -> Any:
        """What the server says of itself; None where its protocol has no such place."""
        match self.protocol, request.path:
            case "llama-server", "/props":
                return {
                    "total_slots": self.slots,
                    "model_alias": self.name,
                    "default_generation_settings": {"n_ctx": 4096},
                }
            case "llama-server", "/health":
                return {"status": "ok"}
            case "llama-server", "/tokenize":
                pieces = [] if self.unknown_markers else cut(request.body["content"])
                return {"tokens": [{"id": number_of(piece), "piece": piece} for piece in pieces]}
            case "vllm", "/tokenize":
                pieces = cut(request.body["prompt"])
                ids = [number_of(piece) for piece in pieces]
                return {"tokens": ids, "token_strs": pieces, "count": len(pieces), "max_model_len": 4096}
            case (("vllm" | "openai" | "llama-server"), "/v1/models"):
                owner = {"vllm": "vllm", "openai": "somebody", "llama-server": "llamacpp"}[self.protocol]
                return {"data": [{"id": self.name, "owned_by": owner, "max_model_len": 4096}]}
            case "mistral", "/v1/models":
                return {"data": [{"id": "codestral-latest", "capabilities": {"completion_fim": True}}]}
            case "ollama", "/api/tags":
                return {"models": [{"name": self.name}]}
            case "ollama", "/api/show":
                return {"capabilities": ["completion", "insert"]}
            case _:
                return None


ANSWERING = ("/completion", "/infill", "/v1/completions", "/api/generate", "/v1/fim/completions")


def wanted(body: Mapping[str, Any]) -> bool:
    """Whether a request wants an answer, and not only its prompt evaluated."""
    return body.get("stream") is True


def refusal(fault: Fault) -> tuple[int, bytes, Mapping[str, str]]:
    """Status, body and headers of an answer that is none."""
    match fault.kind:
        case "status":
            loading = b'{"error": {"message": "Loading model", "type": "unavailable_error"}}'
            return fault.number, loading if fault.number == 503 else b'{"error": "no"}', fault.headers
        case "redirect":
            return 307, b"", {"Location": "http://127.0.0.2:9/steal", **fault.headers}
        case "html":
            page = b"<!DOCTYPE html><html><body>Please log in</body></html>"
            return 200, page, {"Content-Type": "text/html"}
        case "garbage":
            return 200, bytes(range(128, 256)) * 4 + b"\n", {}
        case _:
            raise AssertionError(fault.kind)


STREAMING = ("", "cut", "loris", "error", "stall")
"""Faults that come in the middle of an answer; all others come in its place."""


def spoken(body: Mapping[str, Any], tokens: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """What a model says until something ends it: texts, and with the last one what ended it."""
    options = body.get("options", body)
    most = next(
        (options[name] for name in ("n_predict", "max_tokens", "num_predict") if name in options), 1000
    )
    stops: list[str] = options.get("stop") or []
    for count, token in enumerate(tokens):
        if count >= most:
            yield "", "length"
            return
        found = next((each for each in stops if each in token), None)
        if found is not None:
            yield token[: token.index(found)], found
            return
        yield token, None
    yield "", "eos"


def cut(text: str) -> list[str]:
    """A text as tokens; markers are found in it, as servers do."""
    return _WORDS.findall(text)


def number_of(piece: str) -> int:
    """The id of a token."""
    return MARKERS.get(piece, 1000 + sum(piece.encode()) % 40000)


def _shared(some: Sequence[str], others: Sequence[str]) -> int:
    return next(
        (at for at, pair in enumerate(zip(some, others, strict=False)) if pair[0] != pair[1]),
        min(len(some), len(others)),
    )


def _chance(text: str) -> dict[str, Any]:
    return {"token": text, "bytes": list(text.encode()), "logprob": -0.1, "top_logprobs": []}


async def _read(reader: asyncio.StreamReader) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, raw)


async def _head(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str]) -> None:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    await writer.drain()


async def _send(
    writer: asyncio.StreamWriter, status: int, body: bytes, headers: Mapping[str, str] | None = None
) -> bool:
    kind = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    await _head(writer, status, {**kind, **(headers or {})})
    writer.write(body)
    await writer.drain()
    return True


async def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


@contextlib.asynccontextmanager
async def remote_server(*, tls: ssl.SSLContext | None = None, **how: Any) -> AsyncGenerator[RemoteServer]:
    """A server that runs in this event loop, on a port of loopback that nobody else has."""
    served = RemoteServer(**how, secure=tls is not None)
    listening = await asyncio.start_server(served.connected, "127.0.0.1", 0, ssl=tls)
    served.port = listening.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        served.release()
        listening.close()
