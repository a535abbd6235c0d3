"""From one plan to another: pools added, grown, shrunk and removed, in an order that keeps serving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from outlay.catalog import Market
from outlay.planning.pin_file import Pin
from outlay.planning.plan import CpuPool, Plan, Pool
from outlay.pricing.types import HOURS_PER_MONTH


class Kind(StrEnum):
    """What happens to a pool, in the safe order: all that adds capacity before all that takes it."""

    ADD = "add"
    GROW = "grow"
    SHRINK = "shrink"
    REMOVE = "remove"


ORDER = tuple(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One pool's change of nodes; USD a month are of its nodes, disks not included.

    None where what was pinned has no price any more.
    """

    kind: Kind
    provider: str
    region: str
    instance_type: str
    market: str
    nodes_before: int
    nodes_after: int
    usd_per_month: Decimal | None


@dataclass(frozen=True, slots=True)
class _Nodes:
    count: int
    usd_per_node_hour: Decimal | None


_Key = tuple[str, str, str, str]


def moves(pin: Pin, after: Plan, *, priced: Plan | None) -> tuple[Move, ...]:
    """Return what to change, GPU and CPU pools, what adds capacity first; none for the same nodes.

    `priced` is the pin's plan at today's prices, where it has one.
    """
    prices = {key: nodes.usd_per_node_hour for key, nodes in _bought(priced).items()}
    old = {key: _Nodes(count, prices.get(key)) for key, count in _pinned(pin)}
    new = _bought(after)
    found = [
        _move(key, old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys())
        if _count(old.get(key)) != _count(new.get(key))
    ]
    return tuple(sorted(found, key=lambda move: ORDER.index(move.kind)))


def _pinned(pin: Pin) -> Iterator[tuple[_Key, int]]:
    for cluster in pin.clusters:
        for pool in cluster.pools:
            key = (cluster.provider, cluster.region, pool.instance_type, pool.market.value)
            yield key, pool.nodes
        if cluster.cpu is not None:
            on_demand = Market.ON_DEMAND.value
            key = (cluster.provider, cluster.region, cluster.cpu.instance_type, on_demand)
            yield key, cluster.cpu.nodes


def _bought(plan: Plan | None) -> dict[_Key, _Nodes]:
    found: dict[_Key, _Nodes] = {}
    for cluster in plan.clusters if plan else ():
        cpu = (cluster.cpu_pool,) if cluster.cpu_pool else ()
        everything: Iterable[Pool | CpuPool] = (*cluster.pools, *cpu)
        for pool in everything:
            market = pool.market if isinstance(pool, Pool) else Market.ON_DEMAND
            key = (cluster.provider, cluster.region, pool.instance_type, market.value)
            found[key] = _Nodes(pool.nodes, pool.usd_per_node_hour)
    return found


def _count(nodes: _Nodes | None) -> int:
    return nodes.count if nodes else 0


def _move(key: _Key, old: _Nodes | None, new: _Nodes | None) -> Move:
    before, after = _count(old), _count(new)
    if old is None:
        kind = Kind.ADD
    elif new is None:
        kind = Kind.REMOVE
    else:
        kind = Kind.GROW if after > before else Kind.SHRINK
    paid, saved = _usd(new), _usd(old)
    provider, region, instance_type, market = key
    return Move(
        kind=kind,
        provider=provider,
        region=region,
        instance_type=instance_type,
        market=market,
        nodes_before=before,
        nodes_after=after,
        usd_per_month=None if paid is None or saved is None else paid - saved,
    )


def _usd(nodes: _Nodes | None) -> Decimal | None:
    """USD a month of all nodes of a pool."""
    if nodes is None:
        return Decimal(0)
    price = nodes.usd_per_node_hour
    return None if price is None else price * nodes.count * HOURS_PER_MONTH
