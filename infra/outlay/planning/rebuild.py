"""A pinned decision becomes a plan again, at today's prices and with today's sizing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from outlay.catalog import Catalog
from outlay.planning.assemble import Identity, assemble
from outlay.planning.candidates import Candidate, Option, field
from outlay.planning.fleet import BoughtNodes, Fleet, OpenedSite
from outlay.planning.pin_file import Pin, PinnedCluster, PinnedPool, PinnedReplicas
from outlay.planning.plan import Plan
from outlay.planning.sites import CpuChoice, Site, sites
from outlay.planning.spot_risk import with_spot_risk
from outlay.settings import Settings


class CannotRebuildError(Exception):
    """Something that was pinned is no longer on offer, or the settings no longer allow it."""


def rebuild(pin: Pin, settings: Settings, catalog: Catalog, *, identity: Identity) -> Plan:
    """Return the plan that a pin stands for.

    Raises:
        CannotRebuildError: says what is gone.
    """
    allowed = field(settings, catalog)
    possible, _ = sites(allowed.candidates, settings, catalog)
    by_key = {site.key: site for site in possible}
    opened = [_opened(cluster, by_key, settings) for cluster in pin.clusters]
    shares = answered(opened, settings)
    fleet = Fleet(
        opened=tuple(
            OpenedSite(site=site, bought=bought, cpu_nodes=cpu, shares=share)
            for (site, bought, cpu), share in zip(opened, shares, strict=True)
        ),
        gap=0.0,
    )
    plan = assemble(
        fleet, settings=settings, catalog=catalog, identity=identity, left_out=allowed.left_out
    )
    return with_spot_risk(plan, settings, catalog)


Opened = tuple[Site, tuple[BoughtNodes, ...], tuple[tuple[CpuChoice, int], ...]]


def _opened(cluster: PinnedCluster, by_key: dict[str, Site], settings: Settings) -> Opened:
    where = f"{cluster.provider}/{cluster.region}"
    site = by_key.get(where)
    if site is None:
        raise CannotRebuildError(f"nothing that the settings allow is on sale in {where}")
    bought = tuple(_bought(pool, site, settings) for pool in cluster.pools)
    return site, bought, _cpu(cluster, site)


def _bought(pool: PinnedPool, site: Site, settings: Settings) -> BoughtNodes:
    what = f"{pool.instance_type} {pool.market} in {site.key}"
    for candidate in site.candidates:
        offer = candidate.offer
        if (offer.instance_type, offer.market, offer.gpu) == (
            pool.instance_type,
            pool.market,
            pool.gpu,
        ):
            replicas = tuple(_replicas(r, candidate, settings, what) for r in pool.replicas)
            return BoughtNodes(candidate=candidate, nodes=pool.nodes, replicas=replicas)
    raise CannotRebuildError(f"{what} is not on sale, or the settings no longer allow it")


def _replicas(
    pinned: PinnedReplicas, candidate: Candidate, settings: Settings, what: str
) -> tuple[Option, int]:
    labels = [workload.label for workload in settings.workloads]
    if pinned.workload not in labels:
        raise CannotRebuildError(f"workload {pinned.workload} is no longer asked for")
    mine = [o for o in candidate.options if labels[o.workload] == pinned.workload]
    exact = [o for o in mine if _is_exactly(o, pinned)]
    # Sizing may have found a better shape since: what ran on as many GPUs, or on parts of them, moves to it.
    parts = sorted((o for o in mine if o.shape.gpus <= pinned.gpus), key=lambda o: -o.shape.gpus)
    for option in (*exact, *parts):
        return option, pinned.replicas * (pinned.gpus // option.shape.gpus)
    raise CannotRebuildError(
        f"{pinned.workload} no longer runs on {pinned.gpus} x {candidate.offer.gpu} ({what})"
    )


def _is_exactly(option: Option, pinned: PinnedReplicas) -> bool:
    shape = option.shape
    return (shape.gpus, shape.weight_precision) == (pinned.gpus, pinned.precision)


def _cpu(cluster: PinnedCluster, site: Site) -> tuple[tuple[CpuChoice, int], ...]:
    if cluster.cpu is None:
        return ()
    for choice in site.cpu_choices:
        if choice.offer.instance_type == cluster.cpu.instance_type:
            return ((choice, cluster.cpu.nodes),)
    raise CannotRebuildError(f"{cluster.cpu.instance_type} is not on sale in {site.key}")


def answered(opened: Sequence[Opened], settings: Settings) -> list[tuple[float, ...]]:
    """Return each cluster's share of each workload: what it holds, those with the cheapest egress first."""
    shares = [[0.0] * len(settings.workloads) for _ in opened]
    for index, workload in enumerate(settings.workloads):
        left = 1.0
        demand = workload.target_rps * settings.headroom
        order = sorted(range(len(opened)), key=lambda n: opened[n][0].egress_usd_per_hour[index])
        for number in order:
            share = min(left, _held(opened[number][1], index) / demand)
            shares[number][index] = share
            left -= share
    return [tuple(share) for share in shares]


def _held(bought: Iterable[BoughtNodes], workload: int) -> float:
    return sum(
        option.shape.capacity_rps.low * count
        for nodes in bought
        for option, count in nodes.replicas
        if option.workload == workload
    )
