"""Capacity inside an SLO: read from measured concurrency curves, and from predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outlay.sizing.batch import Predictions
from outlay.sizing.features import Code, Flag, Real
from tools.accuracy.samples import Samples

TPOT_MS = 50.0
TTFT_MS = 2000.0
FEWEST_LOADS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Output tokens/s inside the SLO of one measured series, on its own grid of loads.

    `row` is one of its samples.
    """

    row: int
    measured: float
    predicted: float

    @property
    def promise(self) -> float:
        """Predicted over measured; above 1 is too much promised."""
        return self.predicted / self.measured


def capacities(samples: Samples, found: Predictions) -> list[Capacity]:
    """Return the capacity of every closed-loop series with at least three loads.

    A series whose smallest load already breaks the SLO, measured or predicted, is left out.
    """
    usable = samples.kinds("closed_loop") & np.isfinite(
        samples.output_tokens_per_s + samples.tpot_ms + samples.ttft_ms
    )
    series: dict[str, list[int]] = {}
    for row in np.flatnonzero(usable):
        series.setdefault(samples.series[row], []).append(int(row))
    amounts = samples.case.batch.amount
    groups = [np.array(rows) for rows in series.values() if len(set(amounts[rows])) >= FEWEST_LOADS]
    read = [_capacity(samples, found, rows) for rows in groups]
    return [capacity for capacity in read if capacity is not None]


def _capacity(samples: Samples, found: Predictions, rows: Code) -> Capacity | None:
    measured = _best(
        samples.output_tokens_per_s[rows],
        (samples.tpot_ms[rows] <= TPOT_MS) & (samples.ttft_ms[rows] <= TTFT_MS),
    )
    predicted = _best(
        found.output_tokens_per_s[rows],
        (found.tpot_ms[rows] <= TPOT_MS) & (found.ttft_ms[rows] <= TTFT_MS),
    )
    if measured is None or predicted is None:
        return None
    return Capacity(row=int(rows[0]), measured=measured, predicted=predicted)


def _best(values: Real, inside: Flag) -> float | None:
    kept = values[inside]
    return float(kept.max()) if len(kept) else None
