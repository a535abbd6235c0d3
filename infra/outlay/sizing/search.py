"""The largest load inside an SLO, for many replicas at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from outlay.sizing.arrivals import SATURATED_FROM, arriving, highest_rate
from outlay.sizing.features import Flag, Number, Real
from outlay.sizing.loads import Curve

ROUNDS = 30
CLOSE_ENOUGH = 2e-4  # of the SLO that binds, below it
LOWEST_RATE = 1e-3  # of the highest; an SLO that breaks here breaks without load
STEP_BACK = 1e-4  # keeps the next guess on the safe side where latency is linear in the load


def largest_inside(
    curve: Curve, *, ttft_s: Number, tpot_s: Number, max_sequences: Real
) -> tuple[Real, Flag]:
    """Return the most sequences that run inside both limits, and whether any does.

    Requests/s, TTFT and TPOT all rise with the number of running sequences, so this is also where
    requests/s are highest.
    """

    def excess(running: Real) -> Real:
        ttft, tpot = curve.latencies_s(running)
        return np.asarray(np.maximum(ttft / ttft_s, tpot / tpot_s) - 1)

    return _largest(excess, np.ones_like(max_sequences), max_sequences)


def highest_rate_inside(
    curve: Curve, *, ttft_s: Number, tpot_s: Number, places: Real, limit: Real
) -> tuple[Real, Flag]:
    """Return the highest arrival rate whose 95th percentiles keep both limits, and whether any does.

    `limit` is the rate beyond which there is no need to look.
    """

    def excess(rate: Real) -> Real:
        found = arriving(curve, rate=rate, places=places)
        return np.asarray(np.maximum(found.ttft.p95_s / ttft_s, found.tpot.p95_s / tpot_s) - 1)

    high = np.minimum(limit, SATURATED_FROM * highest_rate(curve, places))
    return _largest(excess, LOWEST_RATE * high, high)


def _largest(excess: Callable[[Real], Real], low: Real, high: Real) -> tuple[Real, Flag]:
    """Return the largest value without excess, and whether any has none.

    Regula falsi (Illinois), always from the inside of the limits.
    """
    close = CLOSE_ENOUGH * np.minimum(low, 1.0)
    under, over = excess(low), excess(high)
    possible = under <= 0
    done = ~possible | (over <= 0)
    low = np.where(possible & (over <= 0), high, low)
    true_under = under
    for _ in range(ROUNDS):
        done = done | (true_under > -CLOSE_ENOUGH) | (high - low < close)
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
