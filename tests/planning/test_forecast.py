"""A forecast plans each month anew, and says when the budget breaks and what it pays for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.errors import InputError, NoFeasiblePlanError
from outlay.planning.forecast import Forecast, demand, forecast
from outlay.planning.planner import make_plan
from outlay.planning.whatif import WhatIf
from outlay.settings import Settings
from tests.planning.builders import catalog, offer, settings

# 6.5 requests/s a node on the safe side; a node at $1.861.
ON_SALE = catalog([offer()])


def ahead(asked: Settings, *, growth: float = 0.2, months: int = 6) -> Forecast:
    return forecast(WhatIf(asked, ON_SALE), growth=growth, months=months)


def test_demand_compounds_from_the_second_month_on() -> None:
    assert demand(10, growth=0.1, months=3) == pytest.approx((10, 11, 12.1))


@given(st.floats(-0.5, 1.0).filter(lambda g: abs(g) > 1e-3), st.integers(1, 36))
def test_demand_of_all_months_is_the_geometric_sum(growth: float, months: int) -> None:
    whole = sum(demand(10, growth=growth, months=months))
    assert whole == pytest.approx(10 * ((1 + growth) ** months - 1) / growth, rel=1e-6)


def test_each_month_is_the_plan_for_its_demand() -> None:
    """Not the first month's cost scaled: nodes are whole."""
    found = ahead(settings(targetRps=10))
    for month in found.months:
        alone = make_plan(settings(targetRps=month.rps), ON_SALE)
        assert month.plan is not None
        assert month.plan.usd_per_month == alone.usd_per_month
    nodes = [sum(p.nodes for p in m.plan.pools) for m in found.months if m.plan]
    assert nodes == [3, 3, 3, 4, 5, 5]
    assert found.total_usd == sum(m.plan.usd_per_month for m in found.months if m.plan)


def test_without_growth_every_month_costs_the_same() -> None:
    found = ahead(settings(), growth=0.0, months=12)
    first = found.months[0].plan
    assert first is not None
    assert found.total_usd == 12 * first.usd_per_month


def test_the_month_in_which_the_budget_breaks() -> None:
    """Three nodes are paid for, four are not: month 4 is the first with four."""
    three = make_plan(settings(targetRps=14.4), ON_SALE).usd_per_month
    found = ahead(settings(budgetUsdPerMonth=str(three + 1)))
    assert found.breaks is not None
    assert found.breaks.number == 4
    assert [found.is_over(m) for m in found.months] == [False] * 3 + [True] * 3


def test_the_demand_that_the_budget_pays_for() -> None:
    """Within 1 %: what three nodes hold."""
    three = make_plan(settings(targetRps=14.4), ON_SALE).usd_per_month
    budget = settings(budgetUsdPerMonth=str(three + 1))
    rps = ahead(budget, months=1).budget_rps
    assert rps is not None
    assert make_plan(settings(targetRps=rps), ON_SALE).usd_per_month <= three + 1
    assert make_plan(settings(targetRps=rps * 1.011), ON_SALE).usd_per_month > three + 1


def test_without_a_budget_nothing_breaks() -> None:
    found = ahead(settings(), months=2)
    assert (found.breaks, found.budget_rps) == (None, None)


def test_several_workloads_grow_alike() -> None:
    both = settings(
        workloads=[
            {"model": "llama-3.1-8b", "targetRps": 3},
            {"model": "mistral-7b", "targetRps": 1},
        ]
    )
    plan = ahead(both, growth=1.0, months=2).months[1].plan
    assert plan is not None
    assert [w.target_rps for w in plan.workloads] == [6.0, 2.0]


@pytest.mark.parametrize(("growth", "month"), [(9.0, 5), (-0.9, 5)])
def test_demand_out_of_range_names_the_month(growth: float, month: int) -> None:
    with pytest.raises(InputError, match=f"in month {month + (growth > 0)} the demand would be"):
        ahead(settings(targetRps=10), growth=growth, months=12)


def test_a_first_month_without_a_plan_is_no_forecast() -> None:
    with pytest.raises(NoFeasiblePlanError):
        ahead(settings(gpus="H100"))


def test_the_total_is_of_money() -> None:
    assert isinstance(ahead(settings(), months=1).total_usd, Decimal)
