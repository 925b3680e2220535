"""One thing that goes wrong on a machine, and what becomes of foretype then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs


class CannotBeMadeHereError(Exception):
    """This machine has not what the fault takes; says what."""


@attrs.frozen
class Fault:
    """A fault.

    Attributes:
        name: what goes wrong.
        sentence: what becomes of it, for people: the explanation that the campaign's table shows.
        play: makes it, and says what was otherwise than the sentence promises; "" for nothing.
    """

    name: str
    sentence: str
    play: Callable[[], Awaitable[str]]
