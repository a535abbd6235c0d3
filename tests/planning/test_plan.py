"""A plan's values follow from what was bought: names, counts, prices, sums, warnings."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from outlay.catalog import Confidence, Market
from outlay.errors import NoFeasiblePlanError, OverBudgetError
from outlay.planning.assemble import Identity, cluster_name, pool_name
from outlay.planning.budget import check_budget
from outlay.planning.planner import make_plan
from outlay.pricing.types import Category
from tests.planning.builders import catalog, offer, settings

SPOT = offer(market=Market.SPOT, gpu="H100", instance_type="p5.4xlarge", usd_per_hour="1.5")


def test_one_offer_becomes_one_pool_with_its_exact_price() -> None:
    """g6e.xlarge holds 4.9 requests/s on the safe side: 10 need three."""
    plan = make_plan(
        settings(), catalog([offer()]), identity=Identity(project="shop", stack="live")
    )
    (pool,) = plan.pools
    assert pool.name == "g6e-xlarge-on-demand"
    assert pool.cluster == "shop-live-aws-us-east-1"
    assert (pool.nodes, pool.min_nodes, pool.max_nodes) == (3, 3, 3)
    assert pool.usd_per_hour == Decimal("5.583")
    assert plan.usd_per_hour == pool.usd_per_hour + sum(c.usd_per_hour for c in plan.fixed_costs)
    assert plan.usd_per_month == plan.usd_per_hour * 730


def test_breakdown_sums_to_the_total() -> None:
    plan = make_plan(settings(), catalog([offer()]))
    assert set(plan.breakdown) == set(Category)
    assert sum(plan.breakdown.values()) == plan.usd_per_hour


def test_unit_costs_follow_the_demand_and_not_the_capacity() -> None:
    """10 requests/s of 512 + 256 tokens: 36,000 requests and 27.648 million tokens an hour."""
    plan = make_plan(settings(), catalog([offer()]))
    assert plan.usd_per_request == plan.usd_per_hour / 36_000
    assert plan.usd_per_million_tokens == plan.usd_per_hour / Decimal("27.648")
    assert plan.usd_per_million_output_tokens == plan.usd_per_hour / Decimal("9.216")


def test_two_workloads_share_a_node_when_that_is_cheaper() -> None:
    """One four-GPU node holds a replica of each instead of a node for each."""
    both = settings(
        workloads=[
            {"model": "llama-3.1-8b", "targetRps": 1},
            {"model": "mistral-7b", "targetRps": 1},
        ]
    )
    big = offer(gpus_per_node=4, instance_type="g6e.12xlarge", usd_per_hour="3.00")
    plan = make_plan(both, catalog([big, offer()]))
    (pool,) = plan.pools
    assert (pool.instance_type, pool.nodes) == ("g6e.12xlarge", 1)
    assert {p.workload for p in plan.placements} == {"llama-3-1-8b", "mistral-7b"}


@pytest.mark.parametrize(
    ("project", "stack", "expected"),
    [
        ("outlay", "dev", "outlay-dev-gcp-us-central1"),
        ("Acme_LLM.serving", "prod.EU", "acme-llm-serving-prod-eu-gcp-us-central1"),
        ("4models", "dev", "x-4models-dev-gcp-us-central1"),
    ],
)
def test_cluster_names_are_what_every_cloud_takes(project: str, stack: str, expected: str) -> None:
    """Pulumi allows capitals, dots and underscores; GKE refuses them."""
    identity = Identity(project=project, stack=stack)
    assert cluster_name(identity, provider="gcp", region="us-central1") == expected


def test_a_spot_pool_alone_never_carries_a_promise_to_survive() -> None:
    """With half of the demand to be kept, on-demand nodes stand beside the spot pool."""
    plan = make_plan(settings(), catalog([SPOT, offer()]))
    assert {pool.market for pool in plan.pools} == {Market.SPOT, Market.ON_DEMAND}
    assert any("spot nodes can be taken away" in warning for warning in plan.warnings)


def test_no_promise_to_survive_needs_no_second_pool_but_says_so() -> None:
    plan = make_plan(settings(surviveDomain="none"), catalog([SPOT, offer()]))
    assert [pool.market for pool in plan.pools] == [Market.SPOT]
    assert any("nothing is kept in reserve" in warning for warning in plan.warnings)


def test_unverified_prices_are_marked() -> None:
    plan = make_plan(settings(), catalog([replace(offer(), confidence=Confidence.UNVERIFIED)]))
    assert any("unverified prices at aws/us-east-1: g6e.xlarge" in w for w in plan.warnings)


def test_a_replica_has_room_on_disk_for_what_it_downloads() -> None:
    """FP8 is made from a 16-bit checkpoint while loading: 15 GiB on disk, not half of it."""
    (pool,) = make_plan(settings(), catalog([offer()])).pools
    assert pool.disk_gib == 80


@pytest.mark.parametrize(
    ("instance_type", "gpu", "market", "expected"),
    [
        ("g6e.xlarge", "L40S", Market.SPOT, "g6e-xlarge-spot"),
        (
            "Standard_NC24ads_A100_v4",
            "A100-80",
            Market.ON_DEMAND,
            "standard-nc24ads-a100-v4-on-demand",
        ),
        ("n1-standard-8+1xnvidia-tesla-v100", "V100-16", Market.SPOT, "n1-standard-8-v100-16-spot"),
    ],
)
def test_pool_names_are_labels(instance_type: str, gpu: str, market: Market, expected: str) -> None:
    assert pool_name(instance_type, gpu, market) == expected


def test_every_pool_name_on_sale_is_a_label_of_at_most_40_characters() -> None:
    """GKE allows 40; two offers of a region never share a name."""
    from tests.planning.builders import REAL

    names = {
        (o.provider, o.region, pool_name(o.instance_type, o.gpu, o.market)) for o in REAL.offers
    }
    assert len(names) == len(REAL.offers)
    gke = [name for provider, _, name in names if provider == "gcp"]
    assert max(len(name) for name in gke) <= 40


def test_over_budget_names_the_dearest_first() -> None:
    plan = make_plan(settings(budgetUsdPerMonth=100), catalog([offer()]))
    with pytest.raises(OverBudgetError, match=r"Dearest: 3 x g6e\.xlarge on-demand \$4,076/month"):
        check_budget(plan)


def test_within_budget_passes() -> None:
    check_budget(make_plan(settings(budgetUsdPerMonth=1_000_000), catalog([offer()])))


def test_arm_machines_are_warned_of() -> None:
    """An image that is published for other machines alone does not start there."""
    grace = offer(provider="lambda", region="global", gpu="GH200", usd_per_hour="1.99")
    assert any("GH200 are Arm" in w for w in make_plan(settings(), catalog([grace])).warnings)
    assert not any("Arm" in w for w in make_plan(settings(), catalog([offer()])).warnings)


@pytest.mark.parametrize(
    ("raw", "on_sale", "reason"),
    [
        ({"markets": "spot"}, [offer()], "no spot price is known"),
        ({"gpus": "H200"}, [offer()], "H200 is not on sale at aws, which sell L40S"),
        ({"gpus": "T4"}, [offer(gpu="T4")], "its estimate is extrapolated, below lowestGrade"),
        ({"model": "llama-3.1-405b"}, [offer()], "needs .* GiB for weights"),
        ({"tpotMs": 1}, [offer()], "the SLO is 1 ms"),
        ({"surviveDomain": "region"}, [offer()], "allow more providers, regions or markets"),
        (
            {"markets": "spot", "maxSpotShare": 0.5},
            [SPOT],
            "maxSpotShare is 0.5, but markets allows spot only",
        ),
    ],
)
def test_without_a_plan_the_reason_says_what_to_change(
    raw: dict[str, object], on_sale: list[object], reason: str
) -> None:
    with pytest.raises(NoFeasiblePlanError, match=reason):
        make_plan(settings(**raw), catalog(on_sale))  # type: ignore[arg-type]  # a table of offers


def test_a_spot_price_far_below_on_demand_is_marked() -> None:
    """A tenth of the list price may be gone tomorrow."""
    listed = replace(SPOT, market=Market.ON_DEMAND, usd_per_hour=Decimal(15))
    plan = make_plan(settings(surviveDomain="none"), catalog([SPOT, listed]))
    assert any("is 10% of on-demand: check that it still holds" in w for w in plan.warnings)


def test_a_single_replica_is_marked() -> None:
    plan = make_plan(settings(targetRps=1), catalog([offer()]))
    assert any("runs as one replica" in warning for warning in plan.warnings)
