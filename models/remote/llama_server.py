"""llama-server: prompts as markers by id and texts between them, streamed from `/completion`.

`/infill` says in its manual that what was typed (`prompt`) follows the middle's marker. The server puts it in
front of the suffix instead, so that every key has the whole suffix evaluated again. A prompt that mixes ids
and texts doesn't; `/infill` is for models whose markers only the server knows.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from ...context.shared.values import StopReason
from ..prompts.formats import Override
from .escaping import all_spellings
from .failure import FailureKind, RemoteFailedError, nonsense
from .recognition import by_tokens, probe_text
from .speaking import (
    Call,
    Said,
    ServerFacts,
    TokenChance,
    Wish,
    as_chance,
    as_count,
    as_rows,
    as_string,
    as_table,
)
from .spelling_out import ids_and_texts
from .text_prompt import TextPrompt
from .transport import RemoteConnection

LLAMA_SERVER: Final = "llama-server"
RIVALS = 5
"""How many of the likeliest tokens are asked for: what was taken back is a choice among those that say it."""

_ENDS = {"eos": StopReason.END, "limit": StopReason.LENGTH}


@attrs.frozen
class LlamaServer:
    """See `speaking.SpeaksProtocol`.

    Attributes:
        facts: what the server says of itself.
        connection: to it.
        first_slot: which the first document gets.
    """

    facts: ServerFacts
    connection: RemoteConnection
    first_slot: int = attrs.field(factory=lambda: secrets.randbelow(1 << 16))

    async def call(self, prompt: TextPrompt, wish: Wish) -> Call:
        """See `SpeaksProtocol`."""
        body: dict[str, Any] = {
            "n_predict": wish.max_tokens,
            "stream": wish.max_tokens > 0,
            "cache_prompt": True,
            "n_probs": RIVALS,
            "timings_per_token": True,
            "stop": list(wish.stops),
            "id_slot": self._slot(wish.slot),
        }
        if wish.temperature > 0:
            body |= {"temperature": wish.temperature, "seed": wish.seed, "samplers": ["temperature"]}
        else:
            body |= {"samplers": ["top_k"], "top_k": 1}
        if self.facts.recognition is None:
            return Call("/infill", body | _infill(prompt))
        row: list[int | str] = ids_and_texts(prompt.pieces, tuple(self.facts.recognition.texts.values()))
        if self.facts.recognition.bos is not False:
            row = ["", *row]  # the first text is the one that gets the token of the beginning, if any does
        if not any(isinstance(each, int) for each in row):
            row = await self._tokens("".join(map(str, row)))  # texts alone would be several prompts
        return Call("/completion", body | {"prompt": row})

    def read(self, event: Mapping[str, Any]) -> Said:
        """See `SpeaksProtocol`."""
        timings = as_table(event.get("timings"))
        cached, evaluated = as_count(timings.get("cache_n")), as_count(timings.get("prompt_n"))
        stop = None
        if event.get("stop") is True:
            at_line = as_string(event.get("stopping_word")) == "\n"
            stop = _ENDS.get(
                as_string(event.get("stop_type")), StopReason.LINE if at_line else StopReason.END
            )
        return Said(
            text=as_string(event.get("content")),
            tokens=() if stop is not None else chances(event.get("completion_probabilities")),
            stop=stop,
            prompt_tokens=None if cached is None or evaluated is None else cached + evaluated,
            cached_tokens=cached,
            decoded_tokens=as_count(event.get("tokens_predicted")),
        )

    def _slot(self, number: int) -> int:
        """A document's own slot on this machine; a server for many chooses by what its slots hold.

        What looks like this machine may be a tunnel to the server of a team, so everybody counts from
        another one.
        """
        slots = self.facts.parallel
        return (self.first_slot + number) % slots if self.connection.is_here and slots > 1 else -1

    async def _tokens(self, text: str) -> list[int | str]:
        """A text as ids, none of them special but the token of the beginning."""
        asked = {"content": text, "add_special": True, "parse_special": False}
        found = as_rows(as_table(await self.connection.call("/tokenize", asked)).get("tokens"))
        return [each for each in found if isinstance(each, int)]


def _infill(prompt: TextPrompt) -> dict[str, Any]:
    return {
        "input_prefix": prompt.before,
        "prompt": prompt.typed,
        "input_suffix": prompt.after,
        "input_extra": [{"filename": part.path, "text": part.text} for part in prompt.around.related],
    }


def chances(rows: Any) -> tuple[TokenChance, ...]:
    """Tokens with their chances as llama-server lists them; () where the list is none."""
    found: list[TokenChance] = []
    for each in map(as_table, as_rows(rows)):
        logprob = as_chance(each.get("logprob"))
        if logprob is None:
            return ()
        rivals = [
            (_bytes_of(one), as_chance(one.get("logprob")))
            for one in map(as_table, as_rows(each.get("top_logprobs")))
        ]
        found.append(
            TokenChance(
                _bytes_of(each),
                logprob,
                tuple((text, chance) for text, chance in rivals if chance is not None),
            )
        )
    return tuple(found)


def _bytes_of(token: Mapping[str, Any]) -> bytes:
    numbers = as_rows(token.get("bytes"))
    if numbers and all(isinstance(each, int) and 0 <= each < 256 for each in numbers):
        return bytes(numbers)
    return as_string(token.get("token")).encode("utf-8", "replace")


async def recognise_llama_server(
    connection: RemoteConnection, model: str, overrides: Sequence[Override]
) -> LlamaServer:
    """See `speaking.Recogniser`."""
    properties = as_table(await connection.call("/props"))
    settings = as_table(properties.get("default_generation_settings"))
    if as_count(properties.get("total_slots")) is None:
        raise nonsense(connection.host)
    name = model or as_string(properties.get("model_alias")) or as_string(properties.get("model_path"))
    tokens = await _known_tokens(connection)
    recognition = by_tokens(name, tokens, overrides)
    facts = ServerFacts(
        LLAMA_SERVER,
        name,
        recognition,
        recognition.reason,
        context_tokens=as_count(settings.get("n_ctx")) or 0,
        parallel=as_count(properties.get("total_slots")) or 0,
        sees_suffix=recognition.format.order != "plain",
        tokenises=True,
    )
    if recognition.format.order == "plain" and not tokens and await _infills(connection):
        reason = "the server knows its markers, and lays out prompts itself"
        facts = attrs.evolve(facts, recognition=None, reason=reason, sees_suffix=True)
    return LlamaServer(facts, connection)


async def _known_tokens(connection: RemoteConnection) -> dict[str, int]:
    """Ids of the markers that the vocabulary has, by their texts."""
    asked = {"content": probe_text(), "add_special": False, "parse_special": True, "with_pieces": True}
    rows = as_rows(as_table(await connection.call("/tokenize", asked)).get("tokens"))
    return matched((as_string(each.get("piece")), as_count(each.get("id"))) for each in map(as_table, rows))


def matched(pieces: Any) -> dict[str, int]:
    """Ids of known markers, from the pieces and ids into which the probe was cut."""
    found = {piece: number for piece, number in pieces if number is not None}
    spellings = {text: (text, text.replace("▁", " ", 1)) for text in all_spellings()}
    return {
        text: next(found[each] for each in ways if each in found)
        for text, ways in spellings.items()
        if any(each in found for each in ways)
    }


async def _infills(connection: RemoteConnection) -> bool:
    """Whether the server fills in the middle by itself."""
    try:
        await connection.call("/infill", {"input_prefix": "a", "input_suffix": "b", "n_predict": 0})
    except RemoteFailedError as error:
        if error.kind in (FailureKind.REFUSED, FailureKind.BROKEN):
            return False
        raise
    return True
