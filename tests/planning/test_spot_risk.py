"""Expected availability and cost of a plan follow from the prior, the user's events and the formulas."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from outlay.catalog import Market
from outlay.catalog.spot_priors import load_spot_priors, prior_of
from outlay.errors import DataError
from outlay.planning.plan import Plan, SpotRisk
from outlay.planning.planner import make_plan
from outlay.planning.spot_events import SpotEvents
from outlay.planning.spot_risk import behaviour, spot_risk
from outlay.planning.strategies import strategies
from tests.planning.builders import REAL, catalog, offer, settings

SPOT = offer(market=Market.SPOT, usd_per_hour="1.00")
ON_DEMAND = offer(usd_per_hour="2.00")
OTHER_GPU = offer(market=Market.SPOT, gpu="H100", instance_type="p5.4xlarge", usd_per_hour="1.50")
ELSEWHERE = replace(SPOT, region="us-east-2")
CALM = {"surviveDomain": "none", "targetRps": 8}  # two nodes
# 10 minutes of cold start at one interruption in ten hours.
UP = 1 / (1 + 0.1 / 6)
SEEN = SpotEvents(
    provider="aws",
    region="us-east-1",
    gpu="L40S",
    instance_hours=990.0,
    interruptions=1,
    launches=90,
    failed_launches=0,
)


def risk(plan: Plan) -> SpotRisk:
    assert plan.spot_risk is not None
    return plan.spot_risk


def test_a_pool_behaves_as_its_prior_says() -> None:
    (pool,) = risk(make_plan(settings(**CALM), catalog([SPOT]))).pools
    assert (pool.hazard_per_hour, pool.available_share) == (0.1, 0.9)
    assert pool.ready_share == pytest.approx(0.9 * UP)
    assert pool.usd_per_useful_hour == pytest.approx(Decimal(1) / Decimal(repr(UP)))
    assert (pool.own_hours, pool.own_launches) == (0, 0)


def test_own_events_update_the_prior() -> None:
    """Gamma(1 + 1, 10 + 990 h) and Beta(9 + 90, 1 + 0): conjugate means."""
    pool = make_plan(settings(**CALM), catalog([SPOT])).pools[0]
    found = behaviour(pool, [SEEN])
    assert found.hazard_per_hour == 2 / 1000
    assert found.available_share == 99 / 100
    assert (found.own_hours, found.own_launches) == (990, 90)


@pytest.mark.parametrize("other", [{"provider": "gcp"}, {"region": "us-east-2"}, {"gpu": "H100"}])
def test_events_elsewhere_say_nothing(other: dict[str, str]) -> None:
    pool = make_plan(settings(**CALM), catalog([SPOT])).pools[0]
    assert behaviour(pool, [replace(SEEN, **other)]).hazard_per_hour == 0.1  # type: ignore[arg-type]  # texts only


def test_events_of_all_regions_and_gpus_count_everywhere() -> None:
    pool = make_plan(settings(**CALM), catalog([SPOT])).pools[0]
    assert behaviour(pool, [replace(SEEN, region="*", gpu="*")]).hazard_per_hour == 0.002


def test_one_pool_is_up_for_a_share_and_then_each_of_its_nodes() -> None:
    """Both nodes serve the whole, one its own capacity; 90 % of the time there is a pool at all."""
    plan = make_plan(settings(**CALM), catalog([SPOT]))
    (placement,) = plan.placements
    one = placement.shape.capacity_rps.low / 8
    expected = 0.9 * (UP**2 + 2 * UP * (1 - UP) * one)
    assert placement.replicas == 2
    assert risk(plan).share == pytest.approx(expected, abs=1e-5)
    assert risk(plan).served[0].whole_share == pytest.approx(0.9 * UP**2)


def test_what_cannot_be_had_costs_nothing() -> None:
    """Two spot nodes at $1, wanted always and there for 90 % of the time."""
    plan = make_plan(settings(**CALM), catalog([SPOT]))
    assert [pool.nodes for pool in plan.pools] == [2]
    assert risk(plan).usd_per_hour == plan.usd_per_hour - Decimal("0.2")


def test_on_demand_nodes_are_always_there() -> None:
    found = risk(make_plan(settings(), catalog([ON_DEMAND])))
    assert (found.share, found.pools) == (1.0, ())
    assert [s.whole_share for s in found.served] == [1.0]


def test_two_domains_in_a_region_are_gone_together_at_times() -> None:
    """The region alone is gone for .043 / .943 of the time, whatever stands in it."""
    plan = make_plan(settings(maxSpotShare=1), catalog([SPOT, OTHER_GPU]))
    found = risk(plan)
    assert len(found.pools) == 2
    gone = 0.43 * 0.1 / (0.9 + 0.43 * 0.1)
    up = 0.9 / (1 - gone)
    assert found.share < 1 - gone
    both_down = gone + (1 - gone) * (1 - up * UP) ** 2
    assert found.share < 1 - both_down


def test_regions_are_independent() -> None:
    """The same two pools in two regions serve more than in one."""
    twice = make_plan(
        settings(surviveDomain="region", surviveFraction=0.9), catalog([SPOT, ELSEWHERE])
    )
    (one,) = {s.share for s in risk(twice).served}
    assert {p.region for p in twice.pools} == {"us-east-1", "us-east-2"}
    alone = risk(make_plan(settings(**CALM), catalog([SPOT]))).share
    assert one > alone


def test_fallback_replaces_what_is_missing_at_the_on_demand_price() -> None:
    plan = make_plan(settings(**CALM), catalog([SPOT]))
    found = spot_risk(plan, catalog([SPOT, ON_DEMAND]))
    missing = Decimal(repr(round(1 - 0.9 * UP, 12)))
    assert found.fallback_usd_per_hour == found.usd_per_hour + 2 * 2 * missing
    assert found.fallback_share == pytest.approx(UP, abs=1e-4)


def test_no_on_demand_price_is_invented() -> None:
    found = risk(make_plan(settings(**CALM), catalog([SPOT])))
    assert (found.fallback_usd_per_hour, found.fallback_share) == (None, None)


def test_a_bucket_ranks_and_enters_no_figure() -> None:
    """g6e.xlarge is above 20 % in us-east-1: another bucket changes nothing but itself."""
    plan = make_plan(settings(**CALM), catalog([SPOT]))
    here = replace(catalog([SPOT]), interruptions={("us-east-1", "g6e.xlarge"): 4})
    there = replace(here, interruptions={("us-east-1", "g6e.xlarge"): 0})
    one, other = spot_risk(plan, here), spot_risk(plan, there)
    assert [p.bucket for p in (*one.pools, *other.pools)] == [4, 0]
    assert (one.share, one.usd_per_hour) == (other.share, other.usd_per_hour)


def test_strategies_stand_beside_the_plan() -> None:
    on_sale = catalog([SPOT, OTHER_GPU, ON_DEMAND])
    asked = settings(maxSpotShare=0.5)
    plan = make_plan(asked, on_sale)
    found = {s.name: s for s in strategies(plan, asked, on_sale)}
    assert list(found) == ["this plan", "with on-demand fallback", "all spot", "all on-demand"]
    spot, safe = found["all spot"], found["all on-demand"]
    assert spot.plan is not None
    assert {p.market for p in spot.plan.pools} == {Market.SPOT}
    assert safe.share == 1.0
    assert spot.share is not None
    assert spot.share < (found["this plan"].share or 0) < 1.0


def test_a_strategy_that_cannot_be_says_why() -> None:
    """Nothing is sold on spot here, and no spot price is invented."""
    asked = settings(providers="aws")
    plan = make_plan(asked, catalog([ON_DEMAND]))
    spot = next(s for s in strategies(plan, asked, catalog([ON_DEMAND])) if s.name == "all spot")
    assert (spot.plan, spot.share, spot.usd_per_hour) == (None, None, None)
    assert "no spot price is known at aws" in spot.reason


def test_a_missing_on_demand_price_is_named() -> None:
    asked = settings(**CALM)
    plan = make_plan(asked, catalog([SPOT]))
    found = {s.name: s for s in strategies(plan, asked, catalog([SPOT]))}
    fallback = found["with on-demand fallback"]
    assert fallback.reason == "no on-demand price for g6e.xlarge in us-east-1"
    assert fallback.usd_per_hour is None


def test_the_most_specific_prior_counts() -> None:
    priors = load_spot_priors()
    assert prior_of(priors, provider="aws", gpu="V100-16").instance_hours == 5
    assert prior_of(priors, provider="coreweave", gpu="H100").cold_start_hours == 0.5
    assert prior_of(priors, provider="gcp", gpu="H100").cold_start_hours == 10 / 60


def test_every_prior_is_of_something_known() -> None:
    names = {p.name for p in REAL.gpus} | {"*"}
    assert {p.gpu for p in load_spot_priors()} <= names
    assert {p.provider for p in load_spot_priors()} <= {*REAL.provider_names.canonical, "*"}


def test_a_prior_without_doubt_is_refused(tmp_path: Path) -> None:
    """Capacity that was never missing leaves no room for learning."""
    file = tmp_path / "spot_priors.csv"
    head = (
        "provider,gpu,interruptions,instance_hours,launches,launched,cold_start_minutes,source,note"
    )
    file.write_text(f"{head}\n*,*,1,10,10,10,10,test,\n")
    with pytest.raises(DataError, match="line 2"):
        load_spot_priors(file)
