"""Which nodes are worth a commitment over the months of a forecast.

A reserved node is paid in every month, an on-demand one only while it is needed. So the n-th node of a
type is worth committing to where it is needed in a larger share of the months than the reserved price
is of the on-demand price: the break-even utilization.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from outlay.catalog import Catalog, Market, ReservedPrice
from outlay.planning.plan import Plan, Pool
from outlay.pricing.types import HOURS_PER_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """One instance type that the forecast needs on demand, against its reserved price.

    `needed` are its nodes in each month. `nodes` are those worth committing to, `saving_usd` is what
    that saves over all months against on-demand, and `used_share` the part of their hours needed.
    """

    provider: str
    region: str
    instance_type: str
    ondemand_usd_per_hour: Decimal
    reserved_usd_per_hour: Decimal
    needed: tuple[int, ...]

    @property
    def break_even_share(self) -> Decimal:
        """Utilization from which on a reserved node is the cheaper one."""
        return self.reserved_usd_per_hour / self.ondemand_usd_per_hour

    @property
    def nodes(self) -> int:
        """Nodes that are needed for more of the time than the break-even utilization."""
        return sum(self._share(number) > self.break_even_share for number in self._numbers)

    @property
    def used_share(self) -> Decimal:
        """The part of the committed nodes' hours that is needed; 0 without a commitment."""
        shares = [self._share(number) for number in range(1, self.nodes + 1)]
        return sum(shares, Decimal(0)) / len(shares) if shares else Decimal(0)

    @property
    def saving_usd(self) -> Decimal:
        """What committing to `nodes` saves over all months."""
        return self.saving_of(self.nodes)

    def saving_of(self, nodes: int) -> Decimal:
        """Return what committing to some nodes saves over all months; negative where it costs more."""
        needed = sum(min(nodes, each) for each in self.needed)
        paid = nodes * len(self.needed) * self.reserved_usd_per_hour
        return (needed * self.ondemand_usd_per_hour - paid) * HOURS_PER_MONTH

    @property
    def _numbers(self) -> range:
        return range(1, max(self.needed) + 1)

    def _share(self, number: int) -> Decimal:
        return Decimal(sum(each >= number for each in self.needed)) / len(self.needed)


def commitments(plans: Sequence[Plan | None], catalog: Catalog) -> tuple[Commitment, ...]:
    """Return every type that a plan of a month buys on demand and that has a reserved price.

    Months without a plan need none. Reserved prices are AWS's, for one year with nothing upfront.
    """
    prices = {(r.region, r.instance_type): r for r in catalog.reserved}
    pools = {_key(pool): pool for plan in plans if plan for pool in _on_demand(plan)}
    return tuple(
        _commitment(pool, prices[pool.region, pool.instance_type], plans)
        for _, pool in sorted(pools.items())
        if (pool.region, pool.instance_type) in prices
    )


def _key(pool: Pool) -> tuple[str, str]:
    return pool.region, pool.instance_type


def _on_demand(plan: Plan) -> Iterator[Pool]:
    return (p for p in plan.pools if p.provider == "aws" and p.market is Market.ON_DEMAND)


def _commitment(pool: Pool, price: ReservedPrice, plans: Iterable[Plan | None]) -> Commitment:
    return Commitment(
        provider=pool.provider,
        region=pool.region,
        instance_type=pool.instance_type,
        ondemand_usd_per_hour=pool.usd_per_node_hour,
        reserved_usd_per_hour=price.usd_per_hour,
        needed=tuple(_nodes(plan, _key(pool)) for plan in plans),
    )


def _nodes(plan: Plan | None, key: tuple[str, str]) -> int:
    return sum(pool.nodes for pool in _on_demand(plan) if _key(pool) == key) if plan else 0
