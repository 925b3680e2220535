"""Ollama's `/api/generate`: raw text with the model's markers, or its own layout with a suffix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from ...context.shared.values import StopReason
from ..prompts.formats import Override
from .failure import FailureKind, RemoteFailedError, nonsense
from .llama_server import RIVALS, chances
from .recognition import by_name
from .speaking import Call, Said, ServerFacts, Wish, as_count, as_rows, as_string, as_table
from .spelling_out import one_text
from .text_prompt import TextPrompt
from .transport import RemoteConnection

OLLAMA: Final = "ollama"
KEEP_ALIVE = "30m"
"""How long Ollama keeps the model in memory after a request."""

_PARALLEL = 1
"""What Ollama answers at a time of one model unless it is set up otherwise."""


@attrs.frozen
class Ollama:
    """See `speaking.SpeaksProtocol`."""

    facts: ServerFacts

    async def call(self, prompt: TextPrompt, wish: Wish) -> Call:
        """See `SpeaksProtocol`."""
        options: dict[str, Any] = {
            "num_predict": max(1, wish.max_tokens),
            "temperature": wish.temperature,
            "seed": wish.seed,
            "stop": list(wish.stops),
        }
        body: dict[str, Any] = {
            "model": self.facts.model,
            "stream": wish.max_tokens > 0,
            "keep_alive": KEEP_ALIVE,
            "options": options,
            "logprobs": True,
            "top_logprobs": RIVALS,
        }
        recognition = self.facts.recognition
        if recognition is None:
            body |= {"prompt": prompt.heading + prompt.before + prompt.typed, "suffix": prompt.after}
        else:
            body |= {"prompt": one_text(prompt.pieces, tuple(recognition.texts.values())), "raw": True}
        return Call("/api/generate", body)

    def read(self, event: Mapping[str, Any]) -> Said:
        """See `SpeaksProtocol`."""
        done = event.get("done") is True
        limit = as_string(event.get("done_reason")) == "length"
        return Said(
            text=as_string(event.get("response")),
            tokens=chances(event.get("logprobs")),
            stop=None if not done else StopReason.LENGTH if limit else StopReason.END,
            prompt_tokens=as_count(event.get("prompt_eval_count")),
            decoded_tokens=as_count(event.get("eval_count")),
        )


async def recognise_ollama(connection: RemoteConnection, model: str, overrides: Sequence[Override]) -> Ollama:
    """See `speaking.Recogniser`."""
    rows = as_rows(as_table(await connection.call("/api/tags")).get("models"))
    names = [as_string(each.get("name")) for each in map(as_table, rows)]
    if not any(names):
        raise nonsense(connection.host)
    wanted = model if ":" in model or not model else f"{model}:latest"
    name = next((each for each in names if wanted in ("", each)), "")
    if not name:
        raise RemoteFailedError(
            FailureKind.REFUSED, f"{connection.host} has no model '{model}'; it has {', '.join(names[:5])}."
        )
    recognition = by_name(name, overrides)
    facts = ServerFacts(
        OLLAMA,
        name,
        recognition,
        recognition.reason,
        parallel=_PARALLEL,
        sees_suffix=recognition.format.order != "plain",
    )
    if recognition.format.order == "plain":
        shown = as_table(await connection.call("/api/show", {"model": name}))
        if "insert" in as_rows(shown.get("capabilities")):
            reason = "Ollama says that it fills in the middle, and lays out prompts itself"
            facts = attrs.evolve(facts, recognition=None, reason=reason, sees_suffix=True)
    return Ollama(facts)
