"""A bar is shown once the client has agreed to it, and never where it has not."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from foretype.daemon.wire.messages import ModelState, ModelStatus
from foretype.lsp.protocol.progress import WorkProgress
from foretype.lsp.session.status import ModelProgress


class Editor:
    """What was asked and sent. Its state: the answers that it still owes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.sent: list[tuple[Any, ...]] = []
        self.tokens: set[str] = set()
        self.answer: Future[Any] = Future()

    def ask(self, method: str, params: Any) -> Future[Any]:
        self.asked.append((method, params.token))
        return self.answer

    def notify(self, method: str, params: Any) -> None:
        assert method == "$/progress"
        self.tokens.add(params.token)
        value = params.value
        self.sent.append((value.kind, getattr(value, "percentage", None), getattr(value, "message", None)))

    def begin(self) -> WorkProgress:
        return WorkProgress(self.ask, self.notify, "Reading")


def test_a_bar_goes_from_begin_over_reports_to_end_under_the_token_that_was_asked_for() -> None:
    editor = Editor()
    bar = editor.begin()
    editor.answer.set_result(None)
    bar.report(1, 4)
    bar.report(2, 4, "half")
    bar.end("read")
    assert editor.sent == [
        ("begin", 0, None),
        ("report", 25, None),
        ("report", 50, "half"),
        ("end", None, "read"),
    ]
    assert editor.asked == [("window/workDoneProgress/create", *editor.tokens)]


def test_what_comes_before_the_clients_answer_waits_and_only_the_newest_report_is_kept() -> None:
    editor = Editor()
    bar = editor.begin()
    for done in range(1000):
        bar.report(done, 1000)
    bar.end()
    assert editor.sent == []
    editor.answer.set_result(None)
    assert editor.sent == [("begin", 0, None), ("report", 99, None), ("end", None, None)]


def test_a_client_that_refuses_hears_nothing_more() -> None:
    editor = Editor()
    bar = editor.begin()
    bar.report(1, 2)
    editor.answer.set_exception(RuntimeError("no bars here"))
    bar.report(2, 2)
    bar.end()
    assert editor.sent == []


def test_the_same_percent_is_not_sent_twice_and_an_unknown_total_has_none() -> None:
    editor = Editor()
    bar = editor.begin()
    editor.answer.set_result(None)
    bar.report(0, 0, "looking")
    bar.report(0, 0, "looking")
    bar.report(100, 10_000)
    bar.report(101, 10_000)
    assert editor.sent[1:] == [("report", None, "looking"), ("report", 1, None)]


def test_an_ended_bar_says_nothing_more_and_every_bar_has_a_token_of_its_own() -> None:
    editor = Editor()
    first, second = editor.begin(), editor.begin()
    editor.answer.set_result(None)
    first.end("done")
    first.end("again")
    first.report(1, 2)
    second.end()
    assert [kind for kind, *_ in editor.sent] == ["begin", "begin", "end", "end"]
    assert len(editor.tokens) == 2


def test_tuning_has_a_bar_for_as_long_as_it_lasts() -> None:
    editor = Editor()
    editor.answer.set_result(None)
    progress = ModelProgress(lambda _title: editor.begin())
    for tuning in (False, True, True, False, False):
        progress.update(ModelStatus(ModelState.READY, "tiny", tuning=tuning))
    assert [kind for kind, *_ in editor.sent] == ["begin", "end"]
