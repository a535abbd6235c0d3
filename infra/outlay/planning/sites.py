"""Where a cluster could stand: one provider and region, what it costs standing there, its CPU nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from outlay.catalog import Catalog, CpuOffer
from outlay.catalog.llm_d import ROUTER_CPUS, ROUTER_MEMORY_GIB
from outlay.catalog.providers import ROUTERS_ON_GPU_NODES
from outlay.planning.candidates import Candidate
from outlay.planning.demand import mean_share
from outlay.planning.egress import egress_gb_per_month, egress_usd_per_hour
from outlay.planning.nodes import allocatable
from outlay.planning.plan import LeftOut
from outlay.pricing.disks import node_disk_hour
from outlay.pricing.rates import Rates
from outlay.pricing.standing import standing_costs
from outlay.pricing.types import CostLine, Unpriced
from outlay.settings import Settings

CPU_DISK_GIB = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuChoice:
    """One CPU instance type and how many routers (one per served workload) fit on a node of it."""

    offer: CpuOffer
    routers_per_node: int
    disk_usd_per_hour: Decimal

    @property
    def usd_per_hour(self) -> Decimal:
        """One node with its disk."""
        return self.offer.usd_per_hour + self.disk_usd_per_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One possible cluster."""

    provider: str
    region: str
    standing: tuple[CostLine, ...]
    cpu_choices: tuple[CpuChoice, ...]
    egress_usd_per_hour: tuple[Decimal, ...]
    candidates: tuple[Candidate, ...]

    @property
    def key(self) -> str:
        """Stable identity, also the order in which ties break."""
        return f"{self.provider}/{self.region}"

    @property
    def standing_usd_per_hour(self) -> Decimal:
        """The opened cluster before it has a node."""
        return sum((line.usd_per_hour for line in self.standing), Decimal(0))

    def fixed_usd_per_hour(self, *, routers: int) -> Decimal:
        """Return the least cost of the opened cluster with CPU nodes for that many routers."""
        cpu = (c.usd_per_hour * -(-routers // c.routers_per_node) for c in self.cpu_choices)
        return self.standing_usd_per_hour + min(cpu, default=Decimal(0))


def sites(
    candidates: Iterable[Candidate], settings: Settings, catalog: Catalog
) -> tuple[tuple[Site, ...], tuple[LeftOut, ...]]:
    """Group candidates into possible clusters; one that cannot be priced whole is left out."""
    rates = Rates(catalog)
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[candidate.offer.provider, candidate.offer.region].append(candidate)
    kept: list[Site] = []
    left_out: list[LeftOut] = []
    for (provider, region), group in sorted(groups.items()):
        site = _site(provider, region, group, settings, rates)
        if isinstance(site, Site):
            kept.append(site)
        else:
            left_out.append(LeftOut(what=f"{provider}/{region}", reason=site.reason))
    return tuple(kept), tuple(left_out)


def _site(
    provider: str, region: str, group: list[Candidate], settings: Settings, rates: Rates
) -> Site | Unpriced:
    standing = standing_costs(rates, provider=provider, region=region)
    if isinstance(standing, Unpriced):
        return standing
    egress = _egress(provider, region, settings, rates)
    if isinstance(egress, Unpriced):
        return egress
    cpu_choices = _cpu_choices(provider, region, rates)
    if isinstance(cpu_choices, Unpriced):
        return cpu_choices
    return Site(
        provider=provider,
        region=region,
        standing=standing,
        cpu_choices=cpu_choices,
        egress_usd_per_hour=egress,
        candidates=tuple(group),
    )


def _egress(
    provider: str, region: str, settings: Settings, rates: Rates
) -> tuple[Decimal, ...] | Unpriced:
    costs: list[Decimal] = []
    for workload in settings.workloads:
        volume = egress_gb_per_month(
            rps=workload.target_rps * float(mean_share(workload)),
            output_tokens=workload.output_tokens,
            bytes_per_token=settings.egress_bytes_per_output_token,
        )
        cost = egress_usd_per_hour(rates, provider=provider, region=region, gb_per_month=volume)
        if isinstance(cost, Unpriced):
            return cost
        costs.append(cost)
    return tuple(costs)


def _cpu_choices(provider: str, region: str, rates: Rates) -> tuple[CpuChoice, ...] | Unpriced:
    choices: list[CpuChoice] = []
    disk = node_disk_hour(rates, provider=provider, region=region, gib=CPU_DISK_GIB)
    if isinstance(disk, Unpriced):
        return disk
    for offer in rates.cpu_offers(provider=provider, region=region):
        room = allocatable(
            provider=provider, vcpus=offer.vcpus, host_memory_gib=offer.host_memory_gib
        )
        routers = min(room.cpus // ROUTER_CPUS, room.memory_gib // ROUTER_MEMORY_GIB)
        if routers:
            choices.append(CpuChoice(offer=offer, routers_per_node=routers, disk_usd_per_hour=disk))
    if not choices and provider not in ROUTERS_ON_GPU_NODES:
        return Unpriced(reason=f"no priced CPU node that holds a router at {provider} in {region}")
    return tuple(sorted(choices, key=lambda c: (c.usd_per_hour, c.offer.instance_type)))
