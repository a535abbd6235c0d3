"""The largest load inside an SLO, for many replicas at once."""

from __future__ import annotations

import numpy as np

from outlay.sizing.features import Flag, Number, Real
from outlay.sizing.loads import Curve

ROUNDS = 30
CLOSE_ENOUGH = 2e-4  # of the SLO that binds, below it
STEP_BACK = 1e-4  # keeps the next guess on the safe side where latency is linear in the load


def largest_inside(
    curve: Curve, *, ttft_s: Number, tpot_s: Number, max_sequences: Real
) -> tuple[Real, Flag]:
    """Return the most sequences that run inside both limits, and whether any does.

    Requests/s, TTFT and TPOT all rise with the number of running sequences, so this is also where
    requests/s are highest. Regula falsi (Illinois), always from the inside of the limits.
    """

    def excess(running: Real) -> Real:
        ttft, tpot = curve.latencies_s(running)
        return np.asarray(np.maximum(ttft / ttft_s, tpot / tpot_s) - 1)

    low, high = np.ones_like(max_sequences), max_sequences
    under, over = excess(low), excess(high)
    possible = under <= 0
    done = ~possible | (over <= 0)
    low = np.where(possible & (over <= 0), high, low)
    true_under = under
    for _ in range(ROUNDS):
        done = done | (true_under > -CLOSE_ENOUGH) | (high - low < CLOSE_ENOUGH)
        if done.all():
            break
        slope = np.where(done, 1.0, over - under)
        guess = low + (high - low) * np.where(done, 0.0, -under / slope) * (1 - STEP_BACK)
        found = excess(guess)
        inside, outside = ~done & (found <= 0), ~done & (found > 0)
        under = np.where(inside, found, np.where(outside, under / 2, under))
        over = np.where(outside, found, np.where(inside, over / 2, over))
        true_under = np.where(inside, found, true_under)
        low, high = np.where(inside, guess, low), np.where(outside, guess, high)
    return low, possible
