"""GPU memory of one replica: what weights, runtime and activations take, what the KV cache gets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outlay.catalog import Gpu, Model, Precision
from outlay.sizing.features import (
    GIB,
    Columns,
    GpuColumns,
    ModelColumns,
    Number,
    Real,
    Settings,
    gpu_columns,
    held_tokens,
    kv_shards,
    model_columns,
    settings,
)
from outlay.sizing.precision import KV_BYTES
from outlay.sizing.weights import BYTES_16_BIT

GPU_MEMORY_UTILIZATION = 0.9  # vLLM's default: the share of the card that the engine may use
# CUDA context, NCCL buffers and CUDA graphs; with the activations about the 1.5 GB per GPU that
# the speed model was fitted with.
RUNTIME_RESERVE_BYTES = 0.6 * GIB
PREFILL_CHUNK_TOKENS = 8192  # largest batch of tokens in one step, vLLM's default on large cards
MAX_SEQUENCES = 1024  # no load above this was measured
LOGITS_BYTES = 8.0  # fp32 logits and their softmax, per sequence and vocabulary entry


def kv_bytes_per_token(model: Model, kv_precision: Precision) -> float:
    """Return the KV bytes of one token in all layers, below any window."""
    return model.kv_bytes_per_token_16bit * KV_BYTES[kv_precision] / 2


def kv_bytes(model: Model, kv_precision: Precision, tokens: float) -> float:
    """Return the KV bytes of one sequence, over all GPUs and without copies.

    Source of the form: MHA/GQA/MQA 2 x layers x KV heads x head dim x bytes; MLA layers x (512 +
    64) x bytes; a windowed layer stops at its window. Gemma 4's full layers are smaller than its
    windowed ones, which this takes as equal: it errs on the large side there.
    """
    columns = model_columns(model)
    held = held_tokens(
        tokens, window_share=columns.window_share, window_tokens=columns.window_tokens
    )
    return kv_bytes_per_token(model, kv_precision) * float(held[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryColumns(Columns):
    """Bytes on each GPU of many replicas; `sequence_state` and `logits` come per sequence.

    A replica holds sequences in each of its `groups` of data-parallel attention.
    """

    usable: Real
    weights: Real
    reserve: Real
    kv_scale: Real
    window_share: Real
    window_tokens: Real
    sequence_state: Real
    logits: Real
    gpus: Real
    groups: Real

    @property
    def kv_cache(self) -> Real:
        """What is left for the KV cache on one GPU; negative when the weights do not fit."""
        return self.usable - self.weights - self.reserve

    def sequence(self, tokens: Number) -> Real:
        """Return the bytes of one sequence of some tokens on one GPU."""
        held = held_tokens(tokens, window_share=self.window_share, window_tokens=self.window_tokens)
        return self.kv_scale * held + self.sequence_state + self.logits

    def sequences(self, tokens: Number) -> Real:
        """Return how many sequences of some tokens fit, not rounded; 0 when none does."""
        return np.maximum(0.0, self.kv_cache / self.sequence(tokens)) * self.groups

    def longest_sequence(self, limit: Number) -> Real:
        """Return the longest sequence up to a limit of tokens that fits alone, in whole tokens."""
        free = np.maximum(0.0, self.kv_cache - self.sequence_state - self.logits)
        kept = free / self.kv_scale
        growing = np.maximum(1 - self.window_share, 1e-12)  # 0: nothing grows beyond the window
        beyond = self.window_tokens + (kept - self.window_tokens) / growing
        fits = np.floor(np.where(kept <= self.window_tokens, kept, beyond) * (1 + 1e-12))
        return np.minimum(limit, fits)

    def needed_gib(self, tokens: Number) -> Real:
        """Return what the whole replica needs to hold one sequence of some tokens, in GiB."""
        return (self.weights + self.reserve + self.sequence(tokens)) * self.gpus / GIB

    @property
    def usable_gib(self) -> Real:
        """What the engine may use on all GPUs of the replica, in GiB."""
        return self.usable * self.gpus / GIB


def memory_columns(
    models: ModelColumns,
    gpus: GpuColumns,
    split: Settings,
    *,
    gpu_memory_utilization: float = GPU_MEMORY_UTILIZATION,
) -> MemoryColumns:
    """Split the memory of each GPU of many replicas; all values in bytes."""
    m, s = models, split
    shards = kv_shards(m, s)
    columns = {
        "usable": gpus.memory * gpu_memory_utilization,
        "weights": _weights(m, s, shards),
        "reserve": RUNTIME_RESERVE_BYTES + _activations(m, s),
        "kv_scale": m.kv_bytes * s.kv_bytes / 2 / shards / s.pipeline,
        "window_share": m.window_share,
        "window_tokens": m.window_tokens,
        "sequence_state": m.linear_state / s.tensor / s.pipeline,
        "logits": m.vocab * LOGITS_BYTES,
        "gpus": s.tensor * s.data * s.pipeline,
        "groups": s.data,
    }
    rows = np.broadcast_arrays(*columns.values())
    return MemoryColumns(**dict(zip(columns, rows, strict=True)))


def _weights(m: ModelColumns, s: Settings, shards: Real) -> Real:
    # Experts spread over tensor and data parallel GPUs, layers over pipeline stages.
    linear = m.weight_bytes[np.arange(len(m.weight_bytes)), s.precision]
    expert = m.expert_bytes[np.arange(len(m.expert_bytes)), s.precision]
    split = m.embedding_count * BYTES_16_BIT + m.linear_count * linear
    experts = m.experts_count * expert / (s.tensor * s.data)
    copied = m.replicated_count * BYTES_16_BIT + m.kv_projection_count * linear / shards
    return np.asarray((copied + split / s.tensor + experts) / s.pipeline)


def _activations(m: ModelColumns, s: Settings) -> Real:
    # One prefill chunk in 16 bit: residual stream, its norm and the attention output are whole on
    # each GPU; gate, up and their product are split.
    return PREFILL_CHUNK_TOKENS * 2.0 * (4 * m.hidden + 3 * m.prefill_width / s.tensor)


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """The memory of one replica as plain numbers; values of one GPU, in bytes."""

    columns: MemoryColumns

    @property
    def usable(self) -> float:
        """What the engine may use."""
        return float(self.columns.usable[0])

    @property
    def weights(self) -> float:
        """What the weights take."""
        return float(self.columns.weights[0])

    @property
    def reserve(self) -> float:
        """Runtime and activations."""
        return float(self.columns.reserve[0])

    @property
    def kv_cache(self) -> float:
        """What is left for the KV cache; negative when the weights do not fit."""
        return float(self.columns.kv_cache[0])

    @property
    def kv_scale(self) -> float:
        """KV bytes of one token below any window."""
        return float(self.columns.kv_scale[0])

    @property
    def logits(self) -> float:
        """What the logits of one sequence take."""
        return float(self.columns.logits[0])

    def sequence(self, tokens: float) -> float:
        """Return the bytes of one sequence of some tokens."""
        return float(self.columns.sequence(tokens)[0])

    def sequences(self, tokens: float) -> float:
        """Return how many sequences of some tokens fit, not rounded; 0 when none does."""
        return float(self.columns.sequences(tokens)[0])

    def needed_gib(self, tokens: float) -> float:
        """Return what the whole replica needs to hold one sequence of some tokens, in GiB."""
        return float(self.columns.needed_gib(tokens)[0])

    def longest_sequence(self, limit: int) -> int:
        """Return the longest sequence up to a limit of tokens that fits alone."""
        return int(self.columns.longest_sequence(limit)[0])


def memory_budget(
    model: Model,
    gpu: Gpu,
    *,
    tensor_parallel: int,
    precision: Precision,
    kv_precision: Precision,
    gpu_memory_utilization: float = GPU_MEMORY_UTILIZATION,
) -> MemoryBudget:
    """Split the memory of each GPU of one tensor-parallel replica."""
    return MemoryBudget(
        memory_columns(
            model_columns(model),
            gpu_columns(gpu),
            settings(tensor=[tensor_parallel], precision=[precision], kv_precision=[kv_precision]),
            gpu_memory_utilization=gpu_memory_utilization,
        )
    )


def weight_bytes_per_gpu(model: Model, precision: Precision, *, tensor_parallel: int) -> float:
    """Return the bytes of weights on each GPU of a tensor-parallel group."""
    split = settings(tensor=[tensor_parallel], precision=[precision], kv_precision=[Precision.BF16])
    columns = model_columns(model)
    return float(_weights(columns, split, kv_shards(columns, split))[0])
