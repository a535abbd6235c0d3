"""Bounds follow the demand: no promise breaks at the least, the burst is held at the most."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from outlay.catalog import Market
from outlay.errors import NoFeasiblePlanError
from outlay.planning.feasible import broken_promises
from outlay.planning.plan import Plan
from outlay.planning.planner import make_plan
from outlay.planning.scaling import with_bounds, worst_case_usd_per_hour
from outlay.planning.whatif import with_rps
from tests.planning.builders import catalog, offer, settings

NAME = "llama-3-1-8b"
ON_SALE = [
    offer(usd_per_hour="1.90"),
    offer(market=Market.SPOT, usd_per_hour="0.80"),
    offer(market=Market.SPOT, region="us-east-2", usd_per_hour="0.90"),
    offer(instance_type="g6e.12xlarge", gpus_per_node=4, usd_per_hour="6.00"),
]


def at(plan: Plan, size: str) -> Plan:
    """Return the plan with all pools and placements at their least or most."""
    clusters = tuple(
        replace(
            c,
            pools=tuple(replace(p, nodes=getattr(p, f"{size}_nodes")) for p in c.pools),
            placements=tuple(
                replace(p, replicas=getattr(p, f"{size}_replicas")) for p in c.placements
            ),
        )
        for c in plan.clusters
    )
    return replace(plan, clusters=clusters)


def test_a_steady_demand_without_a_burst_has_no_room_to_move() -> None:
    plan = make_plan(settings(), catalog(ON_SALE))
    assert [(p.min_nodes, p.max_nodes) for p in plan.pools] == [(p.nodes,) * 2 for p in plan.pools]
    assert [(p.min_replicas, p.max_replicas) for p in plan.placements] == [
        (p.replicas,) * 2 for p in plan.placements
    ]
    assert worst_case_usd_per_hour(plan) == plan.usd_per_hour


@given(
    rps=st.floats(1, 100),
    lowest=st.floats(0.05, 1),
    burst=st.floats(1, 5),
    survive=st.sampled_from(["none", "spot", "region"]),
    share=st.sampled_from([0.5, 0.8, 1.0]),
)
@budget(max_examples=40, deadline=None)
def test_every_promise_holds_at_the_least_demand_and_at_the_burst(
    rps: float, lowest: float, burst: float, survive: str, share: float
) -> None:
    """The independent checker judges the shrunken plan by the least demand, the grown one by the burst."""
    asked = settings(targetRps=rps, maxScale=burst, surviveDomain=survive, maxSpotShare=share)
    try:
        plan = make_plan(asked, catalog(ON_SALE))
    except NoFeasiblePlanError:
        return
    bounded = with_bounds(plan, asked, lowest={NAME: lowest})
    assert broken_promises(at(bounded, "min"), with_rps(asked, rps * lowest)) == ()
    spot_may_grow = asked.model_copy(update={"max_spot_share": 1.0})
    assert broken_promises(at(bounded, "max"), with_rps(spot_may_grow, rps * burst)) == ()
    for pool in bounded.pools:
        assert 1 <= pool.min_nodes <= pool.nodes <= pool.max_nodes


def test_spare_gpus_are_used_before_nodes_are_bought() -> None:
    """Two replicas on a node of four GPUs: twice as many need no second node."""
    (big,) = [o for o in ON_SALE if o.gpus_per_node == 4]
    plan = make_plan(
        settings(targetRps=8, maxScale=2), catalog([replace(big, usd_per_hour=Decimal(1))])
    )
    ((placement,), (pool,)) = plan.placements, plan.pools
    assert placement.max_replicas * placement.shape.gpus <= 4
    assert (pool.nodes, pool.max_nodes) == (1, 1)


def test_on_demand_stays_where_spot_may_be_only_a_share() -> None:
    asked = settings(targetRps=40, maxSpotShare=0.5)
    plan = with_bounds(make_plan(asked, catalog(ON_SALE)), asked, lowest={NAME: 0.2})
    markets = {pool.name: pool.market for pool in plan.pools}
    for placement in plan.placements:
        stays = markets[placement.pool] is Market.ON_DEMAND
        assert (placement.min_replicas == placement.replicas) is stays


def test_the_worst_case_pays_for_nodes_and_their_disks() -> None:
    plan = make_plan(settings(maxScale=2), catalog(ON_SALE))
    more = sum(
        (p.max_nodes - p.nodes) * (p.usd_per_node_hour + p.disk_usd_per_node_hour)
        for p in plan.pools
    )
    assert more > 0
    assert worst_case_usd_per_hour(plan) - plan.usd_per_hour == more


@pytest.mark.parametrize(("burst", "most"), [(1.1, 55), (1.5, 75), (2, 100)])
def test_bounds_are_exact(burst: float, most: int) -> None:
    """50 x 1.1 is 55: in floating point it is a little more, which would make it 56."""
    (pool,) = make_plan(settings(targetRps=246, maxScale=burst), catalog([offer()])).pools
    assert (pool.nodes, pool.max_nodes) == (50, most)
