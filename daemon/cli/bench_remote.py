"""`foretype bench --remote`: the same keys typed, answered by an engine elsewhere, in the same figures.

It asks as the daemon would and keeps nothing. Showing the typing is `bench`'s.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import attrs

from ...context.shared.problem import Problem
from ...context.shared.values import StopReason
from ...models.bench import TYPING_S, ReplayedKey, Typing, TypingCourse
from ..server.remote_source import remote_target

if TYPE_CHECKING:
    from ...models.remote.engine import RemoteEngine
    from ..settings.settings import Settings

_ROUND_TRIPS = 5


@attrs.frozen
class RemoteFigures:
    """What was measured.

    Attributes:
        where: a host and a port.
        protocol: how it is spoken to.
        model: its model's name.
        round_trip_ms: the quickest answer to a question that needs no model.
        cached_share: of all prompts, what it had in its cache; None where it doesn't say.
        contradicted: answers that said something else than was typed; the engine here would answer then.
        typing: the replay.
    """

    where: str
    protocol: str
    model: str
    round_trip_ms: float
    cached_share: float | None
    contradicted: int
    typing: Typing


def measure_remote(settings: Settings, url: str, keys: Iterable[ReplayedKey]) -> RemoteFigures:
    """Type at an engine elsewhere.

    Args:
        settings: the user's; key, certificates and proxy are used where they are for the same address.
        url: of the engine.
        keys: what is typed, one after the other; taken only as far as time allows.

    Raises:
        Problem: it cannot be asked, or stops answering.
    """
    from ...models.remote.engine import RemoteEngine
    from ...models.remote.failure import RemoteFailedError

    wanted = settings.remote
    if url != wanted.url and wanted.url:
        wanted = attrs.evolve(wanted, key="", headers={})  # they are another server's
    engine = RemoteEngine(remote_target(attrs.evolve(wanted, url=url), settings.fim), os.environ)
    try:
        return asyncio.run(_measured(engine, keys))
    except RemoteFailedError as error:
        raise Problem(error.sentence) from error


async def _measured(engine: RemoteEngine, keys: Iterable[ReplayedKey]) -> RemoteFigures:
    try:
        facts = await engine.recognise()
        trips: list[float] = []
        for _ in range(_ROUND_TRIPS):
            started = time.perf_counter()
            await engine.ping()
            trips.append(1000 * (time.perf_counter() - started))
        typing = await type_elsewhere(engine, keys)
        counts = engine.counts
        known = counts.prompt_tokens
        return RemoteFigures(
            engine.target.shown,
            facts.protocol,
            facts.model,
            round(min(trips), 2),
            round(counts.cached_tokens / known, 4) if known else None,
            counts.contradicted,
            typing,
        )
    finally:
        await engine.aclose()


async def type_elsewhere(
    engine: RemoteEngine, keys: Iterable[ReplayedKey], clock: Callable[[], float] = time.perf_counter
) -> Typing:
    """The replay of `models.bench.type_through`, asked elsewhere.

    Raises:
        RemoteFailedError: it stops answering.
    """
    until = 0.0
    course = TypingCourse()
    for key in keys:
        if until and clock() >= until:
            break
        if not course.needs_model(key) or key.prompt is None:
            continue
        if not until:
            await engine.warm("typing", key.prompt)
            until = clock() + TYPING_S
        started = clock()
        answer = await engine.complete("typing", key.prompt, key.rules)
        if answer.stop is not StopReason.UNAVAILABLE:
            course.answered(answer, (clock() - started) * 1000)
    return course.typing()
