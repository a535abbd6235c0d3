"""Does a plan keep its promises? Checked from the plan itself; shares no code with the program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from outlay.planning.plan import Placement, Plan, Pool

SLACK = 1e-6


def broken(
    plan: Plan,
    *,
    headroom: float = 1.0,
    max_spot_share: float = 1.0,
    survive_domain: str = "spot",
    survive_fraction: float = 0.5,
) -> list[str]:
    """Return what a plan breaks of what was asked, nothing when all holds."""
    return [
        *_capacity(plan, headroom=headroom, max_spot_share=max_spot_share),
        *_survival(plan, domain=survive_domain, fraction=survive_fraction),
        *_packing(plan),
        *_routers(plan),
        *_money(plan),
    ]


def _pool(plan: Plan, placement: Placement) -> Pool:
    (pool,) = (p for p in plan.pools if (p.cluster, p.name) == (placement.cluster, placement.pool))
    return pool


def _rps(placement: Placement) -> float:
    return placement.replicas * placement.shape.capacity_rps.low


def _capacity(plan: Plan, *, headroom: float, max_spot_share: float) -> Iterator[str]:
    for workload in plan.workloads:
        mine = [p for p in plan.placements if p.workload == workload.name]
        total = sum(map(_rps, mine))
        spot = sum(_rps(p) for p in mine if _pool(plan, p).market == "spot")
        if total < workload.target_rps * headroom - SLACK:
            yield f"{workload.name}: holds {total} of {workload.target_rps * headroom} requests/s"
        if spot > max_spot_share * total + SLACK:
            yield f"{workload.name}: {spot} of {total} requests/s are on spot"


def _survival(plan: Plan, *, domain: str, fraction: float) -> Iterator[str]:
    for workload in plan.workloads:
        held: dict[str, float] = defaultdict(float)
        for placement in plan.placements:
            if placement.workload == workload.name:
                held[_domain(_pool(plan, placement), domain)] += _rps(placement)
        for lost in set(held) - {""}:
            left = sum(rps for name, rps in held.items() if name != lost)
            if left < fraction * workload.target_rps - SLACK:
                yield f"{workload.name}: {left} requests/s are left without {lost}"


def _domain(pool: Pool, domain: str) -> str:
    place = f"{pool.provider} {pool.region}"
    names = {"region": place, "provider": pool.provider, "none": ""}
    spot = f"{place} {pool.gpu}" if pool.market == "spot" else ""
    return names.get(domain, spot)


def _packing(plan: Plan) -> Iterator[str]:
    """Largest replicas first onto whole nodes, each with the CPUs and memory that it asks for."""
    for pool in plan.pools:
        free = [pool.gpus_per_node] * pool.nodes
        sizes = [
            p.shape.gpus
            for p in plan.placements
            if (p.cluster, p.pool) == (pool.cluster, pool.name)
            for _ in range(p.replicas)
        ]
        for size in sorted(sizes, reverse=True):
            node = next((n for n, gpus in enumerate(free) if gpus >= size), None)
            if node is None:
                yield f"{pool.name}: {sizes} GPUs do not fit on {pool.nodes} nodes"
                break
            free[node] -= size
        for p in plan.placements:
            if (p.cluster, p.pool) == (pool.cluster, pool.name):
                share = p.shape.gpus / pool.gpus_per_node
                if p.cpus > pool.vcpus * share or p.memory_gib > pool.host_memory_gib * share:
                    yield f"{pool.name}: a replica asks for more than its share of a node"


def _routers(plan: Plan) -> Iterator[str]:
    for cluster in plan.clusters:
        stays = any(p.market != "spot" and p.nodes for p in cluster.pools)
        beside_engines = cluster.provider in ("coreweave", "lambda") and stays
        cpus = cluster.cpu_pool.nodes * cluster.cpu_pool.vcpus if cluster.cpu_pool else 0
        needed = 8 * len({p.workload for p in cluster.placements})
        if not beside_engines and cpus < needed:
            yield f"{cluster.name}: {cpus} CPUs for routers that need {needed}"


def _money(plan: Plan) -> Iterator[str]:
    total = sum((p.nodes * p.usd_per_node_hour for p in plan.pools), Decimal(0))
    total += sum((c.usd_per_hour for c in plan.fixed_costs), Decimal(0))
    if total != plan.usd_per_hour:
        yield f"costs {total}, says {plan.usd_per_hour}"
