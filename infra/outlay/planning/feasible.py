"""Check that a plan keeps every promise, from the plan alone: nothing here is shared with the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from outlay.catalog import Market
from outlay.catalog.llm_d import ROUTER_CPUS, ROUTER_MEMORY_GIB
from outlay.catalog.providers import ROUTERS_ON_GPU_NODES
from outlay.catalog.regions import matches
from outlay.planning.nodes import allocatable
from outlay.planning.plan import Cluster, Placement, Plan, Pool
from outlay.settings import QuotaSettings, Settings, SurviveDomain, WorkloadSettings

# Demands and capacities are floats: a billionth of the demand is no promise broken.
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class _Placed:
    pool: Pool
    placement: Placement

    @property
    def rps(self) -> float:
        return self.placement.replicas * self.placement.shape.capacity_rps.low


def broken_promises(plan: Plan, settings: Settings) -> tuple[str, ...]:
    """Return a sentence for each promise that a plan does not keep; none when it keeps all."""
    placed = [
        _Placed(pool, placement)
        for cluster in plan.clusters
        for pool in cluster.pools
        for placement in cluster.placements
        if placement.pool == pool.name
    ]
    found = [*_unpacked(placed), *_unrouted(plan), *_too_many(plan, settings)]
    for workload in settings.workloads:
        mine = [p for p in placed if p.placement.workload == workload.label]
        found += _short(workload, mine, settings)
        found += _too_much_spot(workload, mine, settings)
        found += _not_surviving(workload, mine, settings)
    return tuple(found)


def _short(
    workload: WorkloadSettings, placed: Iterable[_Placed], settings: Settings
) -> Iterator[str]:
    demand, held = workload.target_rps * settings.headroom, sum(p.rps for p in placed)
    if held < demand * (1 - TOLERANCE):
        with_headroom = " with headroom" if settings.headroom > 1 else ""
        yield f"{workload.label}: holds {held:.3g} of {demand:.3g} requests/s{with_headroom}"


def _too_much_spot(
    workload: WorkloadSettings, placed: Iterable[_Placed], settings: Settings
) -> Iterator[str]:
    parts = list(placed)
    held = sum(p.rps for p in parts)
    spot = sum(p.rps for p in parts if p.pool.market is Market.SPOT)
    if spot > settings.max_spot_share * held * (1 + TOLERANCE):
        limit = settings.max_spot_share
        yield f"{workload.label}: {spot / held:.0%} is on spot, maxSpotShare allows {limit:.0%}"


def _not_surviving(
    workload: WorkloadSettings, placed: Iterable[_Placed], settings: Settings
) -> Iterator[str]:
    needed = settings.survive_fraction * workload.target_rps
    held = sum(p.rps for p in placed)
    lost: dict[str, float] = {}
    for part in placed:
        name = _lost_with(part.pool, settings.survive_domain)
        if name:
            lost[name] = lost.get(name, 0.0) + part.rps
    for name, rps in lost.items():
        # Of what is held: the difference of two like sums is no nearer to 0.
        if held - rps < needed - TOLERANCE * held:
            kept = (held - rps) / workload.target_rps
            yield (
                f"{workload.label}: with {name} lost, {kept:.0%} of the demand is kept,"
                f" surviveFraction asks for {settings.survive_fraction:.0%}"
            )


def _lost_with(pool: Pool, survive: SurviveDomain) -> str:
    where = f"{pool.provider} {pool.region}"
    spot = f"spot {pool.gpu} in {where}" if pool.market is Market.SPOT else ""
    names = {
        SurviveDomain.NONE: "",
        SurviveDomain.SPOT: spot,
        SurviveDomain.REGION: where,
        SurviveDomain.PROVIDER: pool.provider,
    }
    return names[survive]


def _unpacked(placed: Iterable[_Placed]) -> Iterator[str]:
    used: dict[tuple[str, str], int] = {}
    bought: dict[tuple[str, str], int] = {}
    for part in placed:
        key = (part.pool.cluster, part.pool.name)
        bought[key] = part.pool.nodes * part.pool.gpus_per_node
        used[key] = used.get(key, 0) + part.placement.replicas * part.placement.shape.gpus
    for (cluster, pool), gpus in used.items():
        if gpus > bought[cluster, pool]:
            yield f"pool {pool} of {cluster} has {bought[cluster, pool]} GPUs, its replicas use {gpus}"


def _unrouted(plan: Plan) -> Iterator[str]:
    for cluster in plan.clusters:
        served = len({placement.workload for placement in cluster.placements})
        if _router_room(cluster, most=served) < served:
            yield f"cluster {cluster.name} has no room for the routers of {served} workloads"


def _too_many(plan: Plan, settings: Settings) -> Iterator[str]:
    """More clusters, or more GPUs, than the settings allow."""
    if settings.max_clusters is not None and len(plan.clusters) > settings.max_clusters:
        yield f"it has {len(plan.clusters)} clusters, maxClusters allows {settings.max_clusters}"
    for quota in settings.quotas:
        gpus = sum(p.nodes * p.gpus_per_node for p in plan.pools if _counts(quota, p))
        if gpus > quota.gpus:
            parts = (quota.gpu, quota.market, quota.region and f"in {quota.region}")
            which = " ".join(["", *(part for part in parts if part)])
            yield f"it holds {gpus} GPUs at {quota.provider}{which}, the quota is {quota.gpus}"


def _counts(quota: QuotaSettings, pool: Pool) -> bool:
    where = not quota.region or matches(quota.region, provider=pool.provider, region=pool.region)
    return (
        where
        and pool.provider == quota.provider
        and quota.gpu in (None, pool.gpu)
        and quota.market in (None, pool.market)
    )


def _router_room(cluster: Cluster, *, most: int) -> int:
    """One router a workload: on CPU nodes, or beside engines that stay on bare-metal hosts."""
    room = 0
    if cluster.cpu_pool is not None:
        node = allocatable(
            provider=cluster.provider,
            vcpus=cluster.cpu_pool.vcpus,
            host_memory_gib=cluster.cpu_pool.host_memory_gib,
        )
        each = min(node.cpus // ROUTER_CPUS, node.memory_gib // ROUTER_MEMORY_GIB)
        room += each * cluster.cpu_pool.nodes
    stays = any(pool.market is Market.ON_DEMAND for pool in cluster.pools)
    return room + (most if stays and cluster.provider in ROUTERS_ON_GPU_NODES else 0)
