"""Size one replica: does it fit, and how many requests/s does it hold inside the SLO."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from outlay.catalog import Gpu, Model, Precision
from outlay.sizing.interval import judge
from outlay.sizing.memory import (
    GIB,
    GPU_MEMORY_UTILIZATION,
    MAX_SEQUENCES,
    PREFILL_CHUNK_TOKENS,
    MemoryBudget,
    memory_budget,
)
from outlay.sizing.precision import FORMATS, kv_refusal, native_16bit, refusal
from outlay.sizing.speed import Curve, Lengths, Speed, Steady, load_curve, replica_speed
from outlay.sizing.types import DoesNotRun, ReplicaShape, Traffic

TENSOR_PARALLEL = (1, 2, 4, 8)
# Single requests are longer than the mean: the engine admits twice the mean, in whole thousands.
LENGTH_MARGIN = 2.0
LENGTH_STEP = 1024
QUANTISATION_GROUP = 128
BISECTIONS = 20  # narrows 1,024 sequences down to a thousandth of one


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One (model, GPU, tensor parallel, precision) that is being sized."""

    model: Model
    gpu: Gpu
    tensor_parallel: int
    precision: Precision
    kv_precision: Precision
    traffic: Traffic

    def refuse(self, reason: str) -> DoesNotRun:
        return DoesNotRun(
            model=self.model.name,
            gpu=self.gpu.name,
            tensor_parallel=self.tensor_parallel,
            weight_precision=self.precision,
            reason=reason,
        )


def size_replica(
    model: Model,
    gpu: Gpu,
    *,
    tensor_parallel: int,
    precision: Precision,
    traffic: Traffic,
    kv_precision: Precision | None = None,
    checkpoint: str | None = None,
) -> ReplicaShape | DoesNotRun:
    """Size one replica, or say why it cannot run or keep the SLO.

    The KV cache is 16 bit unless `kv_precision` says otherwise. `checkpoint` names a repository
    with weights already in `precision`; without one the usual checkpoint is used and fp8 is
    made from 16 bit while loading.

    Raises:
        ValueError: tokens, latencies or the cached share are out of range, or tensor_parallel < 1.
    """
    _check(traffic, tensor_parallel)
    case = _Case(
        model=model,
        gpu=gpu,
        tensor_parallel=tensor_parallel,
        precision=precision,
        kv_precision=kv_precision or native_16bit(model, gpu),
        traffic=traffic,
    )
    reason = _refusal(case, checkpoint)
    return case.refuse(reason) if reason is not None else _size(case, checkpoint)


def replica_shapes(
    model: Model,
    gpu: Gpu,
    *,
    traffic: Traffic,
    precisions: Iterable[Precision],
    max_gpus: int,
    kv_precision: Precision | None = None,
    checkpoints: Mapping[Precision, str] | None = None,
) -> tuple[ReplicaShape | DoesNotRun, ...]:
    """Size every tensor-parallel degree up to `max_gpus` in every precision.

    bf16 and fp16 both mean the 16-bit format that the GPU has. `checkpoints` names quantised
    repositories by precision.

    Raises:
        ValueError: traffic is out of range.
    """

    def meant(precision: Precision) -> Precision:
        return native_16bit(model, gpu) if FORMATS[precision].bits == 16 else precision

    named = {meant(precision): name for precision, name in (checkpoints or {}).items()}
    return tuple(
        size_replica(
            model,
            gpu,
            tensor_parallel=degree,
            precision=precision,
            traffic=traffic,
            kv_precision=kv_precision,
            checkpoint=named.get(precision),
        )
        for precision in dict.fromkeys(meant(precision) for precision in precisions)
        for degree in TENSOR_PARALLEL
        if degree <= max_gpus
    )


def _check(traffic: Traffic, tensor_parallel: int) -> None:
    positive = {
        "input_tokens": traffic.input_tokens,
        "output_tokens": traffic.output_tokens,
        "ttft_ms": traffic.ttft_ms,
        "tpot_ms": traffic.tpot_ms,
        "tensor_parallel": tensor_parallel,
    }
    for name, value in positive.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, got {value}")
    if not 0 <= traffic.prefix_cache_hit_share < 1:
        share = traffic.prefix_cache_hit_share
        raise ValueError(f"prefix_cache_hit_share must be at least 0 and below 1, got {share}")


def _refusal(case: _Case, checkpoint: str | None) -> str | None:
    return (
        _parallel_refusal(case.model, case.tensor_parallel)
        or _length_refusal(case.model, case.traffic)
        or refusal(case.model, case.gpu, case.precision)
        or _width_refusal(case)
        or kv_refusal(case.gpu, case.kv_precision)
        or _checkpoint_refusal(case, checkpoint)
    )


def _parallel_refusal(model: Model, degree: int) -> str | None:
    if degree not in TENSOR_PARALLEL:
        return f"tensor parallel {degree} is none of 1, 2, 4, 8"
    if model.heads % degree:
        return f"tensor parallel {degree} does not divide {model.heads} attention heads"
    if model.attention != "mla" and model.kv_heads % degree and degree % model.kv_heads:
        return f"tensor parallel {degree} and {model.kv_heads} KV heads do not divide each other"
    return None


def _width_refusal(case: _Case) -> str | None:
    model, degree = case.model, case.tensor_parallel
    for width in (model.intermediate, model.moe_intermediate):
        if width is None:
            continue
        if width % degree:
            return f"tensor parallel {degree} does not divide the MLP width of {width:,}"
        # Scales belong to 128 weights in a row, and a GPU must hold whole groups of them.
        grouped = case.precision is Precision.INT4 or (
            case.precision is Precision.FP8 and model.native_precision is Precision.FP8
        )
        if grouped and width // degree % QUANTISATION_GROUP:
            return (
                f"tensor parallel {degree} splits the MLP width of {width:,} into {width // degree:,},"
                f" no multiple of the {case.precision} group of {QUANTISATION_GROUP}"
            )
    return None


def _length_refusal(model: Model, traffic: Traffic) -> str | None:
    tokens = traffic.input_tokens + traffic.output_tokens
    if tokens <= model.max_context_tokens:
        return None
    return f"{tokens:,} tokens exceed the context of {model.max_context_tokens:,} tokens"


def _checkpoint_refusal(case: _Case, checkpoint: str | None) -> str | None:
    if checkpoint is not None or case.precision is case.model.native_precision:
        return None
    entry = FORMATS[case.precision]
    if entry.bits == 16 or _online(case):
        return None
    return (
        f"{case.precision} needs a quantised checkpoint of {case.model.name}; vLLM cannot make it"
        f" from {case.model.native_precision} while loading"
    )


def _online(case: _Case) -> bool:
    return FORMATS[case.precision].online and FORMATS[case.model.native_precision].bits == 16


def _does_not_fit(budget: MemoryBudget, tokens: int) -> str:
    return (
        f"needs {budget.needed_gib(tokens):,.0f} GiB for weights, runtime and one sequence,"
        f" has {budget.usable_gib:,.0f}"
    )


def _size(case: _Case, checkpoint: str | None) -> ReplicaShape | DoesNotRun:
    budget = memory_budget(
        case.model,
        case.gpu,
        tensor_parallel=case.tensor_parallel,
        precision=case.precision,
        kv_precision=case.kv_precision,
    )
    tokens = case.traffic.input_tokens + case.traffic.output_tokens
    if budget.sequences(tokens) < 1:
        return case.refuse(_does_not_fit(budget, tokens))
    lengths = _lengths(case.traffic)
    speed = replica_speed(
        case.model,
        case.gpu,
        tensor_parallel=case.tensor_parallel,
        precision=case.precision,
        kv_precision=case.kv_precision,
    )
    places = max(1, min(MAX_SEQUENCES, int(budget.sequences(lengths.held_context))))
    curve = load_curve(speed, lengths)
    best = largest_inside_slo(curve, traffic=case.traffic, max_sequences=places)
    if best is None:
        return case.refuse(_too_slow(curve, case.traffic))
    return _shape(case, budget, best=best, places=places, checkpoint=checkpoint, speed=speed)


def _shape(
    case: _Case,
    budget: MemoryBudget,
    *,
    best: Steady,
    places: int,
    checkpoint: str | None,
    speed: Speed,
) -> ReplicaShape:
    native = case.precision is case.model.native_precision
    judgement = judge(case.model, case.gpu)
    return ReplicaShape(
        model=case.model.name,
        gpu=case.gpu.name,
        tensor_parallel=case.tensor_parallel,
        weight_precision=case.precision,
        kv_precision=case.kv_precision,
        quantize_online=checkpoint is None and not native and _online(case),
        checkpoint=checkpoint or case.model.hf_id,
        max_sequences=places,
        max_model_len=_max_model_len(case, budget),
        gpu_memory_utilization=GPU_MEMORY_UTILIZATION,
        weights_gib=budget.weights * budget.gpus / GIB,
        kv_cache_gib=budget.kv_cache * budget.gpus / GIB,
        capacity_rps=judgement.factors.capacity.around(best.requests_per_s),
        ttft_ms=judgement.factors.ttft.around(best.ttft_s * 1e3),
        tpot_ms=judgement.factors.tpot.around(best.tpot_s * 1e3),
        prefill_tokens_per_s=speed.prefill_tokens_per_s(PREFILL_CHUNK_TOKENS),
        grade=judgement.grade,
        grade_reason=judgement.reason,
    )


def _lengths(traffic: Traffic) -> Lengths:
    return Lengths(
        input_tokens=traffic.input_tokens,
        output_tokens=traffic.output_tokens,
        prefill_tokens=traffic.input_tokens * (1 - traffic.prefix_cache_hit_share),
    )


def largest_inside_slo(curve: Curve, *, traffic: Traffic, max_sequences: float) -> Steady | None:
    """Return the steady state with the most requests/s inside the SLO, None if there is none.

    Requests/s, TTFT and TPOT all rise with the number of running sequences, so the largest number
    inside both limits is the answer; found by bisection.
    """
    ttft_s, tpot_s = traffic.ttft_ms / 1e3, traffic.tpot_ms / 1e3

    def inside(running: float) -> bool:
        ttft, tpot = curve.latencies_s(running)
        return ttft <= ttft_s and tpot <= tpot_s

    if not inside(1.0):
        return None
    if inside(max_sequences):
        return curve.steady(max_sequences)
    low, high = 1.0, max_sequences
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) else (low, middle)
    return curve.steady(low)


def _too_slow(curve: Curve, traffic: Traffic) -> str:
    ttft_s, tpot_s = curve.latencies_s(1.0)
    name, found_ms, slo_ms = "TPOT", tpot_s * 1e3, traffic.tpot_ms
    if found_ms <= slo_ms:
        name, found_ms, slo_ms = "TTFT", ttft_s * 1e3, traffic.ttft_ms
    return f"{name} of a single request is {found_ms:,.4g} ms, the SLO is {slo_ms:,.4g} ms"


def _max_model_len(case: _Case, budget: MemoryBudget) -> int:
    mean = case.traffic.input_tokens + case.traffic.output_tokens
    wanted = math.ceil(mean * LENGTH_MARGIN / LENGTH_STEP) * LENGTH_STEP
    return budget.longest_sequence(min(wanted, case.model.max_context_tokens))
