"""The Plan: the one value that planning hands to clouds, serving and reporting.

Frozen and JSON-serialisable. Whatever reads it only turns it into something and never re-decides.
Money is exact (Decimal, USD); hourly unless the name says otherwise; a month has 730 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from outlay.catalog import Market, PriceBook
from outlay.pricing.types import HOURS_PER_MONTH, Category
from outlay.sizing.types import Interval, ReplicaShape

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """GPU nodes of one offer in one cluster; `nodes` are planned, an autoscaler stays in the bounds.

    `paid_share` is the share of the planned nodes that runs in an average hour of the demand profile.
    """

    name: str
    cluster: str
    provider: str
    region: str
    instance_type: str
    market: Market
    gpu: str
    gpus_per_node: int
    vcpus: int
    host_memory_gib: float
    nodes: int
    min_nodes: int
    max_nodes: int
    disk_gib: int
    usd_per_node_hour: Decimal
    disk_usd_per_node_hour: Decimal
    price_as_of: str
    price_source: str
    paid_share: Decimal = Decimal(1)

    @property
    def usd_per_hour(self) -> Decimal:
        """Price of the nodes in an average hour, their disks not included."""
        return self.usd_per_node_hour * self.mean_nodes

    @property
    def mean_nodes(self) -> Decimal:
        """Nodes that run in an average hour."""
        return self.nodes * self.paid_share


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuPool:
    """On-demand CPU nodes of one cluster, for routers and system pods."""

    name: str
    cluster: str
    instance_type: str
    vcpus: int
    host_memory_gib: float
    nodes: int
    disk_gib: int
    usd_per_node_hour: Decimal


class Role(StrEnum):
    """What a replica does: whole requests, their prompts only, or their answers only."""

    BOTH = "both"
    PREFILL = "prefill"
    DECODE = "decode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Replicas of one shape that run for one workload on one pool.

    `replicas` are planned; an autoscaler stays in the bounds, which fit those of the pool. `cpus` and
    `memory_gib` are what one replica may request on a node of that pool.
    """

    workload: str
    pool: str
    cluster: str
    replicas: int
    min_replicas: int
    max_replicas: int
    shape: ReplicaShape
    cpus: int
    memory_gib: int
    role: Role = Role.BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One Kubernetes cluster of one provider in one region."""

    name: str
    provider: str
    region: str
    cpu_pool: CpuPool | None
    pools: tuple[Pool, ...]
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One model with its demand and promise; `name` is a DNS label, unique in the plan.

    `target_rps` is the highest demand, of which there is `mean_share` in an average hour. `team` pays
    for it, and is empty where none is named.
    """

    name: str
    model: str
    hf_id: str
    target_rps: float
    input_tokens: int
    output_tokens: int
    ttft_slo_ms: float
    tpot_slo_ms: float
    prefix_cache_hit_share: float = 0.0
    team: str = ""
    mean_share: Decimal = Decimal(1)

    @property
    def mean_rps(self) -> Decimal:
        """Requests per second of an average hour."""
        return Decimal(repr(self.target_rps)) * self.mean_share


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCost:
    """A cost beside the GPU nodes: control plane, CPU nodes, NAT, addresses, disks, egress.

    `workload` names the one that causes it; empty for what all of a cluster share.
    """

    what: str
    cluster: str
    category: Category
    usd_per_hour: Decimal
    is_usage: bool
    workload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotPool:
    """What is expected of one pool's spot nodes, and what that rests on.

    `hazard_per_hour` is of interruptions of one running node, `available_share` of the time in which
    capacity can be had, `ready_share` of the time in which one planned node serves.
    `usd_per_useful_hour` counts the hours in which a node starts, which are billed too.
    `own_hours` and `own_launches` are the user's own observations; 0 means prior alone.
    `bucket` is AWS's interruption frequency, 0 (< 5 % a month) to 4 (> 20 %): it ranks, and enters no
    figure.
    """

    pool: str
    cluster: str
    hazard_per_hour: float
    available_share: float
    ready_share: float
    usd_per_useful_hour: Decimal
    own_hours: float
    own_launches: int
    bucket: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """How much of one workload's demand is served inside its SLO.

    `share` is of the demand, in expectation; `whole_share` of the time in which all of it is.
    """

    workload: str
    share: float
    whole_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRisk:
    """What the comings and goings of spot nodes do to a plan: docs/spot.md has the formulas.

    `usd_per_hour` is what is paid in expectation: nodes that cannot be had cost nothing.
    `fallback_usd_per_hour` and `fallback_share` are for on-demand nodes of the same types in place of
    missing ones; None where such a type has no on-demand price.
    """

    pools: tuple[SpotPool, ...]
    served: tuple[Served, ...]
    share: float
    usd_per_hour: Decimal
    fallback_usd_per_hour: Decimal | None
    fallback_share: float | None

    @property
    def usd_per_month(self) -> Decimal:
        """730 hours of what is paid."""
        return self.usd_per_hour * HOURS_PER_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Something that did not compete, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to buy for some workloads, what it costs, and how sure that is."""

    project: str
    stack: str
    namespace: str
    workloads: tuple[Workload, ...]
    clusters: tuple[Cluster, ...]
    fixed_costs: tuple[FixedCost, ...]
    budget_usd_per_month: Decimal | None
    mip_gap: float
    price_book: PriceBook
    tags: tuple[tuple[str, str], ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    spot_risk: SpotRisk | None = None

    @property
    def pools(self) -> tuple[Pool, ...]:
        """All GPU pools, in cluster order."""
        return tuple(pool for cluster in self.clusters for pool in cluster.pools)

    @property
    def placements(self) -> tuple[Placement, ...]:
        """All placements, in cluster order."""
        return tuple(placement for cluster in self.clusters for placement in cluster.placements)

    @property
    def usd_per_hour(self) -> Decimal:
        """Everything together."""
        nodes = sum((pool.usd_per_hour for pool in self.pools), Decimal(0))
        return nodes + sum((cost.usd_per_hour for cost in self.fixed_costs), Decimal(0))

    @property
    def usd_per_month(self) -> Decimal:
        """730 hours of everything."""
        return self.usd_per_hour * HOURS_PER_MONTH

    @property
    def breakdown(self) -> dict[Category, Decimal]:
        """USD per hour by what it is spent on; sums to `usd_per_hour`."""
        parts = dict.fromkeys(Category, Decimal(0))
        parts[Category.GPU] = sum((pool.usd_per_hour for pool in self.pools), Decimal(0))
        for cost in self.fixed_costs:
            parts[cost.category] += cost.usd_per_hour
        return parts

    @property
    def requests_per_hour(self) -> Decimal:
        """Demand of all workloads in an average hour."""
        return sum((w.mean_rps for w in self.workloads), Decimal(0)) * SECONDS_PER_HOUR

    @property
    def usd_per_request(self) -> Decimal:
        """Hourly cost over the demand, whatever the model."""
        return self.usd_per_hour / self.requests_per_hour

    @property
    def usd_per_million_tokens(self) -> Decimal:
        """Hourly cost over prompt and output tokens together."""
        return self._per_million([w.input_tokens + w.output_tokens for w in self.workloads])

    @property
    def usd_per_million_output_tokens(self) -> Decimal:
        """Hourly cost over output tokens alone."""
        return self._per_million([w.output_tokens for w in self.workloads])

    def _per_million(self, tokens: list[int]) -> Decimal:
        pairs = zip(self.workloads, tokens, strict=True)
        per_second = sum((w.mean_rps * count for w, count in pairs), Decimal(0))
        return self.usd_per_hour / (per_second * SECONDS_PER_HOUR / 1_000_000)

    def capacity_rps(self, workload: str) -> Interval:
        """Return the summed capacity of a workload's replicas."""
        parts = [
            p.shape.capacity_rps.scaled(p.replicas)
            for p in self.placements
            if p.workload == workload
        ]
        return Interval(
            low=sum(part.low for part in parts),
            expected=sum(part.expected for part in parts),
            high=sum(part.high for part in parts),
        )
