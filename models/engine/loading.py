"""From a GGUF file to an engine: check, load, choose sizes for this machine, warm the kernels up.

The only place that puts llama.cpp, the vocabulary, the layout and the cache together.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Generator
from pathlib import Path

import attrs

from ...context.shared.problem import ModelProblem
from ..cache.cells import EvaluationSpeed
from ..cache.kv_cache import KVCache, Sequence
from ..cache.saved_states import StateStore, fingerprint
from ..cache.step_costs import CostCurve
from ..drafting.benefit import worth_building
from ..drafting.draft_model import DraftModel, load_draft
from ..drafting.drafts import Speculation
from ..drafting.events import DraftWatch
from ..drafting.experience import DraftExperience
from ..drafting.ngrams import NgramTables
from ..gguf.file import GgufFile, check_file, check_memory
from ..gguf.sizes import (
    DEFAULT_CELLS,
    MICRO_BATCH,
    cache_bytes,
    checkpoint_bytes,
    draft_needed,
    sequences_for,
    state_bytes,
)
from ..llama.cancellation import Cancellation
from ..llama.governor import Governor, usable_cores
from ..llama.llama import Context, Model, OutOfMemoryProblem, build, supports_gpu
from ..llama.trial import check_library
from ..llama.vocabulary import Vocabulary
from ..machine import memory
from ..prompts.edit_formats import recognise_edits
from ..prompts.formats import Recognition, facts, recognise
from ..prompts.layout import Guarded
from ..prompts.tokens import PromptTokens
from ..prompts.user_formats import from_overrides
from ..tuning.record import Measured, find_tuned, machine, sweep_tuned
from .gpu_memory import few_layers, wanted_layers, with_fewer_layers, with_smaller_batches
from .gpu_slices import MICRO_BATCH_ON_GPU, choose_slices
from .interface import EngineInfo, EngineSettings, SpeculationMode
from .local import LocalEngine
from .writing import Drafting

log = logging.getLogger(__name__)

MEMORY_SHARE = 0.2
"""The KV cache takes at most this part of the memory that is free."""

CPU_SLICE = 256
"""Tokens evaluated before the machine is asked again how many cores are free."""

_WARM_UP_TOKENS = 96

LEARN_WITHIN_MS = 250.0


@attrs.frozen
class Loaded:
    """What llama.cpp holds for an engine: the model, its context and the model that drafts."""

    model: Model
    context: Context
    draft: DraftModel | None

    @contextlib.contextmanager
    def abortable(self, cancellation: Cancellation) -> Generator[None]:
        """While inside, the cancellation stops a running llama_decode of either model."""
        with (
            self.context.abortable(cancellation),
            self.draft.abortable(cancellation) if self.draft else contextlib.nullcontext(),
        ):
            yield

    def close(self) -> None:
        """Free everything."""
        if self.draft is not None:
            self.draft.close()
        self.context.close()
        self.model.close()


@attrs.frozen
class _Start:
    """How a model is started, whatever part of it runs on a GPU."""

    path: Path
    file: GgufFile
    settings: EngineSettings
    tuned: Measured | None
    threads: int
    on_progress: Callable[[float], None]

    def __call__(self, layers: int) -> tuple[Model, Context]:
        """With so many layers on a GPU; raises ModelProblem."""
        model = Model(self.path, gpu_layers=layers, on_progress=self.on_progress)
        sizes = (MICRO_BATCH_ON_GPU, MICRO_BATCH) if layers else (_micro_batch(self.tuned),)
        try:
            return model, with_smaller_batches(lambda at_once: self._context(model, at_once), sizes)
        except ModelProblem:
            model.close()
            raise

    def _context(self, model: Model, micro_batch: int) -> Context:
        return Context(
            model,
            size=self.settings.context_tokens or default_cells(self.file),
            sequences=sequences_for(self.file),
            governor=Governor(self.threads),
            micro_batch=micro_batch,
            flash_attention=self.tuned.flash_attention if self.tuned else True,
            eight_bits=self.tuned is not None and self.tuned.eight_bits,
        )


def _micro_batch(tuned: Measured | None) -> int:
    return MICRO_BATCH if tuned is None else tuned.micro_batch


def load_engine(path: Path, settings: EngineSettings, on_progress: Callable[[float], None]) -> LocalEngine:
    """Load a GGUF file with llama.cpp. Takes from a tenth of a second to a minute.

    Args:
        path: the model.
        settings: how to run it.
        on_progress: is called with 0.0 to 1.0 from the calling thread.

    Raises:
        ModelProblem: the file cannot be used, or memory does not suffice.
    """
    check_library()
    on_gpu = settings.gpu_layers != 0 and supports_gpu()
    file = check_file(path)
    overrides, problems = from_overrides(settings.fim)
    for problem in problems:
        log.warning("%s", problem)
    known = facts(file)
    recognition, edits = recognise(known, overrides), recognise_edits(known)
    sweep_tuned()
    found = find_tuned(path) if settings.tuned and not on_gpu else None
    used = path if found is None else Path(found.path)
    micro_batch = _micro_batch(found.choice if found else None)
    if not on_gpu:
        # On a GPU the weights lie in its own memory, which llama.cpp knows and this process does not.
        cells = settings.context_tokens or default_cells(file)
        runs = file if used == path else check_file(used)
        beside = _draft_bytes(settings) + checkpoint_bytes(runs)
        eight_bits = found is not None and found.choice.eight_bits
        free = memory.available_bytes()
        check_memory(runs, free, cells, beside, micro_batch=micro_batch, eight_bits=eight_bits)
    threads = settings.threads or (found.choice.threads if found else usable_cores())

    all_layers = (file.integer(f"{file.architecture}.block_count") or 0) + 1  # the output counts as one
    wanted = wanted_layers(settings.gpu_layers, all_layers, on_gpu)
    start = _Start(used, file, settings, None if found is None else found.choice, threads, on_progress)
    (model, context), layers = with_fewer_layers(start, wanted)
    note = "" if layers == wanted else few_layers(layers, all_layers)
    if note:
        log.warning("%s", note)
    texts = {**recognition.texts, **(edits.texts if edits else {})}
    vocabulary = Vocabulary(
        Guarded(model, texts),
        adds_space=_adds_space(file),
        markers=texts,
    )
    cache = KVCache(context, slice_tokens=MICRO_BATCH if on_gpu else CPU_SLICE)
    if found is not None:
        cache.costs.put(found.choice.threads, CostCurve.from_measured(found.choice.steps))
    _warm_up(cache, model, costs=settings.speculation is not SpeculationMode.NEVER)
    if on_gpu:
        choose_slices(cache, _some_tokens(model, MICRO_BATCH_ON_GPU))
    ends = _ends(model, recognition) | frozenset(edits.texts if edits else ())
    speculates = _speculates(settings.speculation, cache, threads)
    draft = _draft_model(settings, file, context, threads) if speculates else None

    prompt_tokens = PromptTokens(vocabulary, recognition, model.beginning(recognition.bos), edits)
    return LocalEngine(
        cache,
        vocabulary,
        prompt_tokens,
        ends=ends,
        max_prompt_tokens=longest_prompt(context.longest, context.size),
        running=Loaded(model, context, draft),
        info=EngineInfo(
            path.stem,
            str(path),
            model.parameters,
            context.size,
            recognition.format.name,
            0,
            prompt_tokens.sees_suffix,
            note,
        ),
        latency_budget_ms=settings.latency_budget_ms,
        states=_states(used, context, settings),
        edits=edits.format if edits else None,
        drafting=_drafting(cache, used, ends, settings, draft) if speculates else None,
    )


def _draft_bytes(settings: EngineSettings) -> int:
    """What the draft model takes beside the model; it gets a cache for one prompt."""
    if settings.speculation is not SpeculationMode.ALWAYS or settings.draft is None:
        return 0
    cells = (settings.context_tokens or DEFAULT_CELLS) // 2 + 512
    return draft_needed(check_file(settings.draft), cells)


def _draft_model(
    settings: EngineSettings, file: GgufFile, context: Context, threads: int
) -> DraftModel | None:
    """The draft model that the settings name; as much of a cache as the longest prompt needs."""
    if settings.speculation is not SpeculationMode.ALWAYS or settings.draft is None:
        return None
    size = context.size // 2 + 512
    try:
        return load_draft(
            settings.draft, file, size=size, governor=Governor(threads), gpu_layers=settings.gpu_layers
        )
    except OutOfMemoryProblem as problem:
        log.warning("there is no draft model: %s", problem)
        return None


def _speculates(mode: SpeculationMode, cache: KVCache, threads: int) -> bool:
    """Whether drafts are made at all: only where tokens can be taken back, and batches are cheap enough."""
    if mode is SpeculationMode.NEVER or not cache.goes_back:
        return False
    return mode is SpeculationMode.ALWAYS or worth_building(cache.costs.curve(threads).ratios())


def _drafting(
    cache: KVCache, path: Path, ends: frozenset[int], settings: EngineSettings, draft: DraftModel | None
) -> Drafting:
    kept = None
    if settings.states is not None:
        name = fingerprint(path, machine(), settings.gpu_layers).hex()
        kept = settings.states / "drafts" / f"{name[:24]}.json"
    known = DraftExperience(kept, always=settings.speculation is SpeculationMode.ALWAYS)
    speculation = Speculation(
        ends,
        context_costs(cache),
        DraftWatch(lambda: known.benefit(cache.cells.threads)),
        known.acceptance,
    )
    return Drafting(speculation, _workspaces(path, ends, settings), draft, known)


def _workspaces(path: Path, ends: frozenset[int], settings: EngineSettings) -> NgramTables:
    folder = settings.states / "ngrams" if settings.states else None
    return NgramTables(folder, fingerprint(path), ends)


def _states(path: Path, context: Context, settings: EngineSettings) -> StateStore | None:
    if settings.states is None:
        return None
    facts = build(), context.size, settings.gpu_layers, context.eight_bits
    return StateStore(settings.states, fingerprint(path, *facts))


def _adds_space(file: GgufFile) -> bool:
    """Whether the tokeniser puts a space before every text: SentencePiece's do unless the file says no."""
    told = file.boolean("tokenizer.ggml.add_space_prefix")
    return file.text("tokenizer.ggml.model") in ("llama", "t5") if told is None else told


def _ends(model: Model, recognition: Recognition) -> frozenset[int]:
    """What ends a generation: llama.cpp's list, the format's stops and markers, whatever is no text."""
    own = {token for token in range(model.vocabulary_size) if model.is_end(token) or model.is_control(token)}
    return frozenset(own | set(recognition.stops) | set(recognition.texts))


def longest_prompt(longest: int, cells: int) -> int:
    """Tokens of a new prompt at most, so that there is room for what is typed and generated behind it.

    Args:
        longest: tokens that a sequence may hold.
        cells: of the cache; a second prompt of a file should fit beside the first.
    """
    return min(max(longest - 256, longest // 2), max(cells // 2, 1))


def default_cells(file: GgufFile) -> int:
    """Cells of the KV cache in tokens: `DEFAULT_CELLS`, or what `MEMORY_SHARE` of the free memory allows."""
    per_token = max(1, cache_bytes(file, 1))
    free = int(memory.available_bytes() * MEMORY_SHARE) - state_bytes(file, sequences_for(file))
    affordable = max(free, 0) // per_token
    return max(2048, min(DEFAULT_CELLS, affordable // 256 * 256))


def _warm_up(cache: KVCache, model: Model, *, costs: bool) -> None:
    """Page the weights in and learn how fast prefill is, so that the first request is planned well.

    Args:
        cache: empty.
        model: its weights.
        costs: learn what batches cost, too.
    """
    sequence = cache.acquire()
    if sequence is None:
        return
    count = min(_WARM_UP_TOKENS, max(1, cache.longest // 2))
    tokens = [token for token in range(model.vocabulary_size) if not model.is_control(token)][:count]
    for _ in range(2):
        cache.speed = EvaluationSpeed()  # what the first run says is mostly about the disk
        cache.truncate(sequence, 0)
        cache.sync(sequence, tokens, Cancellation())
    if costs:
        _learn_costs(cache, sequence, tokens)
    cache.release(sequence)


def _some_tokens(model: Model, count: int) -> list[int]:
    """The first tokens that are text."""
    text = (token for token in range(model.vocabulary_size) if not model.is_control(token))
    return list(itertools.islice(text, count))


def _learn_costs(cache: KVCache, sequence: Sequence, tokens: list[int]) -> None:
    """Decode batches of the sizes that drafts come in, so that the first draft is chosen well.

    Takes `LEARN_WITHIN_MS` and one batch more; on a slow machine only the first sizes are seen.
    """
    cache.truncate(sequence, len(tokens) - 1)
    deadline = time.perf_counter() + LEARN_WITHIN_MS / 1000
    for size in (1, 4, 16, 8, 1, 4, 2, 12, 6, 3, 16, 8):
        if time.perf_counter() > deadline:
            break
        if len(sequence.tokens) + size > cache.longest:
            continue
        cache.extend(sequence, tokens[:size], logits=size)
        if not cache.truncate(sequence, len(tokens) - 1):
            break


def context_costs(cache: KVCache) -> Callable[[], CostCurve]:
    """What steps cost with the threads in use now."""
    return lambda: cache.costs.curve(cache.cells.threads)
