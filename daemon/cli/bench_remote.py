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
from ...models.bench import ReplayedKey, Typing, TypingCourse
from ..server.remote_source import remote_target
from .remote import round_trip_ms

if TYPE_CHECKING:
    from ...models.remote.engine import RemoteEngine
    from ..settings.settings import Settings


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
        trip_ms = await round_trip_ms(engine)
        typing = await type_elsewhere(engine, keys)
        counts = engine.counts
        known = counts.prompt_tokens
        return RemoteFigures(
            engine.target.shown,
            facts.protocol,
            facts.model,
            round(trip_ms, 2),
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
    course = TypingCourse()
    for prompt, rules, first in course.asked(keys, clock):
        if first:
            await engine.warm("typing", prompt)
        started = clock()
        answer = await engine.complete("typing", prompt, rules)
        if answer.stop is not StopReason.UNAVAILABLE:
            course.answered(answer, (clock() - started) * 1000, counts=not first)
    return course.typing()
