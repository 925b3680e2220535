"""How soon the daemon may be started again after it could not be, or died, and when no more by itself.

Pure: a clock and two counts. Starting and connecting are `client`'s business.
"""

from __future__ import annotations

import time

from ..process.lifecycle import Clock


class Backoff:
    """How soon the daemon may be started again. Its state: failures in a row, deaths, the last one's time.

    The first failure costs nothing: the next request starts the daemon. When it keeps failing the pauses grow
    from `FIRST_S`, doubling up to `LONGEST_S`. One answer from the daemon ends the row. A daemon that died
    `MOST_DEATHS` times while it was asked would die again, and each start costs the loading of a model.
    """

    FIRST_S = 1.0
    LONGEST_S = 30.0

    MOST_DEATHS = 5
    GIVEN_UP_S = 3600.0
    """Until then whatever ended it, such as another program that took the memory, may have gone."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self.failures = 0
        self.deaths = 0
        self._last = 0.0

    def failed(self) -> None:
        """It could not be started."""
        self.failures += 1
        self._last = self._clock()

    def died(self) -> None:
        """It ended while requests waited for it."""
        self.deaths += 1
        self.failed()

    def succeeded(self) -> None:
        """It answered."""
        self.failures = self.deaths = 0

    @property
    def given_up(self) -> bool:
        """Whether it is not started again by itself: somebody has to look, and start it."""
        return self.deaths >= self.MOST_DEATHS and self.wait_s > 0

    @property
    def wait_s(self) -> float:
        """Seconds until the next try."""
        if self.failures < 2:
            return 0.0
        pause = min(self.FIRST_S * 2.0 ** min(self.failures - 2, 16), self.LONGEST_S)
        if self.deaths >= self.MOST_DEATHS:
            pause = self.GIVEN_UP_S
        return max(0.0, self._last + pause - self._clock())
