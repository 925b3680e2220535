"""llama.cpp's C API as its header declares it, as far as foretype calls it.

Used for a libllama that came without Python's declarations. It is data: nothing is loaded here, and whether a
library keeps to it is `probe`'s business.
"""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    c_bool,
    c_char_p,
    c_float,
    c_int,
    c_int8,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any

OLDEST = (0, 5)
"""The first version of the C API with these declarations (`llama_version`)."""

LOG_CALLBACK = ctypes.CFUNCTYPE(None, c_int, c_char_p, c_void_p)
PROGRESS_CALLBACK = ctypes.CFUNCTYPE(c_bool, c_float, c_void_p)
ABORT_CALLBACK = ctypes.CFUNCTYPE(c_bool, c_void_p)
EVAL_CALLBACK = ctypes.CFUNCTYPE(c_bool, c_void_p, c_bool, c_void_p)

CONSTANTS = {"LLAMA_STATE_SEQ_FLAGS_NONE": 0, "LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY": 1}


class Batch(ctypes.Structure):
    """`struct llama_batch`."""

    _fields_ = (
        ("n_tokens", c_int32),
        ("token", POINTER(c_int32)),
        ("embd", POINTER(c_float)),
        ("pos", POINTER(c_int32)),
        ("n_seq_id", POINTER(c_int32)),
        ("seq_id", POINTER(POINTER(c_int32))),
        ("logits", POINTER(c_int8)),
    )


class ModelParameters(ctypes.Structure):
    """`struct llama_model_params`."""

    _fields_ = (
        ("devices", c_void_p),
        ("tensor_buft_overrides", c_void_p),
        ("n_gpu_layers", c_int32),
        ("split_mode", c_int),
        ("load_mode", c_int),
        ("lazy_mode", c_int),
        ("main_gpu", c_int32),
        ("tensor_split", POINTER(c_float)),
        ("progress_callback", PROGRESS_CALLBACK),
        ("progress_callback_user_data", c_void_p),
        ("kv_overrides", c_void_p),
        ("vocab_only", c_bool),
        ("check_tensors", c_bool),
        ("use_extra_bufts", c_bool),
        ("no_host", c_bool),
        ("no_alloc", c_bool),
        ("load_mtp", c_bool),
    )


class ContextParameters(ctypes.Structure):
    """`struct llama_context_params`."""

    _fields_ = (
        ("n_ctx", c_uint32),
        ("n_batch", c_uint32),
        ("n_ubatch", c_uint32),
        ("n_seq_max", c_uint32),
        ("n_rs_seq", c_uint32),
        ("n_outputs_max", c_uint32),
        ("n_outputs_max_per_seq", c_uint32),
        ("n_threads", c_int32),
        ("n_threads_batch", c_int32),
        ("ctx_type", c_int),
        ("rope_scaling_type", c_int),
        ("pooling_type", c_int),
        ("attention_type", c_int),
        ("flash_attn_type", c_int),
        ("rope_freq_base", c_float),
        ("rope_freq_scale", c_float),
        ("yarn_ext_factor", c_float),
        ("yarn_attn_factor", c_float),
        ("yarn_beta_fast", c_float),
        ("yarn_beta_slow", c_float),
        ("yarn_orig_ctx", c_uint32),
        ("defrag_thold", c_float),
        ("cb_eval", EVAL_CALLBACK),
        ("cb_eval_user_data", c_void_p),
        ("type_k", c_int),
        ("type_v", c_int),
        ("abort_callback", ABORT_CALLBACK),
        ("abort_callback_data", c_void_p),
        ("embeddings", c_bool),
        ("offload_kqv", c_bool),
        ("no_perf", c_bool),
        ("op_offload", c_bool),
        ("swa_full", c_bool),
        ("kv_unified", c_bool),
        ("samplers", c_void_p),
        ("n_samplers", c_size_t),
        ("ctx_other", c_void_p),
    )


class ImportanceMatrix(ctypes.Structure):
    """`struct llama_model_imatrix_data`."""

    _fields_ = (("name", c_char_p), ("data", POINTER(c_float)), ("size", c_size_t))


class TensorOverride(ctypes.Structure):
    """`struct llama_model_tensor_override`."""

    _fields_ = (("pattern", c_char_p), ("type", c_int))


class QuantisationParameters(ctypes.Structure):
    """`struct llama_model_quantize_params`."""

    _fields_ = (
        ("nthread", c_int32),
        ("ftype", c_int),
        ("output_tensor_type", c_int),
        ("token_embedding_type", c_int),
        ("allow_requantize", c_bool),
        ("quantize_output_tensor", c_bool),
        ("only_copy", c_bool),
        ("pure", c_bool),
        ("keep_split", c_bool),
        ("dry_run", c_bool),
        ("imatrix", POINTER(ImportanceMatrix)),
        ("kv_overrides", c_void_p),
        ("tt_overrides", POINTER(TensorOverride)),
        ("prune_layers", POINTER(c_int32)),
        ("max_buf_size", c_size_t),
    )


TYPES: dict[str, Any] = {
    "ggml_abort_callback": ABORT_CALLBACK,
    "ggml_backend_sched_eval_callback": EVAL_CALLBACK,
    "llama_log_callback": LOG_CALLBACK,
    "llama_progress_callback": PROGRESS_CALLBACK,
    "llama_batch": Batch,
    "llama_model_params": ModelParameters,
    "llama_context_params": ContextParameters,
    "llama_model_imatrix_data": ImportanceMatrix,
    "llama_model_tensor_override": TensorOverride,
    "llama_model_quantize_params": QuantisationParameters,
}
"""Under the names of llama.h."""

_OF_MODEL = (c_void_p,)

FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "llama_backend_init": (None,),
    "llama_print_system_info": (c_char_p,),
    "llama_supports_gpu_offload": (c_bool,),
    "llama_log_set": (None, LOG_CALLBACK, c_void_p),
    "llama_model_default_params": (ModelParameters,),
    "llama_context_default_params": (ContextParameters,),
    "llama_model_quantize_default_params": (QuantisationParameters,),
    "llama_model_load_from_file": (c_void_p, c_char_p, ModelParameters),
    "llama_model_free": (None, *_OF_MODEL),
    "llama_model_get_vocab": (c_void_p, *_OF_MODEL),
    "llama_model_n_ctx_train": (c_int32, *_OF_MODEL),
    "llama_model_n_params": (c_uint64, *_OF_MODEL),
    "llama_model_size": (c_uint64, *_OF_MODEL),
    "llama_model_is_recurrent": (c_bool, *_OF_MODEL),
    "llama_model_is_hybrid": (c_bool, *_OF_MODEL),
    "llama_model_meta_val_str": (c_int32, *_OF_MODEL, c_char_p, c_char_p, c_size_t),
    "llama_vocab_n_tokens": (c_int32, c_void_p),
    "llama_vocab_is_eog": (c_bool, c_void_p, c_int32),
    "llama_vocab_is_control": (c_bool, c_void_p, c_int32),
    "llama_vocab_get_add_bos": (c_bool, c_void_p),
    "llama_vocab_bos": (c_int32, c_void_p),
    "llama_tokenize": (c_int32, c_void_p, c_char_p, c_int32, POINTER(c_int32), c_int32, c_bool, c_bool),
    "llama_token_to_piece": (c_int32, c_void_p, c_int32, c_char_p, c_int32, c_int32, c_bool),
    "llama_init_from_model": (c_void_p, c_void_p, ContextParameters),
    "llama_free": (None, c_void_p),
    "llama_get_memory": (c_void_p, c_void_p),
    "llama_n_ctx": (c_uint32, c_void_p),
    "llama_set_abort_callback": (None, c_void_p, ABORT_CALLBACK, c_void_p),
    "llama_set_n_threads": (None, c_void_p, c_int32, c_int32),
    "llama_batch_init": (Batch, c_int32, c_int32, c_int32),
    "llama_batch_free": (None, Batch),
    "llama_decode": (c_int32, c_void_p, Batch),
    "llama_get_logits_ith": (POINTER(c_float), c_void_p, c_int32),
    "llama_memory_clear": (None, c_void_p, c_bool),
    "llama_memory_seq_pos_max": (c_int32, c_void_p, c_int32),
    "llama_memory_seq_rm": (c_bool, c_void_p, c_int32, c_int32, c_int32),
    "llama_memory_seq_cp": (None, c_void_p, c_int32, c_int32, c_int32, c_int32),
    "llama_state_seq_get_size": (c_size_t, c_void_p, c_int32),
    "llama_state_seq_get_size_ext": (c_size_t, c_void_p, c_int32, c_uint32),
    "llama_state_seq_get_data_ext": (c_size_t, c_void_p, POINTER(c_uint8), c_size_t, c_int32, c_uint32),
    "llama_state_seq_set_data_ext": (c_size_t, c_void_p, POINTER(c_uint8), c_size_t, c_int32, c_uint32),
    "llama_model_quantize": (c_uint32, c_char_p, c_char_p, POINTER(QuantisationParameters)),
}
"""Each function's result, then its arguments."""
