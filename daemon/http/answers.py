"""What a plugin gets to read: the JSON that llama-server would send, of our answer. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

import attrs

from ...context.shared.values import Completion, StopReason
from ..wire.messages import ModelState, ModelStatus
from .asked import Wanted

_LIMITS = frozenset({StopReason.LENGTH, StopReason.BUDGET})
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}


@attrs.frozen
class ServedAnswer:
    """An answer that may be shown, and how it came about."""

    text: str
    completion: Completion
    stopping_word: str = ""


def up_to_stop(text: str, stops: tuple[str, ...]) -> tuple[str, str]:
    """A text up to the first of some stops, and that stop; the whole text and "" where it has none."""
    found = [(at, stop) for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        return text, ""
    at, stop = min(found)
    return text[:at], stop


def infill_answer(said: ServedAnswer, asked: Wanted, model: ModelStatus) -> dict[str, object]:
    """What `/infill` and `/completion` answer; only the wanted fields, where some are named."""
    timings, limited = said.completion.timings, said.completion.stop in _LIMITS
    whole: dict[str, object] = {
        "index": 0,
        "content": said.text,
        "tokens": [],
        "id_slot": 0,
        "stop": True,
        "model": model.name,
        "tokens_predicted": timings.decode_tokens,
        "tokens_evaluated": timings.prefill_tokens,
        "prompt": "",
        "has_new_line": "\n" in said.text,
        "truncated": said.completion.early,
        "stop_type": "word" if said.stopping_word else "limit" if limited else "eos",
        "stopping_word": said.stopping_word,
        "tokens_cached": timings.cached_tokens + timings.prefill_tokens + timings.decode_tokens,
        "timings": _timings(said.completion),
    }
    if not asked.fields:
        return whole
    named = {path: _at(whole, path) for path in asked.fields}
    return {path: value for path, value in named.items() if value is not None}


def openai_answer(said: ServedAnswer, model: ModelStatus, created: int) -> dict[str, object]:
    """What `/v1/completions` answers. `created` is the time in seconds."""
    timings = said.completion.timings
    evaluated = timings.cached_tokens + timings.prefill_tokens
    ended = "length" if said.completion.stop in _LIMITS else "stop"
    return {
        "id": f"cmpl-{created}",
        "object": "text_completion",
        "created": created,
        "model": model.name,
        "choices": [{"index": 0, "text": said.text, "logprobs": None, "finish_reason": ended}],
        "usage": {
            "prompt_tokens": evaluated,
            "completion_tokens": timings.decode_tokens,
            "total_tokens": evaluated + timings.decode_tokens,
        },
    }


def health_answer(model: ModelStatus) -> tuple[int, dict[str, object]]:
    """What `/health` answers: as llama-server, 503 while a model is loaded or where none can be."""
    if model.state is ModelState.LOADING:
        return 503, failure(503, "Loading model")
    if model.state is ModelState.ERROR:
        return 503, failure(503, model.detail)
    return 200, {"status": "ok"}


def props_answer(model: ModelStatus, release: str) -> dict[str, object]:
    """What `/props` answers."""
    return {
        "default_generation_settings": {"n_ctx": model.context_tokens, "params": {"n_predict": -1}},
        "total_slots": 1,
        "model_alias": model.name,
        "model_path": model.path,
        "chat_template": "",
        "bos_token": "",
        "eos_token": "",
        "build_info": f"foretype {release}",
        "modalities": {"vision": False, "audio": False},
        "is_sleeping": model.state is ModelState.UNLOADED,
    }


def failure(status: int, sentence: str) -> dict[str, object]:
    """An error as plugins of llama-server read it."""
    kind = _KINDS.get(status, "unavailable_error" if status >= 500 else "not_found_error")
    return {"error": {"code": status, "message": sentence, "type": kind}}


def as_events(answer: Mapping[str, object], *, openai: bool) -> bytes:
    """An answer for somebody who wants events: the text in one, then its end.

    It is checked before it is shown, so there is nothing to send before it is whole.
    """
    if openai:
        return f"data: {json.dumps(answer)}\n\ndata: [DONE]\n\n".encode()
    begins = {"index": 0, "content": answer.get("content", ""), "stop": False}
    ends = {**answer, "content": ""}
    return f"data: {json.dumps(begins)}\n\ndata: {json.dumps(ends)}\n\n".encode()


def _timings(completion: Completion) -> dict[str, float]:
    timings = completion.timings
    said: dict[str, float] = {"cache_n": timings.cached_tokens}
    for name, count, spent in (
        ("prompt", timings.prefill_tokens, timings.prefill_ms),
        ("predicted", timings.decode_tokens, timings.decode_ms),
    ):
        said[f"{name}_n"] = count
        said[f"{name}_ms"] = spent
        said[f"{name}_per_token_ms"] = spent / count if count else 0.0
        said[f"{name}_per_second"] = 1000 * count / spent if spent else 0.0
    return said


def _at(answer: Mapping[str, object], path: str) -> object | None:
    """What stands at a path such as "timings/prompt_n"."""
    here, _, rest = path.partition("/")
    found = answer.get(here)
    if not rest:
        return found
    return _at(cast("dict[str, object]", found), rest) if isinstance(found, dict) else None
