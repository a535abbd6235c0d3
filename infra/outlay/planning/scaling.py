"""How far pools and replicas may shrink and grow while a plan runs, and what that costs at most.

An autoscaler asks nobody, so its bounds are part of the plan: down to what the least demand needs
with the same promises, up to what a burst needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from math import ceil

from outlay.catalog import Market
from outlay.planning.plan import Cluster, Placement, Plan, Pool
from outlay.settings import Settings


def with_bounds(plan: Plan, settings: Settings, *, lowest: Mapping[str, float]) -> Plan:
    """Return the plan with least and most replicas of each placement, and nodes of each pool.

    `lowest` is the least demand of a workload by name, as a share of its target; whoever is not in it
    has a steady demand. The most is for `maxScale` times the demand. Shrinking every placement alike,
    rounded up, keeps the share of the demand that survives a loss; where spot may be only a share of
    the whole, on-demand replicas stay, so that the share of spot cannot grow.
    """
    keeps_on_demand = 0 < settings.max_spot_share < 1
    clusters = tuple(
        _cluster(c, lowest, burst=settings.max_scale, keeps_on_demand=keeps_on_demand)
        for c in plan.clusters
    )
    return replace(plan, clusters=clusters)


def _cluster(
    cluster: Cluster, lowest: Mapping[str, float], *, burst: float, keeps_on_demand: bool
) -> Cluster:
    markets = {pool.name: pool.market for pool in cluster.pools}
    placements: list[Placement] = []
    for placement in cluster.placements:
        stays = keeps_on_demand and markets[placement.pool] is Market.ON_DEMAND
        share = 1.0 if stays else lowest.get(placement.workload, 1.0)
        least, most = shrunk(placement.replicas, share), shrunk(placement.replicas, burst)
        placements.append(replace(placement, min_replicas=least, max_replicas=most))
    pools = tuple(_pool(p, [q for q in placements if q.pool == p.name]) for p in cluster.pools)
    return replace(cluster, pools=pools, placements=tuple(placements))


def _pool(pool: Pool, placements: Iterable[Placement]) -> Pool:
    """Nodes for the least and the most replicas: shapes are powers of two, so GPUs are all that counts."""
    least = sum(p.min_replicas * p.shape.gpus for p in placements)
    most = sum(p.max_replicas * p.shape.gpus for p in placements)
    return replace(
        pool,
        min_nodes=min(pool.nodes, max(1, -(-least // pool.gpus_per_node))),
        max_nodes=max(pool.nodes, -(-most // pool.gpus_per_node)),
    )


def shrunk(count: int, factor: float) -> int:
    """Return replicas for a multiple of the demand, rounded up, at least one."""
    # Exact: in floating point 50 x 1.1 is a hair above 55 and would ask for 56.
    return max(1, ceil(count * Decimal(repr(factor))))


def worst_case_usd_per_hour(plan: Plan) -> Decimal:
    """Return the cost with every pool at its most nodes all the time, disks included; usage as planned."""
    more = (
        (pool.max_nodes - pool.mean_nodes) * (pool.usd_per_node_hour + pool.disk_usd_per_node_hour)
        for pool in plan.pools
    )
    return plan.usd_per_hour + sum(more, Decimal(0))
