"""What would change the plan is true on both sides of each point."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from outlay.catalog import Market
from outlay.planning.planner import make_plan
from outlay.planning.sensitivity import affordable_rps, sensitivity
from outlay.planning.switches import NEAR, kind
from outlay.planning.whatif import WhatIf, with_rps
from tests.planning.builders import catalog, offer, settings

SMALL = offer(usd_per_hour="1.50")
SPOT = offer(market=Market.SPOT, usd_per_hour="1.00")
LARGE = offer(instance_type="p5.4xlarge", gpu="H100", usd_per_hour="4.00")


def test_more_and_less_demand_change_the_answer_just_there() -> None:
    on_sale = catalog([SMALL, LARGE])
    what_if = WhatIf(settings(targetRps=6), on_sale)
    found = sensitivity(what_if, what_if.plan(), unasked=[])
    for switch in (found.more, found.less):
        if switch is None:
            continue
        ends = (switch.low, switch.high)
        assert max(ends) / min(ends) <= NEAR
        plans = [make_plan(with_rps(settings(targetRps=6), rps), on_sale) for rps in ends]
        assert kind(plans[0]) != kind(plans[1])
    assert found.more is not None


def test_spot_wins_until_its_price_rises_past_on_demand() -> None:
    """One offer on both markets, nothing to survive: the factor is the ratio of the two prices."""
    what_if = WhatIf(settings(surviveDomain="none"), catalog([SMALL, SPOT]))
    found = sensitivity(what_if, what_if.plan(), unasked=[])
    assert found.spot is not None
    assert found.spot.low <= 1.5 <= found.spot.high
    (pool,) = found.spot_pools
    assert pool.holds_until == pytest.approx(Decimal("1.50"), abs=Decimal("1e-9"))


def test_up_to_that_price_the_pool_stays_and_beyond_it_goes_here() -> None:
    what_if = WhatIf(settings(surviveDomain="none"), catalog([SMALL, SPOT]))
    (pool,) = sensitivity(what_if, what_if.plan(), unasked=[]).spot_pools
    assert pool.holds_until is not None
    for price, market in ((-1, Market.SPOT), (1, Market.ON_DEMAND)):
        usd = pool.holds_until + Decimal(price) / 1000
        plan = make_plan(what_if.settings, catalog([SMALL, replace(SPOT, usd_per_hour=usd)]))
        assert {p.market for p in plan.pools} == {market}


def test_a_spot_pool_without_an_alternative_says_so() -> None:
    what_if = WhatIf(settings(surviveDomain="none"), catalog([SPOT]))
    (pool,) = sensitivity(what_if, what_if.plan(), unasked=[]).spot_pools
    assert (pool.holds_until, pool.without) == (None, None)


def test_the_budget_pays_for_that_demand_and_not_for_more() -> None:
    on_sale = catalog([SMALL, LARGE])
    what_if = WhatIf(settings(budgetUsdPerMonth=10_000), on_sale)
    rps = affordable_rps(what_if)
    assert rps is not None
    assert make_plan(with_rps(what_if.settings, rps), on_sale).usd_per_month <= 10_000
    assert make_plan(with_rps(what_if.settings, rps * NEAR), on_sale).usd_per_month > 10_000


@pytest.mark.parametrize(("budget", "expected"), [(None, None), (1, 0.0)])
def test_without_a_budget_or_with_a_hopeless_one(
    budget: int | None, expected: float | None
) -> None:
    raw = {} if budget is None else {"budgetUsdPerMonth": budget}
    assert affordable_rps(WhatIf(settings(**raw), catalog([SMALL]))) == expected
