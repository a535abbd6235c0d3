"""A plan in a few lines of plain text, for a preview's messages and a stack's outputs."""

from __future__ import annotations

from decimal import Decimal

from outlay.planning.plan import Plan, Pool
from outlay.pricing.types import HOURS_PER_MONTH
from outlay.reporting.money import usd


def summary(plan: Plan) -> str:
    """Return what is served, what is bought for it and what that costs."""
    served = " and ".join(f"{w.model} at {w.target_rps:g} requests/s" for w in plan.workloads)
    price = (
        f"{usd(plan.usd_per_month)}/month, {usd(plan.usd_per_million_tokens)} per million tokens"
    )
    other = sum((cost.usd_per_hour for cost in plan.fixed_costs), Decimal(0)) * HOURS_PER_MONTH
    pools = [f"  {pool.provider} {pool.region}: {pool_line(pool)}" for pool in plan.pools]
    rest = f"  control planes, CPU nodes, network, disks: {usd(other)}/month"
    return "\n".join([f"{served} for {price}", *pools, rest])


def pool_line(pool: Pool) -> str:
    """Return one pool as text, such as `2 x g6.12xlarge spot (4 x L4 each), $2,324/month`."""
    what = f"{pool.nodes} x {pool.instance_type} {pool.market}"
    gpus = f"{pool.gpus_per_node} x {pool.gpu} each"
    return f"{what} ({gpus}), {usd(pool.usd_per_hour * HOURS_PER_MONTH)}/month"
