"""Fit a calibration: correct the speed model by a user's own benchmark.

Three constants are fitted: what throughput, TPOT and TTFT are as a multiple of the prediction. The
model counts as one more measurement (SHRINK_POINTS), in the factor as in the interval. Form:
prediction x exp(median ln(measured / predicted) x k / (k + s)).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from outlay.catalog import Catalog
from outlay.errors import InputError, UnknownNameError
from outlay.sizing.benchmarks import Benchmark, Point, Refused
from outlay.sizing.calibration_file import Calibration, Dropped, Measured, Setup, Source
from outlay.sizing.capacity import size_replica
from outlay.sizing.memory import MAX_SEQUENCES, memory_budget
from outlay.sizing.predict import Load, LoadKind, Prediction, predict
from outlay.sizing.speed import Lengths, replica_speed
from outlay.sizing.types import DoesNotRun, Traffic

SHRINK_POINTS = 1.0  # the model's own weight, in measurements
Z80 = 1.2816  # half of an 80 % interval in standard deviations
# Two runs of one engine differ by so much (standard deviation of ln): no interval gets narrower.
RUN_NOISE = 0.06
# Beyond, the benchmark is of something else: other hardware, other precision, a slow client.
LARGEST_FACTOR = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One fitted constant: measured as a multiple of predicted, and the spread around it."""

    factor: float
    residuals: tuple[float, ...]

    def side(self, prior: float) -> float:
        """Return half an 80 % interval (in ln) that prior knowledge and residuals support."""
        squares = sum(residual**2 for residual in self.residuals)
        pooled = (SHRINK_POINTS * prior**2 + Z80**2 * squares) / (
            SHRINK_POINTS + len(self.residuals)
        )
        return max(math.sqrt(pooled), Z80 * RUN_NOISE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """The constants of one calibration under the model of today."""

    throughput: Fit
    ttft: Fit
    tpot: Fit


def fit(ratios: Iterable[float]) -> Fit:
    """Fit one constant to ratios of measured to predicted."""
    logs = [math.log(ratio) for ratio in ratios]
    shrunk = median(logs) * len(logs) / (len(logs) + SHRINK_POINTS)
    return Fit(factor=math.exp(shrunk), residuals=tuple(value - shrunk for value in logs))


def fit_points(points: Sequence[Point], setup: Setup, catalog: Catalog) -> Fits:
    """Fit all constants to measurements of one setup.

    Raises:
        UnknownNameError: the catalogue has no such model or GPU.
    """
    pairs = [(point, predicted(point, setup, catalog)) for point in points]
    return Fits(
        throughput=fit(p.output_tokens_per_s / q.output_tokens_per_s for p, q in pairs),
        ttft=fit(p.ttft_ms / q.ttft_ms for p, q in pairs),
        tpot=fit(p.tpot_ms / q.tpot_ms for p, q in pairs),
    )


def predicted(point: Point, setup: Setup, catalog: Catalog) -> Prediction:
    """Return what the model says of a measurement."""
    model, gpu = catalog.model(setup.model), catalog.gpu(setup.gpu)
    lengths = Lengths(
        input_tokens=point.input_tokens,
        output_tokens=point.output_tokens,
        prefill_tokens=point.input_tokens,
    )
    budget = memory_budget(
        model,
        gpu,
        tensor_parallel=setup.tensor_parallel,
        precision=setup.weight_precision,
        kv_precision=setup.kv_precision,
    )
    return predict(
        replica_speed(
            model,
            gpu,
            tensor_parallel=setup.tensor_parallel,
            precision=setup.weight_precision,
            kv_precision=setup.kv_precision,
        ),
        Load(kind=LoadKind.CLOSED_LOOP, amount=point.concurrency, lengths=lengths),
        replicas=1,
        max_sequences=max(1.0, min(MAX_SEQUENCES, budget.sequences(float(lengths.held_context)))),
    )


def calibrate(
    benchmarks: Sequence[Benchmark], setup: Setup, catalog: Catalog, *, name: str
) -> Calibration:
    """Fit a calibration to what was measured.

    Raises:
        InputError: nothing usable was measured, the setup cannot run, a file is of another model, or
            measurements are too far from any prediction to be of this setup.
    """
    _check_setup(setup, catalog)
    for benchmark in benchmarks:
        _check_model(benchmark, setup, catalog)
    points = [point for benchmark in benchmarks for point in benchmark.points]
    dropped = [refused for benchmark in benchmarks for refused in benchmark.refused]
    if not points:
        raise InputError("no usable measurement:\n" + "\n".join(f"  {_text(d)}" for d in dropped))
    fits = fit_points(points, setup, catalog)
    _check_plausible(points, setup, catalog)
    return Calibration(
        format="outlay-calibration/1",
        name=name,
        setup=setup,
        sources=tuple(
            Source(file=b.file, tool=b.tool, model=b.model, date=b.date) for b in benchmarks
        ),
        factor_throughput=_rounded(fits.throughput.factor),
        factor_ttft=_rounded(fits.ttft.factor),
        factor_tpot=_rounded(fits.tpot.factor),
        measured=tuple(
            _measured(point, index, fits, predicted(point, setup, catalog))
            for index, point in enumerate(points)
        ),
        dropped=tuple(Dropped(what=d.what, reason=d.reason) for d in dropped),
    )


def _text(refused: Refused) -> str:
    return f"{refused.what}: {refused.reason}"


def _check_setup(setup: Setup, catalog: Catalog) -> None:
    """Refuse a replica that cannot exist, whatever its speed."""
    easy = Traffic(
        input_tokens=1,
        output_tokens=1,
        prefix_cache_hit_share=0.0,
        ttft_ms=3.6e6,
        tpot_ms=3.6e6,
    )
    model = catalog.model(setup.model)
    found = size_replica(
        model,
        catalog.gpu(setup.gpu),
        tensor_parallel=setup.tensor_parallel,
        precision=setup.weight_precision,
        kv_precision=setup.kv_precision,
        traffic=easy,
        checkpoint=model.hf_id,
    )
    if isinstance(found, DoesNotRun):
        raise InputError(
            f"{setup.model} on {setup.tensor_parallel} x {setup.gpu} in {setup.weight_precision}"
            f" cannot have been measured: {found.reason}"
        )


def _check_model(benchmark: Benchmark, setup: Setup, catalog: Catalog) -> None:
    """Refuse a file whose recorded model is another one of the catalogue; a path says nothing."""
    try:
        recorded = catalog.model(benchmark.model).name
    except UnknownNameError:
        return
    if recorded != setup.model:
        raise InputError(f"{benchmark.file} was measured on {recorded}, not on {setup.model}")


def _check_plausible(points: Sequence[Point], setup: Setup, catalog: Catalog) -> None:
    ratio = median(
        point.output_tokens_per_s / predicted(point, setup, catalog).output_tokens_per_s
        for point in points
    )
    if not 1 / LARGEST_FACTOR <= ratio <= LARGEST_FACTOR:
        raise InputError(
            f"measured throughput is {ratio:.2g} times the prediction for {setup.model} on"
            f" {setup.tensor_parallel} x {setup.gpu} in {setup.weight_precision}: that is another"
            " setup, several replicas, or a client that could not keep up"
        )


def _measured(point: Point, index: int, fits: Fits, said: Prediction) -> Measured:
    return Measured(
        input_tokens=_rounded(point.input_tokens),
        output_tokens=_rounded(point.output_tokens),
        concurrency=_rounded(point.concurrency),
        requests=point.requests,
        output_tokens_per_s=_rounded(point.output_tokens_per_s),
        ttft_ms=_rounded(point.ttft_ms),
        tpot_ms=_rounded(point.tpot_ms),
        predicted_output_tokens_per_s=_rounded(said.output_tokens_per_s),
        predicted_ttft_ms=_rounded(said.ttft_ms),
        predicted_tpot_ms=_rounded(said.tpot_ms),
        residual_throughput=_rounded(fits.throughput.residuals[index]),
        residual_ttft=_rounded(fits.ttft.residuals[index]),
        residual_tpot=_rounded(fits.tpot.residuals[index]),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
