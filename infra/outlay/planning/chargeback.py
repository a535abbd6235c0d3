"""Who pays for what: a plan's cost by workload, model and team, by the share of capacity used.

A workload uses its replicas' GPUs to the share that its demand is of their safe capacity, both of an
average hour. What it holds beyond that is idle, as are GPUs that no replica stands on; both are shown apart. Costs that a
cluster's workloads share are split by what they use. Everything sums to the plan's cost exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from outlay.planning.plan import SECONDS_PER_HOUR, Cluster, Placement, Plan, Pool, Workload
from outlay.pricing.types import HOURS_PER_MONTH

MILLION = 1_000_000
DIGITS = 12
UNASSIGNED = "(no team)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One workload's part of the bill, USD per hour.

    `gpu` is of the capacity it uses, `shared` its part of what clusters cost beside GPU nodes,
    `egress` its own. `idle` is of capacity it holds and does not use; it is no part of `charged`.
    `prompt_share` is the part of its replicas' time that goes into reading prompts.
    """

    workload: Workload
    gpu: Decimal
    shared: Decimal
    egress: Decimal
    idle: Decimal
    prompt_share: float

    @property
    def team(self) -> str:
        """The team that pays."""
        return self.workload.team or UNASSIGNED

    @property
    def charged(self) -> Decimal:
        """What the workload pays for: everything but what stands idle."""
        return self.gpu + self.shared + self.egress

    @property
    def whole(self) -> Decimal:
        """What serving it costs, its idle capacity included."""
        return self.charged + self.idle

    @property
    def usd_per_request(self) -> Decimal:
        """Whole cost over the demand."""
        return self.whole / (self.workload.mean_rps * SECONDS_PER_HOUR)

    @property
    def usd_per_million_input_tokens(self) -> Decimal:
        """Price of prompt tokens; together with that of output tokens it earns the whole cost."""
        share = _exact(self.prompt_share)
        return self.usd_per_request * share / self.workload.input_tokens * MILLION

    @property
    def usd_per_million_output_tokens(self) -> Decimal:
        """Price of output tokens."""
        share = 1 - _exact(self.prompt_share)
        return self.usd_per_request * share / self.workload.output_tokens * MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """The charges of one model or team, USD per hour."""

    name: str
    charged: Decimal
    idle: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Chargeback:
    """A plan's bill: charges, what stands idle in their hands, and GPUs that nobody holds."""

    charges: tuple[Charge, ...]
    unallocated: Decimal
    total: Decimal

    @property
    def idle(self) -> Decimal:
        """Everything paid that serves nobody."""
        return self.unallocated + sum((c.idle for c in self.charges), Decimal(0))

    @property
    def by_team(self) -> tuple[Sum, ...]:
        """Charges by team, in order of the workloads."""
        return _sums(self.charges, lambda charge: charge.team)

    @property
    def by_model(self) -> tuple[Sum, ...]:
        """Charges by model, in order of the workloads."""
        return _sums(self.charges, lambda charge: charge.workload.model)


def _sums(charges: Iterable[Charge], name: Callable[[Charge], str]) -> tuple[Sum, ...]:
    groups: dict[str, list[Charge]] = {}
    for charge in charges:
        groups.setdefault(name(charge), []).append(charge)
    return tuple(
        Sum(
            name=key,
            charged=sum((c.charged for c in group), Decimal(0)),
            idle=sum((c.idle for c in group), Decimal(0)),
        )
        for key, group in groups.items()
    )


def chargeback(plan: Plan) -> Chargeback:
    """Split a plan's cost by workload."""
    usage = {w.name: _used_share(plan, w) for w in plan.workloads}
    charges = tuple(_charge(plan, workload, usage) for workload in plan.workloads)
    known = sum((charge.whole for charge in charges), Decimal(0))
    return Chargeback(
        charges=charges, unallocated=plan.usd_per_hour - known, total=plan.usd_per_hour
    )


def monthly(usd_per_hour: Decimal) -> Decimal:
    """Return 730 hours of a cost."""
    return usd_per_hour * HOURS_PER_MONTH


def _exact(value: float) -> Decimal:
    return Decimal(repr(round(value, DIGITS)))


def _used_share(plan: Plan, workload: Workload) -> Decimal:
    """The part of its safe capacity that a workload's demand takes, at most all."""
    pools = {(pool.cluster, pool.name): pool for pool in plan.pools}
    held = sum(
        (
            _exact(p.shape.capacity_rps.low) * p.replicas * pools[p.cluster, p.pool].paid_share
            for p in plan.placements
            if p.workload == workload.name
        ),
        Decimal(0),
    )
    return min(Decimal(1), workload.mean_rps / held)


def _charge(plan: Plan, workload: Workload, usage: dict[str, Decimal]) -> Charge:
    held = sum((_held(cluster, workload) for cluster in plan.clusters), Decimal(0))
    used = held * usage[workload.name]
    egress = [c.usd_per_hour for c in plan.fixed_costs if c.workload == workload.name]
    return Charge(
        workload=workload,
        gpu=used,
        shared=sum((_shared(plan, c, workload, usage) for c in plan.clusters), Decimal(0)),
        egress=sum(egress, Decimal(0)),
        idle=held - used,
        prompt_share=_prompt_share(plan, workload),
    )


def _held(cluster: Cluster, workload: Workload) -> Decimal:
    """The price of the GPUs that a workload's replicas stand on in a cluster."""
    pools = {pool.name: pool for pool in cluster.pools}
    placements = (p for p in cluster.placements if p.workload == workload.name)
    return sum((_price(p, pools[p.pool]) for p in placements), Decimal(0))


def _price(placement: Placement, pool: Pool) -> Decimal:
    gpus = placement.replicas * placement.shape.gpus
    return pool.usd_per_node_hour * pool.paid_share * gpus / pool.gpus_per_node


def _shared(plan: Plan, cluster: Cluster, workload: Workload, usage: dict[str, Decimal]) -> Decimal:
    """A workload's part of what its cluster costs beside GPU nodes, by what it uses there."""
    used = {w.name: _held(cluster, w) * usage[w.name] for w in plan.workloads}
    whole = sum(used.values(), Decimal(0))
    costs = (
        c.usd_per_hour for c in plan.fixed_costs if c.cluster == cluster.name and not c.workload
    )
    return sum(costs, Decimal(0)) * used[workload.name] / whole if whole else Decimal(0)


def _prompt_share(plan: Plan, workload: Workload) -> float:
    """Prefill time over all time of its replicas at their expected capacity."""
    own = [p for p in plan.placements if p.workload == workload.name]
    new = workload.input_tokens * (1 - workload.prefix_cache_hit_share)
    weights = [(p, p.shape.gpus * p.replicas) for p in own]
    busy = sum(
        gpus * min(1.0, p.shape.capacity_rps.expected * new / p.shape.prefill_tokens_per_s)
        for p, gpus in weights
    )
    return busy / sum(gpus for _, gpus in weights)
