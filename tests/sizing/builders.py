"""Catalogue values and traffic that the sizing tests share."""

from __future__ import annotations

from dataclasses import replace

from outlay.catalog import Gpu, Model, Percentile, Precision, load_catalog
from outlay.sizing.capacity import size_replica
from outlay.sizing.types import DoesNotRun, ReplicaShape, Traffic

CATALOG = load_catalog()


def model(name: str) -> Model:
    return CATALOG.model(name)


def gpu(name: str) -> Gpu:
    return CATALOG.gpu(name)


def card(base: str, *, memory_gib: float) -> Gpu:
    """Return a GPU like another with other memory."""
    return replace(gpu(base), memory_usable_gib=memory_gib)


def traffic(
    *,
    input_tokens: int = 1024,
    output_tokens: int = 256,
    cached: float = 0.0,
    ttft_ms: float = 2000.0,
    tpot_ms: float = 50.0,
    percentile: Percentile = Percentile.MEAN,
) -> Traffic:
    return Traffic(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        prefix_cache_hit_share=cached,
        ttft_ms=ttft_ms,
        tpot_ms=tpot_ms,
        percentile=percentile,
    )


def sized(
    name: str,
    on: Gpu | str,
    *,
    tensor_parallel: int = 1,
    precision: Precision = Precision.BF16,
    load: Traffic | None = None,
    kv_precision: Precision | None = None,
    checkpoint: str | None = None,
) -> ReplicaShape | DoesNotRun:
    return size_replica(
        model(name),
        gpu(on) if isinstance(on, str) else on,
        tensor_parallel=tensor_parallel,
        precision=precision,
        traffic=load or traffic(),
        kv_precision=kv_precision,
        checkpoint=checkpoint,
    )


def shape(result: ReplicaShape | DoesNotRun) -> ReplicaShape:
    assert isinstance(result, ReplicaShape), result.reason
    return result


def reason(result: ReplicaShape | DoesNotRun) -> str:
    assert isinstance(result, DoesNotRun), f"{result.key} runs"
    return result.reason
