"""A round in a process of its own, under a limit of memory and time: a crash or a flood is a finding there.

`python -m foretype.tests.torture.limited MODULE SEED COUNT` calls `attack(seed, count)` of a module of this
package, which returns the sentences of what went wrong.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

MEMORY_BYTES = 1 << 30
WITHIN_S = 600.0


def attacked(module: str, seed: int, count: int) -> tuple[str, ...]:
    """What `attack` of a module found, or how its process ended.

    Args:
        module: its name in this package.
        seed: decides what is tried.
        count: how much.
    """
    command = [sys.executable, "-P", "-m", __name__, module, str(seed), str(count)]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        return (f"{module}, seed {seed}: it did not end within {WITHIN_S:.0f} s",)
    if ran.returncode != 0:
        last = ran.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        return (f"{module}, seed {seed}: the process ended with {ran.returncode}: {' '.join(last)}",)
    return tuple(json.loads(ran.stdout))


def main() -> None:
    """Be the process."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    module = importlib.import_module(f"foretype.tests.torture.{sys.argv[1]}")
    print(json.dumps(module.attack(int(sys.argv[2]), int(sys.argv[3]))))


if __name__ == "__main__":
    main()
