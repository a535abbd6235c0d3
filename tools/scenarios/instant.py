"""What a what-if costs after the first answer: the catalogue is loaded and sized once and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from outlay.catalog import load_catalog
from outlay.planning.whatif import By, WhatIf, names, with_rps
from outlay.settings import parse_settings
from tools.scenarios.neighbour import TASK

LOADS = (0.1, 0.5, 2, 5, 8, 12, 20, 50, 100, 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """Seconds of the first answer, from reading the catalogue on, and of each what-if, by kind."""

    first_s: float
    what_if_s: dict[str, list[float]]

    def ratio(self, kind: str) -> float:
        """Return a median what-if's part of the first answer."""
        return median(self.what_if_s[kind]) / self.first_s


def measure() -> Instant:
    """Ask the task of the neighbour, then what-ifs around it; the first of a process only."""
    start = time.perf_counter()
    catalog = load_catalog()
    settings = parse_settings(TASK, catalog, source="the task")
    what_if = WhatIf(settings, catalog)
    what_if.plan()
    first = time.perf_counter() - start
    kinds: dict[str, list[Callable[[], object]]] = {
        f"one {by} alone": [
            lambda by=by, name=name: what_if.alone(by, name)  # type: ignore[misc]  # bound per turn
            for name in names(settings, catalog, by=by)
        ]
        for by in (By.GPU, By.PROVIDER, By.MARKET, By.PRECISION)
    }
    kinds["another load"] = [
        lambda rps=rps: what_if.answer(with_rps(settings, rps))  # type: ignore[misc]  # bound per turn
        for rps in LOADS
    ]
    return Instant(
        first_s=first,
        what_if_s={kind: [_timed(ask) for ask in asks] for kind, asks in kinds.items()},
    )


def _timed(ask: Callable[[], object]) -> float:
    start = time.perf_counter()
    ask()
    return time.perf_counter() - start
