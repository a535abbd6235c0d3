"""Where an answer changes: GPU types and markets over load or price, found by bisection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from outlay.catalog import Market
from outlay.planning.plan import Plan
from outlay.planning.whatif import Outcome

# A switch point is known to one part in a hundred: finer than any demand is known.
NEAR = 1.01
Answer = Callable[[float], Outcome]
# What is bought, without how much of it; empty when nothing can be.
Kind = tuple[tuple[str, Market], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Between `low` and `high`, less than 1 % apart, what is bought changes."""

    low: float
    high: float
    before: Outcome
    after: Outcome


def kind(plan: Plan | None) -> Kind:
    """Return the GPU types and markets of a plan."""
    return tuple(sorted({(pool.gpu, pool.market) for pool in plan.pools})) if plan else ()


def switches(answer: Answer, points: Sequence[float]) -> tuple[Switch, ...]:
    """Return the switch points between neighbouring points whose answers differ, in order."""
    found: list[Switch] = []
    for low, high in pairwise(points):
        found += _between(answer, low, high)
    return tuple(found)


def first_switch(answer: Answer, points: Iterable[float]) -> Switch | None:
    """Return the first change of the answer from the first point on, looking no further than needed.

    The points may fall; then `low` of the switch is the larger value.
    """
    steps = iter(points)
    at = next(steps)
    for step in steps:
        switch = next(_between(answer, at, step), None)
        if switch is not None:
            return switch
        at = step
    return None


def _between(answer: Answer, low: float, high: float) -> Iterator[Switch]:
    before, after = answer(low), answer(high)
    if kind(before.plan) == kind(after.plan):
        return
    if max(low, high) / min(low, high) <= NEAR:
        yield Switch(low=low, high=high, before=before, after=after)
        return
    middle = sqrt(low * high)
    yield from _between(answer, low, middle)
    yield from _between(answer, middle, high)
