"""The thin typed layer over llama.cpp's C API: model, vocabulary calls, context, batch, sequences, abort.

Nothing here decides anything: which tokens to evaluate, what to keep and when to stop are the business of
`kv_cache` and `loop`. Beside this module only `quantise`, `taps` and `library` touch ctypes. One thread
calls a `Context`; only a `Cancellation` may be set from elsewhere.

C functions carry no useful types, so `c` is `Any` and every value is converted at this edge.
"""

from __future__ import annotations

import contextlib
import ctypes
import enum
import logging
import sys
import weakref
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .attention import TILE, new_context
from .cancellation import Cancellation
from .complaints import OutOfMemoryProblem, tells_of_memory, why_not_loaded
from .declared import ABORT_CALLBACK, LOG_CALLBACK, PROGRESS_CALLBACK
from .governor import Governor
from .library import c
from .taps import Told, listener

log = logging.getLogger(__name__)

_libc = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
_NATIVE_PREDICATE: Any = ctypes.cast(_libc.strlen, ABORT_CALLBACK)
_NEVER = ctypes.create_string_buffer(2)

_complaints: list[str] = []


@LOG_CALLBACK
def _on_log(level: int, text: bytes, _data: object) -> None:
    # ggml's levels: 1 debug, 2 info, 3 warning, 4 error, 5 continuation. Model loading is chatty at info.
    if level == 4:  # noqa: PLR2004
        _complaints.append(text.decode("utf-8", "replace").rstrip())


def pass_on(*, expected: bool = False) -> None:
    """Log what llama.cpp complained about; an aborted computation is an error to it, and none to us."""
    for complaint in _complaints:
        log.log(logging.DEBUG if expected else logging.WARNING, "llama.cpp: %s", complaint)
    _complaints.clear()


def _hear_complaints() -> None:
    """Have llama.cpp's log come here; whoever else uses the library in this process may have changed that."""
    c.llama_log_set(_on_log, ctypes.c_void_p(0))


c.when_loaded(_hear_complaints)


def supports_gpu() -> bool:
    """Whether this llama.cpp was built with a backend other than the CPU's."""
    return bool(c.llama_supports_gpu_offload())


def build() -> str:
    """Which llama.cpp this is: the version of the package that carries it, or its own."""
    return str(c.__version__)


class DecodeResult(enum.IntEnum):
    """What llama_decode returned."""

    DONE = 0
    NO_SLOT = 1
    ABORTED = 2


class DecodeFailedError(Exception):
    """llama_decode failed for good. The caller empties the cache; the user sees an empty answer, and why."""

    def __init__(self, text: str, *, for_memory: bool = False) -> None:
        super().__init__(text)
        self.for_memory = for_memory  # another program may have taken it


class Model:
    """Loaded weights with their vocabulary. Free it with `close`.

    Attributes:
        path: the GGUF file.
        vocabulary_size: number of tokens.
        trained_context: context length in tokens the model was trained for.
        parameters: number of weights.
        size_bytes: bytes of all tensors.
    """

    def __init__(
        self,
        path: Path,
        *,
        gpu_layers: int = -1,
        vocabulary_only: bool = False,
        on_progress: Callable[[float], None] | None = None,
    ) -> None:
        """Load `path`.

        Raises:
            ModelProblem: llama.cpp refused the file.
        """
        params = c.llama_model_default_params()
        params.n_gpu_layers = gpu_layers if gpu_layers >= 0 else 999
        params.vocab_only = vocabulary_only

        @PROGRESS_CALLBACK
        def progress(fraction: float, _data: object) -> bool:
            if on_progress is not None:
                on_progress(float(fraction))
            return True

        params.progress_callback = progress
        self._progress = progress
        self.path = path
        _hear_complaints()
        self._model: Any = c.llama_model_load_from_file(str(path).encode(), params)
        said = " ".join(_complaints)
        pass_on()
        if not self._model:
            raise why_not_loaded(path, said)
        self._free = weakref.finalize(self, c.llama_model_free, self._model)
        self.vocabulary: Any = c.llama_model_get_vocab(self._model)
        self.vocabulary_size = int(c.llama_vocab_n_tokens(self.vocabulary))
        self.trained_context = int(c.llama_model_n_ctx_train(self._model))
        self.parameters = int(c.llama_model_n_params(self._model))
        self.size_bytes = int(c.llama_model_size(self._model))
        self._pieces: list[bytes] | None = None
        self._token_buffer = (ctypes.c_int32 * 4096)()

    @property
    def handle(self) -> Any:
        """llama.cpp's pointer."""
        return self._model

    def close(self) -> None:
        """Free the weights. No context of this model may be used afterwards."""
        self._free()

    @property
    def goes_back(self) -> bool:
        """Whether the last tokens can be taken back alone: not from the memory of recurrent layers."""
        recurrent = bool(c.llama_model_is_recurrent(self._model))
        return not (recurrent or bool(c.llama_model_is_hybrid(self._model)))

    def metadata(self, key: str) -> str | None:
        """One value of the GGUF metadata as text, or None."""
        buffer = ctypes.create_string_buffer(256)
        size = int(c.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer)))
        if size < 0:
            return None
        if size >= len(buffer):
            buffer = ctypes.create_string_buffer(size + 1)
            c.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    def tokenise(self, text: bytes) -> list[int]:
        """Tokens of `text`, with no token added and special tokens off: text never becomes a marker."""
        # llama.cpp takes the length, so NUL bytes inside are text like any other.
        while True:
            buffer = self._token_buffer
            count = int(c.llama_tokenize(self.vocabulary, text, len(text), buffer, len(buffer), False, False))
            if count >= 0:
                return list(buffer[:count])
            self._token_buffer = (ctypes.c_int32 * -count)()

    def pieces(self) -> list[bytes]:
        """The bytes of every token, shape (vocabulary_size,). Control tokens are empty."""
        if self._pieces is None:
            self._pieces = [self._piece(token) for token in range(self.vocabulary_size)]
        return self._pieces

    def _piece(self, token: int, size: int = 64) -> bytes:
        buffer = ctypes.create_string_buffer(size)
        count = int(c.llama_token_to_piece(self.vocabulary, token, buffer, size, 0, False))
        if count < 0:
            return self._piece(token, -count)
        return buffer.raw[:count]

    def is_end(self, token: int) -> bool:
        """Whether llama.cpp counts the token as an end of generation."""
        return bool(c.llama_vocab_is_eog(self.vocabulary, token))

    def is_control(self, token: int) -> bool:
        """Whether the token is a control token (never text)."""
        return bool(c.llama_vocab_is_control(self.vocabulary, token))

    def beginning(self, wanted: bool | None = None) -> int | None:
        """The BOS token that every prompt begins with, or None.

        Args:
            wanted: True or False overrides what the file says.
        """
        if not (c.llama_vocab_get_add_bos(self.vocabulary) if wanted is None else wanted):
            return None
        token = int(c.llama_vocab_bos(self.vocabulary))
        return token if token >= 0 else None


class Context:
    """A llama context: one KV cache of `size` cells shared by up to `sequences` sequences, one batch.

    No sequence is to be longer than `longest`: what the cache holds, and what the model was trained for.
    Positions of a sequence are always 0, 1, 2 … without holes; which tokens lie there is remembered by
    `kv_cache`, not here.
    """

    def __init__(
        self,
        model: Model,
        *,
        size: int,
        sequences: int,
        governor: Governor,
        micro_batch: int = 128,
        batch: int = 2048,
        flash_attention: bool = True,
        eight_bits: bool = False,
        listens: Told | None = None,
    ) -> None:
        """Allocate the KV cache.

        Args:
            model: the weights.
            size: cells, in tokens.
            sequences: how many sequences may share them.
            governor: says how many threads compute.
            micro_batch: tokens computed at once; a cancelled prefill keeps finished ones.
            batch: tokens accepted by one `decode`.
            flash_attention: off only where a backend lacks it.
            eight_bits: see `attention`; only with flash attention, and where the model's heads allow it.
            listens: is told what flows into each matrix, which makes computing slow.

        Raises:
            ModelProblem: there is not enough memory.
        """
        params = c.llama_context_default_params()
        params.n_ctx = size
        params.n_batch = batch
        params.n_ubatch = min(micro_batch, batch)
        params.n_seq_max = sequences
        params.n_threads = params.n_threads_batch = governor.most
        params.kv_unified = True  # sequences share cells, so a shared prefix costs nothing
        params.swa_full = True  # sliding windows must be able to go back as well
        params.no_perf = True
        params.flash_attn_type = -1 if flash_attention else 0  # -1: wherever the backend has it
        self._listener = None if listens is None else listener(listens)  # llama.cpp calls it: keep it
        if self._listener is not None:
            params.cb_eval = self._listener
        params.abort_callback = _NATIVE_PREDICATE
        params.abort_callback_data = ctypes.addressof(_NEVER)
        self._context, self.eight_bits = new_context(model.handle, params, eight_bits=eight_bits)
        pass_on()
        if not self._context:
            raise OutOfMemoryProblem(
                f"There is not enough memory for a KV cache of {size} tokens. "
                "Set a smaller [model] context_tokens, or choose a smaller model."
            )
        self._free = weakref.finalize(self, c.llama_free, self._context)
        self._governor = governor
        self._threads = governor.most
        self._memory: Any = c.llama_get_memory(self._context)
        self.size = int(c.llama_n_ctx(self._context))
        self.longest = min(self.size, model.trained_context or self.size)
        self.goes_back = model.goes_back
        self.sequences = sequences
        self.model_path = model.path
        self.batch_size, self.tile = batch, TILE if flash_attention and not self.eight_bits else 1
        self.micro_batch = params.n_ubatch
        self._vocabulary_size = model.vocabulary_size
        self._batch: Any = c.llama_batch_init(batch, 0, 1)
        self._free_batch = weakref.finalize(self, c.llama_batch_free, self._batch)
        self._token_view = _view(self._batch.token, batch, np.int32)
        self._position_view = _view(self._batch.pos, batch, np.int32)
        self._logits_view = _view(self._batch.logits, batch, np.int8)
        _view(self._batch.n_seq_id, batch, np.int32)[:] = 1
        self._batch_sequence = -1
        self._logits_address = -1
        self._logits = np.zeros(0, np.float32)

    @property
    def threads(self) -> int:
        """Threads that the last batch was computed with."""
        return self._threads

    def close(self) -> None:
        """Free the KV cache."""
        self._free_batch()
        self._free()

    @contextlib.contextmanager
    def abortable(self, cancellation: Cancellation) -> Generator[None]:
        """While inside, `cancellation` stops a running `decode`."""
        c.llama_set_abort_callback(self._context, _NATIVE_PREDICATE, ctypes.c_void_p(cancellation.address))
        try:
            yield
        finally:
            c.llama_set_abort_callback(
                self._context, _NATIVE_PREDICATE, ctypes.c_void_p(ctypes.addressof(_NEVER))
            )

    def decode(self, tokens: Sequence[int], sequence: int, position: int, *, logits: int = 1) -> DecodeResult:
        """Evaluate `tokens` at `position` and on in `sequence`, in one llama_decode.

        Args:
            tokens: at most `batch_size` of them.
            sequence: their sequence.
            position: position of the first.
            logits: for how many of the last tokens logits are computed.

        Returns:
            DONE; NO_SLOT when no cells are free; ABORTED when the cancellation fired: finished
            micro-batches stay, ask `last_position`.

        Raises:
            DecodeFailedError: the computation itself failed, or positions lie beyond `longest`.
        """
        count = len(tokens)
        if position + count > self.longest:
            # Where positions are learned, llama.cpp would end the whole process.
            raise DecodeFailedError(f"the model knows {self.longest} positions, not {position + count}")
        self._token_view[:count] = tokens
        self._position_view[:count] = np.arange(position, position + count, dtype=np.int32)
        self._logits_view[:count] = 0
        self._logits_view[count - logits : count] = 1
        if sequence != self._batch_sequence:
            for index in range(self.batch_size):
                self._batch.seq_id[index][0] = sequence
            self._batch_sequence = sequence
        self._batch.n_tokens = count
        threads = self._governor.before()
        if threads != self._threads:
            c.llama_set_n_threads(self._context, threads, threads)
            self._threads = threads
        code = int(c.llama_decode(self._context, self._batch))
        self._governor.after(count, finished=code == DecodeResult.DONE)
        for_memory = tells_of_memory(" ".join(_complaints))
        pass_on(expected=code in (1, 2))
        if code in (0, 1, 2):
            return DecodeResult(code)
        raise DecodeFailedError(f"llama_decode returned {code}", for_memory=for_memory)

    def logits(self, index: int = -1) -> npt.NDArray[np.float32]:
        """Logits of one evaluated token of the last batch, shape (vocabulary_size,).

        A view into llama.cpp's buffer: valid until the next `decode`.

        Args:
            index: from the end, -1 is the last token.
        """
        pointer: Any = c.llama_get_logits_ith(self._context, index)
        address = ctypes.addressof(pointer.contents)
        if address != self._logits_address:
            self._logits = _view(pointer, self._vocabulary_size, np.float32)
            self._logits_address = address
        return self._logits

    def last_position(self, sequence: int) -> int:
        """The highest position held by `sequence`; -1 when it is empty."""
        return int(c.llama_memory_seq_pos_max(self._memory, sequence))

    def remove(self, sequence: int, start: int) -> bool:
        """Drop the cells of `sequence` from position `start` on.

        False when this kind of memory cannot drop a part (recurrent models): drop it whole then.
        """
        return bool(c.llama_memory_seq_rm(self._memory, sequence, start, -1))

    def share(self, source: int, target: int, end: int, *, start: int = 0) -> None:
        """Let `target` hold the cells of `source` at positions from `start` to before `end`, too; no copy."""
        c.llama_memory_seq_cp(self._memory, source, target, start, end)

    def clear(self) -> None:
        """Drop every cell."""
        c.llama_memory_clear(self._memory, True)

    def state_size(self, sequence: int) -> int:
        """Bytes that `save` would give. Nothing is copied."""
        return int(c.llama_state_seq_get_size(self._context, sequence))

    def save(self, sequence: int) -> bytes:
        """The state of one sequence, for `restore`."""
        return self._state(sequence, c.LLAMA_STATE_SEQ_FLAGS_NONE)

    def restore(self, sequence: int, state: bytes) -> bool:
        """Put a saved state into an empty sequence; False when llama.cpp did not accept it."""
        return self._put(sequence, state, c.LLAMA_STATE_SEQ_FLAGS_NONE)

    def recurrent_state(self, sequence: int) -> bytes:
        """A copy of what the recurrent layers remember of a sequence, without the cells of attention."""
        return self._state(sequence, c.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY)

    def restore_recurrent(self, sequence: int, state: bytes) -> bool:
        """Put such a copy in place; `remove` then drops the cells of attention that lie beyond it."""
        return self._put(sequence, state, c.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY)

    def _state(self, sequence: int, flags: int) -> bytes:
        buffer = (ctypes.c_uint8 * int(c.llama_state_seq_get_size_ext(self._context, sequence, flags)))()
        size = int(c.llama_state_seq_get_data_ext(self._context, buffer, len(buffer), sequence, flags))
        return bytes(memoryview(buffer)[:size])

    def _put(self, sequence: int, state: bytes, flags: int) -> bool:
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        return int(c.llama_state_seq_set_data_ext(self._context, buffer, len(state), sequence, flags)) > 0


def _view(pointer: Any, count: int, kind: type[Any]) -> npt.NDArray[Any]:
    return np.ctypeslib.as_array(pointer, shape=(count,)).view(kind)
