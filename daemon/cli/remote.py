"""`foretype remote check`: what an engine elsewhere is, and how fast it answers.

Asks it as the daemon would, a few times, with code of this command's own; nothing of the user's is sent, and
nothing is kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING

import attrs
import click

from ...context.shared import paths
from ...context.shared.problem import Problem
from ...context.shared.values import Completion, Prompt, StopRules
from ..server.remote_source import remote_target
from ..settings.environment import with_environment
from ..settings.file import load_settings

if TYPE_CHECKING:
    from ...models.remote.engine import RemoteEngine

_ROUND_TRIPS = 5
_NAMES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_ABOVE = "".join(
    f"def {name}(values):\n    return [value + {number} for value in values]\n\n\n"
    for number, name in enumerate(_NAMES)
)
_BELOW = "\n\n\ndef average(values):\n    return sum(values) / len(values)\n"
_LINE = "def total(values):\n    return sum("


@attrs.frozen
class RemoteCheck:
    """What was found out about an engine elsewhere; times in ms.

    Attributes:
        where: a host and a port.
        protocol: how it is spoken to.
        model: its model's name.
        fim: the format of its prompts, "its own" where it lays them out itself.
        reason: why that format.
        fills_in: it is shown what stands behind the cursor.
        context_tokens: what it takes; 0 where it doesn't say.
        parallel: requests that it takes at a time.
        round_trip_ms: the quickest answer to a question that needs no model.
        first_ms: until the first answer to a prompt that it had never seen was there.
        second_ms: the same for the next key.
        cached_share: of the next key's prompt, what it had in its cache; None where it doesn't say.
    """

    where: str
    protocol: str
    model: str
    fim: str
    reason: str
    fills_in: bool
    context_tokens: int
    parallel: int
    round_trip_ms: float
    first_ms: float
    second_ms: float
    cached_share: float | None


@click.group()
def remote() -> None:
    """Look at an engine elsewhere: a llama-server, vLLM, Ollama or whatever speaks their protocols.

    The section [remote] of the configuration has foretype ask it beside the local model.
    """


@remote.command("check")
@click.argument("url", required=False)
@click.option("--model", help="Which of its models.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def check_remote(url: str | None, model: str | None, as_json: bool) -> None:
    """Say what the engine at URL is, and how fast it answers; without URL the one of your configuration.

    Sends it a page of made-up code a few times, never yours. Key, certificates and proxy are those of
    [remote].
    """
    settings, _ = with_environment(load_settings(paths.config_file())[0], os.environ)
    wanted = settings.remote
    if url and url != wanted.url and wanted.url:
        wanted = attrs.evolve(wanted, key="", headers={})  # they are another server's
    wanted = attrs.evolve(wanted, url=url or wanted.url, model=model or wanted.model)
    if not wanted.url:
        raise Problem(
            "There is no engine elsewhere in your configuration; name one: foretype remote check URL."
        )
    from ...models.remote.engine import RemoteEngine

    engine = RemoteEngine(remote_target(wanted, settings.fim), os.environ)
    found = asyncio.run(_checked(engine))
    click.echo(json.dumps(attrs.asdict(found), indent=2) if as_json else _told(found))


async def _checked(engine: RemoteEngine) -> RemoteCheck:
    from ...models.remote.failure import RemoteFailedError

    try:
        async with asyncio.timeout(120):
            return await _examined(engine)
    except RemoteFailedError as error:
        raise Problem(error.sentence) from error
    except TimeoutError as error:
        raise Problem("It takes too long to answer.") from error
    finally:
        await engine.aclose()


async def _examined(engine: RemoteEngine) -> RemoteCheck:
    """Ask it.

    Raises:
        RemoteFailedError: it doesn't answer.
    """
    facts = await engine.recognise()
    trip_ms = await round_trip_ms(engine)
    nonce = f"# {time.time_ns()}\n"  # so that no cache knows it
    prompt = Prompt(nonce + _ABOVE + _LINE, _BELOW, "total.py", "python")
    first_ms = await _timed(_answer(engine, prompt))
    before = attrs.evolve(engine.counts)
    second_ms = await _timed(_answer(engine, attrs.evolve(prompt, prefix=prompt.prefix + "v")))
    seen = engine.counts.prompt_tokens - before.prompt_tokens
    cached = engine.counts.cached_tokens - before.cached_tokens
    return RemoteCheck(
        where=engine.target.shown,
        protocol=facts.protocol,
        model=facts.model,
        fim="its own" if facts.recognition is None else facts.recognition.format.name,
        reason=facts.reason,
        fills_in=facts.sees_suffix,
        context_tokens=facts.context_tokens,
        parallel=engine.capacity,
        round_trip_ms=round(trip_ms, 2),
        first_ms=round(first_ms, 1),
        second_ms=round(second_ms, 1),
        cached_share=round(cached / seen, 3) if seen else None,
    )


async def _answer(engine: RemoteEngine, prompt: Prompt) -> Completion:
    return await engine.complete("check", prompt, StopRules(max_tokens=16))


async def round_trip_ms(engine: RemoteEngine) -> float:
    """Milliseconds of the quickest answer to a question that needs no model.

    Raises:
        RemoteFailedError: it doesn't answer.
    """
    return min([await _timed(engine.ping()) for _ in range(_ROUND_TRIPS)])


async def _timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return 1000 * (time.perf_counter() - began)


def _told(found: RemoteCheck) -> str:
    cached = (
        "it doesn't say"
        if found.cached_share is None
        else f"{100 * found.cached_share:.0f} % of the second prompt"
    )
    fills_in = "yes" if found.fills_in else "no: it continues what stands before the cursor"
    rows = {
        "server": found.where,
        "protocol": found.protocol,
        "model": found.model,
        "fills in the middle": f"{fills_in} ({found.fim}; {found.reason})",
        "context": f"{found.context_tokens} tokens" if found.context_tokens else "it doesn't say",
        "at a time": f"{found.parallel} requests",
        "round trip": f"{found.round_trip_ms:.1f} ms",
        "first answer": f"{found.first_ms:.0f} ms, to a prompt that it had never seen",
        "second answer": f"{found.second_ms:.0f} ms, one key later",
        "prefix cache": cached,
    }
    width = max(map(len, rows)) + 2
    return "\n".join(f"{name:<{width}}{text}" for name, text in rows.items())
