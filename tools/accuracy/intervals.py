"""Bounds of each group and quantity from held-out predictions, and how much they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from outlay.catalog import Grade
from outlay.sizing.batch import Predictions
from outlay.sizing.interval import FACTORS, Factors, Group, Quantity
from outlay.sizing.record import judged
from tools.accuracy.holdout import Held, labels
from tools.accuracy.samples import Samples
from tools.accuracy.score import promises
from tools.accuracy.slo import capacities

LOW, HIGH = 0.1, 0.9
# What bounds are made of: errors on an unseen curve of a known model, and on an unseen model.
SCHEMES = (Held.CURVE, Held.MODEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One measured ÷ predicted of one sample, predicted with one group held out."""

    row: int
    group: Group
    grade: Grade
    quantity: Quantity
    ratio: float


def ratios(samples: Samples, found: Predictions) -> list[Ratio]:
    """Return every comparison of a set of predictions."""
    judgements = [judged(record) for record in samples.records]

    def ratio(row: int, quantity: Quantity, value: float) -> Ratio:
        judgement = judgements[row]
        return Ratio(
            row=row, group=judgement.group, grade=judgement.grade, quantity=quantity, ratio=value
        )

    compared = [
        ratio(int(row), quantity, float(1 / promise[row]))
        for quantity in (Quantity.THROUGHPUT, Quantity.TPOT, Quantity.TTFT)
        for promise in (promises(samples, found, quantity),)
        for row in np.flatnonzero(np.isfinite(promise))
    ]
    return compared + [
        ratio(c.row, Quantity.CAPACITY, 1 / c.promise) for c in capacities(samples, found)
    ]


def bounds(found: dict[Held, list[Ratio]]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the bounds of every group and quantity that has a measurement."""
    made: dict[str, dict[str, tuple[float, float]]] = {}
    for group in Group:
        for quantity in Quantity:
            members = _members(found, group, quantity)
            if members:
                factors = _quantiles([member.ratio for member in members])
                made.setdefault(group, {})[quantity] = (factors.low, factors.high)
    return made


def _members(found: dict[Held, list[Ratio]], group: Group, quantity: Quantity) -> list[Ratio]:
    return [
        r for held in SCHEMES for r in found[held] if r.group is group and r.quantity is quantity
    ]


def _quantiles(values: Sequence[float]) -> Factors:
    low, high = np.quantile(values, (LOW, HIGH))
    return Factors(low=min(1.0, float(low)), high=max(1.0, float(high)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much the bounds of one group and quantity hold.

    `unseen` is, by what is held out, the share of comparisons inside bounds that were made without
    the curves (models) that are compared; `shipped` the share inside the shipped bounds.
    """

    group: Group
    quantity: Quantity
    count: int
    curves: int
    shipped: Factors
    unseen: dict[Held, float]
    holds: dict[Held, float]


def coverages(samples: Samples, found: dict[Held, list[Ratio]]) -> list[Coverage]:
    """Return the coverage of every group and quantity that has a measurement."""
    made = []
    for group in Group:
        for quantity in Quantity:
            members = {
                held: [r for r in part if r.group is group and r.quantity is quantity]
                for held, part in found.items()
            }
            if members[Held.CURVE]:
                made.append(_coverage(samples, group, quantity, members))
    return made


def _coverage(
    samples: Samples, group: Group, quantity: Quantity, members: dict[Held, list[Ratio]]
) -> Coverage:
    shipped = FACTORS[group].of(quantity)
    return Coverage(
        group=group,
        quantity=quantity,
        count=len(members[Held.CURVE]),
        curves=len({samples.curve[r.row] for r in members[Held.CURVE]}),
        shipped=shipped,
        unseen={held: _unseen(samples, members, held) for held in SCHEMES},
        holds={held: inside(shipped, part) for held, part in members.items()},
    )


def inside(factors: Factors, members: Sequence[Ratio]) -> float:
    """Return the share of comparisons inside bounds."""
    return sum(factors.low <= r.ratio <= factors.high for r in members) / max(1, len(members))


def _unseen(samples: Samples, members: dict[Held, list[Ratio]], held: Held) -> float:
    names = labels(samples, held)
    pool = [r for scheme in SCHEMES for r in members[scheme]]
    hits, tested = 0.0, 0
    for name in {names[r.row] for r in members[held]}:
        seen = [r.ratio for r in pool if names[r.row] != name]
        part = [r for r in members[held] if names[r.row] == name]
        if seen:
            hits += inside(_quantiles(seen), part) * len(part)
            tested += len(part)
    return hits / tested if tested else float("nan")


def grade_coverage(
    found: Sequence[Ratio], name: Callable[[Grade, Group], str]
) -> dict[tuple[str, Quantity], tuple[int, float]]:
    """Return, by named grade, how many comparisons there are and the share inside shipped bounds."""
    hits: dict[tuple[str, Quantity], list[bool]] = {}
    for r in found:
        factors = FACTORS[r.group].of(r.quantity)
        inside = factors.low <= r.ratio <= factors.high
        hits.setdefault((name(r.grade, r.group), r.quantity), []).append(inside)
    return {key: (len(part), sum(part) / len(part)) for key, part in hits.items()}
