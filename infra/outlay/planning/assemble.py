"""A solved fleet becomes a Plan: names, placements, fixed costs, warnings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from outlay.catalog import Catalog, Market
from outlay.catalog.names import normalise
from outlay.planning.demand import least_share, mean_share, periods
from outlay.planning.fleet import BoughtNodes, Fleet, OpenedSite
from outlay.planning.nodes import replica_room
from outlay.planning.plan import (
    Cluster,
    CpuPool,
    FixedCost,
    LeftOut,
    Placement,
    Plan,
    Pool,
    Workload,
)
from outlay.planning.scaling import shrunk, with_bounds
from outlay.planning.sites import CPU_DISK_GIB, CpuChoice
from outlay.planning.warnings import warnings
from outlay.pricing.types import Category
from outlay.settings import Settings

LEAST_SHARE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose plan it is; both become part of cloud names and tags."""

    project: str
    stack: str


def assemble(
    fleet: Fleet,
    *,
    settings: Settings,
    catalog: Catalog,
    identity: Identity,
    left_out: Iterable[LeftOut],
) -> Plan:
    """Return the Plan of a solved fleet."""
    clusters = tuple(_cluster(opened, settings, identity) for opened in fleet.opened)
    plan = Plan(
        project=identity.project,
        stack=identity.stack,
        namespace=settings.namespace,
        workloads=tuple(_workloads(settings, catalog)),
        clusters=clusters,
        fixed_costs=tuple(
            cost
            for opened, cluster in zip(fleet.opened, clusters, strict=True)
            for cost in _fixed_costs(opened, cluster.name, settings)
        ),
        budget_usd_per_month=settings.budget_usd_per_month,
        mip_gap=fleet.gap,
        price_book=catalog.price_book,
        tags=tuple(sorted(settings.tags.items())),
        left_out=tuple(left_out),
        warnings=tuple(warnings(fleet, settings=settings, catalog=catalog)),
    )
    lowest = {workload.label: least_share(workload) for workload in settings.workloads}
    return with_bounds(_with_overhead(plan, settings), settings, lowest=lowest)


def _with_overhead(plan: Plan, settings: Settings) -> Plan:
    """Add what management costs beside, a share of everything else that the user states."""
    if not settings.management_overhead_percent:
        return plan
    percent = Decimal(repr(settings.management_overhead_percent))
    overhead = FixedCost(
        what=f"management overhead, {settings.management_overhead_percent:g} %",
        cluster=plan.clusters[0].name,
        category=Category.MANAGEMENT,
        usd_per_hour=plan.usd_per_hour * percent / 100,
        is_usage=True,
    )
    return replace(plan, fixed_costs=(*plan.fixed_costs, overhead))


def _workloads(settings: Settings, catalog: Catalog) -> Iterable[Workload]:
    for workload in settings.workloads:
        yield Workload(
            name=workload.label,
            model=workload.model,
            hf_id=workload.checkpoint or catalog.model(workload.model).hf_id,
            target_rps=workload.target_rps,
            input_tokens=workload.input_tokens,
            output_tokens=workload.output_tokens,
            ttft_slo_ms=workload.ttft_ms,
            tpot_slo_ms=workload.tpot_ms,
            prefix_cache_hit_share=workload.prefix_cache_hit_share,
            team=workload.team or settings.tags.get("team", ""),
            mean_share=mean_share(workload),
        )


def _cluster(opened: OpenedSite, settings: Settings, identity: Identity) -> Cluster:
    site = opened.site
    name = cluster_name(identity, provider=site.provider, region=site.region)
    return Cluster(
        name=name,
        provider=site.provider,
        region=site.region,
        cpu_pool=_cpu_pool(name, opened.cpu_nodes),
        pools=tuple(_pool(name, bought, settings) for bought in opened.bought),
        placements=tuple(
            p for bought in opened.bought for p in _placements(name, bought, settings)
        ),
    )


def cluster_name(identity: Identity, *, provider: str, region: str) -> str:
    """Return a name that every cloud takes: lower-case letters, digits and dashes, a letter first."""
    text = f"{identity.project}-{identity.stack}-{provider}-{region}".lower()
    name = re.sub(r"[^a-z0-9]+", "-", text).strip("-")
    return name if name[0].isalpha() else f"x-{name}"


def pool_name(instance_type: str, gpu: str, market: Market) -> str:
    """Return a DNS label of at most 40 characters, unique in its cluster."""
    machine, _, attached = instance_type.partition("+")
    parts = [machine, gpu if attached else "", market]
    return "-".join(normalise(part).replace(".", "-") for part in parts if part)


def _pool(cluster: str, bought: BoughtNodes, settings: Settings) -> Pool:
    offer = bought.candidate.offer
    return Pool(
        name=pool_name(offer.instance_type, offer.gpu, offer.market),
        cluster=cluster,
        provider=offer.provider,
        region=offer.region,
        instance_type=offer.instance_type,
        market=offer.market,
        gpu=offer.gpu,
        gpus_per_node=offer.gpus_per_node,
        vcpus=offer.vcpus,
        host_memory_gib=offer.host_memory_gib,
        nodes=bought.nodes,
        min_nodes=bought.nodes,
        max_nodes=bought.nodes,
        disk_gib=bought.candidate.disk_gib,
        usd_per_node_hour=offer.usd_per_hour,
        disk_usd_per_node_hour=bought.candidate.disk_usd_per_hour,
        price_as_of=offer.as_of,
        price_source=offer.source,
        paid_share=paid_share(bought, settings),
    )


def paid_share(bought: BoughtNodes, settings: Settings) -> Decimal:
    """Return the share of the nodes that runs in an average hour: replicas shrink with the demand."""
    week = periods(settings)
    if len(week) == 1 or not bought.replicas:
        return Decimal(1)
    stays = 0 < settings.max_spot_share < 1 and bought.candidate.offer.market is Market.ON_DEMAND
    hours = 0
    for period in week:
        gpus = sum(
            option.shape.gpus * shrunk(count, 1.0 if stays else period.shares[option.workload])
            for option, count in bought.replicas
        )
        hours += period.hours * -(-gpus // bought.candidate.offer.gpus_per_node)
    return Decimal(hours) / (sum(period.hours for period in week) * bought.nodes)


def _cpu_pool(cluster: str, nodes: tuple[tuple[CpuChoice, int], ...]) -> CpuPool | None:
    for choice, count in nodes:
        return CpuPool(
            name="cpu",
            cluster=cluster,
            instance_type=choice.offer.instance_type,
            vcpus=choice.offer.vcpus,
            host_memory_gib=choice.offer.host_memory_gib,
            nodes=count,
            disk_gib=CPU_DISK_GIB,
            usd_per_node_hour=choice.offer.usd_per_hour,
        )
    return None


def _placements(cluster: str, bought: BoughtNodes, settings: Settings) -> Iterable[Placement]:
    offer = bought.candidate.offer
    for option, count in bought.replicas:
        room = replica_room(
            bought.candidate.allocatable,
            gpus_per_node=offer.gpus_per_node,
            gpus=option.shape.gpus,
        )
        yield Placement(
            workload=settings.workloads[option.workload].label,
            pool=pool_name(offer.instance_type, offer.gpu, offer.market),
            cluster=cluster,
            replicas=count,
            min_replicas=count,
            max_replicas=count,
            shape=option.shape,
            cpus=room.cpus,
            memory_gib=room.memory_gib,
        )


def _fixed_costs(opened: OpenedSite, cluster: str, settings: Settings) -> Iterable[FixedCost]:
    def cost(what: str, category: Category, usd: Decimal, *, workload: str = "") -> FixedCost:
        return FixedCost(
            what=what,
            cluster=cluster,
            category=category,
            usd_per_hour=usd,
            is_usage=bool(workload),
            workload=workload,
        )

    for line in opened.site.standing:
        yield cost(line.what, line.category, line.usd_per_hour)
    for choice, count in opened.cpu_nodes:
        what = f"{count} x {choice.offer.instance_type} for routers and system pods"
        yield cost(what, Category.CPU, choice.offer.usd_per_hour * count)
        yield cost(
            f"disks of {count} CPU nodes", Category.STORAGE, choice.disk_usd_per_hour * count
        )
    for bought in opened.bought:
        candidate = bought.candidate
        what = f"{bought.nodes} x {candidate.disk_gib} GiB disk of {candidate.offer.instance_type}"
        yield cost(
            what,
            Category.STORAGE,
            candidate.disk_usd_per_hour * bought.nodes * paid_share(bought, settings),
        )
    for workload, share, usd in zip(
        settings.workloads, opened.shares, opened.site.egress_usd_per_hour, strict=True
    ):
        if share > LEAST_SHARE and usd:
            amount = usd * Decimal(str(round(share, 9)))
            yield cost(
                f"egress of {workload.label}", Category.NETWORK, amount, workload=workload.label
            )
