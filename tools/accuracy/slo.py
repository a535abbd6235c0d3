"""Capacity inside an SLO: read from measured concurrency curves, and from the formula."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from outlay.sizing.predict import LoadKind
from tools.accuracy.points import Point

TPOT_MS = 50.0
TTFT_MS = 2000.0
FEWEST_LOADS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Requests/s inside the SLO of one measured series, on its own concurrency grid."""

    point: Point
    measured: float
    predicted: float


def capacities(points: Iterable[Point]) -> list[Capacity]:
    """Return the capacity of every closed-loop series with at least three loads.

    A series whose smallest load already breaks the SLO, measured or predicted, is left out.
    """
    series: dict[str, list[Point]] = {}
    for point in points:
        record = point.record
        measured = (record.output_tokens_per_s, record.ttft_ms, record.tpot_ms)
        if record.load.kind is LoadKind.CLOSED_LOOP and None not in measured:
            series.setdefault(record.series, []).append(point)
    found = [_capacity(group) for group in series.values() if _loads(group) >= FEWEST_LOADS]
    return [capacity for capacity in found if capacity is not None]


def _loads(points: list[Point]) -> int:
    return len({point.record.load.amount for point in points})


def _capacity(points: list[Point]) -> Capacity | None:
    measured = [
        (p.record.output_tokens_per_s or 0.0) / p.record.load.lengths.output_tokens
        for p in points
        if (p.record.tpot_ms or 0.0) <= TPOT_MS and (p.record.ttft_ms or 0.0) <= TTFT_MS
    ]
    predicted = [
        p.prediction.output_tokens_per_s / p.record.load.lengths.output_tokens
        for p in points
        if p.prediction.tpot_ms <= TPOT_MS and p.prediction.ttft_ms <= TTFT_MS
    ]
    if not measured or not predicted:
        return None
    return Capacity(point=points[0], measured=max(measured), predicted=max(predicted))
