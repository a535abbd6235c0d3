"""The plan is the cheapest there is, and what makes it dearer or cheaper does so in the right sense."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Market, Offer
from outlay.errors import NoFeasiblePlanError
from outlay.planning.plan import Plan
from outlay.planning.planner import make_plan
from outlay.settings import Settings
from tests.planning.brute_force import cheapest_usd_per_hour
from tests.planning.builders import REGIONS, catalog, offer, settings

# Prices that differ by more than the solver's tolerance and the order of ties.
PRICES = st.integers(min_value=30, max_value=900).map(lambda cents: f"{cents / 100:.2f}")
GPUS = st.sampled_from(["L4", "L40S", "A100-80", "H100"])
PLACES = st.sampled_from([(p, r) for p, regions in REGIONS.items() for r in regions])
SURVIVE = st.sampled_from(["none", "spot", "region", "provider"])


@st.composite
def offers(
    draw: st.DrawFn, *, most: int = 4, places: st.SearchStrategy[tuple[str, str]] = PLACES
) -> list[Offer]:
    """Draw a few offers with distinct keys."""
    drawn: dict[str, Offer] = {}
    for number in range(draw(st.integers(1, most))):
        provider, region = draw(places)
        one = offer(
            provider=provider,
            region=region,
            instance_type=f"type-{number}",
            market=draw(st.sampled_from(list(Market))),
            gpu=draw(GPUS),
            gpus_per_node=draw(st.sampled_from([1, 2, 4])),
            usd_per_hour=draw(PRICES),
        )
        drawn[one.key] = one
    return list(drawn.values())


@st.composite
def asked(draw: st.DrawFn) -> Settings:
    """Draw settings of one workload whose answers cost nothing to send."""
    return settings(
        targetRps=draw(st.sampled_from([1, 4, 10])),
        surviveDomain=draw(SURVIVE),
        surviveFraction=draw(st.sampled_from([0.0, 0.3, 0.5, 0.8])),
        maxSpotShare=draw(st.sampled_from([0.0, 0.4, 1.0])),
        egressBytesPerOutputToken=0,
    )


def cost(asked: Settings, on_sale: list[Offer]) -> Decimal | None:
    """Return the plan's hourly cost, None when there is no plan."""
    try:
        return make_plan(asked, catalog(on_sale)).usd_per_hour
    except NoFeasiblePlanError:
        return None


@given(asked(), offers(most=3))
def test_no_combination_is_cheaper(asked: Settings, on_sale: list[Offer]) -> None:
    """The program's cost equals the least over all combinations, feasible or not."""
    expected = cheapest_usd_per_hour(asked, catalog(on_sale))
    found = cost(asked, on_sale)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert float(found) == pytest.approx(float(expected), abs=1e-4)


@st.composite
def profiled(draw: st.DrawFn) -> Settings:
    """Draw settings with three parts of a day, or a week of working days."""
    low, middle = draw(st.sampled_from([0.0, 0.1, 0.5])), draw(st.sampled_from([0.3, 0.7, 1.0]))
    spans = draw(st.sampled_from([(0, 7, 12, 24), (0, 24, 144, 168)]))
    shares = zip(spans, spans[1:], (low, 1.0, middle), strict=False)
    profile = [{"fromHour": a, "toHour": b, "share": share} for a, b, share in shares]
    return settings(
        targetRps=draw(st.sampled_from([4, 10])),
        profile=profile,
        surviveDomain=draw(SURVIVE),
        maxSpotShare=draw(st.sampled_from([0.0, 1.0])),
        egressBytesPerOutputToken=0,
    )


@given(profiled(), offers(most=3))
def test_no_combination_is_cheaper_over_a_day_or_week(
    asked: Settings, on_sale: list[Offer]
) -> None:
    """With a profile, what counts is the average hour."""
    expected = cheapest_usd_per_hour(asked, catalog(on_sale))
    found = cost(asked, on_sale)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert float(found) == pytest.approx(float(expected), abs=1e-4)


@given(asked(), offers(), st.randoms(use_true_random=False))
def test_order_of_offers_does_not_matter(
    asked: Settings, on_sale: list[Offer], random: object
) -> None:
    """The same offers in any order give the same plan, not only the same cost."""
    shuffled = list(on_sale)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis types it as a plain object
    try:
        first = make_plan(asked, catalog(on_sale))
    except NoFeasiblePlanError:
        return
    assert make_plan(asked, catalog(shuffled)) == first


@given(asked(), offers())
def test_dropping_an_offer_never_lowers_the_cost(asked: Settings, on_sale: list[Offer]) -> None:
    """Less choice, no better plan."""
    fewer, more = cost(asked, on_sale[1:]), cost(asked, on_sale)
    if fewer is not None:
        assert more is not None
        assert more <= fewer + Decimal("0.0001")


@given(asked(), offers())
def test_more_demand_never_costs_less(asked: Settings, on_sale: list[Offer]) -> None:
    """Twice the requests cost at least as much."""
    workload = asked.workloads[0]
    doubled = asked.model_copy(
        update={"workloads": (workload.model_copy(update={"target_rps": workload.target_rps * 2}),)}
    )
    less, more = cost(asked, on_sale), cost(doubled, on_sale)
    if more is not None:
        assert less is not None
        assert less <= more + Decimal("0.0001")


@given(asked(), offers(most=5))
def test_a_plan_keeps_every_promise(asked: Settings, on_sale: list[Offer]) -> None:
    """Demand, GPUs per node, spot share and survival hold in the plan itself."""
    try:
        plan = make_plan(asked, catalog(on_sale))
    except NoFeasiblePlanError:
        return
    demand = asked.workloads[0].target_rps
    total = plan.capacity_rps(plan.workloads[0].name).low
    assert total >= demand - 1e-6
    assert spot_rps(plan) <= asked.max_spot_share * total + 1e-6
    for pool in plan.pools:
        used = sum(p.replicas * p.shape.gpus for p in plan.placements if p.pool == pool.name)
        assert used <= pool.nodes * pool.gpus_per_node


def spot_rps(plan: Plan) -> float:
    """Return the safe capacity on spot nodes."""
    spot = {(p.cluster, p.name) for p in plan.pools if p.market is Market.SPOT}
    return sum(
        p.replicas * p.shape.capacity_rps.low
        for p in plan.placements
        if (p.cluster, p.pool) in spot
    )
