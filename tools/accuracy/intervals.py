"""Interval factors of each group: what they should be, and whether they hold on unseen curves."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from outlay.catalog import Grade
from outlay.sizing.interval import FACTORS, Factors, Group, Quantity
from tools.accuracy.points import Point, quantile
from tools.accuracy.slo import capacities

FOLDS = 5
LOW, HIGH = 0.1, 0.9
FEWEST_CURVES = 20
# An engine that outlay does not deploy, in versions of 2023: scored, but no part of the bounds.
FOREIGN_ENGINES = ("tgi",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measured ÷ predicted of a group, with the curve and source that it comes from."""

    curve: str
    source: str
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Bounds of one group and quantity.

    `factors` are the quantiles of the data. `curve_held_out` and `source_held_out` are the shares
    of measurements inside bounds that were made without their curve, or without their source.
    `shipped_holds` is the share inside the shipped factors.
    """

    group: Group
    quantity: Quantity
    count: int
    curves: int
    factors: Factors
    curve_held_out: float
    source_held_out: float
    shipped: Factors
    shipped_holds: float

    @property
    def measured_enough(self) -> bool:
        """Whether the data alone may set the bounds."""
        return self.curves >= FEWEST_CURVES


def usable(points: Iterable[Point]) -> list[Point]:
    """Return the points that bounds are made of: what fits, on an engine of ours."""
    return [p for p in points if p.fits and p.record.engine not in FOREIGN_ENGINES]


def coverages(points: Sequence[Point]) -> list[Coverage]:
    """Return the bounds of every group and quantity that has a measurement."""
    found = ((g, q, _samples(points, g, q)) for g in Group for q in Quantity)
    return [_coverage(g, q, samples) for g, q, samples in found if samples]


def grade_coverage(points: Sequence[Point]) -> dict[tuple[Grade, Quantity], tuple[int, float]]:
    """Return, by grade, how many measurements there are and the share inside shipped factors."""
    found: dict[tuple[Grade, Quantity], list[bool]] = {}
    grades = {point.judgement.group: point.judgement.grade for point in points}
    for group, grade in grades.items():
        for quantity in Quantity:
            shipped = FACTORS[group].of(quantity)
            inside = found.setdefault((grade, quantity), [])
            inside += [
                shipped.low <= sample.ratio <= shipped.high
                for sample in _samples(points, group, quantity)
            ]
    return {key: (len(hits), sum(hits) / len(hits)) for key, hits in found.items() if hits}


def _samples(points: Sequence[Point], group: Group, quantity: Quantity) -> list[Sample]:
    members = [point for point in points if point.judgement.group is group]
    if quantity is Quantity.CAPACITY:
        pairs = [(c.point, c.measured / c.predicted) for c in capacities(members)]
    else:
        found = [(point, point.ratio(quantity)) for point in members]
        pairs = [(point, ratio) for point, ratio in found if ratio is not None]
    return [
        Sample(curve=point.record.curve, source=point.record.source, ratio=ratio)
        for point, ratio in pairs
    ]


def _coverage(group: Group, quantity: Quantity, samples: Sequence[Sample]) -> Coverage:
    shipped = FACTORS[group].of(quantity)
    return Coverage(
        group=group,
        quantity=quantity,
        count=len(samples),
        curves=len({sample.curve for sample in samples}),
        factors=_bounds(samples),
        curve_held_out=_held_out([(str(_fold(sample.curve)), sample) for sample in samples]),
        source_held_out=_held_out([(sample.source, sample) for sample in samples]),
        shipped=shipped,
        shipped_holds=_share_inside(shipped, samples),
    )


def _bounds(samples: Sequence[Sample]) -> Factors:
    ordered = sorted(sample.ratio for sample in samples)
    return Factors(low=min(1.0, quantile(ordered, LOW)), high=max(1.0, quantile(ordered, HIGH)))


def _share_inside(factors: Factors, samples: Sequence[Sample]) -> float:
    return sum(factors.low <= s.ratio <= factors.high for s in samples) / len(samples)


def _fold(curve: str) -> int:
    # crc32, because hash() of a text differs between runs.
    return zlib.crc32(curve.encode()) % FOLDS


def _held_out(labelled: Sequence[tuple[str, Sample]]) -> float:
    hits = 0.0
    tested = 0
    for label in {label for label, _ in labelled}:
        seen = [sample for other, sample in labelled if other != label]
        unseen = [sample for other, sample in labelled if other == label]
        if seen:
            hits += _share_inside(_bounds(seen), unseen) * len(unseen)
            tested += len(unseen)
    return hits / tested if tested else float("nan")
