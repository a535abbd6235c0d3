"""A plan with everything that a report can show; every value is round."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from outlay.planning.compare import Comparison
from outlay.planning.plan import FixedCost, LeftOut, Plan, Served, SpotPool, SpotRisk
from outlay.pricing.types import Category
from tests.serving.builders import cluster, placement, plan, pool, shape, spot_pool, workload

CLUSTER = "aws-us-east-1"


def cost(what: str, category: Category, usd: str, *, is_usage: bool = False) -> FixedCost:
    """Return a cost beside the GPU nodes."""
    return FixedCost(
        what=what,
        cluster=CLUSTER,
        category=category,
        usd_per_hour=Decimal(usd),
        is_usage=is_usage,
    )


def full_plan() -> Plan:
    """Return a plan of two pools, one model on two shapes, fixed costs of each kind, and remarks."""
    on_demand = pool(usd_per_node_hour=Decimal("0.8"))
    spot = replace(spot_pool(), usd_per_node_hour=Decimal("1.5"))
    large = placement(
        pool=spot.name, replicas=4, min_replicas=4, max_replicas=6, shape=shape(tensor_parallel=2)
    )
    return plan(
        workloads=(workload(),),
        clusters=(cluster(pools=(on_demand, spot), placements=(placement(), large)),),
        fixed_costs=(
            cost("EKS control plane", Category.MANAGEMENT, "0.1"),
            cost("1 x m7i.4xlarge for routers", Category.CPU, "0.8"),
            cost("disks", Category.STORAGE, "0.05"),
            cost("NAT gateway", Category.NETWORK, "0.045"),
            cost("egress of llama-3-1-8b", Category.NETWORK, "0.005", is_usage=True),
        ),
        budget_usd_per_month=Decimal(5000),
        left_out=(
            LeftOut(what="azure", reason="not provisioned"),
            LeftOut(what="lambda", reason="not provisioned"),
            LeftOut(what="aws/eu-west-1", reason="no price"),
        ),
        warnings=("spot nodes can be taken away",),
        spot_risk=risk(spot.name),
    )


def risk(pool_name: str) -> SpotRisk:
    """Return the risk of one spot pool, after events of the user's own."""
    seen = SpotPool(
        pool=pool_name,
        cluster=CLUSTER,
        hazard_per_hour=0.002,
        available_share=0.99,
        ready_share=0.98,
        usd_per_useful_hour=Decimal("1.55"),
        own_hours=990.0,
        own_launches=90,
        bucket=4,
    )
    return SpotRisk(
        pools=(seen,),
        served=(Served(workload="llama-3-1-8b", share=0.995, whole_share=0.98),),
        share=0.995,
        usd_per_hour=Decimal("5.57"),
        fallback_usd_per_hour=Decimal("5.7"),
        fallback_share=0.999,
    )


def comparison() -> tuple[Comparison, ...]:
    """Return one provider that serves and two that do not, for the same reasons."""
    reasons = ("chat on 1 x L4: too slow", "chat on 2 x L4: too slow")
    return (
        Comparison(name="aws", plan=full_plan(), reasons=()),
        Comparison(name="azure", plan=None, reasons=reasons),
        Comparison(name="gcp", plan=None, reasons=reasons),
    )
