"""Servers with OpenAI's `/v1/completions`: vLLM, SGLang, LM Studio, TGI and others.

The prompt is one text with the model's own markers, which these servers find in it. Where the user's text is
spelled like one, the prompt goes out as token ids if the server says which they are, else broken up. What
only vLLM understands is sent to vLLM alone, and a server that refuses extras is asked without them from then
on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from ...context.shared.values import StopReason
from ..prompts.formats import Override
from .failure import FailureKind, RemoteFailedError, nonsense
from .llama_server import RIVALS, chances, matched
from .recognition import by_name, by_tokens, probe_text
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
from .spelling_out import ids_and_texts, imitates_markers, one_text
from .text_prompt import TextPrompt
from .transport import RemoteConnection

OPENAI: Final = "openai"
_MOST_STOPS = 4
"""More texts are refused, by vLLM 0.32 too; markers beyond these end an answer when they arrive."""

_MANY = 32
"""Requests at a time for a server that batches them."""

_FEW = 4
_REMEMBERED = 64


@attrs.define
class OpenAiCompletions:
    """See `speaking.SpeaksProtocol`. Its state: which extras the server takes, and ids of the last texts.

    Attributes:
        facts: what the server says of itself.
        connection: to it.
        is_vllm: it takes what only vLLM does.
        has_priorities: requests may say how urgent they are.
    """

    facts: ServerFacts
    connection: RemoteConnection
    is_vllm: bool = False
    has_priorities: bool = False
    _plainly: bool = False
    _salt: str = attrs.field(factory=lambda: secrets.token_urlsafe(32), repr=False)
    _ids: dict[str, list[int]] = attrs.field(factory=dict[str, list[int]])

    async def call(self, prompt: TextPrompt, wish: Wish) -> Call:
        """See `SpeaksProtocol`."""
        body: dict[str, Any] = {
            "model": self.facts.model,
            "prompt": await self._prompt(prompt),
            "max_tokens": max(1, wish.max_tokens),
            "temperature": wish.temperature,
            "stop": list(wish.stops[:_MOST_STOPS]),
            "stream": wish.max_tokens > 0,
        }
        if wish.temperature > 0:
            body["seed"] = wish.seed
        if not self._plainly and wish.max_tokens:
            body |= {"logprobs": RIVALS, "stream_options": {"include_usage": True}}
        if self.is_vllm:
            body["cache_salt"] = self._salt
            if self.facts.recognition is not None and self.facts.tokenises:
                body["stop_token_ids"] = list(self.facts.recognition.stops)
            if self.has_priorities:
                body["priority"] = 0 if wish.max_tokens else 1
        return Call("/v1/completions", body)

    def simpler(self) -> bool:
        """The server refused a request: ask it without extras from now on; False if that was done."""
        before, self._plainly = self._plainly, True
        return not before

    def read(self, event: Mapping[str, Any]) -> Said:
        """See `SpeaksProtocol`."""
        choice = as_table(next(iter(as_rows(event.get("choices"))), None))
        usage = as_table(event.get("usage"))
        details = as_table(usage.get("prompt_tokens_details"))
        return Said(
            text=as_string(choice.get("text")),
            tokens=_tokens(as_table(choice.get("logprobs"))),
            stop=reason_of(choice.get("finish_reason"), choice.get("stop_reason")),
            prompt_tokens=as_count(usage.get("prompt_tokens")),
            cached_tokens=as_count(details.get("cached_tokens")),
            decoded_tokens=as_count(usage.get("completion_tokens")),
        )

    async def _prompt(self, prompt: TextPrompt) -> str | list[int]:
        recognition = self.facts.recognition
        own = () if recognition is None else tuple(recognition.texts.values())
        if not (self.facts.tokenises and imitates_markers(prompt.pieces, own)):
            return one_text(prompt.pieces, own)
        row = ids_and_texts(prompt.pieces, own)
        begins = recognition is None or recognition.bos is not False
        texts = ["", *(each for each in row if isinstance(each, str))]
        known = await asyncio.gather(*(self._tokenised(text, begins=begins and not text) for text in texts))
        ids = dict(zip(texts, known, strict=True))
        return [
            *ids[""],
            *(token for each in row for token in ([each] if isinstance(each, int) else ids[each])),
        ]

    async def _tokenised(self, text: str, *, begins: bool) -> list[int]:
        """The ids of a text without markers; with `begins`, those that every prompt begins with."""
        if not text and not begins:
            return []
        found = self._ids.pop(text, None)
        if found is None:
            asked = {"model": self.facts.model, "prompt": text, "add_special_tokens": begins}
            rows = as_rows(as_table(await self.connection.call("/tokenize", asked)).get("tokens"))
            found = [each for each in rows if isinstance(each, int)]
        self._ids[text] = found
        while len(self._ids) > _REMEMBERED:
            del self._ids[next(iter(self._ids))]
        return found


def reason_of(finish: Any, stopped_by: Any = None) -> StopReason | None:
    """Why an answer has ended, in OpenAI's words; None while it goes on."""
    if not isinstance(finish, str):
        return None
    if finish == "length":
        return StopReason.LENGTH
    return StopReason.LINE if stopped_by == "\n" else StopReason.END


def _tokens(logprobs: Mapping[str, Any]) -> tuple[TokenChance, ...]:
    """Tokens with their chances: as lists, or as llama-server's objects."""
    if "content" in logprobs:
        return chances(logprobs["content"])
    texts, numbers = as_rows(logprobs.get("tokens")), as_rows(logprobs.get("token_logprobs"))
    tops = as_rows(logprobs.get("top_logprobs"))
    found: list[TokenChance] = []
    for at, (text, number) in enumerate(zip(texts, numbers, strict=False)):
        chance = as_chance(number)
        if not isinstance(text, str) or chance is None:
            return ()
        rivals = [
            (str(other).encode("utf-8", "replace"), as_chance(value))
            for other, value in as_table(tops[at] if at < len(tops) else None).items()
        ]
        found.append(
            TokenChance(
                text.encode("utf-8", "replace"),
                chance,
                tuple((other, value) for other, value in rivals if value is not None),
            )
        )
    return tuple(found)


async def recognise_openai(
    connection: RemoteConnection, model: str, overrides: Sequence[Override]
) -> OpenAiCompletions:
    """See `speaking.Recogniser`."""
    rows = [as_table(each) for each in as_rows(as_table(await connection.call("/v1/models")).get("data"))]
    chosen = chosen_model(connection, rows, model)
    name = as_string(chosen.get("id"))
    is_vllm = chosen.get("owned_by") == "vllm"
    tokens = await _known_tokens(connection, name) if is_vllm else None
    recognition = by_name(name, overrides) if tokens is None else by_tokens(name, tokens, overrides)
    facts = ServerFacts(
        OPENAI,
        name,
        recognition,
        recognition.reason,
        context_tokens=as_count(chosen.get("max_model_len")) or 0,
        parallel=_MANY if is_vllm else _FEW,
        sees_suffix=recognition.format.order != "plain",
        tokenises=tokens is not None,
    )
    return OpenAiCompletions(facts, connection, is_vllm, is_vllm and await _prioritises(connection, name))


def chosen_model(
    connection: RemoteConnection, rows: Sequence[Mapping[str, Any]], model: str
) -> Mapping[str, Any]:
    """The model that the user wants of those that a server lists.

    Raises:
        RemoteFailedError: it has none, or not that one.
    """
    named_ones = [each for each in rows if as_string(each.get("id"))]
    if not named_ones:
        raise nonsense(connection.host)
    found = next((each for each in named_ones if model in ("", each["id"])), None)
    if found is None:
        others = ", ".join(str(each["id"]) for each in named_ones[:5])
        said = f"{connection.host} has no model '{model}'; it has {others}."
        raise RemoteFailedError(FailureKind.REFUSED, said)
    return found


async def _known_tokens(connection: RemoteConnection, model: str) -> dict[str, int] | None:
    """Ids of the markers that the vocabulary has; None where the server doesn't say."""
    asked = {"model": model, "prompt": probe_text(), "add_special_tokens": False, "return_token_strs": True}
    try:
        said = as_table(await connection.call("/tokenize", asked))
    except RemoteFailedError as error:
        if error.kind in (FailureKind.REFUSED, FailureKind.KEY, FailureKind.BROKEN):
            return None
        raise
    ids, texts = as_rows(said.get("tokens")), as_rows(said.get("token_strs"))
    if not texts or len(ids) != len(texts):
        return None
    return matched(zip(map(as_string, texts), map(as_count, ids), strict=True))


async def _prioritises(connection: RemoteConnection, model: str) -> bool:
    """Whether requests may say how urgent they are; vLLM refuses that unless it was started so."""
    asked = {"model": model, "prompt": "a", "max_tokens": 1, "priority": 1}
    try:
        await connection.call("/v1/completions", asked)
    except RemoteFailedError as error:
        if error.kind in (FailureKind.REFUSED, FailureKind.BROKEN):
            return False
        raise
    return True
