"""The wire: whatever is sent arrives as it was, in whatever pieces, and garbage ends only the connection."""

from __future__ import annotations

import itertools
from typing import Any

import msgpack as _msgpack
import pytest
from foretype.context.shared.values import RelatedPart, Restriction, Stage, StopReason, Timings
from foretype.daemon.wire import messages as protocol
from foretype.daemon.wire.messages import (
    Completion,
    CompletionRequest,
    FrameReader,
    Method,
    Notification,
    Priority,
    Prompt,
    ProtocolError,
    Request,
    Response,
    StopRules,
    from_wire,
)
from hypothesis import given
from hypothesis import strategies as st

msgpack: Any = _msgpack

# Lone surrogates included: editors send them, and Python makes them of undecodable bytes.
texts = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=40)
floats = st.floats(allow_nan=False)
counts = st.integers(0, 1 << 40)

requests = st.builds(
    CompletionRequest,
    session=texts,
    prompt=st.builds(
        Prompt,
        prefix=texts,
        suffix=texts,
        path=texts,
        language=texts,
        related=st.lists(st.builds(RelatedPart, texts, texts, texts, floats), max_size=3).map(tuple),
    ),
    rules=st.builds(StopRules, next_line=texts, max_tokens=counts, budget_ms=floats, multiline=st.booleans()),
    priority=st.sampled_from(Priority),
    seed=counts,
    restriction=st.none() | st.builds(Restriction, texts, st.lists(texts, max_size=3).map(tuple)),
)
completions = st.builds(
    Completion,
    text=texts,
    stop=st.sampled_from(StopReason),
    stage=st.sampled_from(Stage),
    timings=st.builds(Timings, queue_ms=floats, prefill_tokens=counts),
    mean_logprob=floats,
    ends=st.lists(counts, max_size=3).map(tuple),
    detail=texts,
    name_logprob=st.none() | floats,
)


@given(requests, st.integers(0, 1 << 31))
def test_a_request_arrives_as_it_was_sent(request: CompletionRequest, number: int) -> None:
    (frame,) = FrameReader().feed(protocol.encode_request(number, Method.COMPLETE, request))
    assert isinstance(frame, Request)
    assert (frame.id, frame.method) == (number, "complete")
    assert from_wire(CompletionRequest, frame.params) == request


@given(completions, st.none() | texts)
def test_an_answer_arrives_as_it_was_sent(completion: Completion, error: str | None) -> None:
    (frame,) = FrameReader().feed(protocol.encode_response(7, error, completion))
    assert isinstance(frame, Response)
    assert frame.error == error
    assert from_wire(Completion, frame.result) == completion


@given(completions)
def test_a_peer_that_does_not_say_where_tokens_end_is_understood(completion: Completion) -> None:
    sent = protocol.to_wire(completion)
    del sent["ends"]
    assert from_wire(Completion, sent).ends == ()
    assert from_wire(Completion, {**sent, "ends": [1], "unheard-of": 2}).ends == (1,)


def test_who_does_not_know_of_restrictions_is_understood_and_understands() -> None:
    """An older client says nothing of one, an older daemon answers freely; unknown fields are skipped."""
    request = CompletionRequest("s", Prompt("x"), StopRules(), restriction=Restriction("a = ", ("b",)))
    said = protocol.to_wire(request)
    assert from_wire(CompletionRequest, {**said, "of_tomorrow": [1]}) == request
    del said["restriction"]
    assert from_wire(CompletionRequest, said).restriction is None
    answer = protocol.to_wire(Completion("x", StopReason.END, name_logprob=-1.0))
    assert from_wire(Completion, {**answer, "of_tomorrow": 1}).name_logprob == -1.0
    del answer["name_logprob"]
    assert from_wire(Completion, answer).name_logprob is None


@given(st.lists(requests, min_size=1, max_size=3), st.lists(st.integers(0, 2000), max_size=6))
def test_frames_may_be_cut_at_any_byte(sent: list[CompletionRequest], cuts: list[int]) -> None:
    stream = b"".join(
        protocol.encode_request(number, Method.COMPLETE, request) for number, request in enumerate(sent)
    )
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    reader = FrameReader()
    got = [frame for begin, end in itertools.pairwise(places) for frame in reader.feed(stream[begin:end])]
    assert [from_wire(CompletionRequest, frame.params) for frame in got if isinstance(frame, Request)] == sent


def test_one_byte_at_a_time_is_enough() -> None:
    stream = protocol.encode_notification(Method.DELTA, protocol.Delta(3, "né"))
    reader = FrameReader()
    got = [frame for byte in stream for frame in reader.feed(bytes([byte]))]
    assert got == [Notification("delta", {"id": 3, "text": "né"})]


@given(st.binary(max_size=200))
def test_garbage_is_a_protocol_error_or_an_unfinished_frame(garbage: bytes) -> None:
    frames: list[protocol.Frame] = []
    try:
        frames += FrameReader().feed(garbage)
    except ProtocolError:
        pass
    assert all(isinstance(frame, Request | Response | Notification) for frame in frames)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    )
)
def test_only_frames_are_frames(value: Any) -> None:
    try:
        frames = list(FrameReader().feed(msgpack.packb(value)))
    except ProtocolError:
        return
    assert isinstance(value, list)
    assert value[0] in (0, 1, 2)
    assert len(frames) == 1


def check_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(FrameReader().feed(data))


def test_a_frame_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_MESSAGE_BYTES", 1000)
    check_refused(protocol.encode_response(1, None, "x" * 2000))


def test_a_header_that_announces_billions_is_refused_before_they_come() -> None:
    check_refused(b"\xdd\xff\xff\xff\xff")
    check_refused(b"\x94\x00\x01\xa1x\x91\xdf\xff\xff\xff\xff")


def test_deep_nesting_is_refused() -> None:
    check_refused(b"\x91" * 100_000)


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text(max_size=4), max_size=4))
def test_a_map_of_the_wrong_shape_is_a_protocol_error(params: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="CompletionRequest"):
        from_wire(CompletionRequest, params)
