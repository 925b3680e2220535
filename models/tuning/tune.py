"""`foretype tune`: measures this machine with a model, and chooses the fastest form that is good enough.

The model is measured as it is and requantised, knowing which weights matter (`importance`), into the file
types worth having, then with other kinds of attention, numbers of threads and micro-batches.
What wins makes a typical suggestion fastest (`suggestion_ms`) among forms whose quality holds: the mean log
probability of a sample of source code may fall by `MAX_LOSS` at most. The original file is never touched; a
tuned one lies beside the choice in the data directory. Until all is done the old state stays.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import attrs

from ...context.shared.problem import ModelProblem
from ..gguf import file as gguf
from ..gguf.sizes import fits_eight_bits
from ..llama.governor import Governor, ProcessorLoad, usable_cores
from ..llama.llama import Context, DecodeFailedError, Model
from ..llama.quantise import quantise
from ..machine import memory
from ..machine.cores import cores
from . import journal as tune_journal
from . import record as tuned
from .importance import Importance, importance, tokens_to_read
from .journal import Journal
from .measuring import (
    BRIEF_TOKENS,
    OTHER_SEQUENCES,
    PASSAGE,
    QUALITY_TOKENS,
    FormSpeed,
    cells_needed,
    mean_log_probability,
    measure,
    sample_tokens,
)
from .plan import (
    FILE_TYPES,
    TunePlan,
    fastest_form,
    kind_of_attention,
    knows_as_much,
    other_thread_counts,
    same_form,
    worth_having,
    worth_trying_first,
)
from .quiet import LEAST_SHARE, Quiet
from .record import Measured, Tuned

log = logging.getLogger(__name__)

RETRIES = 2
"""How often a disturbed measurement is repeated."""


@attrs.frozen
class TuneStep:
    """One thing to measure, as progress reports it.

    Attributes:
        done: how many were measured before.
        total: how many there are.
        text: what is measured now.
    """

    done: int
    total: int
    text: str


TuneWatcher = Callable[[TuneStep], None]


@attrs.frozen
class TuneOutcome:
    """What a run found.

    Attributes:
        tuned: the choice.
        measured: everything that was measured, in order.
        notes: sentences about what was left out and why.
    """

    tuned: Tuned
    measured: tuple[Measured, ...]
    notes: tuple[str, ...]


def tune_model(
    path: Path,
    *,
    directory: Path | None = None,
    threads: int = 0,
    anyway: bool = False,
    short: bool = False,
    quiet: Quiet | None = None,
    watch: TuneWatcher = lambda _step: None,
) -> TuneOutcome:
    """Measure everything for the model file `path` and keep the choice.

    Args:
        path: the original file.
        directory: for choices and tuned files; None is the user's.
        threads: 0 tries what this machine has.
        anyway: keep a choice although other programs disturbed the measurements.
        short: try the one form that is best on most machines, and measure less: somebody waits.
        quiet: looks whether they do; None asks this machine.
        watch: is told what comes next.

    Raises:
        ModelProblem: the model cannot be used, changed meanwhile, the machine is too busy to be measured, or
            there is no room for the choice.
        KeyboardInterrupt: what was there before is still there.
    """
    folder = directory or tuned.tuned_dir()
    file = gguf.check_file(path)
    before = tuned.identity(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tuned.sweep_tuned(folder)
        with tempfile.TemporaryDirectory(dir=folder, prefix=tuned.scratch_prefix()) as scratch:
            run = _Run(
                path=path,
                file=file,
                scratch=Path(scratch),
                threads=threads or usable_cores(),
                fixed=bool(threads),
                anyway=anyway,
                short=short,
                quiet=quiet or Quiet(),
                watch=watch,
                journal=Journal() if anyway or short else tune_journal.read_journal(before, folder),
                keep=(lambda _journal: None) if anyway or short else partial(_write_journal, before, folder),
            )
            try:
                outcome = run.run(before)
            finally:
                run.close()
            if not path.is_file() or tuned.identity(path) != before:
                raise ModelProblem(
                    f"The model file {path} changed while it was measured; nothing was kept. "
                    "Run 'foretype tune' again when it is complete."
                )
            return _keep(outcome, run, folder)
    except OSError as error:
        raise ModelProblem(
            f"The result cannot be kept in {folder}: {error.strerror or error}. What was there is unchanged."
        ) from error


def _write_journal(identity: str, folder: Path, journal: Journal) -> None:
    tune_journal.write_journal(journal, identity, folder)


def _keep(outcome: TuneOutcome, run: _Run, folder: Path) -> TuneOutcome:
    """Move the winner where it stays, then name it; a crash in between leaves a file nobody uses."""
    choice = outcome.tuned.choice
    kept = Path(outcome.tuned.path)
    if choice.file_type in run.made:
        kept = folder / f"{run.path.stem}-{outcome.tuned.model[:8]}-{choice.file_type}.gguf"
        run.made[choice.file_type].replace(kept)
    result = attrs.evolve(outcome.tuned, path=str(kept))
    tuned.keep(result, folder)
    if result.whole:
        tune_journal.remove_journal(outcome.tuned.model, folder)
    for old in folder.glob(f"*-{outcome.tuned.model[:8]}-*.gguf"):
        if old != kept:
            old.unlink(missing_ok=True)
    return attrs.evolve(outcome, tuned=result)


@attrs.define
class _Run:
    """One run. State: what was measured, the files made on the way, and how good the original is."""

    path: Path
    file: gguf.GgufFile
    scratch: Path
    threads: int
    fixed: bool
    anyway: bool
    short: bool
    quiet: Quiet
    watch: TuneWatcher
    journal: Journal = attrs.field(factory=Journal)
    keep: Callable[[Journal], None] = lambda _journal: None
    made: dict[str, Path] = attrs.field(factory=dict[str, Path])
    measured: list[Measured] = attrs.field(factory=list[Measured])
    notes: list[str] = attrs.field(factory=list[str])
    _quality: float | None = None
    _importance: Importance | None = None
    _impossible: set[str] = attrs.field(factory=set[str])
    _model: tuple[str, Model] | None = None
    _steps: tuple[int, int] = (0, 1)

    def run(self, identity: str) -> TuneOutcome:
        types = tuple(worth_having(self.file, self.file.parameters, memory.available_bytes()))
        plan = TunePlan(
            worth_trying_first(types) if self.short else types,
            self.threads,
            () if self.fixed or self.short else other_thread_counts(self.threads, cores().logical),
            self.short,
            fits_eight_bits(self.file),
        )
        self._steps = (0, plan.steps)
        self._wait_for_quiet()
        self._quality = self.journal.quality
        for form, turns in plan.trials(self.measured):
            self._turn(form, turns)
        original = self.measured[0]
        file_type = fastest_form(self.measured).file_type
        if not self._there(file_type):  # measured earlier, and now it cannot be written
            self.measured = [one for one in self.measured if one.file_type != file_type]
        self.close()
        best = fastest_form(self.measured)
        result = Tuned(
            identity,
            tuned.machine(),
            str(self._file_of(best.file_type)),
            best,
            original,
            source=str(self.path.absolute()),
            whole=not self.short,
        )
        return TuneOutcome(result, tuple(self.measured), tuple(self.notes))

    def _turn(self, form: Measured, turns: int) -> None:
        """Measure a form for the so-manieth time, unless that was done before or its file cannot be made."""
        known = self.journal.known(form, turns)
        if known is not None:
            if not any(same_form(one, known) for one in self.measured):
                self.measured.append(known)
            return
        if self._there(form.file_type):
            result = self._measure(self._open(form.file_type), form)
            self.journal.note(result, self._quality)
            self.keep(self.journal)

    def _there(self, file_type: str) -> bool:
        """Whether the file of this type exists; it is made where it can be."""
        if file_type == "as is" or file_type in self.made:
            return True
        if file_type in self._impossible:
            return False
        if self._importance is None:
            self._importance = self._read(self._open("as is"))
        self.close()
        self._quantise(file_type)
        if file_type not in self.made:
            self._impossible.add(file_type)
        return file_type in self.made

    def _open(self, file_type: str) -> Model:
        """The model of this type. One is open at a time, until another is wanted."""
        if self._model is None or self._model[0] != file_type:
            self.close()
            log.info("measuring %s", file_type)
            self._model = file_type, Model(self._file_of(file_type), gpu_layers=0)
        return self._model[1]

    def close(self) -> None:
        """Free the model that is open."""
        if self._model is not None:
            self._model[1].close()
            self._model = None

    def _wait_for_quiet(self) -> None:
        """Give others some time to finish; go on in any case with `anyway`."""
        if self.anyway:
            return
        if not self.quiet.wait(lambda: self._announce("waiting for other programs to leave the processor")):
            raise ModelProblem(
                "Other programs are using the processor, so nothing was measured and nothing changed. "
                "Run 'foretype tune' again when they have finished, or with --anyway."
            )

    def _announce(self, text: str) -> None:
        done, total = self._steps
        self.watch(TuneStep(min(done, total - 1), total, text))

    def _file_of(self, file_type: str) -> Path:
        return self.made.get(file_type, self.path)

    def _say(self, text: str) -> None:
        self._announce(text)
        self._steps = (self._steps[0] + 1, self._steps[1])

    def _measure(self, model: Model, form: Measured) -> Measured:
        attention = kind_of_attention(form)
        self._say(f"{form.file_type}, {form.threads} threads, {attention}, micro-batch {form.micro_batch}")
        context = Context(
            model,
            size=cells_needed(),
            sequences=1 + OTHER_SEQUENCES,
            governor=Governor(form.threads, load=ProcessorLoad.in_group(cores())),
            micro_batch=form.micro_batch,
            flash_attention=form.flash_attention,
            eight_bits=form.eight_bits,
        )
        try:
            tokens = sample_tokens(model)
            speed = self._undisturbed(context, tokens, form.threads)
            known = next((one for one in self.measured if knows_as_much(one, form)), None)
            loss = known.loss if known is not None else self._loss(context, tokens)
        finally:
            context.close()
        timed = attrs.evolve(form, prefill=speed.prefill, steps=speed.steps)
        return self._add(attrs.evolve(timed, loss=loss, size=model.size_bytes))

    def _add(self, result: Measured) -> Measured:
        """Keep a result; of two rounds of one form the better times, each for itself."""
        for index, known in enumerate(self.measured):
            if same_form(known, result):
                steps = {size: min(time, known.steps[size]) for size, time in result.steps.items()}
                prefill = max(result.prefill, known.prefill)
                self.measured[index] = attrs.evolve(known, prefill=prefill, steps=steps)
                return self.measured[index]
        self.measured.append(result)
        return result

    def _undisturbed(self, context: Context, tokens: list[int], threads: int) -> FormSpeed:
        """Measure until nobody else took the processor, `RETRIES` times more at most."""
        found = measure(context, tokens, self.quiet, threads, brief=self.short)
        for _ in range(RETRIES):
            if self.anyway or found.share >= LEAST_SHARE:
                break
            self._wait_for_quiet()
            found = measure(context, tokens, self.quiet, threads, brief=self.short)
        if found.share >= LEAST_SHARE:
            return found
        if not self.anyway:
            raise ModelProblem(
                f"Other programs took {1 - found.share:.0%} of the processor from the measurements, so "
                "nothing was kept and nothing changed. Run 'foretype tune' again when the machine is quiet, "
                "or with --anyway."
            )
        if not any("caution" in note for note in self.notes):
            self.notes.append("Other programs used the processor meanwhile: take these figures with caution.")
        return found

    def _loss(self, context: Context, tokens: list[int]) -> float:
        count = BRIEF_TOKENS if self.short else QUALITY_TOKENS
        quality = mean_log_probability(context, tokens[:count], min(PASSAGE, context.longest))
        if self._quality is None:
            self._quality = quality
        return self._quality - quality

    def _read(self, model: Model) -> Importance:
        """What matters in the model's matrices; nothing is known where it can't be had."""
        self._say("which weights matter")
        count = PASSAGE if self.short else tokens_to_read(self.measured[0].prefill)
        found: Importance = {}

        def read() -> bool:
            try:
                found.update(importance(model, count, self.threads))
            except (DecodeFailedError, ModelProblem) as problem:
                log.info("which weights matter could not be found out: %s", problem)
            return bool(found)

        _in_background(read)
        return found

    def _quantise(self, file_type: str) -> None:
        kind, bits, overrides = FILE_TYPES[file_type]
        wanted = int(self.file.parameters * bits / 8 * 1.1) + (64 << 20)
        if shutil.disk_usage(self.scratch).free < wanted:
            self.notes.append(f"{file_type} was left out: its file needs {wanted >> 20} MB of disk space.")
            return
        path = self.scratch / f"{file_type}.gguf"
        write = partial(quantise, self.path, path, kind, self.threads, overrides)
        known = (self._importance, None) if self._importance else (None,)
        if not any(_in_background(partial(write, importance=each)) for each in known):
            path.unlink(missing_ok=True)
            self.notes.append(f"{file_type} was left out: llama.cpp could not write it (is the disk full?).")
            return
        self.made[file_type] = path


def _in_background(work: Callable[[], bool]) -> bool:
    """Do `work` in a thread, so that Ctrl-C is noticed at once: it takes minutes for a large model."""
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
    return bool(results and results[0])
