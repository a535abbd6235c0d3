"""A largest spot share below 1: more spot capacity can be worse, and on-demand beyond the demand better."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Market, Offer
from outlay.planning.planner import make_plan
from tests.planning.brute_force import cheapest_usd_per_hour
from tests.planning.builders import catalog, offer, settings
from tests.planning.test_optimal import PRICES, cost

FEW_GPUS = st.sampled_from(["L40S", "A100-80", "RTX-PRO-6000"])


def test_a_cheaper_spot_offer_of_more_capacity_does_not_push_out_one_that_fits_the_share() -> None:
    """One L40S and four A10G on spot keep a share of 0.4; a single A100 would be 0.64."""
    asked = settings(targetRps=8, maxSpotShare=0.4, surviveDomain="none")
    on_demand = offer(instance_type="engine", usd_per_hour="5.00")
    small = offer(gpu="A10G", instance_type="small", market=Market.SPOT, usd_per_hour="0.10")
    large = offer(gpu="A100-80", instance_type="large", market=Market.SPOT, usd_per_hour="0.09")
    plan = make_plan(asked, catalog([on_demand, small, large]))
    assert [(p.instance_type, p.nodes) for p in plan.pools] == [("engine", 1), ("small", 4)]


def test_on_demand_beyond_the_demand_makes_room_for_the_spot_that_must_survive() -> None:
    """8 of 10 requests/s must stay in a region that sells spot alone, as at most 0.3 of the capacity."""
    asked = settings(surviveDomain="region", surviveFraction=0.8, maxSpotShare=0.3)
    spot = offer(region="us-east-2", gpu="L4", instance_type="spot", market=Market.SPOT)
    plan = make_plan(asked, catalog([offer(gpu="L4", instance_type="engine"), spot]))
    assert {p.instance_type: p.nodes for p in plan.pools} == {"engine": 26, "spot": 11}


@st.composite
def mixed(draw: st.DrawFn) -> list[Offer]:
    """Draw an offer of each market in one region or two, and a third."""
    markets = [Market.ON_DEMAND, Market.SPOT, draw(st.sampled_from(list(Market)))]
    return [
        offer(
            region=draw(st.sampled_from(["us-east-1", "us-east-2"])),
            instance_type=f"type-{number}",
            market=market,
            gpu=draw(st.sampled_from(["L40S", "A100-80", "RTX-PRO-6000"])),
            gpus_per_node=draw(st.sampled_from([1, 2])),
            usd_per_hour=draw(PRICES),
        )
        for number, market in enumerate(markets)
    ]


@given(mixed(), st.sampled_from([0.25, 0.4, 0.6]), st.sampled_from(["none", "spot", "region"]))
def test_no_combination_is_cheaper_whatever_the_share(
    on_sale: list[Offer], share: float, domain: str
) -> None:
    """As without a limit, the program finds the least cost over all combinations."""
    asked = settings(
        targetRps=10, maxSpotShare=share, surviveDomain=domain, egressBytesPerOutputToken=0
    )
    expected = cheapest_usd_per_hour(asked, catalog(on_sale))
    found = cost(asked, on_sale)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert float(found) == pytest.approx(float(expected), abs=1e-4)
