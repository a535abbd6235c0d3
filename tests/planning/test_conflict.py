"""Limits that conflict are an irreducible set, and each way out leads to a plan at the price named."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from outlay.catalog import Market
from outlay.errors import NoFeasiblePlanError, OverBudgetError
from outlay.planning.budget import check_budget
from outlay.planning.conflict import Conflict, explained, find_conflict
from outlay.planning.limits import Limit, limits
from outlay.planning.planner import make_plan
from outlay.planning.whatif import WhatIf
from outlay.settings import Settings
from tests.planning.builders import catalog, offer, settings

L40S = offer()
L40S_SPOT = offer(market=Market.SPOT, usd_per_hour="0.90")
GCP_H100 = offer(
    provider="gcp", region="us-central1", gpu="H100", instance_type="a3-high", usd_per_hour="9.00"
)
ON_SALE = catalog([L40S, L40S_SPOT, GCP_H100])


def conflict(asked: Settings) -> Conflict | None:
    return find_conflict(WhatIf(asked, ON_SALE))


def names(found: Conflict | None) -> list[str]:
    assert found is not None
    return [limit.text for limit in found.limits]


def ways(found: Conflict | None) -> dict[str, str]:
    assert found is not None
    return {way.limit.name: way.to for way in found.ways}


def test_settings_with_a_plan_have_no_conflict() -> None:
    assert conflict(settings()) is None


def test_a_demand_that_nothing_serves_is_no_matter_of_limits() -> None:
    """A 671 B model fits on nothing that is on sale."""
    assert conflict(settings(model="deepseek-v3", targetRps=1)) is None


def test_two_limits_that_no_offer_keeps_together() -> None:
    found = conflict(settings(providers="gcp", gpus="L40S"))
    assert names(found) == ["providers gcp", "gpus L40S"]
    assert ways(found) == {"providers": "also allow aws", "gpus": "also allow H100"}


def test_a_limit_that_has_no_part_in_it_is_not_named() -> None:
    found = conflict(settings(providers="gcp", gpus="L40S", regions="us-*", maxSpotShare=0.9))
    assert names(found) == ["providers gcp", "gpus L40S"]


def test_spot_alone_against_a_share_of_spot() -> None:
    found = conflict(settings(markets="spot", maxSpotShare=0.5, surviveDomain="none"))
    assert names(found) == ["markets spot", "maxSpotShare 0.5"]
    assert ways(found) == {"markets": "also allow on-demand", "maxSpotShare": "1"}


def test_survival_by_default_gives_way_before_what_the_user_set() -> None:
    """Nothing but one spot pool is left: half of the demand cannot survive its loss."""
    found = conflict(settings(markets="spot"))
    assert names(found) == ["markets spot", "surviveFraction 0.5"]


def test_a_latency_limit_is_loosened_by_the_least_step() -> None:
    found = conflict(settings(gpus="L40S", ttftMs=72))
    assert names(found) == ["gpus L40S", "ttftMs 72"]
    assert ways(found) == {"gpus": "also allow H100", "ttftMs": "90"}


def test_the_limit_of_one_workload_is_named_with_it() -> None:
    both = [
        {"model": "llama-3.1-8b", "targetRps": 1, "name": "chat", "ttftMs": 1},
        {"model": "llama-3.1-8b", "targetRps": 1, "name": "batch"},
    ]
    assert names(conflict(settings(workloads=both))) == ["chat: ttftMs 1"]


def test_a_budget_alone_shows_the_cheapest_plan_and_what_it_pays_for() -> None:
    asked = settings(providers="aws", gpus="L40S", budgetUsdPerMonth=1300, surviveDomain="none")
    cheapest = make_plan(asked, ON_SALE).usd_per_month
    assert cheapest > 1300
    found = conflict(asked)
    assert names(found) == ["budgetUsdPerMonth $1,300.00"]
    assert found is not None
    assert found.cheapest_usd_per_month == cheapest
    assert ways(found) == {"budgetUsdPerMonth": f"${cheapest:,.2f}"}
    rps = found.budget_rps
    assert rps is not None
    assert 0 < rps < 10
    paid = make_plan(asked.model_copy(update=_rps(asked, rps)), ON_SALE)
    assert paid.usd_per_month <= 1300


def _rps(asked: Settings, rps: float) -> dict[str, object]:
    return {"workloads": (asked.workloads[0].model_copy(update={"target_rps": rps}),)}


def test_a_budget_that_another_limit_breaks_names_both() -> None:
    """On spot it would be kept: the cheaper way out comes with its price."""
    spot = make_plan(settings(markets="spot", surviveDomain="none"), ON_SALE).usd_per_month
    asked = settings(markets="on-demand", budgetUsdPerMonth=str(spot + 1), surviveDomain="none")
    found = conflict(asked)
    assert names(found) == ["markets on-demand", "budgetUsdPerMonth " + f"${spot + 1:,.2f}"]
    assert ways(found)["markets"] == "also allow spot"
    assert found is not None
    assert found.ways[0].usd_per_month == spot


def test_without_a_plan_at_any_price_the_budget_is_not_to_blame() -> None:
    found = conflict(settings(providers="gcp", gpus="L40S", budgetUsdPerMonth=1))
    assert names(found) == ["providers gcp", "gpus L40S"]
    assert found is not None
    assert found.budget_rps is None


def lifted(asked: Settings, gone: list[Limit]) -> Settings:
    for limit in gone:
        asked = limit.lift(asked)
    return asked


def has_plan(asked: Settings) -> bool:
    try:
        check_budget(make_plan(asked, ON_SALE))
    except (NoFeasiblePlanError, OverBudgetError):
        return False
    return True


@hypothesis_settings(max_examples=15)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "providers": st.sampled_from(["aws", "gcp"]),
            "gpus": st.sampled_from(["L40S", "H100"]),
            "markets": st.sampled_from(["spot", "on-demand"]),
            "maxSpotShare": st.sampled_from([0.0, 0.5]),
            "surviveDomain": st.sampled_from(["none", "region", "provider"]),
            "ttftMs": st.sampled_from([50, 100]),
            "budgetUsdPerMonth": st.sampled_from([500, 2500, 9000]),
        },
    )
)
def test_what_conflicts_is_irreducible(raw: dict[str, object]) -> None:
    """With only these limits there is no plan; with any proper part of them there is one."""
    asked = settings(**raw)
    found = conflict(asked)
    if found is None:
        assert has_plan(asked)
        return
    core = {limit.name for limit in found.limits}
    others = [limit for limit in limits(asked) if limit.name not in core]
    alone = lifted(asked, others)
    assert not has_plan(alone)
    for kept in combinations(found.limits, len(found.limits) - 1):
        gone = [limit for limit in found.limits if limit not in kept]
        assert has_plan(lifted(alone, gone))


def test_the_error_names_the_conflict_first_and_the_cheapest_way_out_next() -> None:
    asked = settings(providers="gcp", gpus="L40S")
    better = explained(NoFeasiblePlanError("no feasible plan", ["why"]), WhatIf(asked, ON_SALE))
    assert isinstance(better, NoFeasiblePlanError)
    first, second, third, last = better.reasons
    assert first == "these limits conflict: providers gcp; gpus L40S"
    assert second.startswith("way out: providers to also allow aws (the plan then costs $")
    assert third.startswith("way out: gpus to also allow H100")
    assert last == "why"


def test_an_error_without_a_conflict_stays() -> None:
    error = NoFeasiblePlanError("no feasible plan", ["why"])
    asked = settings(model="deepseek-v3", targetRps=1)
    assert explained(error, WhatIf(asked, ON_SALE)) is error


def test_what_loosening_alone_does_not_reach_is_said() -> None:
    """gcp has neither the GPU nor spot: each of two conflicts would have to be solved."""
    asked = settings(providers="gcp", gpus="L40S", markets="spot", surviveDomain="none",
                     maxSpotShare=0.5)  # fmt: skip
    better = explained(NoFeasiblePlanError("none"), WhatIf(asked, ON_SALE))
    assert any("alone is not enough" in reason for reason in better.args[0].splitlines())


@pytest.mark.parametrize("budget", [Decimal(1), Decimal(1300)])
def test_an_error_over_budget_keeps_its_exit_code_and_its_figures(budget: Decimal) -> None:
    asked = settings(gpus="L40S", budgetUsdPerMonth=str(budget), surviveDomain="none")
    with pytest.raises(OverBudgetError) as caught:
        check_budget(make_plan(asked, ON_SALE))
    better = explained(caught.value, WhatIf(asked, ON_SALE))
    assert isinstance(better, OverBudgetError)
    assert better.exit_code == 3
    assert better.usd_per_month == caught.value.usd_per_month
    pays = "no demand" if budget == 1 else "of 10 requests/s"
    assert any(line.startswith("or less demand") and pays in line for line in better.advice)
