"""The messages between a language server and the daemon, and their MessagePack codec.

The one definition that both ends import. The wire is the MessagePack-RPC specification: a request is
`[0, id, method, [params]]`, its response `[1, id, error, result]`, a notification
`[2, method, [params]]`. `params` is always one map, the fields of one of the classes below. Streamed
text and progress are notifications from the daemon, cancellation is one from the client. Nothing here
opens a socket.

Text travels as UTF-8; lone surrogates, which editors do send and PEP 383 makes, survive the way.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any, TypeVar

import attrs
import msgpack as _msgpack
from cattrs.preconf.msgpack import make_converter

from ...context.shared.values import Completion, Prompt, Restriction, StopRules
from .latency_histogram import LatencyHistogram
from .remote_status import RemoteStatus

msgpack: Any = _msgpack  # it carries no types

VERSION = 1
"""Raised whenever a message changes its meaning. Client and daemon of different versions part politely."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A frame above this loses its connection. A prompt is a few ten thousand bytes."""

MAX_ITEMS = 65536
"""The longest list or map in a frame: what a header may announce before its items have arrived."""

_T = TypeVar("_T")


class Priority(enum.IntEnum):
    """Who goes first. A lower number preempts a higher one, in the middle of decoding if need be."""

    INTERACTIVE = 0
    PREFETCH = 1
    WARM_UP = 2


@attrs.frozen
class Hello:
    """The first request on a connection ("hello"); answered with `Welcome`.

    Attributes:
        version: of the protocol that the client speaks.
        client: what it is, for the daemon's log, such as "foretype lsp".
        pid: its process.
    """

    version: int = VERSION
    client: str = ""
    pid: int = 0


@attrs.frozen
class Welcome:
    """The daemon's answer to `Hello`."""

    version: int
    release: str
    pid: int


@attrs.frozen
class CompletionRequest:
    """Ask for one completion ("complete"); answered with `Completion`.

    Attributes:
        session: names the document in this editor. A newer request of a session supersedes the older.
        prompt: what stands around the cursor.
        rules: where to stop.
        priority: who goes first.
        stream: send `Delta` notifications while decoding; for interactive requests only, since what is
            preempted begins again.
        temperature: 0.0 decodes greedily; higher samples (for further candidates).
        seed: makes sampling repeatable.
        whole: evaluate all of the prompt first, however long that takes; else a prompt that takes longer
            than the latency budget is answered from a part of it, and `Completion.context` says so.
        restriction: how the answer must begin. A daemon that doesn't know of it answers freely, and says so:
            `Completion.name_logprob` is None then.
        local_only: the workspace forbids that this leaves the machine.
    """

    session: str
    prompt: Prompt
    rules: StopRules
    priority: Priority = Priority.INTERACTIVE
    stream: bool = False
    temperature: float = 0.0
    seed: int = 0
    whole: bool = False
    restriction: Restriction | None = None
    local_only: bool = False


@attrs.frozen
class WarmRequest:
    """Evaluate a prompt without generating ("warm"), at warm-up priority; answered with null.

    Attributes:
        session: names the document in this editor.
        prompt: what stands around the cursor.
        local_only: the workspace forbids that this leaves the machine.
    """

    session: str
    prompt: Prompt
    local_only: bool = False


@attrs.frozen
class ForgetRequest:
    """A document was closed ("forget"): its cells may go; answered with null."""

    session: str


@attrs.frozen
class Delta:
    """More text of a running completion (notification "delta"). `id` is the request's."""

    id: int
    text: str


@attrs.frozen
class Cancel:
    """Take a request back (notification "cancel"). It is still answered, as CANCELLED."""

    id: int


class ModelState(enum.StrEnum):
    """What the daemon's model is doing."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    READY = "ready"
    ERROR = "error"


@attrs.frozen
class ModelStatus:
    """The model, as one line of `foretype daemon status` and as notification "model".

    Attributes:
        state: see `ModelState`.
        name: the catalogue name or file name.
        path: the GGUF file.
        fraction: loaded part, 0.0 to 1.0.
        detail: for ERROR one sentence that says what happened and what to do next.
        parameters: number of weights.
        context_tokens: how many tokens the KV cache holds.
        fim: the fill-in-the-middle format in use ("plain" when the model has no markers).
        sees_suffix: the model is shown what stands behind the cursor; believed until it is loaded.
        tokens_per_s: what this machine evaluates of a prompt with it, as measured; 0 before it is loaded.
        tuning: the daemon uses an idle time to measure which form of the model is the fastest here.
        elsewhere: where code is sent, a host and a port; "" while it stays on this machine.
        reading: which part of the file is read that was opened or typed in last, 0.0 to 1.0; answers see
            all of it from 1.0 on.
    """

    state: ModelState = ModelState.UNLOADED
    name: str = ""
    path: str = ""
    fraction: float = 0.0
    detail: str = ""
    parameters: int = 0
    context_tokens: int = 0
    fim: str = ""
    sees_suffix: bool = True
    tokens_per_s: float = 0.0
    tuning: bool = False
    elsewhere: str = ""
    reading: float = 1.0


@attrs.frozen
class DaemonStatus:
    """Answer to "status".

    Attributes:
        pid: the daemon's process id.
        release: foretype's version.
        uptime_s: seconds since the start.
        idle_s: seconds since the last request.
        clients: open connections.
        sessions: documents with cells in the KV cache.
        queued: requests waiting for the engine.
        model: see `ModelStatus`.
        memory_bytes: resident set size of the daemon, the mapped model included.
        requests: completions answered since the start.
        prefill_tokens: tokens evaluated as prompt since the start.
        cached_tokens: prompt tokens found in the KV cache since the start.
        decode_tokens: tokens generated since the start.
        draft_tokens: tokens drafted since the start.
        accepted_tokens: drafted tokens confirmed since the start.
        latencies: how long answers took, by stage; none from a daemon that doesn't count them.
        remote: the engine elsewhere; None where none is set.
        restarts: daemons before this one that crashed or were killed, since the runtime directory was made.
    """

    pid: int
    release: str
    uptime_s: float
    idle_s: float
    clients: int
    sessions: int
    queued: int
    model: ModelStatus
    memory_bytes: int
    requests: int = 0
    prefill_tokens: int = 0
    cached_tokens: int = 0
    decode_tokens: int = 0
    draft_tokens: int = 0
    accepted_tokens: int = 0
    latencies: tuple[LatencyHistogram, ...] = ()
    remote: RemoteStatus | None = None
    restarts: int = 0


def reading_in_words(part: float) -> str:
    """How much of the file that was opened or typed in last is read, for people; "" when all of it is."""
    return "" if part >= 1.0 else f"the file, {100 * part:.0f} %"


class Method(enum.StrEnum):
    """Every method name on the wire."""

    HELLO = "hello"  # Hello -> Welcome
    COMPLETE = "complete"  # CompletionRequest -> Completion
    WARM = "warm"  # WarmRequest -> None
    FORGET = "forget"  # ForgetRequest -> None
    LOAD = "load"  # no params -> ModelStatus once the model is ready or has failed
    STATUS = "status"  # no params -> DaemonStatus
    STOP = "stop"  # no params -> None, then the daemon ends
    CANCEL = "cancel"  # notification Cancel, client to daemon
    DELTA = "delta"  # notification Delta, daemon to client
    MODEL = "model"  # notification ModelStatus, daemon to client, whenever it changes


@attrs.frozen
class Request:
    """A decoded request frame; `params` is still a plain map."""

    id: int
    method: str
    params: dict[str, Any]


@attrs.frozen
class Response:
    """A decoded response frame. `error` is a sentence or None."""

    id: int
    error: str | None
    result: Any


@attrs.frozen
class Notification:
    """A decoded notification frame; `params` is still a plain map."""

    method: str
    params: dict[str, Any]


Frame = Request | Response | Notification


class ProtocolError(Exception):
    """The other side sent bytes that are no frame of this protocol; the connection is lost."""


_converter = make_converter()


def to_wire(value: object) -> Any:
    """Turn a message value into plain maps, lists and scalars."""
    return _converter.unstructure(value)


def from_wire(kind: type[_T], data: Any) -> _T:
    """Build a message value from what came over the wire.

    Raises:
        ProtocolError: `data` does not have the shape of `kind`.
    """
    try:
        return _converter.structure(data, kind)
    except Exception as error:
        raise ProtocolError(f"a {kind.__name__} message has the wrong shape") from error


def _pack(frame: list[Any]) -> bytes:
    return msgpack.packb(frame, unicode_errors="surrogatepass")


def encode_request(number: int, method: Method, params: object = None) -> bytes:
    """Encode `[0, id, method, [params]]`."""
    return _pack([0, number, method.value, [{} if params is None else to_wire(params)]])


def encode_response(number: int, error: str | None, result: object = None) -> bytes:
    """Encode `[1, id, error, result]`."""
    return _pack([1, number, error, to_wire(result)])


def encode_notification(method: Method, params: object) -> bytes:
    """Encode `[2, method, [params]]`."""
    return _pack([2, method.value, [to_wire(params)]])


class FrameReader:
    """Cuts a stream of bytes into frames. Its state is the bytes of the frame that is not yet complete."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker(
            raw=False,
            unicode_errors="surrogatepass",
            max_buffer_size=MAX_MESSAGE_BYTES,
            strict_map_key=True,
            max_array_len=MAX_ITEMS,
            max_map_len=MAX_ITEMS,
            max_ext_len=0,
        )

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield every frame that `data` completes.

        Raises:
            ProtocolError: the bytes are no MessagePack, no frame, or a frame is over `MAX_MESSAGE_BYTES`.
        """
        try:
            self._unpacker.feed(data)
            for item in self._unpacker:
                yield _frame(item)
        except ProtocolError:
            raise
        except Exception as error:
            raise ProtocolError("the other side sent something that is not MessagePack-RPC") from error


def _frame(item: Any) -> Frame:
    match item:
        case [0, int(number), str(method), [dict()]]:
            return Request(number, method, item[3][0])
        case [1, int(number), None | str() as error, result]:
            return Response(number, error, result)
        case [2, str(method), [dict()]]:
            return Notification(method, item[2][0])
        case _:
            raise ProtocolError("the other side sent something that is not a frame of foretype's protocol")


__all__ = [
    "MAX_ITEMS",
    "MAX_MESSAGE_BYTES",
    "VERSION",
    "Cancel",
    "Completion",
    "CompletionRequest",
    "DaemonStatus",
    "Delta",
    "ForgetRequest",
    "Frame",
    "FrameReader",
    "Hello",
    "Method",
    "ModelState",
    "ModelStatus",
    "Notification",
    "Priority",
    "Prompt",
    "ProtocolError",
    "RemoteStatus",
    "Request",
    "Response",
    "StopRules",
    "WarmRequest",
    "Welcome",
    "encode_notification",
    "encode_request",
    "encode_response",
    "from_wire",
    "reading_in_words",
    "to_wire",
]
