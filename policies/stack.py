"""Everything that a stack declares, and what it costs together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from outlay.pricing.reservations import Reserving, reservation_named, reservations
from outlay.pricing.total import Bill, PricedResource, total
from outlay.pricing.types import HOURS_PER_MONTH, Cost
from policies.declared import Declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """USD per hour at the declared sizes and with every pool at its maximum."""

    expected: Decimal
    worst: Decimal

    @property
    def usd_per_month(self) -> Decimal:
        """730 hours at the declared sizes."""
        return self.expected * HOURS_PER_MONTH

    @property
    def worst_usd_per_month(self) -> Decimal:
        """730 hours at the maximum."""
        return self.worst * HOURS_PER_MONTH


@dataclass(frozen=True)
class Stack:
    """The resources of a stack. Reserved nodes count once, idle or in use.

    `parents` are the URNs of those that others lie in.
    """

    resources: tuple[Declared, ...]
    parents: frozenset[str] = frozenset()

    @cached_property
    def bill(self) -> Bill:
        """What each resource costs; nodes on reserved capacity are in it twice."""
        return total(
            PricedResource(name=each.name, resource_type=each.resource_type, price=each.price)
            for each in self.resources
        )

    @cached_property
    def reserving(self) -> tuple[Reserving, ...]:
        """The reservations, each with the nodes that say they run on it."""
        return reservations(_named(self.resources))

    @cached_property
    def spend(self) -> Spend:
        """What the stack costs: a lower bound while something has no price."""
        twice = [each.overlap for each in self.reserving]
        return Spend(
            expected=self.bill.expected - sum((each.expected for each in twice), Decimal(0)),
            worst=self.bill.high - sum((each.high for each in twice), Decimal(0)),
        )


def _named(resources: Iterable[Declared]) -> Iterable[tuple[str, Cost]]:
    for each in resources:
        name = reservation_named(each.inputs)
        if isinstance(each.price, Cost):
            # Without a name it is still a reservation, which nobody can claim.
            yield name if name is not None else each.urn, each.price
