"""Mutated heads of GGUF files against the checker: a file or a sentence, whatever stands in them.

The files are real vocabularies and small models. What passes the check must also give its vocabulary, types
and sizes without surprises, since that is what is done with it next.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from foretype.context.shared.problem import ModelProblem
from foretype.models.gguf.file import check_file
from foretype.models.gguf.sizes import memory_needed
from foretype.tests.support.tiny_gguf import tiny_model
from foretype.tests.torture.limited import attacked
from foretype.tests.torture.mutation import broken_bytes
from foretype.tests.torture.section import Found, Section

SLOW_S = 2.0
"""Processor time: somebody else may have the processor."""

_HEAD = 4096
"""Most damage is done here, where counts, lengths and types stand close together."""


def attack(seed: int, count: int) -> list[str]:
    """Check so many broken files; a sentence for each surprise."""
    chance = random.Random(seed)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        model = tiny_model("refact", Path(folder), layers=1, embedding=32, heads=2, key_value_heads=1)
        whole = model.read_bytes()
        table = whole.find(b"token_embd.weight")
        path = Path(folder) / "broken.gguf"
        for _ in range(count):
            at = chance.choice((0, 0, max(0, table - 64)))
            part = broken_bytes(chance, whole[at : at + _HEAD])
            path.write_bytes(whole[:at] + part + whole[at + _HEAD :])
            began = time.process_time()
            complaint = _checked(path)
            if complaint:
                wrong.append(complaint)
            if time.process_time() - began > SLOW_S:
                wrong.append(f"a broken head took {time.process_time() - began:.1f} s to check")
    return wrong


def _checked(path: Path) -> str:
    try:
        file = check_file(path, available_bytes=1 << 50)
        file.tokens()
        file.token_types()
        memory_needed(file, 4096)
        str(file.quantisation)
    except ModelProblem as problem:
        said = str(problem)
        return "" if path.name in said and "\n" not in said else f"no sentence about the file: {said!r}"
    except MemoryError:
        return "a broken head makes the checker ask for more memory than a gigabyte"
    except Exception as error:  # noqa: BLE001 - whatever else it is, is what is looked for
        return f"a broken head ends in {type(error).__name__}: {error}"
    return ""


def play(seed: int, count: int = 250) -> Found:
    """A round."""
    return Found({"fuzz.gguf": count}, wrong=attacked("fuzz_gguf", seed, count))


SECTION = Section("gguf", "fuzz.gguf", 10_000, "fuzz.gguf.crashes", play)
