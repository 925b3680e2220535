"""Mistral's `/v1/fim/completions`: prefix and suffix as texts, laid out by the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from ..prompts.formats import Override
from .failure import nonsense
from .openai_completions import chosen_model, reason_of
from .speaking import Call, Said, ServerFacts, Wish, as_count, as_rows, as_string, as_table
from .text_prompt import TextPrompt
from .transport import RemoteConnection

MISTRAL: Final = "mistral"
_PARALLEL = 4
_FAMILY = "codestral"


@attrs.frozen
class Mistral:
    """See `speaking.SpeaksProtocol`."""

    facts: ServerFacts

    async def call(self, prompt: TextPrompt, wish: Wish) -> Call:
        """See `SpeaksProtocol`."""
        body: dict[str, Any] = {
            "model": self.facts.model,
            "prompt": prompt.heading + prompt.before + prompt.typed,
            "suffix": prompt.after,
            "max_tokens": max(1, wish.max_tokens),
            "temperature": wish.temperature,
            "stop": list(wish.stops),
            "stream": wish.max_tokens > 0,
        }
        if wish.temperature > 0:
            body["random_seed"] = wish.seed
        return Call("/v1/fim/completions", body)

    def read(self, event: Mapping[str, Any]) -> Said:
        """See `SpeaksProtocol`."""
        choice = as_table(next(iter(as_rows(event.get("choices"))), None))
        said = as_table(choice.get("delta")) or as_table(choice.get("message"))
        usage = as_table(event.get("usage"))
        return Said(
            text=as_string(said.get("content")),
            stop=reason_of(choice.get("finish_reason")),
            prompt_tokens=as_count(usage.get("prompt_tokens")),
            cached_tokens=as_count(as_table(usage.get("prompt_tokens_details")).get("cached_tokens")),
            decoded_tokens=as_count(usage.get("completion_tokens")),
        )


async def recognise_mistral(
    connection: RemoteConnection, model: str, overrides: Sequence[Override]
) -> Mistral:
    """See `speaking.Recogniser`."""
    del overrides  # the server lays out its prompts
    rows = [as_table(each) for each in as_rows(as_table(await connection.call("/v1/models")).get("data"))]
    name = as_string(chosen_model(connection, rows, model).get("id")) if model else _default(rows)
    if not name:
        raise nonsense(connection.host)
    return Mistral(ServerFacts(MISTRAL, name, None, "the server lays out prompts itself", parallel=_PARALLEL))


def fills_in(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The models of a list that say they fill in the middle, as Mistral's list does."""
    return [
        as_string(each.get("id"))
        for each in rows
        if as_table(each.get("capabilities")).get("completion_fim") is True
    ]


def _default(rows: Sequence[Mapping[str, Any]]) -> str:
    able = fills_in(rows) or [
        as_string(each.get("id")) for each in rows if _FAMILY in as_string(each.get("id"))
    ]
    return f"{_FAMILY}-latest" if f"{_FAMILY}-latest" in able else next(iter(able), "")
