"""A demand profile enters every figure: what an average hour costs, serves and charges."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from outlay.catalog import Market
from outlay.planning.chargeback import chargeback
from outlay.planning.plan import Plan
from outlay.planning.planner import make_plan
from outlay.planning.scaling import worst_case_usd_per_hour
from outlay.planning.spot_risk import spot_risk
from outlay.pricing.types import Category
from outlay.reporting.as_json import plan_json
from tests.planning.brute_force import cheapest_usd_per_hour
from tests.planning.builders import catalog, offer, settings

L40S = offer(usd_per_hour="2.00")
DAY = [
    {"fromHour": 0, "toHour": 6, "share": 0.25},
    {"fromHour": 6, "toHour": 12, "share": 0.5},
    {"fromHour": 12, "toHour": 24, "share": 1},
]
WEEK = [
    {"fromHour": 0, "toHour": 120, "share": 1},
    {"fromHour": 120, "toHour": 168, "share": 0.1},
]
MEAN = Decimal("0.6875")


def steady(**raw: object) -> Plan:
    return make_plan(settings(targetRps=40, **raw), catalog([L40S]))


def daily(**raw: object) -> Plan:
    return steady(profile=DAY, **raw)


def test_nodes_cost_hours_times_nodes_times_price() -> None:
    """Nine nodes by day, at half of the demand five, at a quarter three, of $2 each."""
    (pool,) = daily().pools
    assert (pool.nodes, pool.min_nodes) == (9, 3)
    assert pool.usd_per_hour * 24 == (6 * 3 + 6 * 5 + 12 * 9) * 2


def test_a_week_has_its_own_hours() -> None:
    """Nine nodes from Monday to Friday, one on two days."""
    (pool,) = steady(profile=WEEK).pools
    assert pool.usd_per_hour * 168 == pytest.approx((120 * 9 + 48 * 1) * 2)


def test_requests_and_tokens_are_those_of_an_average_hour() -> None:
    plan = daily()
    assert plan.requests_per_hour == 40 * 3600 * MEAN
    tokens = Decimal(40 * 3600 * 768) * MEAN / 1_000_000
    assert plan.usd_per_million_tokens == plan.usd_per_hour / tokens


def test_answers_sent_are_those_of_an_average_hour() -> None:
    """Egress is by volume, so it falls with the mean; gateway and address cost the same."""

    def egress(plan: Plan) -> Decimal:
        return sum((c.usd_per_hour for c in plan.fixed_costs if c.workload), Decimal(0))

    assert float(egress(daily()) / egress(steady())) == pytest.approx(float(MEAN))


def test_the_worst_case_is_every_node_in_every_hour() -> None:
    assert worst_case_usd_per_hour(daily()) - worst_case_usd_per_hour(steady()) == pytest.approx(
        daily().breakdown[Category.NETWORK] - steady().breakdown[Category.NETWORK]
    )


def test_charges_and_idle_are_no_more_than_the_bill() -> None:
    plan = daily()
    found = chargeback(plan)
    (charge,) = found.charges
    assert found.unallocated == pytest.approx(0)
    used = Decimal(repr(40 * float(MEAN) / (plan.capacity_rps(charge.workload.name).low)))
    assert float(charge.gpu) == pytest.approx(float(used * 9 * 2))
    assert charge.usd_per_request == pytest.approx(plan.usd_per_request)


def test_on_demand_in_place_of_missing_spot_is_paid_for_the_hours_it_would_run() -> None:
    offers = catalog([L40S, offer(market=Market.SPOT, usd_per_hour="1.00")])
    asked = {"targetRps": 40, "markets": "spot", "surviveDomain": "none"}
    always = spot_risk(make_plan(settings(**asked), offers), offers)
    plan = make_plan(settings(**asked, profile=DAY), offers)
    by_day = spot_risk(plan, offers)
    assert always.fallback_usd_per_hour is not None
    assert by_day.fallback_usd_per_hour is not None
    (pool,) = plan.pools
    assert by_day.fallback_usd_per_hour - by_day.usd_per_hour == pytest.approx(
        (always.fallback_usd_per_hour - always.usd_per_hour) * pool.paid_share
    )


def test_json_says_how_much_of_the_demand_and_of_the_nodes_there_is_on_average() -> None:
    found = json.loads(json.dumps(plan_json(daily())))
    (workload,), (pool,) = found["workloads"], found["pools"]
    assert workload["mean_rps"] == 27.5
    assert pool["mean_nodes"] == 6.5
    assert pool["usd_per_hour"] == 6.5 * 2


def test_a_profile_that_nothing_follows_is_warned_of() -> None:
    """Without autoscaling all replicas stay, and so do their nodes."""

    def warned(plan: Plan) -> bool:
        return any("serving.autoscaling" in warning for warning in plan.warnings)

    assert warned(daily())
    assert not warned(daily(serving={"autoscaling": True}))
    assert not warned(steady())


def test_a_dearer_node_that_is_given_back_at_night_beats_one_that_is_not() -> None:
    """At the highest demand two small nodes cost a cent more than the large one, at half of it half."""
    large = offer(instance_type="g6e.2gpu", gpus_per_node=2, usd_per_hour="4.00")
    small = offer(usd_per_hour="2.01")
    night = [
        {"fromHour": 0, "toHour": 12, "share": 0.5},
        {"fromHour": 12, "toHour": 24, "share": 1},
    ]
    (pool,) = make_plan(settings(targetRps=8, profile=night), catalog([small, large])).pools
    assert (pool.instance_type, pool.nodes, pool.mean_nodes) == ("g6e.xlarge", 2, Decimal("1.5"))


def test_replicas_that_shrink_further_beat_fewer_gpus_at_the_highest_demand() -> None:
    """Nine GPUs hold ten requests/s, ten GPUs in pairs too: at 0.3 of it the pairs need a node less."""
    day = [
        {"fromHour": 0, "toHour": 7, "share": 0},
        {"fromHour": 7, "toHour": 12, "share": 1},
        {"fromHour": 12, "toHour": 24, "share": 0.3},
    ]
    node = offer(instance_type="g6.2gpu", gpu="L4", gpus_per_node=2, usd_per_hour="0.30")
    asked = settings(
        targetRps=10,
        profile=day,
        surviveDomain="none",
        maxSpotShare=0,
        egressBytesPerOutputToken=0,
    )
    expected = cheapest_usd_per_hour(asked, catalog([node]))
    assert expected is not None
    plan = make_plan(asked, catalog([node]))
    assert float(plan.usd_per_hour) == pytest.approx(float(expected))
