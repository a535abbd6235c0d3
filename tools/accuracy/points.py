"""Predict every record, and compare."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from outlay.sizing.interval import Judgement, Quantity, judge
from outlay.sizing.memory import memory_budget
from outlay.sizing.predict import LoadKind, Prediction, predict
from outlay.sizing.speed import replica_speed
from tools.accuracy.records import Record

# The formula's latencies are those of a steady state. A saturated open loop has no steady TTFT;
# static batches and offline runs report something else by either name.
TPOT_LOADS = (LoadKind.CLOSED_LOOP, LoadKind.OPEN_LOOP)
TTFT_LOADS = (LoadKind.CLOSED_LOOP,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One record with its prediction; `fits` is what our own memory model says."""

    record: Record
    prediction: Prediction
    judgement: Judgement
    fits: bool

    def ratio(self, quantity: Quantity) -> float | None:
        """Return measured ÷ predicted, None where there is nothing to compare."""
        record, prediction = self.record, self.prediction
        kind = record.load.kind
        measured, predicted = None, 1.0  # capacity is read from whole curves, not from points
        if quantity is Quantity.THROUGHPUT:
            measured, predicted = record.output_tokens_per_s, prediction.output_tokens_per_s
        elif quantity is Quantity.TPOT and kind in TPOT_LOADS:
            measured, predicted = record.tpot_ms, prediction.tpot_ms
        elif quantity is Quantity.TTFT and kind in TTFT_LOADS:
            measured, predicted = record.ttft_ms, prediction.ttft_ms
        return None if measured is None or measured <= 0 else measured / predicted


def predicted(record: Record) -> Point:
    """Predict one record; a sequence count below one is taken as one, marked as not fitting."""
    parallel = record.tensor_parallel
    budget = memory_budget(
        record.model,
        record.gpu,
        tensor_parallel=parallel,
        precision=record.precision,
        kv_precision=record.kv_precision,
    )
    speed = replica_speed(
        record.model,
        record.gpu,
        tensor_parallel=parallel,
        precision=record.precision,
        kv_precision=record.kv_precision,
    )
    places = budget.sequences(record.load.lengths.held_context)
    return Point(
        record=record,
        prediction=predict(
            speed, record.load, replicas=record.replicas, max_sequences=max(1.0, places)
        ),
        judgement=judge(record.model, record.gpu),
        fits=places >= 1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Errors of predicted ÷ measured: median absolute error, share within 25 %, bias, 90 % point."""

    count: int
    median_error: float
    within_25: float
    bias: float
    p90_error: float


def score(points: Iterable[Point], quantity: Quantity) -> Score | None:
    """Score some points, None when there is nothing to compare."""
    found = [1 / ratio for point in points if (ratio := point.ratio(quantity)) is not None]
    if not found:
        return None
    errors = sorted(abs(value - 1) for value in found)
    return Score(
        count=len(found),
        median_error=statistics.median(errors),
        within_25=sum(error <= 0.25 for error in errors) / len(errors),
        bias=statistics.median(found),
        p90_error=errors[math.ceil(0.9 * len(errors)) - 1],
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile of sorted values, linear between neighbours."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])
