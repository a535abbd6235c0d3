"""How long prefill and decode take on replicas, as coefficients of their step times.

An additive roofline: a step pays for the bytes it reads, for the operations that reading does not
hide, for launching each layer, for two all-reduces per layer and for scheduling each sequence.
Every value is a column over replicas, so that any number of them is one computation. SI units:
bytes, FLOP, seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outlay.catalog import Gpu, Model, Precision
from outlay.sizing.constants import Constants
from outlay.sizing.features import (
    PRECISION_CODE,
    READ_BYTES,
    Code,
    Columns,
    Engine,
    Flag,
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
from outlay.sizing.fitted import FITTED
from outlay.sizing.precision import peak_flops
from outlay.sizing.types import Bucket

AMPERE, BLACKWELL = 9.0, 10.0  # compute capability below Hopper, and from Blackwell on
ACTIVATION_BYTES = 2.0  # exchanged in 16 bit
MLA_ATTENTION_WORK = 3.0  # scores and values in the 576-wide latent instead of 192-wide heads
LARGEST_EMBEDDING_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Mean tokens of one request; `prefill_tokens` are those not found in the prefix cache."""

    input_tokens: Number
    output_tokens: Number
    prefill_tokens: Number

    @classmethod
    def of(cls, bucket: Bucket, *, cached_share: float) -> Lengths:
        """Return the lengths of one class of requests."""
        return cls(
            input_tokens=bucket.input_tokens,
            output_tokens=bucket.output_tokens,
            prefill_tokens=bucket.input_tokens * (1 - cached_share),
        )

    @property
    def decode_context(self) -> Number:
        """Mean context while decoding."""
        return self.input_tokens + self.output_tokens / 2

    @property
    def held_context(self) -> Number:
        """Mean context that a running sequence holds in the KV cache, prefilling ones included."""
        return self.input_tokens + 0.6 * self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed(Columns):
    """Replicas reduced to the coefficients of their step times, in seconds unless named otherwise.

    A step of B sequences is split over `pipeline` micro-batches and `data` attention groups.
    """

    shared_weights: Real
    expert_weights: Real
    expert_miss: Real
    fixed: Real
    per_group_sequence: Real
    per_sequence: Real
    per_kv_token: Real
    per_context_token: Real
    window_share: Real
    window_tokens: Real
    pipeline: Real
    data: Real
    prefill_token: Real
    prefill_pair: Real
    ttft_fixed: Real
    ttft_token: Real
    ttft_prefill: Real
    prefill_in_tpot: Real
    prefill_in_ttft: Real
    server_share: Real
    burst_share: Real

    def weights_s(self, sequences: Number) -> Real:
        """Return the time to read the weights of one step; of experts, those routed to."""
        touched: Real = 1 - np.power(self.expert_miss, np.maximum(sequences, 1.0))
        return self.shared_weights + self.expert_weights * touched

    def sequence_s(self, context: Number) -> Real:
        """Return what each sequence of an attention group adds to a decode step."""
        held = held_tokens(
            context, window_share=self.window_share, window_tokens=self.window_tokens
        )
        return self.per_group_sequence + self.per_kv_token * held + self.per_context_token * context

    def step_s(self, sequences: Number, sequence_s: Real) -> Real:
        """Return the time of one decode step, given what `sequence_s` says of the context."""
        batch = np.maximum(sequences / self.pipeline, 1.0)
        group = np.maximum(batch / self.data, 1.0)
        each = group * sequence_s + batch * self.per_sequence
        return np.asarray(self.weights_s(batch) + self.fixed + each)

    def decode_s(self, sequences: Number, context: Number) -> Real:
        """Return the time of one decode step."""
        return self.step_s(sequences, self.sequence_s(context))

    def prefill_s(self, lengths: Lengths) -> Real:
        """Return what one prompt takes of the replica; cached tokens cost only attention to them."""
        new, whole = lengths.prefill_tokens, lengths.input_tokens
        pairs = whole**2 - (whole - new) ** 2
        return np.asarray(new * self.prefill_token + pairs * self.prefill_pair)

    def prompt_s(self, lengths: Lengths) -> Real:
        """Return how long one prompt is being prefilled: its own group and stages work on it."""
        return self.prefill_s(lengths) * self.pipeline * self.data

    def prefill_tokens_per_s(self, chunk: int) -> Real:
        """Return the prefill rate of cold chunks that fill steps of their own."""
        lengths = Lengths(input_tokens=chunk, output_tokens=1, prefill_tokens=chunk)
        step = self.prompt_s(lengths) + self.weights_s(float(chunk)) + self.fixed
        return np.asarray(chunk * self.data * self.pipeline / step)


def replica_speed(
    model: Model,
    gpu: Gpu,
    *,
    tensor_parallel: int,
    precision: Precision,
    kv_precision: Precision,
    constants: Constants = FITTED,
) -> Speed:
    """Reduce one tensor-parallel replica on a current vLLM to its coefficients.

    Raises:
        ValueError: the tensor rate of the GPU is unknown.
    """
    if peak_flops(gpu, precision) is None:
        raise ValueError(f"the tensor rates of {gpu.name} are unknown")
    split = settings(tensor=[tensor_parallel], precision=[precision], kv_precision=[kv_precision])
    return speeds(model_columns(model), gpu_columns(gpu), split, constants)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rates:
    """What one replica's GPUs reach, and by how much its software slows them."""

    slowdown: Real
    overhead: Real
    sequence: Real
    kv_group: Real
    flops: Real
    attention_flops: Real
    visible: Real
    weights: Real
    experts: Real
    expert_flops: Real
    kv: Real


def speeds(
    models: ModelColumns, gpus: GpuColumns, split: Settings, constants: Constants = FITTED
) -> Speed:
    """Reduce replicas to their coefficients; columns of one row are shared by all."""
    c, m, s = constants, models, split
    rates = _rates(c, m, gpus, s)
    gpus_per_stage = s.tensor * s.data
    read = READ_BYTES[s.precision] * rates.slowdown
    plain = 2 * (m.active - m.active_experts_params) * rates.slowdown / (s.tensor * rates.flops)
    routed = 2 * m.active_experts_params * rates.slowdown / (gpus_per_stage * rates.expert_flops)
    attention = 4 * m.attention_width * np.where(m.latent_kv, MLA_ATTENTION_WORK, 1.0)
    attention = attention * m.attention_layers * rates.slowdown / (s.tensor * rates.attention_flops)
    reduce_fixed, reduce_token = _communication(c, m, gpus, s)
    stages = s.data * s.pipeline
    shards = kv_shards(m, s)
    embedding = np.minimum(m.vocab * m.hidden, LARGEST_EMBEDDING_SHARE * m.params)
    launch = c.layer_s * m.layers + c.expert_layer_s * m.expert_layers + c.step_s
    return _broadcast(
        shared_weights=(m.params - m.experts_params - embedding) * read / s.tensor / rates.weights,
        expert_weights=m.experts_params * read / gpus_per_stage / rates.experts,
        expert_miss=1 - np.minimum(m.routed_share, 1 - 1e-12),
        fixed=rates.overhead * launch + reduce_fixed,
        per_group_sequence=plain * rates.visible + reduce_token,
        per_sequence=routed * rates.visible + rates.sequence,
        per_kv_token=m.kv_bytes
        * s.kv_bytes
        / 2
        * rates.kv_group
        / shards
        / rates.kv
        * rates.slowdown,
        per_context_token=np.where(m.latent_kv, attention, 0.0),
        window_share=m.window_share,
        window_tokens=m.window_tokens,
        pipeline=s.pipeline,
        data=s.data,
        prefill_token=plain / stages + routed / s.pipeline + reduce_token / s.data,
        prefill_pair=attention / 2 / stages,
        **_latency(c, s),
    )


def _broadcast(**columns: Real) -> Speed:
    names = list(columns)
    return Speed(**dict(zip(names, np.broadcast_arrays(*columns.values()), strict=True)))


def _by_engine(
    engine: Code, *, vllm: float = 1.0, trtllm: float = 1.0, sglang: float = 1.0,
    tgi: float = 1.0, other: float = 1.0,
) -> Real:  # fmt: skip
    return np.array([vllm, trtllm, sglang, tgi, other])[engine]


def _rates(c: Constants, m: ModelColumns, g: GpuColumns, s: Settings) -> _Rates:
    old_vllm = s.old & (s.engine == Engine.VLLM)
    flops, visible = _tensor(c, m, g, s)
    width = m.expert_width / np.where(s.expert > 1, 1.0, s.tensor)
    wide = np.where(m.has_experts, width / (width + c.expert_half_width), 1.0)
    bandwidth = g.bandwidth * g.bandwidth_effect
    group_power = (
        c.kv_group_power
        * np.where(old_vllm, c.old_vllm_kv_group, 1.0)
        * np.where(g.foreign, c.foreign_kv_group, 1.0)
    )
    return _Rates(
        slowdown=_slowdown(c, g, s, old_vllm),
        overhead=_overhead(c, g, s, old_vllm),
        sequence=c.sequence_s
        * _by_engine(s.engine, trtllm=c.trtllm_sequence, sglang=c.sglang_sequence)
        * np.where(old_vllm, c.old_vllm_sequence, 1.0)
        * np.where(g.foreign, c.foreign_sequence, 1.0),
        kv_group=np.power(m.kv_group, group_power),
        flops=flops,
        attention_flops=g.flops_16bit * c.attention_share,
        visible=visible,
        weights=bandwidth * c.weight_read_share,
        experts=bandwidth * c.expert_read_share * wide,
        expert_flops=flops * wide / c.expert_imbalance,
        kv=bandwidth * c.kv_read_share,
    )


def _slowdown(c: Constants, g: GpuColumns, s: Settings, old_vllm: Flag) -> Real:
    engine = _by_engine(
        s.engine,
        trtllm=c.trtllm_slowdown,
        sglang=c.sglang_slowdown,
        tgi=c.tgi_slowdown,
        other=c.other_slowdown,
    )
    return np.asarray(
        engine
        * np.where(old_vllm, c.old_vllm_slowdown, 1.0)
        * np.where(g.foreign, c.foreign_slowdown, 1.0)
        * np.where(s.expert > 1, c.expert_parallel_slowdown, 1.0)
    )


def _overhead(c: Constants, g: GpuColumns, s: Settings, old_vllm: Flag) -> Real:
    engine = _by_engine(
        s.engine,
        trtllm=c.trtllm_overhead,
        sglang=c.sglang_overhead,
        tgi=c.tgi_overhead,
        other=c.other_overhead,
    )
    old_trtllm = s.old & (s.engine == Engine.TRTLLM)
    age = np.where(old_vllm, c.old_vllm_overhead, np.where(old_trtllm, c.old_trtllm_overhead, 1.0))
    # Accelerators without a compute capability pay what Ampere pays.
    newer = np.where(g.capability >= BLACKWELL, c.blackwell_overhead, 1.0)
    return np.asarray(engine * age * np.where(g.capability >= AMPERE, newer, c.ampere_overhead))


def _tensor(c: Constants, m: ModelColumns, g: GpuColumns, s: Settings) -> tuple[Real, Real]:
    """Return FLOP/s of one GPU while prefilling, and the visible share of a step's operations."""
    peak = g.flops[np.arange(len(g.flops)), s.precision]
    code = PRECISION_CODE
    fp8 = (s.precision == code[Precision.FP8]) | (s.precision == code[Precision.MXFP4])
    int8 = s.precision == code[Precision.INT8]
    fp4 = s.precision == code[Precision.NVFP4]
    # A GPU without a rate for the format unpacks it and computes in 16 bit.
    native = peak > g.flops_16bit
    packed = READ_BYTES[s.precision] < 2
    kinds = [packed & ~native, fp8, int8, fp4]
    weight_only = c.weight_only_share * c.compute_share_16bit
    share = np.select(
        kinds,
        [weight_only, c.compute_share_fp8, c.compute_share_int8, c.compute_share_fp4],
        c.compute_share_16bit,
    )
    visible = np.select(
        kinds,
        [c.decode_visible_16bit, c.decode_visible_fp8, c.decode_visible_fp8, c.decode_visible_fp4],
        c.decode_visible_16bit,
    )
    width = m.hidden / s.tensor
    age = np.where(s.old, c.old_foreign_operations, 1.0)
    peak = peak / np.where(g.foreign, c.foreign_operations * age, 1.0)
    return peak * share * g.compute_effect * width / (width + c.half_width), visible


def _communication(c: Constants, m: ModelColumns, g: GpuColumns, s: Settings) -> tuple[Real, Real]:
    # Two all-reduces per layer: a latency, and per token hidden x 2 bytes around the ring.
    link = g.link * c.link_share
    ring = 2 * (s.tensor - 1) / s.tensor
    token = 2 * m.layers * m.hidden * ACTIVATION_BYTES * ring / link
    fixed = 2 * m.layers * c.all_reduce_s * np.sqrt(np.log2(s.tensor))
    # Data-parallel attention sends each token to its experts and back.
    spread = m.has_experts & (s.data > 1)
    sent = 2 * m.expert_layers * m.hidden * ACTIVATION_BYTES * m.experts_per_token
    return fixed, token + np.where(spread, sent / link, 0.0)


def _latency(c: Constants, s: Settings) -> dict[str, Real]:
    ttft = _by_engine(s.engine, trtllm=c.trtllm_ttft, sglang=c.sglang_ttft, tgi=c.tgi_ttft)
    in_ttft = _by_engine(s.engine, trtllm=c.trtllm_prefill_in_ttft, sglang=c.sglang_prefill_in_ttft)
    return {
        "ttft_fixed": c.ttft_s * ttft,
        "ttft_token": np.array([c.ttft_token_s]),
        "ttft_prefill": np.array([c.ttft_prefill]),
        "prefill_in_tpot": np.array([c.prefill_in_tpot]),
        "prefill_in_ttft": c.prefill_in_ttft * in_ttft,
        "server_share": np.array([c.server_share]),
        "burst_share": np.array([c.burst_share]),
    }
