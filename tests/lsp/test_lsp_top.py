"""What `foretype top` makes of two looks at the daemon."""

from __future__ import annotations

import io
from typing import Any

import attrs
import pytest
from foretype.daemon.wire.messages import DaemonStatus, ModelState, ModelStatus, RemoteStatus
from foretype.lsp.cli.top import Rates, Sample, rates, view
from foretype.lsp.session.status import STATUS, StatusBoard
from rich.console import Console


def sample(when: float, decode: int = 0, cached: int = 0, pid: int = 1) -> Sample:
    status = DaemonStatus(
        pid=pid,
        release="1",
        uptime_s=5.0,
        idle_s=0.0,
        clients=2,
        sessions=1,
        queued=0,
        model=ModelStatus(ModelState.READY, "tiny"),
        memory_bytes=2**20,
        prefill_tokens=100,
        cached_tokens=cached,
        decode_tokens=decode,
        draft_tokens=10,
        accepted_tokens=5,
    )
    return Sample(when, status)


def test_rates_are_differences_over_time_and_shares_over_a_life() -> None:
    assert rates(sample(1.0, 10), sample(3.0, 50, 300)) == Rates(0.0, 20.0, 0.0, 0.75, 0.5)


def test_another_daemon_or_no_time_gives_no_rates() -> None:
    for older in (None, sample(3.0, 10), sample(1.0, 10, pid=2), Sample(1.0, None, "gone")):
        assert rates(older, sample(3.0, 50)).decode == 0.0
    assert rates(sample(1.0), Sample(2.0, None, "gone")) == Rates()


def test_what_an_engine_elsewhere_had_cached_is_shown() -> None:
    remote = RemoteStatus(
        "gpu.example.org",
        "race",
        "openai",
        "coder",
        "qwen2.5-coder",
        requests=9,
        answered=6,
        aborted=3,
        late=1,
    )
    remote = attrs.evolve(remote, prompt_tokens=1000, cached_tokens=970, decode_tokens=50, wasted_tokens=5)
    look = sample(1.0)
    assert look.status is not None
    look = attrs.evolve(look, status=attrs.evolve(look.status, remote=remote))
    console = Console(width=160)
    with console.capture() as captured:
        console.print(view(look, rates(None, look)))
    shown = captured.get()
    assert "gpu.example.org, coder (openai, qwen2.5-coder)" in shown
    assert "97 % of 1000 prompt tokens cached" in shown
    assert "9 answers: 6 given, 1 of them late, 3 taken back" in shown
    assert "10 % of them for nobody" in shown


@pytest.mark.parametrize("look", [sample(1.0), Sample(1.0, None, "No daemon is running.")])
def test_every_look_can_be_drawn(look: Sample) -> None:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(view(look, rates(None, look)))
    shown = captured.get()
    assert "tiny" in shown or "No daemon" in shown


def test_what_is_read_of_a_file_is_shown_while_it_is_read() -> None:
    def shown(part: float) -> str:
        now = sample(1.0)
        status = now.status
        assert status is not None
        read = attrs.evolve(status, model=attrs.evolve(status.model, reading=part))
        console = Console(width=100, record=True, file=io.StringIO())
        console.print(view(Sample(1.0, read), Rates()))
        return console.export_text()

    assert "the file, 40 %" in shown(0.4)
    assert "reading" not in shown(1.0)


def test_a_status_bar_says_what_of_the_file_is_read() -> None:
    sent: list[dict[str, Any]] = []

    def send(_method: str, params: dict[str, Any]) -> None:
        sent.append(params)

    board = StatusBoard(send)
    board.tell(STATUS)
    board.model(ModelStatus(ModelState.READY, "tiny", reading=0.4))
    assert (sent[-1]["state"], sent[-1]["message"], sent[-1]["percent"]) == (
        "ready",
        "Reading the file, 40 %.",
        40,
    )
    board.running(1)
    assert (sent[-1]["state"], sent[-1]["percent"]) == ("busy", 40)
    board.model(ModelStatus(ModelState.READY, "tiny", reading=0.999))
    assert sent[-1]["percent"] == 99
    board.model(ModelStatus(ModelState.READY, "tiny"))
    assert (sent[-1]["message"], sent[-1]["percent"]) == ("", None)
    board.off("Switched off.")
    board.model(ModelStatus(ModelState.READY, "tiny", reading=0.5))
    assert sent[-1]["message"] == "Switched off."
