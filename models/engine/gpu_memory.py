"""What is put on a GPU, and what is done when its memory is short: smaller batches first, then fewer layers.

How many tokens are best evaluated at once there is measured in `gpu_slices`; nothing is loaded here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from ..llama.llama import OutOfMemoryProblem

log = logging.getLogger(__name__)

_T = TypeVar("_T")


def wanted_layers(setting: int, layers: int, on_gpu: bool) -> int:
    """Layers to put on a GPU: those that were set, at most all there are; none without a GPU."""
    if not on_gpu:
        return 0
    return layers if setting < 0 else min(setting, layers)


def few_layers(layers: int, of: int) -> str:
    """What the user is told when only some layers fit into the GPU's memory."""
    return (
        f"The GPU has too little free memory for all of the model: {layers} of {of} layers run there and the "
        "rest on the processor, which is slower. Close what uses the GPU and restart the daemon, or choose a "
        "smaller model."
    )


def with_fewer_layers(start: Callable[[int], _T], layers: int) -> tuple[_T, int]:
    """Start with so many layers on the GPU, and with half as many each time its memory does not suffice.

    Returns:
        what was started, and the layers that it took.

    Raises:
        OutOfMemoryProblem: not even without a GPU is there enough.
        ModelProblem: whatever else `start` says, at once.
    """
    while True:
        try:
            return start(layers), layers
        except OutOfMemoryProblem:
            if layers == 0:
                raise
            log.warning("%d layers do not fit into the GPU's memory", layers)
            layers //= 2


def with_smaller_batches(start: Callable[[int], _T], sizes: tuple[int, ...]) -> _T:
    """Start with the first micro-batch of these, the largest first, for which there is memory.

    Raises:
        OutOfMemoryProblem: not even for the last.
    """
    for size in sizes[:-1]:
        try:
            return start(size)
        except OutOfMemoryProblem:
            log.info("there is no memory for batches of %d tokens", size)
    return start(sizes[-1])
