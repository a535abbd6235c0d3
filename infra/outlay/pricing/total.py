"""Add prices up, and keep apart what has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from outlay.pricing.types import HOURS_PER_MONTH, Cost, Price, Unpriced


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedResource:
    """One resource with its price."""

    name: str
    resource_type: str
    price: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class CostedResource:
    """One resource that costs something."""

    name: str
    resource_type: str
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedResource:
    """One resource whose price is not known."""

    name: str
    resource_type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Sums in USD per hour, of priced resources only: a lower bound while `unpriced` is not empty."""

    low: Decimal
    expected: Decimal
    high: Decimal
    costs: tuple[CostedResource, ...]
    unpriced: tuple[UnpricedResource, ...]

    @property
    def usd_per_month(self) -> Decimal:
        """730 hours at the expected size."""
        return self.expected * HOURS_PER_MONTH

    @property
    def worst_usd_per_month(self) -> Decimal:
        """730 hours with every autoscaled pool at its maximum."""
        return self.high * HOURS_PER_MONTH

    def dearest(self, count: int) -> tuple[CostedResource, ...]:
        """Return the resources that cost most at the expected size, equals by name."""
        ranked = sorted(self.costs, key=lambda resource: (-resource.cost.expected, resource.name))
        return tuple(ranked[:count])


def total(resources: Iterable[PricedResource]) -> Bill:
    """Sum the prices of some resources."""
    costs: list[CostedResource] = []
    unpriced: list[UnpricedResource] = []
    for resource in resources:
        name, kind = resource.name, resource.resource_type
        match resource.price:
            case Cost() as cost:
                costs.append(CostedResource(name=name, resource_type=kind, cost=cost))
            case Unpriced(reason=reason):
                unpriced.append(UnpricedResource(name=name, resource_type=kind, reason=reason))
    return Bill(
        low=sum((each.cost.low for each in costs), Decimal(0)),
        expected=sum((each.cost.expected for each in costs), Decimal(0)),
        high=sum((each.cost.high for each in costs), Decimal(0)),
        costs=tuple(costs),
        unpriced=tuple(unpriced),
    )
