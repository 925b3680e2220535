"""How many people one GPU serves: typists and a server with continuous batching, simulated in virtual time.

The server's speed follows from its data sheet by the roofline (Williams and others, 2009): a step reads all
weights once, or computes for as long as its tokens take, whichever is longer. Prompts wait for room in a step
as in vLLM (chunked prefill); its prefix cache holds whole blocks of 16 tokens, and is never too small here.
usage: python -m foretype.tests.bench.capacity

It says what to expect of a machine before it is bought. `foretype bench --remote` says what it does.
"""

from __future__ import annotations

import heapq
import itertools
import random

import attrs
from foretype.context.shared.figures import percentile

GOOD_MS = 400.0
"""The latency budget: 95 % of the answers that somebody waits for have to be there by then."""

KEY_MS, BURST, REST_MS = 150.0, 8, 2500.0
"""Between two keys; how many come in a row; how long somebody then looks, thinks or reads."""

THROUGH = 0.3
"""The share of keys that say what was suggested, so that nothing is asked for."""

PROMPT, SUFFIX, TYPED, BLOCK, ANSWER = 2000, 500, 2, 16, 16
"""Tokens: a prompt, its part behind the cursor, a key's, a block of the cache, an answer of one line."""

STEP_TOKENS, OVERHEAD_MS = 2048, 3.0
"""Tokens of a step at most (vLLM's default); what a step costs beside the GPU's work."""

BANDWIDTH_USED, COMPUTE_USED = 0.7, 0.45
"""Which part of what a data sheet promises is had in practice."""

SIMULATED_MS = 20_000.0


@attrs.frozen
class Gpu:
    """A GPU by its data sheet: memory in GB/s, 16-bit matrix products without sparsity in TFLOPS."""

    name: str
    memory: float
    compute: float


@attrs.frozen
class Weights:
    """A model: billions of weights, bytes of each, and bytes of the KV cache for a token."""

    name: str
    billions: float
    bytes_each: float
    cache_bytes: int


GPUS = (
    Gpu("L4", 300, 121),
    Gpu("RTX 4090", 1008, 165),
    Gpu("L40S", 864, 362),
    Gpu("A100 80 GB", 2039, 312),
    Gpu("H100 SXM", 3350, 989),
)
MODELS = (
    Weights("Qwen2.5-Coder 1.5B in 16 bits", 1.54, 2, 28_672),
    Weights("Qwen2.5-Coder 7B in 8 bits", 7.62, 1, 57_344),
    Weights("Qwen2.5-Coder 7B in 16 bits", 7.62, 2, 57_344),
)


@attrs.define(eq=False)
class Request:
    """One at the server: tokens still to be evaluated and to be said."""

    typist: int
    began: float
    waited_for: bool
    prefill: int
    left: int


@attrs.frozen
class Manners:
    """How a client asks.

    Attributes:
        name: the client.
        aborts: what was overtaken is taken back.
        through: the share of keys that ask for nothing.
        evaluated: prompt tokens that a key has evaluated.
        said: tokens of an answer.
    """

    name: str
    aborts: bool
    through: float
    evaluated: int
    said: int


FORETYPE = Manners("foretype", True, THROUGH, TYPED + BLOCK, ANSWER)
LLAMA_VIM = Manners("as llama.vim asks", False, 0.0, SUFFIX + BLOCK, ANSWER)


def step_ms(gpu: Gpu, model: Weights, tokens: int, cached: int) -> float:
    """What a step takes in which so many tokens are computed behind so many in the cache."""
    bandwidth = gpu.memory * 1e6 * BANDWIDTH_USED  # bytes a ms
    read = (model.billions * 1e9 * model.bytes_each + cached * model.cache_bytes) / bandwidth
    compute = tokens * 2 * model.billions * 1e9 / (gpu.compute * 1e9 * COMPUTE_USED)
    return OVERHEAD_MS + max(read, compute)


def waits(gpu: Gpu, model: Weights, people: int, manners: Manners, seed: int = 1) -> list[float]:
    """ms until the answers that somebody waited for, of so many typists, those still open at the end too."""
    chance = random.Random(seed)
    numbers = itertools.count()
    cycle = BURST * KEY_MS + REST_MS
    keys = [(chance.random() * cycle, next(numbers), typist, 0) for typist in range(people)]
    heapq.heapify(keys)
    live: list[Request] = []
    took: list[float] = []
    now = 0.0
    while now < SIMULATED_MS:
        while keys and keys[0][0] <= now:
            when, _, typist, count = heapq.heappop(keys)
            last = count == BURST - 1
            pause = REST_MS * chance.uniform(0.5, 1.5) if last else KEY_MS * chance.uniform(0.6, 1.4)
            heapq.heappush(keys, (when + pause, next(numbers), typist, (count + 1) % BURST))
            if manners.aborts:
                took += [now - one.began for one in live if one.typist == typist and one.waited_for]
                live = [one for one in live if one.typist != typist]
            if last or chance.random() >= manners.through:
                live.append(Request(typist, when, last, manners.evaluated, manners.said))
        if not live:
            now = keys[0][0]
            continue
        now += _step(gpu, model, live, took, now)
    return took + [now - one.began for one in live if one.waited_for]


def _step(gpu: Gpu, model: Weights, live: list[Request], took: list[float], now: float) -> float:
    """Do one step of the server; how many ms it took."""
    speaking = [one for one in live if not one.prefill]
    room = STEP_TOKENS - len(speaking)
    tokens = len(speaking)
    for one in live:
        if one.prefill and room > 0:
            part = min(one.prefill, room)
            one.prefill, room, tokens = one.prefill - part, room - part, tokens + part
            if not one.prefill:
                speaking.append(one)
    took_ms = step_ms(gpu, model, tokens, len(speaking) * PROMPT)
    for one in speaking:
        one.left -= 1
        if not one.left:
            live.remove(one)
            if one.waited_for:
                took.append(now + took_ms - one.began)
    return took_ms


def people_served(gpu: Gpu, model: Weights, manners: Manners) -> int:
    """The largest number of typists, by tenths, whose answers are good enough; 0 where not even one's are."""

    def good(people: int) -> bool:
        return percentile(waits(gpu, model, people, manners), 0.95) <= GOOD_MS

    if not good(1):
        return 0
    most = 1
    while good(most * 2) and most < 1024:
        most *= 2
    low, high = most, most * 2
    while high - low > max(1, low // 10):
        middle = (low + high) // 2
        low, high = (middle, high) if good(middle) else (low, middle)
    return low


def main() -> None:
    """Print a table."""
    for model in MODELS:
        print(f"{model.name}: people whose answers are there within {GOOD_MS:.0f} ms, 95 of 100")
        for gpu in GPUS:
            served = [people_served(gpu, model, manners) for manners in (FORETYPE, LLAMA_VIM)]
            print(f"  {gpu.name:<12}{served[0]:>6} with foretype{served[1]:>6} {LLAMA_VIM.name}", flush=True)


if __name__ == "__main__":
    main()
