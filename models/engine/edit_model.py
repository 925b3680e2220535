"""A second model, trained to predict edits, that writes lines anew; everything else is the main one's.

It is loaded when lines are to be written anew for the first time, in a thread of its own: nobody at the
cursor waits for it, and who never asks for a next edit never has its memory taken. Until it is there, and for
good where it can't be loaded, the main model is asked as it would be alone. Both are used in the one engine
thread. Which model that is, is the user's; what is asked of it, `rewriting` decides.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import attrs

from ...context.shared.problem import Problem
from ...context.shared.values import Completion, Prompt, Restriction, StopRules
from ..gguf.file import check_file
from ..llama.cancellation import Cancellation
from ..prompts.edit_formats import recognise_edits
from ..prompts.formats import facts
from .around import EngineAround
from .interface import EngineLike, EngineSettings
from .loading import load_engine

log = logging.getLogger(__name__)


def with_edit_model(main: EngineLike, path: Path | None, settings: EngineSettings) -> EngineLike:
    """The engine with a model beside it that predicts edits, where that is of use.

    Args:
        main: the loaded model.
        path: the other one's file; None for none.
        settings: how the main one runs.
    """
    if path is None or str(path) == main.info().path:
        return main
    try:
        why_not = untrained(path)
    except (OSError, Problem) as problem:
        why_not = str(problem)
    if why_not:
        log.warning("no other model predicts edits: %s", why_not)
        return main
    alone = attrs.evolve(settings, states=None, draft=None)
    return EngineWithEditModel(main, lambda: load_engine(path, alone, _unheard))


def untrained(path: Path) -> str:
    """Why a model is of no use for edits, as a sentence; "" where it was trained to predict them.

    Raises:
        Problem: the file can't be used at all.
        OSError: it can't be read.
    """
    if recognise_edits(facts(check_file(path))) is not None:
        return ""
    return (
        f"{path.name} was not trained to predict edits, as Zeta and Sweep Next-Edit were, so that it is not "
        "used: name another one as edits of [model], or none."
    )


def _unheard(_part: float) -> None:
    """Nobody waits for it."""


class EngineWithEditModel(EngineAround):
    """Two models as one engine; see the module's opening. Implements `interface.EngineLike`.

    State beside the main engine: the thread that loads the other one once that began, and the other one.
    """

    def __init__(self, main: EngineLike, load: Callable[[], EngineLike]) -> None:
        """Take the main engine over.

        Args:
            main: its caller lets go of it.
            load: loads the other one, in any thread; raises `Problem` where it can't.
        """
        super().__init__(main)
        self.editing: EngineLike | None = None
        self._load = load
        self._lock = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None

    def complete(
        self,
        session: str,
        prompt: Prompt,
        rules: StopRules,
        *,
        cancellation: Cancellation,
        on_text: Callable[[str], None] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        whole: bool = False,
        restriction: Restriction | None = None,
    ) -> Completion:
        """See `EngineLike.complete`."""
        engine = self.main if prompt.rewrite is None else self._for_edits()
        return engine.complete(
            session,
            prompt,
            rules,
            cancellation=cancellation,
            on_text=on_text,
            temperature=temperature,
            seed=seed,
            whole=whole,
            restriction=restriction,
        )

    def wait(self, seconds: float) -> bool:
        """Wait for at most that long until loading has ended, where it began; whether it has."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def _for_edits(self) -> EngineLike:
        if self._thread is None:
            # A daemon thread: a file on a disk that never answers must not keep the process alive.
            self._thread = threading.Thread(target=self._run, name="foretype-edit-model", daemon=True)
            self._thread.start()
        return self.editing or self.main

    def _run(self) -> None:
        try:
            loaded = self._load()
        except MemoryError:
            log.warning("no other model predicts edits: there is not enough memory for it")
            return
        except (OSError, Problem) as problem:
            log.warning("no other model predicts edits: %s", problem)
            return
        with self._lock:
            if not self._closed:
                self.editing = loaded
                return
        loaded.close()

    def forget(self, session: str) -> None:
        """See `EngineLike.forget`."""
        super().forget(session)
        if self.editing is not None:
            self.editing.forget(session)

    def close(self) -> None:
        """See `EngineLike.close`. What is being loaded still is freed by its thread."""
        with self._lock:
            self._closed = True
        if self.editing is not None:
            self.editing.close()
        super().close()
