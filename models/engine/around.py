"""An engine around another one: everything is the inner one's, but for what a subclass does itself.

For engines of two models, which differ in who answers what and agree in who else is asked.
"""

from __future__ import annotations

from ...context.shared.values import Completion, Prompt
from ..llama.cancellation import Cancellation
from .interface import EngineInfo, EngineLike


class EngineAround:
    """`interface.EngineLike` but for `complete`. State: the engine inside."""

    def __init__(self, main: EngineLike) -> None:
        """Take an engine over; its caller lets go of it."""
        self.main = main

    def warm(self, session: str, prompt: Prompt, *, cancellation: Cancellation) -> Completion:
        """See `EngineLike.warm`."""
        return self.main.warm(session, prompt, cancellation=cancellation)

    def idle(self, session: str, *, cancellation: Cancellation) -> bool:
        """See `EngineLike.idle`."""
        return self.main.idle(session, cancellation=cancellation)

    def forget(self, session: str) -> None:
        """See `EngineLike.forget`."""
        self.main.forget(session)

    def keep(self, *, cancellation: Cancellation) -> bool:
        """See `EngineLike.keep`. What another engine beside it knows is evaluated anew."""
        return self.main.keep(cancellation=cancellation)

    @property
    def reading(self) -> float:
        """See `EngineLike.reading`."""
        return self.main.reading

    def info(self) -> EngineInfo:
        """See `EngineLike.info`."""
        return self.main.info()

    def close(self) -> None:
        """See `EngineLike.close`."""
        self.main.close()
