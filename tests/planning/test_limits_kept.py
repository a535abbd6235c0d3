"""What the settings leave out or limit holds in the plan, and never makes it cheaper."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.planning.planner import make_plan
from outlay.pricing.types import Category
from tests.planning.builders import REAL, settings
from tests.planning.check import broken

FREE = make_plan(settings(), REAL)
LEFT_OUT = [
    {"excludeProviders": ["aws"]},
    {"excludeRegions": ["us-*"]},
    {"excludeGpus": ["l4", "l40s"]},
    {"excludeInstanceTypes": ["g6*"]},
    {"instanceTypes": ["g5.*"]},
]


@pytest.mark.parametrize("limit", LEFT_OUT)
def test_what_is_left_out_is_not_bought(limit: dict[str, list[str]]) -> None:
    plan = make_plan(settings(**limit), REAL)
    assert not broken(plan)
    assert plan.usd_per_hour >= FREE.usd_per_hour
    for pool in plan.pools:
        assert pool.provider not in limit.get("excludeProviders", [])
        assert not ("excludeRegions" in limit and pool.region.startswith("us-"))
        assert pool.gpu.lower() not in limit.get("excludeGpus", [])
        assert not ("excludeInstanceTypes" in limit and pool.instance_type.startswith("g6"))
        assert "instanceTypes" not in limit or pool.instance_type.startswith("g5.")


def test_one_cluster_only() -> None:
    two = [{"model": "llama-3.1-8b", "targetRps": 10}, {"model": "qwen2.5-72b", "targetRps": 4}]
    plan = make_plan(settings(workloads=two, maxClusters=1), REAL)
    assert len(plan.clusters) == 1
    assert not broken(plan)


def test_a_quota_holds_for_all_nodes_that_match() -> None:
    quotas = [{"provider": "aws", "gpus": 4, "market": "spot"}]
    plan = make_plan(settings(providers=["aws"], targetRps=40, quotas=quotas), REAL)
    spot = sum(p.nodes * p.gpus_per_node for p in plan.pools if p.market == "spot")
    assert spot <= 4
    assert not broken(plan)


def test_overhead_is_a_share_of_everything_else() -> None:
    plan = make_plan(settings(managementOverheadPercent=5), REAL)
    assert plan.usd_per_hour == FREE.usd_per_hour * Decimal("1.05")
    more = plan.breakdown[Category.MANAGEMENT] - FREE.breakdown[Category.MANAGEMENT]
    assert more == FREE.usd_per_hour * Decimal("0.05")


def test_nodes_that_nobody_needs_at_night_are_not_paid() -> None:
    """Bounds come from the profile; the price is that of an average hour."""
    night = [
        {"fromHour": 0, "toHour": 12, "share": 0.25},
        {"fromHour": 12, "toHour": 24, "share": 1},
    ]
    steady = make_plan(settings(targetRps=100), REAL)
    plan = make_plan(settings(targetRps=100, profile=night), REAL)
    assert steady.usd_per_hour / 2 < plan.usd_per_hour < steady.usd_per_hour
    assert any(pool.min_nodes < pool.nodes for pool in plan.pools)
    for pool in plan.pools:
        assert pool.min_nodes <= pool.nodes * pool.paid_share <= pool.nodes
