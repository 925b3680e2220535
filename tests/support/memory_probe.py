"""What a process really takes when it runs a model: the growth of its resident memory, measured in a child.

Run as `python -m foretype.tests.support.memory_probe FILE [DRAFT]`; it prints bytes. A model whose layers are
recurrent is run by a bare context, all others by the engine.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psutil
from foretype.models.cache.kv_cache import KVCache
from foretype.models.engine.interface import EngineSettings, SpeculationMode
from foretype.models.engine.loading import load_engine
from foretype.models.gguf.file import GgufFile, read_gguf
from foretype.models.gguf.sizes import SEQUENCES, draft_needed, memory_needed, state_bytes
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.governor import Governor
from foretype.models.llama.llama import Context, Model

CELLS = 8192
DRAFT_CELLS = CELLS // 2 + 512


def taken(path: Path, draft: Path | None = None) -> int:
    """Bytes that a fresh process took to load the model and evaluate 300 tokens."""
    command = [sys.executable, "-P", "-m", __name__, str(path), *([str(draft)] if draft else [])]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def error(path: Path, draft: Path | None = None) -> float:
    """How far the estimate is from what a process takes, as a part of the latter."""
    estimate = memory_needed(read_gguf(path), CELLS)
    if draft is not None:
        estimate += draft_needed(read_gguf(draft), DRAFT_CELLS)
    return abs(estimate / taken(path, draft) - 1)


def main() -> None:
    """Be the child."""
    path, *drafts = map(Path, sys.argv[1:])
    head = read_gguf(path)
    before = psutil.Process().memory_info().rss
    with _cache(path, head, drafts[0] if drafts else None) as cache:
        sequence = cache.acquire()
        assert sequence is not None
        cache.sync(sequence, [100 + index % 50 for index in range(300)], Cancellation())
        print(psutil.Process().memory_info().rss - before)


@contextlib.contextmanager
def _cache(path: Path, head: GgufFile, draft: Path | None) -> Generator[KVCache]:
    if state_bytes(head, 1):
        model = Model(path, gpu_layers=0)
        model.pieces()
        context = Context(model, size=CELLS, sequences=SEQUENCES, governor=Governor(2))
        yield KVCache(context)
        context.close()
        model.close()
        return
    settings = EngineSettings(
        context_tokens=CELLS,
        threads=2,
        gpu_layers=0,
        tuned=False,
        speculation=SpeculationMode.ALWAYS if draft else SpeculationMode.NEVER,
        draft=draft,
    )
    engine = load_engine(path, settings, lambda _part: None)
    yield engine.cache
    engine.close()


if __name__ == "__main__":
    main()
