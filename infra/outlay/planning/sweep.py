"""Cost over load: one plan a step on a logarithmic grid, and where GPU types or markets change."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.planning.switches import Switch, switches
from outlay.planning.whatif import Outcome, WhatIf, with_rps

DIGITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The answer at one load, requests per second of all workloads together."""

    rps: float
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Answers from the lowest to the highest load, and the switch points between them."""

    points: tuple[Point, ...]
    switches: tuple[Switch, ...]


def sweep(what_if: WhatIf, *, low: float, high: float, steps: int) -> Sweep:
    """Answer the question at `steps` loads; several workloads keep their shares of it."""

    def answer(rps: float) -> Outcome:
        return what_if.answer(with_rps(what_if.settings, rps))

    loads = grid(low, high, steps)
    return Sweep(
        points=tuple(Point(rps=rps, outcome=answer(rps)) for rps in loads),
        switches=switches(answer, loads),
    )


def grid(low: float, high: float, steps: int) -> tuple[float, ...]:
    """Return loads at equal ratios with two significant digits, the ends as they are."""
    ratio = (high / low) ** (1 / max(1, steps - 1))
    inner = (float(f"{low * ratio**step:.{DIGITS}g}") for step in range(1, steps - 1))
    kept = [rps for rps in inner if low < rps < high]
    return tuple(dict.fromkeys([low, *kept, high]))
