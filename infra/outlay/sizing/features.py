"""Models, GPUs and settings as columns of numbers, so that many shapes are one array computation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import lru_cache
from typing import Any, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from outlay.catalog import Gpu, Model, Precision
from outlay.sizing.constants import NO_EFFECT
from outlay.sizing.fitted import GPU_EFFECTS
from outlay.sizing.precision import FORMATS, KV_BYTES, TFLOPS, peak_flops
from outlay.sizing.weights import (
    LARGEST_EXPERT_SHARE,
    expert_weight_bytes,
    linear_weight_bytes,
    parameters,
)

Real = NDArray[np.float64]
Flag = NDArray[np.bool_]
Code = NDArray[np.int64]
Number: TypeAlias = "float | Real"
Named = TypeVar("Named", Gpu, Model)

GIB = 2**30
PRECISIONS = tuple(Precision)
PRECISION_CODE = {precision: code for code, precision in enumerate(PRECISIONS)}
READ_BYTES = np.array([FORMATS[p].read_bytes_per_weight for p in PRECISIONS])
UNKNOWN_LINK_GB_PER_S = 32.0  # PCIe 4 x16
# Stated bound, no measurement: 1.5 x hidden x 128 fp32 values per linear layer cover the state
# of gated delta nets (48 heads x 128 x 128 at hidden 5,120) and of Mamba-2.
LINEAR_STATE_BYTES_PER_HIDDEN = 1.5 * 128 * 4


class Engine(IntEnum):
    """Serving engines that were measured; every other one is OTHER."""

    VLLM = 0
    TRTLLM = 1
    SGLANG = 2
    TGI = 3
    OTHER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns of equal length, or of length 1 where all rows share a value."""

    def take(self, rows: Code) -> Self:
        """Return these rows of every column."""
        picked: dict[str, Any] = {f.name: getattr(self, f.name)[rows] for f in fields(self)}
        return type(self)(**picked)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelColumns(Columns):
    """What speed and memory need to know of a model; counts are parameters, not bytes.

    `weight_bytes` has one column per precision for one linear weight, `expert_bytes` for one
    weight of an expert.
    """

    params: Real
    active: Real
    experts_params: Real
    active_experts_params: Real
    routed_share: Real
    experts_per_token: Real
    expert_width: Real
    has_experts: Flag
    layers: Real
    expert_layers: Real
    attention_layers: Real
    hidden: Real
    attention_width: Real
    kv_group: Real
    kv_heads: Real
    latent_kv: Flag
    kv_bytes: Real
    window_share: Real
    window_tokens: Real
    vocab: Real
    embedding_count: Real
    replicated_count: Real
    kv_projection_count: Real
    linear_count: Real
    experts_count: Real
    weight_bytes: Real
    expert_bytes: Real
    prefill_width: Real
    linear_state: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuColumns(Columns):
    """What speed and memory need to know of a GPU; `flops` has one column per precision."""

    flops: Real
    flops_16bit: Real
    bandwidth: Real
    link: Real
    memory: Real
    capability: Real
    foreign: Flag
    bandwidth_effect: Real
    compute_effect: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Columns):
    """How replicas are split and what runs them; `precision` and `engine` are codes."""

    tensor: Real
    data: Real
    pipeline: Real
    expert: Real
    precision: Code
    kv_bytes: Real
    engine: Code
    old: Flag


def settings(
    *,
    tensor: Sequence[float],
    precision: Sequence[Precision],
    kv_precision: Sequence[Precision],
) -> Settings:
    """Return settings of plain tensor-parallel replicas on a current vLLM."""
    one = np.ones(1)
    return Settings(
        tensor=np.asarray(tensor, dtype=np.float64),
        data=one,
        pipeline=one,
        expert=one,
        precision=np.array([PRECISION_CODE[p] for p in precision], dtype=np.int64),
        kv_bytes=np.array([KV_BYTES[p] for p in kv_precision]),
        engine=np.array([Engine.VLLM], dtype=np.int64),
        old=np.array([False]),
    )


@lru_cache(maxsize=256)
def model_columns(*models: Model) -> ModelColumns:
    """Return the columns of some models, one row each."""
    rows = np.array([_model_row(model) for model in models]).T
    flags = np.array([[m.is_moe, m.attention == "mla"] for m in models]).T
    names = [f.name for f in fields(ModelColumns)]
    plain = [
        n for n in names if n not in {"has_experts", "latent_kv", "weight_bytes", "expert_bytes"}
    ]
    by_precision = {
        "weight_bytes": np.array([[linear_weight_bytes(m, p) for p in PRECISIONS] for m in models]),
        "expert_bytes": np.array([[expert_weight_bytes(m, p) for p in PRECISIONS] for m in models]),
    }
    return ModelColumns(
        **dict(zip(plain, rows, strict=True)),
        **by_precision,
        has_experts=flags[0],
        latent_kv=flags[1],
    )


def _model_row(model: Model) -> tuple[float, ...]:
    """Return the plain columns in the order of ModelColumns."""
    experts = _expert_parameters(model)
    routed = model.experts_per_token / model.n_experts if model.is_moe else 0.0
    hybrid = model.attention == "hybrid_linear"
    windowed = model.sliding_window_tokens is not None
    counts = parameters(model)
    return (
        model.params_b * 1e9,
        model.active_params_b * 1e9,
        experts,
        experts * routed,
        routed,
        float(model.experts_per_token),
        float(model.moe_intermediate or model.intermediate or 4 * model.hidden),
        float(model.layers),
        float(model.layers - model.n_dense_layers if model.is_moe else 0),
        float(model.full_attention_layers if hybrid else model.layers),
        float(model.hidden),
        float(model.heads * model.head_dim),
        1.0 if model.attention == "mla" else model.heads / model.kv_heads,
        float(model.kv_heads),
        float(model.kv_bytes_per_token_16bit),
        1 - model.full_attention_layers / model.layers if windowed else 0.0,
        float(model.sliding_window_tokens or model.max_context_tokens),
        float(model.vocab),
        counts.embedding,
        counts.replicated,
        counts.kv_projection,
        counts.linear,
        counts.experts,
        _prefill_width(model),
        _linear_state(model),
    )


def _expert_parameters(model: Model) -> float:
    if not model.is_moe:
        return 0.0
    layers = model.layers - model.n_dense_layers
    counted = 3.0 * model.hidden * (model.moe_intermediate or 0) * model.n_experts * layers
    return min(counted, LARGEST_EXPERT_SHARE * model.params_b * 1e9)


def _prefill_width(model: Model) -> float:
    # Gate, up and their product of one token, in the widest layer.
    if not model.is_moe:
        return float(model.intermediate or 0)
    active = (model.experts_per_token + model.n_shared_experts) * (model.moe_intermediate or 0)
    dense = model.intermediate or 0
    return float(max(dense if model.n_dense_layers else 0, active))


def _linear_state(model: Model) -> float:
    if model.attention != "hybrid_linear":
        return 0.0
    layers = model.layers - model.full_attention_layers
    return layers * model.hidden * LINEAR_STATE_BYTES_PER_HIDDEN


@lru_cache(maxsize=256)
def gpu_columns(*gpus: Gpu) -> GpuColumns:
    """Return the columns of some GPUs, one row each; an unknown tensor rate is NaN."""
    found = [GPU_EFFECTS.get(gpu.name, NO_EFFECT) for gpu in gpus]
    return GpuColumns(
        flops=np.array([[peak_flops(g, p) or np.nan for p in PRECISIONS] for g in gpus]),
        flops_16bit=np.array([(g.fp16_tflops or np.nan) * TFLOPS for g in gpus]),
        bandwidth=np.array([g.memory_bandwidth_gb_per_s * 1e9 for g in gpus]),
        link=np.array([(g.link_bandwidth_gb_per_s or UNKNOWN_LINK_GB_PER_S) * 1e9 for g in gpus]),
        memory=np.array([card_bytes(g) for g in gpus]),
        capability=np.array([g.compute_capability or np.nan for g in gpus]),
        foreign=np.array([g.vendor != "nvidia" for g in gpus]),
        bandwidth_effect=np.array([e.bandwidth for e in found]),
        compute_effect=np.array([e.compute for e in found]),
    )


def card_bytes(gpu: Gpu) -> float:
    """Return the memory that the driver reports, else the marketed decimal gigabytes."""
    return gpu.memory_gb * 1e9 if gpu.memory_usable_gib is None else gpu.memory_usable_gib * GIB


def held_tokens(tokens: Number, *, window_share: Number, window_tokens: Number) -> Real:
    """Return the tokens that KV layers keep at a context, on average over the layers."""
    windowed = np.minimum(tokens, window_tokens)
    return np.asarray((1 - window_share) * tokens + window_share * windowed)


def kv_shards(models: ModelColumns, split: Settings) -> Real:
    """Return over how many GPUs keys and values are split.

    Heads are split until each GPU has one; after that, and for the one latent of MLA, they are
    copied to every GPU.
    """
    heads = np.minimum(split.tensor, models.kv_heads)
    return np.asarray(np.where(models.latent_kv, 1.0, heads))


def indexed(values: Sequence[Named]) -> tuple[list[Named], Code]:
    """Return different models or GPUs in their first order, and the place of each value."""
    places: dict[int, int] = {}
    unique: list[Named] = []
    rows = []
    for value in values:
        # By identity: a test's card of another size has the name of the real one.
        if id(value) not in places:
            places[id(value)] = len(unique)
            unique.append(value)
        rows.append(places[id(value)])
    return unique, np.array(rows, dtype=np.int64)
