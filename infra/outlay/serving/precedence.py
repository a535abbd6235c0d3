"""Which replicas may move to another pool, and who goes first where several want the same GPUs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from outlay.catalog.types import Market
from outlay.planning.plan import Cluster, Placement
from outlay.serving.context import PriorityClassContext

# Above any number of GPUs in one replica, which is the value of the ordinary classes.
AT_HOME = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedence:
    """The order of one cluster's replicas.

    `fallbacks` names, for each spot pool, the on-demand pools with the same GPU. `mixed` pools hold
    replicas of several sizes: the planner counts GPUs, which is exact when large replicas are placed
    first, but the scheduler places in any order; only preemption brings it back to that packing.
    """

    fallbacks: Mapping[str, tuple[str, ...]]
    mixed: frozenset[str]
    classes: tuple[PriorityClassContext, ...]

    @classmethod
    def of(cls, cluster: Cluster) -> Precedence:
        """Return the order that a cluster's pools and placements ask for."""
        fallbacks = _fallbacks(cluster)
        order = cls(fallbacks=fallbacks, mixed=_mixed(cluster), classes=())
        named = {order.priority_class(p): p.shape.gpus for p in cluster.placements if p.replicas}
        classes = [_class(name, gpus) for name, gpus in named.items() if name]
        classes.sort(key=lambda item: (item.value, item.name))
        return cls(fallbacks=fallbacks, mixed=order.mixed, classes=tuple(classes))

    def priority_class(self, placement: Placement) -> str | None:
        """Return the name of a placement's class, None where nobody competes."""
        lent = {pool for pools in self.fallbacks.values() for pool in pools}
        if placement.pool in lent:
            return f"outlay-home-{placement.shape.gpus}-gpus"
        if placement.pool in self.mixed or placement.pool in self.fallbacks:
            return f"outlay-replica-{placement.shape.gpus}-gpus"
        return None


def _class(name: str, gpus: int) -> PriorityClassContext:
    if name.startswith("outlay-home"):
        return PriorityClassContext(
            name=name,
            value=AT_HOME + gpus,
            description=f"Model servers of {gpus} GPUs on a pool that takes those of lost spot nodes",
        )
    return PriorityClassContext(
        name=name,
        value=gpus,
        description=f"Model servers of {gpus} GPUs, where several kinds want the same nodes",
    )


def _fallbacks(cluster: Cluster) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for spot in cluster.pools:
        others = tuple(
            pool.name
            for pool in cluster.pools
            if pool.market is Market.ON_DEMAND and pool.gpu == spot.gpu
        )
        if spot.market is Market.SPOT and others:
            found[spot.name] = others
    return found


def _mixed(cluster: Cluster) -> frozenset[str]:
    sizes: dict[str, set[int]] = {}
    for placement in cluster.placements:
        if placement.replicas:
            sizes.setdefault(placement.pool, set()).add(placement.shape.gpus)
    return frozenset(pool for pool, found in sizes.items() if len(found) > 1)
