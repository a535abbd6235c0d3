"""What would change the plan: more or less demand, dearer or cheaper spot, the budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, partial
from math import sqrt
from typing import TypeVar

from outlay.catalog import Market, Offer
from outlay.planning.plan import Plan, Pool
from outlay.planning.switches import NEAR, Switch, first_switch
from outlay.planning.whatif import Outcome, OutOfPatienceError, WhatIf, total_rps, with_rps
from outlay.settings.model import LARGEST_RPS, LEAST_RPS

T = TypeVar("T")
UP = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
DOWN = tuple(1 / factor for factor in UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotPool:
    """A spot pool of the plan: up to `holds_until` USD a node-hour the plan keeps it for certain.

    `without` is the best plan that does without its offer; `holds_until` is None where there is none.
    """

    pool: Pool
    holds_until: Decimal | None
    without: Plan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Where the plan's GPU types and markets change next; None: not within a factor of ten.

    Demand is requests per second of all workloads. `spot` has factors on all spot prices.
    `budget_rps` is the largest demand that the budget pays for, to 1 %.
    """

    more: Switch | None
    less: Switch | None
    spot: Switch | None
    spot_pools: tuple[SpotPool, ...]
    budget_rps: float | None


def sensitivity(what_if: WhatIf, plan: Plan, *, unasked: list[str]) -> Sensitivity:
    """Return what would change the plan of the question itself; `unasked` gets what took too long."""
    asked = total_rps(what_if.settings)

    def at(rps: float) -> Outcome:
        return what_if.answer(with_rps(what_if.settings, rps))

    def ask(what: str, question: Callable[[], T | None]) -> T | None:
        try:
            return question()
        except OutOfPatienceError:
            unasked.append(what)
            return None

    spot = [pool for pool in plan.pools if pool.market is Market.SPOT]
    pools = (ask(f"without {p.name}", partial(_pool, what_if, plan, p)) for p in spot)
    return Sensitivity(
        more=ask("more demand", lambda: first_switch(at, [asked * factor for factor in UP])),
        less=ask("less demand", lambda: first_switch(at, [asked * factor for factor in DOWN])),
        spot_pools=tuple(pool for pool in pools if pool is not None),
        budget_rps=ask("what the budget pays for", lambda: affordable_rps(what_if)),
        spot=ask("other spot prices", lambda: _spot(what_if, plan)),
    )


def affordable_rps(what_if: WhatIf) -> float | None:
    """Return the largest demand whose plan keeps the budget, to 1 %; None without a budget.

    Zero when not even the least demand does.
    """
    budget = what_if.settings.budget_usd_per_month
    if budget is None:
        return None

    def is_paid(rps: float) -> bool:
        plan = what_if.answer(with_rps(what_if.settings, rps)).plan
        return plan is not None and plan.usd_per_month <= budget

    low = high = total_rps(what_if.settings)
    while not is_paid(low):
        low, high = low / 2, low
        if low < LEAST_RPS:
            return 0.0
    while is_paid(high):
        low, high = high, high * 2
        if high > LARGEST_RPS:
            return LARGEST_RPS
    while high / low > NEAR:
        middle = sqrt(low * high)
        low, high = (middle, high) if is_paid(middle) else (low, middle)
    return low


def _spot(what_if: WhatIf, plan: Plan) -> Switch | None:
    """All spot prices times a factor: up when the plan buys spot, down when it does not."""
    if Market.SPOT not in what_if.settings.markets:
        return None
    buys_spot = any(pool.market is Market.SPOT for pool in plan.pools)

    @cache
    def at(factor: float) -> Outcome:
        return what_if.at_prices(_scaled_spot(what_if.catalog.offers, Decimal(repr(factor))))

    return first_switch(at, UP if buys_spot else DOWN)


def _scaled_spot(offers: Iterable[Offer], factor: Decimal) -> list[Offer]:
    return [
        replace(offer, usd_per_hour=offer.usd_per_hour * factor)
        if offer.market is Market.SPOT
        else offer
        for offer in offers
    ]


def _pool(what_if: WhatIf, plan: Plan, pool: Pool) -> SpotPool:
    """Cost is concave in one price, so the plan holds at least until its rise eats the difference."""
    without = what_if.at_prices([o for o in what_if.catalog.offers if not _is_of(o, pool)]).plan
    if without is None:
        return SpotPool(pool=pool, holds_until=None, without=None)
    room = (without.usd_per_hour - plan.usd_per_hour) / pool.nodes
    return SpotPool(pool=pool, holds_until=pool.usd_per_node_hour + room, without=without)


def _is_of(offer: Offer, pool: Pool) -> bool:
    return (offer.provider, offer.region, offer.instance_type, offer.market) == (
        pool.provider,
        pool.region,
        pool.instance_type,
        pool.market,
    )
