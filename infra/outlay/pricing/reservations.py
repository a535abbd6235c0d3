"""Nodes that run on reserved capacity: the reservation pays for them, so they count once.

A reservation costs the same whether or not anything runs on it. Which nodes run on it is decided by
the cloud when they start; a stack says it by a tag of the same value on both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from outlay.catalog import Market
from outlay.pricing.types import Cost, NodeSet

# One spelling that every cloud allows for a tag or label.
TAG = "outlay-reservation"
_TAG_FIELDS = ("tags", "labels", "resourceLabels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What would be counted twice, in USD per hour; to be taken off a sum over both."""

    low: Decimal
    expected: Decimal
    high: Decimal


NOTHING = Overlap(low=Decimal(0), expected=Decimal(0), high=Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserving:
    """A reservation and the nodes that say they run on it."""

    name: str
    reserved: NodeSet
    used_by: tuple[NodeSet, ...]

    @property
    def idle(self) -> int:
        """Reserved nodes that nothing is declared to run on."""
        used = sum(nodes.expected for nodes in self.used_by)
        return max(self.reserved.expected - used, 0)

    @property
    def overlap(self) -> Overlap:
        """What reservation and users cost twice: never more than the reservation itself."""
        usd, count = self.reserved.usd_per_node_hour, self.reserved.expected

        def twice(used: int) -> Decimal:
            return usd * min(count, used)

        return Overlap(
            low=twice(sum(nodes.low for nodes in self.used_by)),
            expected=twice(sum(nodes.expected for nodes in self.used_by)),
            high=twice(sum(nodes.high for nodes in self.used_by)),
        )


def reservation_named(inputs: Mapping[str, object]) -> str | None:
    """Return the reservation that a resource's tags name, if any."""
    for field in _TAG_FIELDS:
        tags = inputs.get(field)
        if isinstance(tags, Mapping):
            named = tags.get(TAG)
            if isinstance(named, str):
                return named
    return None


def reservations(priced: Iterable[tuple[str, Cost]]) -> tuple[Reserving, ...]:
    """Pair reservations with the on-demand nodes of the same name, provider, region and type.

    `priced` holds what each resource's tag names and its cost. Several reservations of one name share
    their users in order.
    """
    found = [(name, nodes) for name, cost in priced for nodes in cost.nodes]
    users = {
        (name, _machine(nodes)): list(_users(name, nodes, found))
        for name, nodes in found
        if nodes.reserved
    }
    return tuple(
        Reserving(name=name, reserved=nodes, used_by=tuple(_taken(users[name, _machine(nodes)])))
        for name, nodes in found
        if nodes.reserved
    )


def overlap(priced: Iterable[tuple[str, Cost]]) -> Overlap:
    """Return what to take off the sum of these costs."""
    each = [pair.overlap for pair in reservations(priced)]
    return Overlap(
        low=sum((one.low for one in each), Decimal(0)),
        expected=sum((one.expected for one in each), Decimal(0)),
        high=sum((one.high for one in each), Decimal(0)),
    )


def _machine(nodes: NodeSet) -> tuple[str, str, str]:
    return nodes.provider, nodes.region, nodes.instance_types[0]


def _users(name: str, reserved: NodeSet, found: Iterable[tuple[str, NodeSet]]) -> Iterator[NodeSet]:
    for other, nodes in found:
        runs_there = not nodes.reserved and nodes.market is Market.ON_DEMAND
        same = other == name and nodes.instance_types == reserved.instance_types
        if runs_there and same and _machine(nodes) == _machine(reserved):
            yield nodes


def _taken(users: list[NodeSet]) -> list[NodeSet]:
    """Return the users once: a second reservation of the name gets none, which counts too much, not too little."""
    taken, users[:] = list(users), []
    return taken
