"""The daemon's client: connects, starts the daemon when none runs, and survives its death.

An editor must never notice that a process died: whatever happens to the daemon, a completion ends as an
empty one with a sentence in `detail`, and the next request starts the daemon again, unless it has died too
often (`backoff`). Imports neither the models room nor anything slow, since every language server starts
with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

from ...context.shared.problem import DaemonProblem, Problem
from ...context.shared.values import Completion, Stage, StopReason
from ..process import lifecycle
from ..process.home import DaemonHome, holder
from ..process.reaching import transport_at
from ..process.release import is_older, release
from ..wire import messages as protocol
from ..wire.messages import (
    CompletionRequest,
    DaemonStatus,
    ForgetRequest,
    Method,
    ModelState,
    ModelStatus,
    WarmRequest,
    Welcome,
    from_wire,
)
from .backend import Backend, OnDelta, OnModel
from .backoff import Backoff
from .connection import Connection, LostProblem, RefusedError

__all__ = ["Backend", "Backoff", "DaemonClient", "NotRunningProblem", "OnDelta", "OnModel", "Starter"]

log = logging.getLogger(__name__)

Starter = Callable[[DaemonHome], Awaitable[None]]
"""Has a daemon that accepts connections at a place; raises DaemonProblem. See `lifecycle.start_daemon`."""

ANSWER_WITHIN_S = 5.0
"""How long a living daemon may take for "hello", "status" and "stop", which never wait for the model."""


class NotRunningProblem(DaemonProblem):
    """Nobody listens where the daemon would."""


class _NotYetProblem(DaemonProblem):
    """The back-off has not ended: nothing was tried."""


_DIED_OF = "The daemon was ended by {}"


_FIRST = asyncio.FIRST_COMPLETED
_BEATS = 3
"""How many times as long as between two questions the answer "I am there" may take: machines are busy."""


class DaemonClient:
    """A `Backend` that talks to the daemon.

    Its state: the connection or the making of one; the back-off; the process that died last.
    """

    def __init__(
        self,
        place: DaemonHome | None = None,
        *,
        name: str = "",
        start: Starter = lifecycle.start_daemon,
        on_model: OnModel | None = None,
        backoff: Backoff | None = None,
        beat_s: float = ANSWER_WITHIN_S,
    ) -> None:
        """Make a client; nothing is connected or started before the first request.

        Args:
            place: where the daemon lives; by default the user's own.
            name: what the client is, for the daemon's log.
            start: how a daemon is started.
            on_model: called whenever the model changes its state, and once for every connection.
            backoff: how soon a daemon that failed is started again; by default by the real clock.
            beat_s: how long a completion may take before the daemon is asked whether it is there, and again.
        """
        self.on_model = on_model
        self._place = place or DaemonHome()
        self._name = name
        self._start = start
        self._backoff = backoff or Backoff(time.monotonic)
        self._beat_s = beat_s
        self._died: int | None = None
        self._why = ""  # the last start failed, as a sentence
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._closed = False

    def __repr__(self) -> str:
        state = "closed" if self._closed else "connected" if self.connected else "unconnected"
        return f"<DaemonClient {state} failures={self._backoff.failures}>"

    @property
    def connected(self) -> bool:
        """Whether a daemon is at the other end."""
        return self._connection is not None and not self._connection.lost

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        """Complete; see `Backend.complete`."""
        try:
            result = await self._ask(Method.COMPLETE, request, on_delta, beats=True)
            completion = from_wire(Completion, result)
        except (Problem, RefusedError, protocol.ProtocolError) as error:
            return Completion("", StopReason.UNAVAILABLE, Stage.QUEUE, detail=str(error))
        if completion.stop is not StopReason.UNAVAILABLE:
            self._backoff.succeeded()
        return completion

    async def warm(self, request: WarmRequest) -> None:
        """Evaluate a prompt ahead; see `Backend.warm`."""
        try:
            await self._ask(Method.WARM, request)
        except (Problem, RefusedError) as error:
            log.info("warming was given up: %s", error)

    async def forget(self, request: ForgetRequest) -> None:
        """A document was closed; see `Backend.forget`."""
        if self._connection is not None:
            self._connection.tell(Method.FORGET, request)

    async def load(self) -> ModelStatus:
        """Load the model; see `Backend.load`."""
        try:
            return from_wire(ModelStatus, await self._ask(Method.LOAD))
        except (Problem, RefusedError, protocol.ProtocolError) as error:
            return ModelStatus(ModelState.ERROR, detail=str(error))

    async def status(self) -> DaemonStatus:
        """What the running daemon is doing; see `Backend.status`."""
        async with self._running_daemon() as connection:
            try:
                result = await asyncio.wait_for(connection.request(Method.STATUS), ANSWER_WITHIN_S)
                return from_wire(DaemonStatus, result)
            except TimeoutError:
                raise DaemonProblem(self._hangs()) from None
            except (RefusedError, protocol.ProtocolError) as error:
                raise DaemonProblem(str(error)) from error

    async def stop(self) -> bool:
        """End the running daemon. Returns when it is gone; False when none ran.

        Raises:
            DaemonProblem: it does not answer.
        """
        try:
            async with self._running_daemon() as connection:
                await _stop(connection, self._place)
        except NotRunningProblem:
            return False
        except TimeoutError:
            raise DaemonProblem(self._hangs()) from None
        return True

    async def aclose(self) -> None:
        """Close the connection. The daemon stays."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._connection is not None:
            self._connection.close()
            await asyncio.gather(self._connection.reading, return_exceptions=True)

    async def _ask(
        self, method: Method, params: object = None, on_delta: OnDelta | None = None, *, beats: bool = False
    ) -> Any:
        connection = await self._connected()
        asked = connection.request(method, params, on_delta)
        try:
            return await (self._while_it_lives(connection, asked) if beats else asked)
        except DaemonProblem:
            self._note_loss(connection)
            if how := await lifecycle.how_it_ended(connection.pid):
                raise LostProblem(f"{_DIED_OF.format(how)}; the next request starts it again.") from None
            raise

    async def _while_it_lives(self, connection: Connection, asked: Coroutine[Any, Any, Any]) -> Any:
        """The answer, however long it takes, as long as the daemon says now and then that it is there.

        A model may take its time; a process that was stopped, or hangs, never answers at all.
        """
        answer = asyncio.ensure_future(asked)
        begun = [answer]
        try:
            while not (await asyncio.wait({answer}, timeout=self._beat_s))[0]:
                alive = asyncio.ensure_future(connection.request(Method.STATUS))
                begun[1:] = [alive]
                await asyncio.wait({answer, alive}, timeout=_BEATS * self._beat_s, return_when=_FIRST)
                if not answer.done() and not alive.done():
                    connection.close()
                    raise DaemonProblem(self._hangs())
            return answer.result()
        finally:
            for each in begun:
                each.cancel()
            await asyncio.gather(*begun, return_exceptions=True)

    def _note_loss(self, connection: Connection) -> None:
        """Count a lost connection as one death, however many requests it took with it."""
        if connection is self._connection:
            self._connection = None
            if not self._closed:
                self._died = connection.pid
                self._backoff.died()

    async def _connected(self) -> Connection:
        """The connection, made anew where need be, for all who wait for it at once."""
        if self._closed:
            raise DaemonProblem("The daemon's client was closed.")
        if self._connection is not None:
            if not self._connection.lost:
                return self._connection
            self._connection = None  # it ended while nobody waited, as on its idle exit: no failure
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect_when_due())
            self._connecting.add_done_callback(self._connecting_done)
        # Shielded: one caller that is cancelled must not stop the start that others wait for.
        try:
            return await asyncio.shield(self._connecting)
        except asyncio.CancelledError:
            if self._closed:
                raise DaemonProblem("The daemon's client was closed.") from None
            raise

    def _connecting_done(self, task: asyncio.Task[Connection]) -> None:
        self._connecting = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._connection, self._why = task.result(), ""
        elif not isinstance(error, _NotYetProblem):
            self._backoff.failed()
            self._why = str(error) if isinstance(error, DaemonProblem) else ""

    async def _connect_when_due(self) -> Connection:
        """Connect; while the back-off lasts only to a daemon that somebody else has started."""
        if self._backoff.wait_s <= 0:
            return await self._connect_or_start()
        with contextlib.suppress(NotRunningProblem, LostProblem):
            connection = await self._connect()
            if await self._usable(connection):
                return connection
        if not self._backoff.given_up:
            wait = max(1, round(self._backoff.wait_s))
            why = self._why or f"Its log is {self._place.log}; 'foretype doctor' says what to do."
            raise _NotYetProblem(
                f"The daemon failed {self._backoff.failures} times in a row; it is started again in "
                f"{wait} second{'s' if wait > 1 else ''}. {why}"
            )
        how = await lifecycle.how_it_ended(self._died)
        died = _DIED_OF.format(how) if how else "The daemon ended before it answered"
        raise _NotYetProblem(
            f"{died}, {self._backoff.deaths} times in a row, so it is not started again by itself. "
            f"'foretype doctor' says what to do; then 'foretype daemon start', or restart the editor. "
            f"Its log is {self._place.output}."
        )

    async def _connect_or_start(self) -> Connection:
        for _ in range(3):
            try:
                connection = await self._connect()
            except (NotRunningProblem, LostProblem):  # lost: it was just ending
                await self._started()
                continue
            if await self._usable(connection):
                return connection
        raise DaemonProblem(
            f"The daemon keeps ending right after its start. Its log is {self._place.log}; "
            "'foretype doctor' says what to do."
        )

    async def _started(self) -> None:
        """Have a daemon started. Whatever the system says against it becomes a sentence."""
        try:
            await self._start(self._place)
        except OSError as error:
            raise DaemonProblem(
                f"The daemon could not be started ({error.strerror or type(error).__name__}). "
                "'foretype doctor' says what to do."
            ) from error

    async def _usable(self, connection: Connection) -> bool:
        """Whether the daemon is one for this client; an older one is asked to end, and is then not.

        It answers what it was asked before it ends, so an update while editors run loses nothing. An older
        client goes on with a newer daemon that speaks the same: so two releases beside each other don't end
        each other's.
        """
        welcome = connection.welcome
        if welcome is None:
            return True
        if welcome.version == protocol.VERSION and not is_older(welcome.release, release()):
            return True
        try:
            if welcome.version > protocol.VERSION:
                raise DaemonProblem(
                    f"The running daemon is foretype {welcome.release}, newer than this client. "
                    "Restart the editor."
                )
            log.info("ending a daemon of the older foretype %s", welcome.release)
            await _stop(connection, self._place)
        except TimeoutError:
            raise DaemonProblem(self._hangs()) from None
        finally:
            connection.close()
        return False

    @contextlib.asynccontextmanager
    async def _running_daemon(self) -> AsyncGenerator[Connection]:
        """The connection, or one of its own for a moment: what looks at the daemon never starts it."""
        if self._connection is not None and not self._connection.lost:
            yield self._connection
            return
        connection = await self._connect()
        try:
            yield connection
        finally:
            connection.close()

    async def _connect(self) -> Connection:
        self._place.check()
        transport = transport_at(self._place)
        try:
            reader, writer = await transport.connect()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunningProblem("No daemon is running; 'foretype daemon start' starts one.") from error
        except TimeoutError:
            raise DaemonProblem(self._hangs()) from None
        except OSError as error:
            raise DaemonProblem(
                f"The daemon at {transport.address} cannot be reached ({error.strerror}). "
                "'foretype doctor' says what to do."
            ) from error
        connection = Connection(reader, writer, self._model_changed)
        hello = protocol.Hello(client=self._name, pid=os.getpid())
        try:
            answer = connection.request(Method.HELLO, hello)
            connection.welcome = from_wire(Welcome, await asyncio.wait_for(answer, ANSWER_WITHIN_S))
        except BaseException as error:
            connection.close()
            if isinstance(error, TimeoutError):
                raise DaemonProblem(self._hangs()) from None
            if isinstance(error, RefusedError | protocol.ProtocolError):
                raise DaemonProblem(str(error)) from error
            raise
        return connection

    def _model_changed(self, model: ModelStatus) -> None:
        if self.on_model is not None:
            self.on_model(model)

    def _hangs(self) -> str:
        pid = holder(self._place)
        which = f" (process {pid})" if pid else ""
        return f"The daemon{which} does not answer. 'foretype daemon stop' ends it."


async def _stop(connection: Connection, place: DaemonHome) -> None:
    """Ask the daemon to end, and wait until it has let go of its lock.

    Raises:
        TimeoutError: it did not.
    """
    async with asyncio.timeout(ANSWER_WITHIN_S):
        try:
            await connection.request(Method.STOP)
        except (DaemonProblem, RefusedError):
            pass  # it ended before it answered
        await asyncio.gather(connection.reading, return_exceptions=True)
        pid = connection.welcome.pid if connection.welcome else None
        while pid is not None and holder(place) == pid:  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.01)  # no event tells of a lock that another process lets go
