"""The specification's rows on several clouds, budgets and chargeback; each test is named after its row."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from outlay.catalog import Market, load_catalog
from outlay.errors import OverBudgetError
from outlay.planning.budget import check_budget
from outlay.planning.chargeback import chargeback
from outlay.planning.commitments import Commitment, commitments
from outlay.planning.plan import Plan
from outlay.planning.planner import make_plan
from outlay.planning.spot_risk import Behaviour, behaviour
from tests.planning.brute_force import cheapest_usd_per_hour
from tests.planning.builders import catalog, offer, settings

SPOT = offer(market=Market.SPOT, usd_per_hour="0.90")
H100 = offer(market=Market.SPOT, gpu="H100", instance_type="p5.4xlarge", usd_per_hour="2.50")
GCP = offer(
    provider="gcp", region="us-central1", gpu="L4", instance_type="g2-standard-8",
    market=Market.SPOT, usd_per_hour="0.35",
)  # fmt: skip
ON_DEMAND = offer(usd_per_hour="1.861")
DRAWS = 20_000


@pytest.mark.parametrize("survive", ["none", "spot", "region", "provider"])
@pytest.mark.parametrize("rps", [3, 10, 30])
def test_catalogue_and_choice(survive: str, rps: float) -> None:
    """Cheapest feasible offer matches brute force."""
    asked = settings(
        targetRps=rps, surviveDomain=survive, surviveFraction=0.3, egressBytesPerOutputToken=0
    )
    on_sale = catalog([SPOT, ON_DEMAND, H100, GCP])
    best = cheapest_usd_per_hour(asked, on_sale)
    assert best is not None
    assert make_plan(asked, on_sale).usd_per_hour == pytest.approx(best, abs=Decimal("1e-20"))


def mixed() -> Plan:
    """Spot of two GPU types in one region, spot at another provider, and on-demand."""
    asked = settings(targetRps=40, surviveDomain="provider", surviveFraction=0.5, maxSpotShare=0.8)
    return make_plan(asked, catalog([SPOT, ON_DEMAND, H100, GCP]))


def simulated(plan: Plan, *, seed: int) -> tuple[float, float]:
    """Draw regions, then GPU types in them, then nodes: share of demand served, and USD an hour paid.

    Written for itself, from docs/spot.md.
    """
    rng = random.Random(seed)
    spot = [pool for pool in plan.pools if pool.market is Market.SPOT]
    seen = {pool.name: behaviour(pool, []) for pool in spot}
    served = paid = 0.0
    for _ in range(DRAWS):
        gone = {
            place: rng.random() < seen[name].common_share
            for place, name in {(p.provider, p.region): p.name for p in spot}.items()
        }
        up = {
            (p.provider, p.region, p.gpu): not gone[p.provider, p.region]
            and rng.random() < _given_region(seen[p.name])
            for p in spot
        }
        capacity, cost = _draw(plan, up, seen, rng)
        served += min(1.0, capacity / plan.workloads[0].target_rps)
        paid += cost
    return served / DRAWS, paid / DRAWS


def _given_region(found: Behaviour) -> float:
    return found.available_share / (1 - found.common_share)


def _draw(
    plan: Plan, up: dict[tuple[str, str, str], bool], seen: dict[str, Behaviour], rng: random.Random
) -> tuple[float, float]:
    capacity, cost = 0.0, float(sum(c.usd_per_hour for c in plan.fixed_costs))
    for pool in plan.pools:
        held = sum(
            p.shape.capacity_rps.low * p.replicas
            for p in plan.placements
            if (p.cluster, p.pool) == (pool.cluster, pool.name)
        )
        for _ in range(pool.nodes):
            is_spot = pool.market is Market.SPOT
            if is_spot and not up[pool.provider, pool.region, pool.gpu]:
                continue
            cost += float(pool.usd_per_node_hour)
            if not is_spot or rng.random() < seen[pool.name].up_share:
                capacity += held / pool.nodes
    return capacity, cost


def test_mix_and_failover() -> None:
    """Expected cost and availability reproduce a seeded simulation."""
    plan = mixed()
    assert {pool.market for pool in plan.pools} == set(Market)
    assert len({pool.provider for pool in plan.pools}) == 2
    risk = plan.spot_risk
    assert risk is not None
    share, usd = simulated(plan, seed=20261125)
    assert risk.share == pytest.approx(share, abs=0.005)
    assert float(risk.usd_per_hour) == pytest.approx(usd, rel=0.005)


def test_mix_and_failover_dropped_offer() -> None:
    """Dropped offer -> next one, until none is left."""
    on_sale = [SPOT, ON_DEMAND, H100, GCP]
    costs = []
    while on_sale:
        plan = make_plan(settings(surviveDomain="none"), catalog(on_sale))
        costs.append(plan.usd_per_month)
        used = {(p.provider, p.region, p.instance_type, p.market) for p in plan.pools}
        on_sale = [
            o for o in on_sale if (o.provider, o.region, o.instance_type, o.market) not in used
        ]
    assert len(costs) > 1
    assert costs == sorted(costs)


def test_budget_policy() -> None:
    """Plan over budget is blocked with amount and limit."""
    plan = make_plan(settings(budgetUsdPerMonth=1000), catalog([ON_DEMAND]))
    with pytest.raises(OverBudgetError) as caught:
        check_budget(plan)
    assert f"${plan.usd_per_month:,.2f}/month" in str(caught.value)
    assert "$1,000.00/month" in str(caught.value)
    assert caught.value.exit_code == 3


def test_chargeback() -> None:
    """Label totals + idle = bill."""
    workloads = [
        {"model": "llama-3.1-8b", "targetRps": 9, "team": "search"},
        {"model": "mistral-7b", "targetRps": 3, "team": "support"},
        {"model": "llama-3.1-8b", "targetRps": 2, "name": "batch", "team": "search"},
    ]
    big = offer(gpus_per_node=4, instance_type="g6e.12xlarge", usd_per_hour="5.00")
    plan = make_plan(settings(workloads=workloads), catalog([big, ON_DEMAND]))
    found = chargeback(plan)
    for sums in (found.by_team, found.by_model):
        bill = sum((each.charged for each in sums), Decimal(0)) + found.idle
        assert bill == pytest.approx(plan.usd_per_hour, abs=Decimal("1e-20"))
    assert [each.name for each in found.by_team] == ["search", "support"]


def commitment(needed: tuple[int, ...]) -> Commitment:
    return Commitment(
        provider="aws",
        region="us-east-1",
        instance_type="g6e.xlarge",
        ondemand_usd_per_hour=Decimal(2),
        reserved_usd_per_hour=Decimal("1.3"),
        needed=needed,
    )


def test_commitments() -> None:
    """Break-even utilization equals price ratio."""
    for price in load_catalog().reserved:
        ratio = price.usd_per_hour / price.ondemand_usd_per_hour
        one = replace(
            commitment((1,)),
            ondemand_usd_per_hour=price.ondemand_usd_per_hour,
            reserved_usd_per_hour=price.usd_per_hour,
        )
        assert one.break_even_share == ratio
        assert 0 < ratio < 1


@pytest.mark.parametrize(("months", "nodes"), [(13, 0), (14, 1)])
def test_commitments_pay_above_the_break_even(months: int, nodes: int) -> None:
    """At 65 %, 13 of 20 months save nothing yet and are not worth it; 14 of 20 are."""
    found = commitment((1,) * months + (0,) * (20 - months))
    assert found.break_even_share == Decimal("0.65")
    assert found.nodes == nodes
    assert found.saving_of(1) == (months * 2 - 20 * Decimal("1.3")) * 730


def test_commitments_used_for_60_percent_are_no_saving() -> None:
    """Reserved 60 % utilised costs more than on-demand, and that is shown."""
    assert commitment((1, 1, 1, 0, 0)).saving_of(1) == (3 * 2 - 5 * Decimal("1.3")) * 730 < 0


def test_commitments_of_a_growing_fleet_are_those_that_save_most() -> None:
    found = commitment((2, 3, 4, 5))
    best = max(range(6), key=found.saving_of)
    assert (found.nodes, best) == (3, 3)
    assert found.used_share == Decimal(11) / 12


def test_commitments_are_of_what_is_bought_on_demand_at_a_reserved_price() -> None:
    """AWS sells g6e.xlarge reserved; GCP's price is not known, and spot needs none."""
    on_sale = catalog([ON_DEMAND])
    plan = make_plan(settings(), on_sale)
    (found,) = commitments([plan, None], on_sale)
    assert (found.region, found.instance_type, found.needed) == ("us-east-1", "g6e.xlarge", (3, 0))
    assert found.ondemand_usd_per_hour == ON_DEMAND.usd_per_hour
    spot = make_plan(settings(surviveDomain="none"), catalog([SPOT]))
    assert commitments([spot], on_sale) == ()
