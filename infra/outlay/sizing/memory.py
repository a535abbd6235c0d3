"""GPU memory of one replica: what weights, runtime and activations take, what the KV cache gets."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.catalog import Gpu, Model, Precision
from outlay.sizing.precision import KV_BYTES
from outlay.sizing.weights import kv_shards, weight_bytes_per_gpu

GIB = 2**30
GPU_MEMORY_UTILIZATION = 0.9  # vLLM's default: the share of the card that the engine may use
# CUDA context, NCCL buffers and CUDA graphs; with the activations about the 1.5 GB per GPU that
# the speed model was fitted with.
RUNTIME_RESERVE_BYTES = 0.6 * GIB
PREFILL_CHUNK_TOKENS = 8192  # largest batch of tokens in one step, vLLM's default on large cards
MAX_SEQUENCES = 1024  # no load above this was measured
LOGITS_BYTES = 8.0  # fp32 logits and their softmax, per sequence and vocabulary entry
# Stated bound, no measurement: 1.5 x hidden x 128 fp32 values per linear layer cover the state
# of gated delta nets (48 heads x 128 x 128 at hidden 5,120) and of Mamba-2.
LINEAR_STATE_BYTES_PER_HIDDEN = 1.5 * 128 * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBudget:
    """Bytes on each GPU of one replica; `sequence_state` and `logits` come per sequence."""

    usable: float
    weights: float
    reserve: float
    kv_scale: float
    window_share: float
    window_tokens: float
    sequence_state: float
    logits: float
    gpus: int

    @property
    def kv_cache(self) -> float:
        """What is left for the KV cache on one GPU; negative when the weights do not fit."""
        return self.usable - self.weights - self.reserve

    def sequence(self, tokens: float) -> float:
        """Return the bytes of one sequence of some tokens on one GPU."""
        windowed = min(tokens, self.window_tokens)
        kv = self.kv_scale * ((1 - self.window_share) * tokens + self.window_share * windowed)
        return kv + self.sequence_state + self.logits

    def sequences(self, tokens: float) -> float:
        """Return how many sequences of some tokens fit, not rounded; 0 when none does."""
        return max(0.0, self.kv_cache / self.sequence(tokens))

    def needed_gib(self, tokens: float) -> float:
        """Return what the whole replica needs to hold one sequence of some tokens, in GiB."""
        return (self.weights + self.reserve + self.sequence(tokens)) * self.gpus / GIB

    @property
    def usable_gib(self) -> float:
        """What the engine may use on all GPUs of the replica, in GiB."""
        return self.usable * self.gpus / GIB

    def longest_sequence(self, limit: int) -> int:
        """Return the longest sequence up to a limit of tokens that fits alone."""
        if self.sequence(limit) <= self.kv_cache:
            return limit
        low, high = 0, limit
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.sequence(middle) <= self.kv_cache else (low, middle)
        return low


def card_bytes(gpu: Gpu) -> float:
    """Return the memory that the driver reports, else the marketed decimal gigabytes."""
    return gpu.memory_gb * 1e9 if gpu.memory_usable_gib is None else gpu.memory_usable_gib * GIB


def kv_bytes_per_token(model: Model, kv_precision: Precision) -> float:
    """Return the KV bytes of one token in all layers, below any window."""
    return model.kv_bytes_per_token_16bit * KV_BYTES[kv_precision] / 2


def windowed_share(model: Model) -> float:
    """Return the share of KV layers that stop growing at the sliding window."""
    if model.sliding_window_tokens is None:
        return 0.0
    return 1 - model.full_attention_layers / model.layers


def kv_bytes(model: Model, kv_precision: Precision, tokens: float) -> float:
    """Return the KV bytes of one sequence, over all GPUs and without copies.

    Source of the form: MHA/GQA/MQA 2 x layers x KV heads x head dim x bytes; MLA layers x (512 +
    64) x bytes; a windowed layer stops at its window. Gemma 4's full layers are smaller than its
    windowed ones, which this takes as equal: it errs on the large side there.
    """
    share = windowed_share(model)
    windowed = min(tokens, model.sliding_window_tokens or tokens)
    return kv_bytes_per_token(model, kv_precision) * ((1 - share) * tokens + share * windowed)


def activation_bytes(model: Model, *, tensor_parallel: int) -> float:
    """Return the peak activations of one prefill chunk on one GPU, in 16 bit.

    Residual stream, its norm and the attention output are whole on each GPU; gate, up and their
    product are split.
    """
    width = model.intermediate or 0
    if model.is_moe:
        active = (model.experts_per_token + model.n_shared_experts) * (model.moe_intermediate or 0)
        width = max(width if model.n_dense_layers else 0, active)
    return PREFILL_CHUNK_TOKENS * 2.0 * (4 * model.hidden + 3 * width / tensor_parallel)


def _linear_state_bytes(model: Model) -> float:
    if model.attention != "hybrid_linear":
        return 0.0
    layers = model.layers - model.full_attention_layers
    return layers * model.hidden * LINEAR_STATE_BYTES_PER_HIDDEN


def memory_budget(
    model: Model,
    gpu: Gpu,
    *,
    tensor_parallel: int,
    precision: Precision,
    kv_precision: Precision,
    gpu_memory_utilization: float = GPU_MEMORY_UTILIZATION,
) -> MemoryBudget:
    """Split the memory of each GPU of one replica; all values in bytes."""
    return MemoryBudget(
        usable=card_bytes(gpu) * gpu_memory_utilization,
        weights=weight_bytes_per_gpu(model, precision, tensor_parallel=tensor_parallel),
        reserve=RUNTIME_RESERVE_BYTES + activation_bytes(model, tensor_parallel=tensor_parallel),
        kv_scale=kv_bytes_per_token(model, kv_precision) / kv_shards(model, tensor_parallel),
        window_share=windowed_share(model),
        window_tokens=float(model.sliding_window_tokens or model.max_context_tokens),
        sequence_state=_linear_state_bytes(model) / tensor_parallel,
        logits=model.vocab * LOGITS_BYTES,
        gpus=tensor_parallel,
    )
