"""Each loser has its price difference and the reason that decided; nothing that won is among them."""

from __future__ import annotations

from decimal import Decimal

from outlay.catalog import Market
from outlay.planning.explain import Rival, explain, rivals
from outlay.planning.whatif import By, WhatIf
from tests.planning.builders import catalog, offer, settings

L40S = offer(usd_per_hour="3.00")
L40S_SPOT = offer(market=Market.SPOT, usd_per_hour="1.00")
H100 = offer(region="us-east-2", instance_type="p5.4xlarge", gpu="H100", usd_per_hour="12.00")
BIG = offer(instance_type="p5.48xlarge", gpu="H100", gpus_per_node=8, usd_per_hour="32.00")
T4 = offer(instance_type="g4dn.xlarge", gpu="T4", usd_per_hour="0.50")
LAMBDA = offer(provider="lambda", region="global", gpu="GH200", usd_per_hour="0.10")


def found(*offers: object, **raw: object) -> dict[str, Rival]:
    """Return the rivals of the cheapest plan by name."""
    what_if = WhatIf(settings(**raw), catalog(offers))  # type: ignore[arg-type]  # a list of offers
    return {rival.name: rival for rival in rivals(what_if, what_if.plan(), unasked=[])}


def test_the_only_winner_of_a_kind_is_no_rival() -> None:
    assert "L40S" not in found(L40S, H100)
    assert "aws" not in found(L40S, H100)


def test_the_difference_is_that_of_two_plans() -> None:
    what_if = WhatIf(settings(), catalog([L40S, H100]))
    plan = what_if.plan()
    alone = what_if.alone(By.GPU, "H100").plan
    assert alone is not None
    rival = {r.name: r for r in rivals(what_if, plan, unasked=[])}["H100"]
    assert rival.usd_per_month == alone.usd_per_month
    assert rival.more_usd_per_month == alone.usd_per_month - plan.usd_per_month


def test_a_node_too_large_for_the_demand_lost_by_idle_capacity() -> None:
    rival = found(L40S, BIG)["H100"]
    assert rival.reasons[0].startswith("its smallest fleet holds ")


def test_a_dearer_gpu_lost_by_its_price_for_the_demand() -> None:
    dear = offer(instance_type="g6e.2xlarge", usd_per_hour="9.00", region="us-east-2")
    rival = found(L40S, dear, targetRps=100)
    assert "L40S" not in rival
    lost = found(L40S, offer(instance_type="g6.xlarge", gpu="L4", usd_per_hour="5"), targetRps=100)
    assert lost["L4"].reasons[0].startswith("its GPUs cost $")


def test_without_a_spot_price_that_is_the_reason() -> None:
    spot = offer(market=Market.SPOT, usd_per_hour="0.10")
    on_demand = offer(instance_type="g6.xlarge", gpu="L4", usd_per_hour="2.00")
    rival = found(spot, on_demand, surviveDomain="none", targetRps=100)["L4"]
    assert rival.reasons[0].startswith("no spot price is known; its GPUs cost $")


def test_what_needs_a_second_cluster_says_so() -> None:
    """Spot of one GPU type must stand in two regions; with two types one region does."""
    gcp = [
        offer(
            provider="gcp",
            region=region,
            instance_type=kind,
            gpu=gpu,
            market=Market.SPOT,
            usd_per_hour=price,
        )
        for region in ("us-central1", "europe-west4")
        for kind, gpu, price in (("g2", "L4", "0.30"), ("a2", "A100-40", "0.60"))
    ]
    rival = found(*gcp, targetRps=2)["L4"]
    assert rival.reasons[0].startswith("needs 2 clusters, so that one spot pool may be lost: $")


def test_what_cannot_serve_has_the_reasons_and_no_price() -> None:
    rival = found(L40S, T4)["T4"]
    assert (rival.usd_per_month, rival.more_usd_per_month) == (None, None)
    assert any("its estimate is extrapolated" in reason for reason in rival.reasons)


def test_part_of_the_plan_alone_is_a_rival_and_marked() -> None:
    rivals_of = found(L40S_SPOT, L40S, targetRps=20)
    both = [name for name in ("spot", "on-demand") if name in rivals_of]
    assert both
    assert all(rivals_of[name].by is By.MARKET for name in both)


def test_nobody_who_can_be_bought_is_cheaper_than_the_plan() -> None:
    for rival in found(L40S, L40S_SPOT, H100, BIG, T4).values():
        assert rival.more_usd_per_month is None or rival.more_usd_per_month >= Decimal(0)


def test_who_has_waited_long_enough_gets_what_is_known_and_what_was_not_asked() -> None:
    """Seven more plans may be made: the rest is named, nothing is guessed."""
    left = iter(range(7))
    what_if = WhatIf(
        settings(budgetUsdPerMonth=9000),
        catalog([L40S, L40S_SPOT, H100]),
        may_ask=lambda: next(left, None) is not None,
    )
    plan = what_if.plan()
    found = explain(what_if, plan)
    assert found.unasked
    assert {"more demand", "what the budget pays for"} <= set(found.unasked)
    assert not {f"{r.by} {r.name}" for r in found.rivals} & set(found.unasked)
    assert found.sensitivity.more is None
