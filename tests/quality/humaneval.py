"""HumanEval single-line infilling: a line is right when the program with it passes its tests.

The tasks are those of Bavarian and others, "Efficient Training of Language Models to Fill in the Middle"
(2022), MIT licence, in tests/data/human-eval-infilling. The cursor stands at the missing line's indentation,
where an editor's user would have it. A line that is not shown is a line that is not right. Programs run in a
process of their own with bounds on time, memory, files and processes, and without the modules for networks.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import attrs
from foretype.context.prompt.assemble import assemble
from foretype.context.prompt.rules import stop_rules
from foretype.context.related.choose import select_related
from foretype.context.related.sources import Sources
from foretype.context.shared.values import Completion, Prompt, StopRules
from foretype.tests.quality.holes import Hole
from foretype.tests.quality.stages import MAX_TOKENS, WINDOW, checked

DATA = (
    Path(__file__).resolve().parents[1]
    / "data"
    / "human-eval-infilling"
    / "HumanEval-SingleLineInfilling.jsonl.gz"
)
CPU_SECONDS = 5
WALL_SECONDS = 20.0
MEMORY_BYTES = 1 << 30

_LIMITED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_SECONDS}, {CPU_SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
for name in ("socket", "_socket", "ssl", "subprocess", "ctypes", "multiprocessing"):
    sys.modules[name] = None
program = sys.stdin.read()
sys.stdin = None
exec(compile(program, "task", "exec"), {{"__name__": "task"}})
"""


@attrs.frozen
class Task:
    """One missing line and the tests that it has to pass."""

    name: str
    entry_point: str
    prompt: str
    suffix: str
    solution: str
    test: str

    def hole(self) -> Hole:
        """The task as a document with a cursor."""
        line = self.solution.rstrip("\n")
        indent = line[: len(line) - len(line.lstrip())]
        text = f"{self.prompt}{indent}\n{self.suffix}"
        original = f"{self.prompt}{line}\n{self.suffix}"
        offset = len(self.prompt) + len(indent)
        return Hole("humaneval", "solution.py", "python", "line", text, offset, original, held_out=True)

    def passes(self, document: str) -> bool:
        """Whether a completed document passes the task's tests, within bounds."""
        return runs(f"{document}\n{self.test}\ncheck({self.entry_point})\n")


def tasks(count: int, seed: int, data: Path = DATA) -> list[Task]:
    """A seeded sample of the 1,033 tasks."""
    with gzip.open(data, "rt", encoding="utf-8") as opened:
        rows = [json.loads(line) for line in opened]
    found = [
        Task(
            row["task_id"],
            row["entry_point"],
            row["prompt"],
            row["suffix"],
            row["canonical_solution"],
            row["test"],
        )
        for row in rows
    ]
    random.Random(seed).shuffle(found)
    return found[:count]


def runs(program: str) -> bool:
    """Whether a program comes to its end without an error, within bounds."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            ended = subprocess.run(
                [sys.executable, "-I", "-c", _LIMITED],
                input=program,
                text=True,
                capture_output=True,
                timeout=WALL_SECONDS,
                cwd=folder,
                env={},
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return ended.returncode == 0


def solved(
    task: Task,
    complete: Callable[[Prompt, StopRules], Completion],
    *,
    suffix: bool = True,
    related: bool = True,
) -> bool:
    """Whether what foretype shows for a task passes its tests.

    Args:
        task: the task.
        complete: the model.
        suffix: whether it is shown what stands behind the cursor.
        related: whether it is shown related code: excerpts of the task's file, there is no other.
    """
    hole = task.hole()
    snapshot = hole.snapshot()
    rules = stop_rules(snapshot, hole.offset, MAX_TOKENS, 0.0)
    prompt, window = assemble(snapshot, hole.offset, WINDOW)
    if related:
        seen = window.seen(suffix=suffix)
        choice = select_related(snapshot, hole.offset, Sources(), WINDOW.related, seen=seen)
        prompt = attrs.evolve(prompt, related=choice.parts)
    shown = checked(hole, rules, complete(prompt, rules), None)["sure"]
    if not shown.text.strip():
        return False
    return task.passes(hole.text[: hole.offset] + shown.text + hole.text[hole.offset + shown.replace_right :])
