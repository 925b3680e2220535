"""What the model says to a prompt: asked once, then kept on disk by what decided it.

An answer's key is the model file, the prompt, the stop rules and, where there is one, the restriction. So a
run can be interrupted and resumed, and scored anew in seconds when only what follows the model has changed.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from foretype.context.shared.values import (
    Completion,
    Prompt,
    Restriction,
    StopReason,
    StopRules,
    Timings,
)
from foretype.models.engine.interface import EngineLike, EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.library.describe import describe
from foretype.models.library.store import resolve_model
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.llama import Model
from foretype.models.llama.vocabulary import Vocabulary
from foretype.models.tuning.record import find_tuned
from foretype.tests.quality.corpus import BUILD
from foretype.tests.quality.token_ends import recovered

MODEL = "smollm2-135m"
NEVER_MS = 1e9
"""The engine's latency budget: every prompt is evaluated whole, as it is once a user has rested a moment."""


class Answers:
    """The model behind its memory. Its state: the answers known, and the engine once it was needed."""

    def __init__(
        self, file: Path = BUILD / "answers.jsonl", engine: Callable[[], EngineLike] | None = None
    ) -> None:
        """Take what earlier runs have kept.

        Args:
            file: where answers are kept, one JSON object a line.
            engine: loads the model; the default model in its tuned form, where there is one, otherwise.
        """
        self._file = file
        self._load = engine or _engine
        self._engine: EngineLike | None = None
        self._model = "" if engine else _fingerprint(model_file())
        self._known: dict[str, dict[str, Any]] = {}
        self.asked = 0
        if file.exists():
            for line in file.read_text("utf-8").splitlines():
                try:
                    answer = json.loads(line)
                except ValueError:
                    continue  # the run was ended while it wrote this line
                self._known[answer["key"]] = answer

    def complete(
        self, prompt: Prompt, rules: StopRules, restriction: Restriction | None = None
    ) -> Completion:
        """The model's greedy answer."""
        key = self._key(prompt, rules, restriction)
        if key not in self._known:
            self._keep(key, self._ask(key, prompt, rules, restriction))
        return self._completion(key, prompt)

    def kept(
        self, prompt: Prompt, rules: StopRules, restriction: Restriction | None = None
    ) -> Completion | None:
        """The answer where it is known already."""
        key = self._key(prompt, rules, restriction)
        return self._completion(key, prompt) if key in self._known else None

    def _completion(self, key: str, prompt: Prompt) -> Completion:
        found = _completion(self._known[key])
        if found.ends or not found.logprobs or not self._model:
            return found
        return attrs.evolve(found, ends=recovered(found, prompt.prefix, _vocabulary()))

    def close(self) -> None:
        """Let go of the model."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _key(self, prompt: Prompt, rules: StopRules, restriction: Restriction | None) -> str:
        # Origin and score of related code are for people; the model never sees them.
        related = [(part.path, part.text) for part in prompt.related]
        asked: list[Any] = [self._model, {**attrs.asdict(prompt), "related": related}, attrs.asdict(rules)]
        if restriction is not None:
            asked.append(attrs.asdict(restriction))
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def _ask(self, key: str, prompt: Prompt, rules: StopRules, restriction: Restriction | None) -> Completion:
        if self._engine is None:
            self._engine = self._load()
        try:
            return self._engine.complete(
                key, prompt, rules, cancellation=Cancellation(), restriction=restriction
            )
        finally:
            self._engine.forget(key)
            self.asked += 1

    def _keep(self, key: str, answer: Completion) -> None:
        if answer.stop in {StopReason.CANCELLED, StopReason.UNAVAILABLE}:
            raise RuntimeError(answer.detail or f"the engine ended with {answer.stop}")
        timings = answer.timings
        kept = {
            "key": key,
            "text": answer.text,
            "stop": answer.stop.value,
            "logprobs": [round(value, 4) for value in answer.logprobs],
            "ends": answer.ends,
            "prompt_tokens": timings.prefill_tokens + timings.cached_tokens,
            "prefill_ms": round(timings.prefill_ms, 1),
            "decode_ms": round(timings.decode_ms, 1),
            "decode_tokens": timings.decode_tokens,
        }
        if answer.name_logprob is not None:
            kept["name_logprob"] = round(answer.name_logprob, 4)
        self._known[key] = kept
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(kept) + "\n")


def _completion(kept: dict[str, Any]) -> Completion:
    logprobs = tuple(kept["logprobs"])
    return Completion(
        kept["text"],
        StopReason(kept["stop"]),
        timings=Timings(
            prefill_ms=kept["prefill_ms"],
            prefill_tokens=kept["prompt_tokens"],
            decode_ms=kept["decode_ms"],
            decode_tokens=kept["decode_tokens"],
        ),
        mean_logprob=sum(logprobs) / max(1, len(logprobs)),
        logprobs=logprobs,
        ends=tuple(kept.get("ends", ())),
        name_logprob=kept.get("name_logprob"),
    )


def model_file() -> Path:
    """The file that runs: the tuned one, or the default model as it is shipped."""
    shipped = resolve_model(MODEL)
    tuned = find_tuned(shipped)
    return shipped if tuned is None else Path(tuned.path)


def sees_suffix() -> bool:
    """Whether that file's format shows the model what stands behind the cursor."""
    return describe(model_file()).order != "plain"


def _engine() -> EngineLike:
    settings = EngineSettings(latency_budget_ms=NEVER_MS)
    return load_engine(resolve_model(MODEL), settings, lambda _: None)


@functools.cache
def _vocabulary() -> Vocabulary:
    return Vocabulary(Model(model_file(), vocabulary_only=True))


@functools.cache
def _fingerprint(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
