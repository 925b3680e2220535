"""One question and its answer: sent, followed event by event, given up where the rest is of no use.

Leaving the stream closes it, and with it the work at the server's. Counting is `engine`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import attrs

from ...context.shared.values import Completion, StopReason
from .failure import FailureKind, RemoteFailedError
from .listening import CONTRADICTED, Listening
from .speaking import SpeaksProtocol, Wish
from .text_prompt import TextPrompt
from .transport import RemoteConnection

CLOSING_S = 0.05
"""Seconds that a server has for closing a stream whose answer has ended."""


@attrs.frozen
class RemoteQuestion:
    """What is asked of whom.

    Attributes:
        speaker: the protocol.
        connection: to the server.
        asked: the prompt.
        wish: how the answer should be.
        on_text: called with text that nothing takes back; None for nobody.
    """

    speaker: SpeaksProtocol
    connection: RemoteConnection
    asked: TextPrompt
    wish: Wish
    on_text: Callable[[str], None] | None = None


async def follow(question: RemoteQuestion, listening: Listening, clock: Callable[[], float]) -> Completion:
    """The answer to a question.

    Args:
        question: it.
        listening: takes what is said.
        clock: seconds.

    Returns:
        what was said, UNAVAILABLE where it contradicts what was typed.

    Raises:
        RemoteFailedError: there is no answer, or not all of it.
    """
    began, first, told, ended = clock(), 0.0, 0, False
    call = await question.speaker.call(question.asked, question.wish)
    host = question.connection.host
    async with contextlib.aclosing(question.connection.events(call.path, call.body)) as events:
        async for event in events:
            if event.get("error"):
                raise RemoteFailedError(
                    FailureKind.BROKEN, f"{host} broke off with an error; its log says which."
                )
            said = question.speaker.read(event)
            listening.take(said)
            first = first or clock()
            ended = ended or said.stop is not None
            settled = "" if listening.contradicted else listening.settled
            if question.on_text is not None and len(settled) > told:
                question.on_text(settled[told:])
                told = len(settled)
            if ended or listening.contradicted or listening.stop is not None:
                break
        if ended:  # to the end, so that the connection can be kept: counts may still come
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    async for event in events:
                        listening.take(question.speaker.read(event))
    if listening.contradicted:
        return Completion("", StopReason.UNAVAILABLE, detail=CONTRADICTED)
    if not ended and listening.stop is None:
        raise RemoteFailedError(FailureKind.CUT_OFF, f"{host} broke off in mid-answer.")
    now = clock()
    return listening.completion(first_ms=1000 * ((first or now) - began), total_ms=1000 * (now - began))
