"""What the plan's nodes cost, in the forms in which rules, OpenCost and a dashboard need it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from outlay.planning.plan import Cluster, Placement, Plan, Pool
from outlay.pricing.types import HOURS_PER_MONTH

# Spending below this part of the planned hour is no anomaly, however fast it grew.
ANOMALY_FLOOR_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadCost:
    """USD per hour of the GPUs that one replica holds, on average over the workload's placements.

    `planned_usd_per_hour` is that of all its planned replicas in the cluster; the budget is the whole
    plan's, spread evenly over the month.
    """

    usd_per_replica_hour: float
    planned_usd_per_hour: float
    budget_usd_per_hour: float | None

    @property
    def floor_usd(self) -> float:
        """Spending in an hour below which nothing is an anomaly."""
        return ANOMALY_FLOOR_SHARE * self.planned_usd_per_hour


def workload_cost(
    plan: Plan, placements: Iterable[Placement], pools: Iterable[Pool]
) -> WorkloadCost:
    """Price replicas by their share of their nodes' GPUs."""
    by_name = {pool.name: pool for pool in pools}
    planned, replicas = 0.0, 0
    for placement in placements:
        planned += (
            usd_per_gpu_hour(by_name[placement.pool]) * placement.shape.gpus * placement.replicas
        )
        replicas += placement.replicas
    budget = plan.budget_usd_per_month
    return WorkloadCost(
        usd_per_replica_hour=planned / replicas,
        planned_usd_per_hour=planned,
        budget_usd_per_hour=None if budget is None else float(budget / HOURS_PER_MONTH),
    )


def usd_per_gpu_hour(pool: Pool) -> float:
    """Return the price of one GPU of a pool, its share of the node's cores and memory included."""
    return float(pool.usd_per_node_hour) / pool.gpus_per_node


def opencost_prices(cluster: Cluster) -> dict[str, str]:
    """Return OpenCost's custom pricing: everything of a GPU node is in the price of its GPUs.

    Source of the keys: opencost/opencost, configs/default.json. One price a cluster: the mean over
    its planned GPUs. CPU nodes carry their price in cores.
    """
    gpus = sum(pool.nodes * pool.gpus_per_node for pool in cluster.pools)
    usd = sum(usd_per_gpu_hour(pool) * pool.nodes * pool.gpus_per_node for pool in cluster.pools)
    cpu_pool = cluster.cpu_pool
    core = float(cpu_pool.usd_per_node_hour) / cpu_pool.vcpus if cpu_pool else 0.0
    return {
        "provider": "custom",
        "description": f"Planned by outlay: {', '.join(pool.name for pool in cluster.pools)}",
        "CPU": f"{core:.6f}",
        "spotCPU": f"{core:.6f}",
        "RAM": "0",
        "spotRAM": "0",
        "GPU": f"{usd / gpus:.6f}" if gpus else "0",
        "spotGPU": f"{usd / gpus:.6f}" if gpus else "0",
        "storage": "0",
    }
