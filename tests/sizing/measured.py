"""Measurements that lie a known factor beside the prediction, whatever the prediction is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from outlay.catalog import Precision
from outlay.sizing.benchmarks import Benchmark, Point, Refused
from outlay.sizing.calibration import calibrate, predicted
from outlay.sizing.calibration_file import Calibration, Setup
from tests.sizing.builders import CATALOG

SETUP = Setup(
    model="Llama-3.1-8B",
    gpu="H100",
    tensor_parallel=1,
    weight_precision=Precision.BF16,
    kv_precision=Precision.BF16,
)


def point(
    *,
    input_tokens: float = 1024,
    output_tokens: float = 256,
    concurrency: float = 128,
    throughput: float = 1.0,
    ttft: float = 1.0,
    tpot: float = 1.0,
    setup: Setup = SETUP,
) -> Point:
    """Return a measurement whose values are multiples of the prediction."""
    plain = Point(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        concurrency=concurrency,
        requests=1000,
        output_tokens_per_s=1.0,
        ttft_ms=1.0,
        tpot_ms=1.0,
    )
    said = predicted(plain, setup, CATALOG)
    return replace(
        plain,
        output_tokens_per_s=said.output_tokens_per_s * throughput,
        ttft_ms=said.ttft_ms * ttft,
        tpot_ms=said.tpot_ms * tpot,
    )


def benchmark(
    points: Iterable[Point], *, model: str = "", refused: Sequence[Refused] = ()
) -> Benchmark:
    """Return a file with some measurements."""
    return Benchmark(
        file="run.json",
        tool="guidellm",
        model=model,
        date="2026-09-21",
        points=tuple(points),
        refused=tuple(refused),
    )


def calibration(*points: Point, setup: Setup = SETUP, name: str = "mine") -> Calibration:
    """Return a calibration by some measurements."""
    return calibrate([benchmark(points)], setup, CATALOG, name=name)
