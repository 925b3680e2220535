"""A language server with a scripted backend, for end-to-end tests over real stdio.

`python scripted_server.py SCRIPT JOURNAL`: SCRIPT is a JSON file that maps the end of a prompt's prefix to
what the model says there: a text, or a list of pieces of which null means "never goes on". The longest
matching end wins; "" matches always. For a sampled candidate "#SEED " in front of the end wins over it. With
"whole " in front of the end stands what the whole context says; what is said without it comes from a part.
Every call and its end are appended to JOURNAL, one JSON object a line.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foretype.context.shared.values import Completion, Prompt, StopReason
from foretype.daemon.settings.settings import Settings
from foretype.daemon.wire.messages import (
    CompletionRequest,
    DaemonStatus,
    ForgetRequest,
    ModelState,
    ModelStatus,
    WarmRequest,
)
from foretype.lsp.server.server import ForetypeServer, TellModel, run_stdio


class ScriptedBackend:
    """Says what the script says. Its state: the script and the journal."""

    def __init__(self, script: dict[str, Any], journal: Path, on_model: TellModel) -> None:
        self.on_model: TellModel | None = on_model
        self._script = script
        self._journal = journal
        for fraction in (0.0, 0.5):
            on_model(ModelStatus(ModelState.LOADING, "scripted", fraction=fraction))
        on_model(ModelStatus(ModelState.READY, "scripted"))

    def _note(self, event: str, **fields: Any) -> None:
        with self._journal.open("a") as file:
            file.write(json.dumps({"event": event, **fields}) + "\n")

    async def complete(
        self, request: CompletionRequest, on_delta: Callable[[str], None] | None = None
    ) -> Completion:
        prefix = request.prompt.prefix
        prompt = request.prompt
        related = _related(prompt)
        self._note("complete", prefix=prefix, suffix=prompt.suffix, related=related, session=request.session)
        sampled = f"#{request.seed} " if request.temperature else ""
        key: str = max((end for end in self._script if prefix.endswith(end)), key=len, default="")
        pieces: Any = self._script.get(sampled + key, self._script.get(key, ""))
        early = f"whole {key}" in self._script and not request.whole
        if request.whole:
            pieces = self._script.get(f"whole {key}", pieces)
        try:
            for piece in _pieces(pieces):
                if piece is None:
                    await asyncio.Event().wait()
                    continue
                if on_delta is not None:
                    on_delta(piece)
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._note("cancelled", prefix=prefix)
            raise
        text = "".join(piece or "" for piece in _pieces(pieces))
        return Completion(text, StopReason.END, context=0.1 if early else 1.0)

    async def warm(self, request: WarmRequest) -> None:
        prompt = request.prompt
        self._note("warm", prefix=prompt.prefix, related=_related(prompt), session=request.session)

    async def forget(self, request: ForgetRequest) -> None:
        self._note("forget", session=request.session)

    async def load(self) -> ModelStatus:
        return ModelStatus(ModelState.READY, "scripted")

    async def status(self) -> DaemonStatus:
        raise NotImplementedError

    async def aclose(self) -> None:
        self._note("close")


def _related(prompt: Prompt) -> str:
    return "\n".join(part.text for part in prompt.related)


def _pieces(said: Any) -> list[Any]:
    return [said] if isinstance(said, str) else said


def main() -> None:
    script = json.loads(Path(sys.argv[1]).read_text())
    journal = Path(sys.argv[2])

    async def backend(on_model: TellModel) -> ScriptedBackend:
        return ScriptedBackend(script, journal, on_model)

    sys.exit(run_stdio(ForetypeServer(backend, Settings)))


if __name__ == "__main__":
    main()
