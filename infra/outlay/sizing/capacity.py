"""Size replicas: do they fit, and how many requests/s does each hold inside the SLO."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from outlay.catalog import Gpu, Model, Percentile, Precision
from outlay.sizing.arrivals import arriving
from outlay.sizing.features import (
    GIB,
    Flag,
    GpuColumns,
    ModelColumns,
    Real,
    Settings,
    gpu_columns,
    indexed,
    model_columns,
    settings,
)
from outlay.sizing.interval import judge
from outlay.sizing.loads import Curve, Steady
from outlay.sizing.memory import (
    GPU_MEMORY_UTILIZATION,
    MAX_SEQUENCES,
    PREFILL_CHUNK_TOKENS,
    MemoryColumns,
    memory_columns,
)
from outlay.sizing.mixed import held_context, traffic_curve
from outlay.sizing.precision import FORMATS, kv_refusal, native_16bit, refusal
from outlay.sizing.search import highest_rate_inside, largest_inside
from outlay.sizing.speculation import Speculation
from outlay.sizing.speed import speeds
from outlay.sizing.types import DoesNotRun, ReplicaShape, Traffic

TENSOR_PARALLEL = (1, 2, 4, 8)
# Single requests are longer than the mean: the engine admits twice the mean, in whole thousands.
LENGTH_MARGIN = 2.0
LENGTH_STEP = 1024
QUANTISATION_GROUP = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One (model, GPU, tensor parallel, precision) that is being sized."""

    model: Model
    gpu: Gpu
    tensor_parallel: int
    precision: Precision
    kv_precision: Precision
    checkpoint: str | None

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
        checkpoint=checkpoint,
    )
    return _size([case], traffic)[0]


def replica_shapes(
    model: Model,
    gpus: Iterable[Gpu],
    *,
    traffic: Traffic,
    precisions: Iterable[Precision],
    max_gpus: int,
    kv_precision: Precision | None = None,
    checkpoints: Mapping[Precision, str] | None = None,
    speculation: Speculation | None = None,
) -> tuple[ReplicaShape | DoesNotRun, ...]:
    """Size every tensor-parallel degree up to `max_gpus` in every precision on every GPU.

    bf16 and fp16 both mean the 16-bit format that the GPU has. `checkpoints` names quantised
    repositories by precision.

    Raises:
        ValueError: traffic is out of range.
    """
    _check(traffic, 1)
    wanted = tuple(precisions)
    cases = [
        case
        for gpu in gpus
        for case in _cases(
            model, gpu, wanted, max_gpus=max_gpus, kv=kv_precision, checkpoints=checkpoints or {}
        )
    ]
    return tuple(_size(cases, traffic, speculation))


def _cases(
    model: Model,
    gpu: Gpu,
    precisions: Sequence[Precision],
    *,
    max_gpus: int,
    kv: Precision | None,
    checkpoints: Mapping[Precision, str],
) -> list[_Case]:
    native = native_16bit(model, gpu)
    meant = {p: native if FORMATS[p].bits == 16 else p for p in (*precisions, *checkpoints)}
    named = {meant[precision]: name for precision, name in checkpoints.items()}
    return [
        _Case(
            model=model,
            gpu=gpu,
            tensor_parallel=degree,
            precision=precision,
            kv_precision=kv or native,
            checkpoint=named.get(precision),
        )
        for precision in dict.fromkeys(meant[precision] for precision in precisions)
        for degree in TENSOR_PARALLEL
        if degree <= max_gpus
    ]


def _check(traffic: Traffic, tensor_parallel: int) -> None:
    positive = {
        **{f"input_tokens of bucket {i}": b.input_tokens for i, b in enumerate(traffic.buckets, 1)},
        **{
            f"output_tokens of bucket {i}": b.output_tokens
            for i, b in enumerate(traffic.buckets, 1)
        },
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


def _refusal(case: _Case, traffic: Traffic) -> str | None:
    return (
        _parallel_refusal(case.model, case.tensor_parallel)
        or _length_refusal(case.model, traffic)
        or refusal(case.model, case.gpu, case.precision)
        or _width_refusal(case)
        or kv_refusal(case.gpu, case.kv_precision)
        or _checkpoint_refusal(case)
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
    tokens = traffic.longest_tokens
    if tokens <= model.max_context_tokens:
        return None
    return f"{tokens:,} tokens exceed the context of {model.max_context_tokens:,} tokens"


def _checkpoint_refusal(case: _Case) -> str | None:
    if case.checkpoint is not None or case.precision is case.model.native_precision:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacities:
    """Replicas as columns: their memory, and what each holds inside an SLO.

    `possible` is false where the load of a single request already breaks the SLO.
    """

    memory: MemoryColumns
    places: Real
    best: Steady
    possible: Flag
    prefill_tokens_per_s: Real


def capacities(
    models: ModelColumns,
    gpus: GpuColumns,
    split: Settings,
    traffic: Traffic,
    speculation: Speculation | None = None,
) -> Capacities:
    """Find the most requests/s inside the SLO for many replicas in one computation."""
    memory, speed = memory_columns(models, gpus, split), speeds(models, gpus, split)
    if speculation is not None:
        memory = speculation.memory(memory, gpus, tokens=traffic.longest_tokens)
        speed = speculation.speed(speed, gpus)
    places = np.clip(np.floor(memory.sequences(held_context(traffic))), 1, MAX_SEQUENCES)
    curve = traffic_curve(speed, traffic)
    best, possible = _inside(curve, traffic, places)
    if traffic.percentile is Percentile.P95:
        best, possible = _inside_p95(curve, traffic, places, mean=best)
    return Capacities(
        memory=memory,
        places=places,
        best=best,
        possible=possible,
        prefill_tokens_per_s=speed.prefill_tokens_per_s(PREFILL_CHUNK_TOKENS),
    )


def _inside(curve: Curve, traffic: Traffic, places: Real) -> tuple[Steady, Flag]:
    running, possible = largest_inside(
        curve, ttft_s=traffic.ttft_ms / 1e3, tpot_s=traffic.tpot_ms / 1e3, max_sequences=places
    )
    return curve.steady(running), possible


def _inside_p95(
    curve: Curve, traffic: Traffic, places: Real, *, mean: Steady
) -> tuple[Steady, Flag]:
    """Return the means at the highest rate whose p95 keeps the SLO.

    Never above the rate at which the means do in a closed loop: that is what was measured. Where no
    rate keeps it, the latencies are the p95 without load, which the refusal names.
    """
    rate, possible = highest_rate_inside(
        curve,
        ttft_s=traffic.ttft_ms / 1e3,
        tpot_s=traffic.tpot_ms / 1e3,
        places=places,
        limit=mean.requests_per_s,
    )
    found = arriving(curve, rate=rate, places=places)
    capped = rate >= mean.requests_per_s
    return Steady(
        running=found.running,
        requests_per_s=rate,
        output_tokens_per_s=rate * curve.output_tokens,
        ttft_s=np.where(
            capped, mean.ttft_s, np.where(possible, found.ttft.mean_s, found.ttft.p95_s)
        ),
        tpot_s=np.where(
            capped, mean.tpot_s, np.where(possible, found.tpot.mean_s, found.tpot.p95_s)
        ),
    ), possible


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """One sized case as plain numbers; without requests/s the SLO cannot be kept."""

    fits: bool
    needed_gib: float
    usable_gib: float
    weights_gib: float
    kv_cache_gib: float
    places: float
    longest: float
    possible: bool
    requests_per_s: float
    ttft_ms: float
    tpot_ms: float
    prefill_tokens_per_s: float


def _size(
    cases: Sequence[_Case], traffic: Traffic, speculation: Speculation | None = None
) -> list[ReplicaShape | DoesNotRun]:
    reasons = [_refusal(case, traffic) for case in cases]
    allowed = [case for case, reason in zip(cases, reasons, strict=True) if reason is None]
    results = iter(_results(allowed, traffic, speculation) if allowed else [])
    return [
        _shape(case, next(results), traffic, speculation) if reason is None else case.refuse(reason)
        for case, reason in zip(cases, reasons, strict=True)
    ]


def _results(
    cases: Sequence[_Case], traffic: Traffic, speculation: Speculation | None
) -> list[_Result]:
    models, model_rows = indexed([case.model for case in cases])
    gpus, gpu_rows = indexed([case.gpu for case in cases])
    split = settings(
        tensor=[case.tensor_parallel for case in cases],
        precision=[case.precision for case in cases],
        kv_precision=[case.kv_precision for case in cases],
    )
    found = capacities(
        model_columns(*models).take(model_rows),
        gpu_columns(*gpus).take(gpu_rows),
        split,
        traffic,
        speculation,
    )
    memory, best = found.memory, found.best
    tokens = traffic.longest_tokens
    wanted = math.ceil(tokens * LENGTH_MARGIN / LENGTH_STEP) * LENGTH_STEP
    columns = {
        "fits": memory.sequences(tokens) >= 1,
        "needed_gib": memory.needed_gib(tokens),
        "usable_gib": memory.usable_gib,
        "weights_gib": memory.weights * memory.gpus / GIB,
        "kv_cache_gib": memory.kv_cache * memory.gpus / GIB,
        "places": found.places,
        "longest": memory.longest_sequence(wanted),
        "possible": found.possible,
        "requests_per_s": best.requests_per_s,
        "ttft_ms": best.ttft_s * 1e3,
        "tpot_ms": best.tpot_s * 1e3,
        "prefill_tokens_per_s": found.prefill_tokens_per_s,
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [_Result(**dict(zip(columns, row, strict=True))) for row in rows]


def _shape(
    case: _Case, found: _Result, traffic: Traffic, speculation: Speculation | None
) -> ReplicaShape | DoesNotRun:
    if not found.fits:
        return case.refuse(
            f"needs {found.needed_gib:,.0f} GiB for weights, runtime and one sequence,"
            f" has {found.usable_gib:,.0f}"
        )
    if not found.possible:
        return case.refuse(_too_slow(found, traffic))
    native = case.precision is case.model.native_precision
    judgement = judge(case.model, case.gpu)
    return ReplicaShape(
        model=case.model.name,
        gpu=case.gpu.name,
        tensor_parallel=case.tensor_parallel,
        weight_precision=case.precision,
        kv_precision=case.kv_precision,
        quantize_online=case.checkpoint is None and not native and _online(case),
        checkpoint=case.checkpoint or case.model.hf_id,
        max_sequences=int(found.places),
        max_model_len=int(min(found.longest, case.model.max_context_tokens)),
        gpu_memory_utilization=GPU_MEMORY_UTILIZATION,
        weights_gib=found.weights_gib,
        kv_cache_gib=found.kv_cache_gib,
        capacity_rps=judgement.factors.capacity.around(found.requests_per_s),
        ttft_ms=judgement.factors.ttft.around(found.ttft_ms),
        tpot_ms=judgement.factors.tpot.around(found.tpot_ms),
        prefill_tokens_per_s=found.prefill_tokens_per_s,
        grade=judgement.grade,
        grade_reason=judgement.reason,
        draft_tokens=speculation.draft_tokens if speculation else 0,
        draft_hf_id=speculation.draft.hf_id if speculation and speculation.draft else "",
    )


def _too_slow(found: _Result, traffic: Traffic) -> str:
    p95 = traffic.percentile is Percentile.P95
    name, found_ms, slo_ms = "TPOT", found.tpot_ms, traffic.tpot_ms
    if found_ms <= slo_ms:
        name, found_ms, slo_ms = "TTFT", found.ttft_ms, traffic.ttft_ms
    of = "the slowest of twenty single requests" if p95 else "a single request"
    return f"{name} of {of} is {found_ms:,.4g} ms, the SLO is {slo_ms:,.4g} ms"
