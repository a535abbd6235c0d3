"""Everything a model can run on: shapes with what limits each, and the reasons for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from outlay.catalog import Catalog, Gpu, Model, Percentile, Precision
from outlay.sizing.calibrated import Loaded, Results, calibrated
from outlay.sizing.capacity import TENSOR_PARALLEL, replica_shapes
from outlay.sizing.features import GIB, card_bytes
from outlay.sizing.load_point import Offered, offered
from outlay.sizing.memory import MAX_SEQUENCES, kv_bytes_per_token, memory_budget
from outlay.sizing.speculation import Speculation
from outlay.sizing.types import DoesNotRun, ReplicaShape, Traffic

AT_THE_LIMIT = 0.98  # the search for the largest load stops a little short of the SLO


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Where the memory of a replica's GPUs goes, all together, in bytes."""

    card: float
    weights: float
    reserve: float
    kv_cache: float
    kv_per_token: float

    @property
    def unused(self) -> float:
        """What the engine leaves to the driver and to others."""
        return self.card - self.weights - self.reserve - self.kv_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """One shape, its memory, what stops it from holding more, and what it shows at the rate asked.

    `replicas` is how many serve that rate on the safe side, each an equal part of it.
    """

    shape: ReplicaShape
    memory: Memory
    limit: str
    replicas: int | None = None
    offered: Offered | None = None

    @property
    def safe_rps_per_gpu(self) -> float:
        """Requests/s of one GPU on the safe side, to compare shapes by."""
        return self.shape.capacity_rps.low / self.shape.gpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All shapes of one model for one kind of request, best use of a GPU first."""

    model: Model
    traffic: Traffic
    sized: tuple[Sized, ...]
    refused: tuple[DoesNotRun, ...]


def overview(
    model: Model,
    gpus: Iterable[str],
    catalog: Catalog,
    *,
    traffic: Traffic,
    precisions: Sequence[Precision],
    kv_precision: Precision | None = None,
    calibrations: Sequence[Loaded] = (),
    rate_rps: float | None = None,
    speculation: Speculation | None = None,
) -> Overview:
    """Size a model on GPUs, quantised checkpoints taken as available.

    With a rate, every shape says how many replicas serve it, and what requests see there.

    Raises:
        UnknownNameError: there is no such GPU.
        ValueError: traffic is out of range.
    """
    sized: list[Sized] = []
    refused: list[DoesNotRun] = []
    cards = [catalog.gpu(name) for name in gpus]

    def size(load: Traffic) -> Results:
        return replica_shapes(
            model,
            cards,
            traffic=load,
            precisions=precisions,
            max_gpus=max(TENSOR_PARALLEL),
            kv_precision=kv_precision,
            checkpoints={p: model.hf_id for p in precisions if _needs_checkpoint(p)},
            speculation=speculation,
        )

    for result in calibrated(size, traffic, calibrations):
        if isinstance(result, DoesNotRun):
            refused.append(result)
        else:
            sized.append(
                _sized(
                    model,
                    catalog.gpu(result.gpu),
                    result,
                    traffic=traffic,
                    rate_rps=rate_rps,
                    speculation=speculation,
                )
            )
    return Overview(
        model=model,
        traffic=traffic,
        sized=tuple(sorted(sized, key=lambda s: (-s.safe_rps_per_gpu, s.shape.key))),
        refused=tuple(refused),
    )


def _needs_checkpoint(precision: Precision) -> bool:
    return precision in (Precision.INT8, Precision.INT8_WEIGHTS, Precision.INT4, Precision.NVFP4)


def _sized(
    model: Model,
    gpu: Gpu,
    shape: ReplicaShape,
    *,
    traffic: Traffic,
    rate_rps: float | None,
    speculation: Speculation | None,
) -> Sized:
    def seen(rate: float) -> Offered:
        return offered(model, gpu, shape, traffic, rate_rps=rate, speculation=speculation)

    budget = memory_budget(
        model,
        gpu,
        tensor_parallel=shape.tensor_parallel,
        precision=shape.weight_precision,
        kv_precision=shape.kv_precision,
    )
    memory = Memory(
        card=card_bytes(gpu) * shape.gpus,
        weights=shape.weights_gib * GIB,
        reserve=budget.reserve * shape.gpus,
        kv_cache=shape.kv_cache_gib * GIB,
        kv_per_token=kv_bytes_per_token(model, shape.kv_precision),
    )
    late = traffic.percentile is Percentile.P95
    limit = limit_of(shape, traffic, seen(shape.capacity_rps.expected) if late else None)
    if rate_rps is None:
        return Sized(shape=shape, memory=memory, limit=limit)
    replicas = replicas_for(rate_rps, capacity=shape.capacity_rps.low)
    return Sized(
        shape=shape,
        memory=memory,
        limit=limit,
        replicas=replicas,
        offered=seen(rate_rps / replicas),
    )


def limit_of(shape: ReplicaShape, traffic: Traffic, highest: Offered | None = None) -> str:
    """Return what stops a replica from holding more: TPOT, TTFT, the KV cache or the engine.

    `highest` is what requests see at its capacity, where the SLO is on p95.
    """
    tpot_ms, ttft_ms = shape.tpot_ms.expected, shape.ttft_ms.expected
    if highest is not None:
        tpot_ms = max(tpot_ms, highest.tpot_p95_ms)
        ttft_ms = max(ttft_ms, highest.ttft_p95_ms)
    if tpot_ms >= AT_THE_LIMIT * traffic.tpot_ms:
        return "TPOT"
    if ttft_ms >= AT_THE_LIMIT * traffic.ttft_ms:
        return "TTFT"
    return "sequences" if shape.max_sequences >= MAX_SEQUENCES else "KV cache"


def best_per_gpu(sized: Iterable[Sized]) -> tuple[Sized, ...]:
    """Return the best shape of each GPU type, in the order given."""
    best: dict[str, Sized] = {}
    for item in sized:
        best.setdefault(item.shape.gpu, item)
    return tuple(best.values())


def replicas_for(demand: float, *, capacity: float, utilization_target: float = 1.0) -> int:
    """Return how many replicas hold a demand when each is kept at most so busy.

    Raises:
        ValueError: a value is not positive, or the target is above 1.
    """
    if not (demand > 0 and capacity > 0 and 0 < utilization_target <= 1):
        raise ValueError(
            "demand and capacity must be positive and utilization_target at most 1, got"
            f" {demand}, {capacity}, {utilization_target}"
        )
    # A quotient like 5.000000000000001 is five.
    return ceil(round(demand / (capacity * utilization_target), 9))


def gib(size_bytes: float) -> float:
    """Return bytes in GiB (2**30)."""
    return size_bytes / GIB


def gb(size_bytes: float) -> float:
    """Return bytes in GB (1e9), the vendors' unit."""
    return size_bytes / 1e9
