"""Engine work in virtual time: the clock moves on only as the work says, and keys reach it in between."""

from __future__ import annotations

import asyncio

from foretype.models.llama.cancellation import Cancellation
from foretype.tests.live.lockstep import QUANTUM_S, LockstepThread
from foretype.tests.support import virtual_time


def test_work_takes_the_time_that_it_says_and_one_piece_follows_the_other() -> None:
    async def play() -> list[tuple[str, float]]:
        loop = asyncio.get_running_loop()
        thread = LockstepThread(loop)
        ended: list[tuple[str, float]] = []
        for name, seconds in (("one", 0.5), ("two", 0.25)):

            def work(name: str = name, seconds: float = seconds) -> str:
                assert thread.spend(seconds, None)
                return name

            thread.post(work, lambda result, _: ended.append((str(result), round(loop.time(), 3))))
        assert await thread.close(10)
        return ended

    assert virtual_time.run(play()) == [("one", 0.5), ("two", 0.75)]


def test_a_cancellation_is_noticed_within_a_moment() -> None:
    async def play() -> float:
        loop = asyncio.get_running_loop()
        thread, cancellation = LockstepThread(loop), Cancellation()
        ended: asyncio.Future[float] = loop.create_future()

        def done(finished: bool | None, _error: BaseException | None) -> None:
            assert finished is False
            ended.set_result(loop.time())

        thread.post(lambda: thread.spend(5, cancellation), done)
        loop.call_later(1, cancellation.cancel)
        return await ended

    assert 1 <= virtual_time.run(play()) <= 1 + QUANTUM_S


def test_what_fails_in_the_work_reaches_the_loop() -> None:
    async def play() -> BaseException | None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[BaseException | None] = loop.create_future()
        LockstepThread(loop).post(lambda: 1 // 0, lambda _, error: ended.set_result(error))
        return await ended

    assert isinstance(virtual_time.run(play()), ZeroDivisionError)
