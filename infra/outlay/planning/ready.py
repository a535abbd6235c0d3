"""How much capacity is ready when nodes come and go: distributions as exact convolutions.

Amounts are whole millionths of the demand, rounded down, and what exceeds the demand is cut off:
capacity beyond it serves nobody. So a distribution has few values, and errs on the safe side.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import exp, lgamma, log, log1p

# Amount (0 to WHOLE) -> probability.
Distribution = dict[int, float]
WHOLE = 1_000_000
# Convolutions of more pairs are made on a grid of thousandths, rounded down.
MOST_PAIRS = 2_000_000
COARSE = WHOLE // 1000
# Amounts are rounded down: what is short of the demand by less than this covers it.
ROUNDING = 100
NOTHING: Distribution = {0: 1.0}


def nodes(count: int, *, ready: float, each: float) -> Distribution:
    """Return the capacity of nodes that are ready independently; `each` is of one, in amounts."""
    found: Distribution = {}
    for up in range(count + 1):
        amount = min(WHOLE, int(up * each + 1e-6))
        found[amount] = found.get(amount, 0.0) + _binomial(count, up, ready)
    return found


def _binomial(count: int, up: int, ready: float) -> float:
    if ready in (0.0, 1.0):
        return float(up == count * ready)
    # In logarithms: the coefficient of a thousand nodes is beyond floating point.
    ways = lgamma(count + 1) - lgamma(up + 1) - lgamma(count - up + 1)
    return exp(ways + up * log(ready) + (count - up) * log1p(-ready))


def all_or_none(parts: Iterable[Distribution], *, up: float) -> Distribution:
    """Return the capacity of independent parts that are gone together when not up."""
    found = {amount: chance * up for amount, chance in together(parts).items()}
    found[0] = found.get(0, 0.0) + 1 - up
    return found


def together(parts: Iterable[Distribution]) -> Distribution:
    """Return the capacity of independent parts."""
    return reduce(_convolved, parts, NOTHING)


def _convolved(one: Distribution, other: Distribution) -> Distribution:
    if len(one) * len(other) > MOST_PAIRS:
        one, other = _coarse(one), _coarse(other)
    found: Distribution = {}
    for first, chance in one.items():
        for second, other_chance in other.items():
            amount = min(WHOLE, first + second)
            found[amount] = found.get(amount, 0.0) + chance * other_chance
    return found


def _coarse(fine: Distribution) -> Distribution:
    found: Distribution = {}
    for amount, chance in fine.items():
        rounded = amount - amount % COARSE
        found[rounded] = found.get(rounded, 0.0) + chance
    return found


def served(capacity: Distribution, *, certain: int) -> float:
    """Return the expected share of the demand that is served; `certain` capacity never leaves."""
    return sum(min(WHOLE, certain + amount) * chance for amount, chance in capacity.items()) / WHOLE


def whole(capacity: Distribution, *, certain: int) -> float:
    """Return the share of time in which the whole demand is served."""
    enough = WHOLE - ROUNDING - certain
    return sum(chance for amount, chance in capacity.items() if amount >= enough)
