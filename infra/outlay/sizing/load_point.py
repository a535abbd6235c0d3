"""What requests see of one sized replica at an arrival rate."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.catalog import Gpu, Model
from outlay.sizing.arrivals import arriving
from outlay.sizing.features import gpu_columns
from outlay.sizing.mixed import traffic_curve
from outlay.sizing.speculation import Speculation
from outlay.sizing.speed import replica_speed
from outlay.sizing.types import ReplicaShape, Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """One replica at an arrival rate; `utilization` is that over the highest it serves at all."""

    rate_rps: float
    running: float
    utilization: float
    ttft_mean_ms: float
    ttft_p95_ms: float
    tpot_mean_ms: float
    tpot_p95_ms: float


def offered(
    model: Model,
    gpu: Gpu,
    shape: ReplicaShape,
    traffic: Traffic,
    *,
    rate_rps: float,
    speculation: Speculation | None = None,
) -> Offered:
    """Return what requests see when they arrive at random, on average so many a second.

    Raises:
        ValueError: the rate is not positive.
    """
    if not rate_rps > 0:
        raise ValueError(f"rate_rps must be a positive number, got {rate_rps}")
    speed = replica_speed(
        model,
        gpu,
        tensor_parallel=shape.tensor_parallel,
        precision=shape.weight_precision,
        kv_precision=shape.kv_precision,
    )
    if speculation is not None:
        speed = speculation.speed(speed, gpu_columns(gpu))
    curve = traffic_curve(speed, traffic)
    found = arriving(curve, rate=rate_rps, places=float(shape.max_sequences))
    return Offered(
        rate_rps=rate_rps,
        running=float(found.running[0]),
        utilization=float(found.utilization[0]),
        ttft_mean_ms=float(found.ttft.mean_s[0]) * 1e3,
        ttft_p95_ms=float(found.ttft.p95_s[0]) * 1e3,
        tpot_mean_ms=float(found.tpot.mean_s[0]) * 1e3,
        tpot_p95_ms=float(found.tpot.p95_s[0]) * 1e3,
    )
