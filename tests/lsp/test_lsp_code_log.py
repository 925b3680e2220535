"""`[log] include_code`: what the log holds of the user's code; no model is needed for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foretype.context.shared.values import Completion, Prompt, RelatedPart, StopReason, StopRules
from foretype.daemon.wire.messages import (
    CompletionRequest,
    DaemonStatus,
    ForgetRequest,
    ModelState,
    ModelStatus,
    WarmRequest,
)
from foretype.lsp.session.code_log import CodeLog
from foretype.tests.support.lsp_client import connected, python
from foretype.tests.support.private_home import private_home

SERVER = python("-P", "-m", "foretype.lsp", "--in-process")
CODE = "wonderful_name"
INVOKED = {"triggerKind": 1}


async def logged(settings: str, *, sent: object = None) -> str:
    """All logs after a question was asked in a file that holds `CODE`."""
    with private_home() as home:
        config = Path(home["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
        config.parent.mkdir()
        config.write_text(f"[model]\npath = {json.dumps(str(config.parent / 'none.gguf'))}\n{settings}")
        async with connected(*SERVER, env=home, initializationOptions=sent) as client:
            client.open("untitled:numbers.py", f"{CODE} = ")
            await client.items("untitled:numbers.py", 0, len(f"{CODE} = "), context=INVOKED)
        return read_logs(Path(home["XDG_STATE_HOME"]))


def read_logs(folder: Path) -> str:
    logs = sorted(folder.rglob("*.log*"))
    assert any(path.name == "lsp.log" for path in logs)
    return "".join(path.read_text(encoding="utf-8") for path in logs)


@pytest.mark.parametrize("level", ["error", "debug"])
async def test_who_asks_for_code_in_the_log_gets_the_prompts_whatever_the_level(level: str) -> None:
    said = await logged(f'[log]\nlevel = "{level}"\ninclude_code = true\n')
    assert f"--- before the cursor\n{CODE} = " in said
    assert "the model answered (unavailable)" in said


@pytest.mark.parametrize("level", ["warning", "debug"])
async def test_else_no_level_brings_code_into_the_log(level: str) -> None:
    assert CODE not in await logged(f'[log]\nlevel = "{level}"\n')


async def test_an_editor_cannot_ask_for_it() -> None:
    sent = {"log": {"include_code": True, "includeCode": True, "level": "debug"}}
    assert CODE not in await logged("", sent=sent)


class Answering:
    """A backend that always says the same, and notes what else it is asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def complete(self, request: CompletionRequest, on_delta: object = None) -> Completion:
        del request, on_delta
        return Completion("42", StopReason.LINE)

    async def warm(self, request: WarmRequest) -> None:
        self.asked.append(request)

    async def forget(self, request: ForgetRequest) -> None:
        self.asked.append(request)

    async def load(self) -> ModelStatus:
        return ModelStatus(ModelState.READY)

    async def status(self) -> DaemonStatus:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.asked.append("close")


async def test_a_request_is_written_in_full_and_everything_else_passes_by(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inner = Answering()
    wanted = False
    log = CodeLog(inner, lambda: wanted)
    prompt = Prompt("x = ", "\ny = 1\n", "a.py", "python", (RelatedPart("b.py", "z = 2\n", "definition"),))
    request = CompletionRequest("editor", prompt, StopRules())
    assert (await log.complete(request)).text == "42"
    assert caplog.text == ""
    wanted = True
    await log.complete(request)
    for part in ("a prompt for a.py (python)", "related: b.py (definition)\nz = 2\n", "x = ", "y = 1", "42"):
        assert part in caplog.text
    warm, forget = WarmRequest("editor", prompt), ForgetRequest("editor")
    await log.warm(warm)
    await log.forget(forget)
    await log.aclose()
    assert inner.asked == [warm, forget, "close"]
    assert (await log.load()).state is ModelState.READY
