"""Errors of predictions: what is compared with what, and how far apart it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outlay.sizing.batch import Predictions
from outlay.sizing.features import Flag, Real
from outlay.sizing.interval import Quantity
from tools.accuracy.samples import Samples

# The model's latencies are those of a steady state. A saturated open loop has no steady TTFT;
# static batches and offline runs report something else by either name.
TPOT_LOADS = ("closed_loop", "open_loop")
TTFT_LOADS = ("closed_loop",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Errors of predicted / measured: median absolute error, share within 25 %, bias, 90 % point."""

    count: int
    median_error: float
    within_25: float
    bias: float
    p90_error: float


def promises(samples: Samples, found: Predictions, quantity: Quantity) -> Real:
    """Return predicted / measured of every sample; NaN where there is nothing to compare."""
    if quantity is Quantity.THROUGHPUT:
        return found.output_tokens_per_s / samples.output_tokens_per_s
    if quantity is Quantity.TPOT:
        used = samples.kinds(*TPOT_LOADS)
        return np.where(used, found.tpot_ms / samples.tpot_ms, np.nan)
    return np.where(samples.kinds(*TTFT_LOADS), found.ttft_ms / samples.ttft_ms, np.nan)


def score(promise: Real, rows: Flag) -> Score | None:
    """Score some rows, None when there is nothing to compare."""
    kept = promise[rows & np.isfinite(promise)]
    if not len(kept):
        return None
    errors = np.abs(kept - 1)
    return Score(
        count=len(kept),
        median_error=float(np.median(errors)),
        within_25=float(np.mean(errors <= 0.25)),
        bias=float(np.median(kept)),
        p90_error=float(np.quantile(errors, 0.9)),
    )
