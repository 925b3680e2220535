"""What `foretype tune` brings on this machine, and the typing replay as users have it out of the box.

Tunes into a folder of its own under build/bench, so the user's choice stays. A busy machine is refused as
users are refused; nothing here asserts anything. Takes about four minutes with the peer.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import attrs
from foretype.models.tuning.record import Tuned
from foretype.models.tuning.tune import tune_model
from foretype.tests.bench import keystrokes, peer
from foretype.tests.bench.subject import BUILD, Replay

Add = Callable[[str, float | None], None]
Percentile = Callable[[list[float], float], float]


def measure(add: Add, percentile: Percentile, file: Path, replay: Replay, threads: int) -> None:
    """Add the figures of one run.

    Args:
        add: takes a name and a figure; None for what could not be measured.
        percentile: of a list of figures.
        file: the shipped weights, with markers.
        replay: what is typed.
        threads: for both sides.

    Raises:
        ModelProblem: other programs use the processor.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as data:
        found = tune_model(file, directory=Path(data) / "foretype" / "tuned", threads=threads).tuned
        add("tune.prefill_ratio", found.choice.prefill / found.original.prefill)
        add("tune.decode_ratio", found.original.steps[1] / found.choice.steps[1])
        add("tune.loss", found.choice.loss)
        _replays(add, percentile, found, file, replay, threads, Path(data))


def _replays(  # noqa: PLR0913, PLR0917 - what one comparison consists of
    add: Add, percentile: Percentile, found: Tuned, file: Path, replay: Replay, threads: int, data: Path
) -> None:
    ours = asyncio.run(keystrokes.type_through(file, replay, threads, data=data)).milliseconds
    program = peer.executable()
    for name, used in (("keystroke.out_of_box_ratio", file), ("keystroke.tuned_ratio", Path(found.path))):
        if program is None or not ours:
            add(name, None)
            continue
        with peer.running(program, used, threads) as server:
            peer.type_through(server, attrs.evolve(replay, typed=replay.typed[:5]))
            theirs = [key.milliseconds for key in peer.type_through(server, replay)]
        add(name, percentile(theirs, 0.5) / percentile(ours, 0.5))
