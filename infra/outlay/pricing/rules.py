"""What every price rule is made of: the request it answers, and the costs it builds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from outlay.catalog import Market
from outlay.pricing.beside import Beside
from outlay.pricing.disks import Disk, disk_hour
from outlay.pricing.inputs import Inputs, NoPriceError
from outlay.pricing.rates import Rates
from outlay.pricing.types import Category, Cost, CostLine, Free, NodeSet, Unpriced

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One resource to price.

    `region` is its provider's, for inputs that name none; `beside` holds what its inputs may refer to,
    None where only this one resource is seen.
    """

    inputs: Inputs
    rates: Rates
    region: str | None
    beside: Beside | None = None


# A rule raises NoPriceError when the inputs leave the price open.
Rule = Callable[[Request], Cost | Free]


def free(reason: str) -> Rule:
    """Return the rule of a type that never costs anything by itself."""
    answer = Free(reason=reason)
    return lambda _request: answer


def amount(price: Decimal | Unpriced) -> Decimal:
    """Return the amount; raises NoPriceError with the reason of an Unpriced."""
    if isinstance(price, Unpriced):
        raise NoPriceError(price.reason)
    return price


def first_region(request: Request, fields: Sequence[str]) -> str:
    """Return the first location that the inputs name, else the provider's; raises NoPriceError for neither."""
    for field in fields:
        named = request.inputs.optional_text(field)
        if named is not None:
            return named
    if request.region is None:
        raise NoPriceError(f"no region: neither {' nor '.join(fields)} nor the provider names one")
    return request.region


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something with an hourly price that is no node, under the name that people read."""

    provider: str
    service: str
    what: str
    category: Category

    def line(self, rates: Rates, *, region: str, quantity: int = 1) -> CostLine:
        """Return the cost of a quantity, USD per hour; raises NoPriceError when the price book lacks it."""
        price = rates.service(provider=self.provider, service=self.service, region=region)
        what = self.what if quantity == 1 else f"{self.what} ({quantity})"
        return CostLine(what=what, category=self.category, usd_per_hour=amount(price) * quantity)


def fixed(*lines: CostLine) -> Cost:
    """Return the cost of something that no autoscaler changes."""
    total = sum((line.usd_per_hour for line in lines), ZERO)
    return Cost(low=total, expected=total, high=total, lines=lines)


def together(costs: Sequence[Cost]) -> Cost:
    """Return the sum of several costs, lines in order."""
    return Cost(
        low=sum((cost.low for cost in costs), ZERO),
        expected=sum((cost.expected for cost in costs), ZERO),
        high=sum((cost.high for cost in costs), ZERO),
        lines=tuple(line for cost in costs for line in cost.lines),
        nodes=tuple(nodes for cost in costs for nodes in cost.nodes),
        metered=tuple(meter for cost in costs for meter in cost.metered),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """How many nodes a pool runs: at least, as declared, at most."""

    low: int
    expected: int
    high: int

    @classmethod
    def exactly(cls, count: int) -> Nodes:
        """Return a pool that no autoscaler changes."""
        return cls(low=count, expected=count, high=count)

    @classmethod
    def between(cls, low: int, high: int, *, declared: int | None) -> Nodes:
        """Return an autoscaled pool; one that declares no size settles at its minimum."""
        expected = low if declared is None else declared
        return cls(low=min(low, expected), expected=expected, high=max(high, expected))


def times(line: CostLine, nodes: Nodes) -> Cost:
    """Return the cost of something that each node of a pool brings; the line is that of one."""
    what = line.what if nodes.expected == 1 else f"{line.what} ({nodes.expected})"
    total = replace(line, what=what, usd_per_hour=line.usd_per_hour * nodes.expected)
    return Cost(
        low=line.usd_per_hour * nodes.low,
        expected=total.usd_per_hour,
        high=line.usd_per_hour * nodes.high,
        lines=(total,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """What each node of a pool is; of several instance types the first is the expected one."""

    provider: str
    region: str
    instance_types: Sequence[str]
    market: Market
    disks: Sequence[Disk] = ()

    @property
    def disk_gib(self) -> int:
        """The size of all its disks."""
        return sum(disk.gib for disk in self.disks)


def pool_cost(rates: Rates, node: NodeType, nodes: Nodes) -> Cost:
    """Return the cost of a pool: low at the cheapest type, high at the dearest. Raises NoPriceError."""
    prices = [_node_usd(rates, node, instance_type) for instance_type in node.instance_types]
    disk = _disk_usd(rates, node)
    lines = _pool_lines(rates, node, count=nodes.expected, node_usd=prices[0], disk_usd=disk)
    return Cost(
        low=min(prices) * nodes.low + disk * nodes.low,
        expected=sum((line.usd_per_hour for line in lines), ZERO),
        high=max(prices) * nodes.high + disk * nodes.high,
        lines=lines,
        nodes=(_node_set(node, nodes, usd_per_node_hour=prices[0]),),
    )


def reserved_cost(rates: Rates, node: NodeType, count: int) -> Cost:
    """Return the cost of nodes that are kept free: the price of running them, used or not.

    Raises NoPriceError. Source: AWS, Google and Azure documentation of on-demand capacity reservations.
    """
    usd = _node_usd(rates, node, node.instance_types[0])
    what = f"reserved: {count} {node.instance_types[0]}"
    category = _category(rates, node)
    line = CostLine(what=what, category=category, usd_per_hour=usd * count)
    nodes = _node_set(node, Nodes.exactly(count), usd_per_node_hour=usd, reserved=True)
    return replace(fixed(line), nodes=(nodes,))


def _node_set(
    node: NodeType, nodes: Nodes, *, usd_per_node_hour: Decimal, reserved: bool = False
) -> NodeSet:
    return NodeSet(
        provider=node.provider,
        region=node.region,
        instance_types=tuple(node.instance_types),
        market=node.market,
        low=nodes.low,
        expected=nodes.expected,
        high=nodes.high,
        usd_per_node_hour=usd_per_node_hour,
        reserved=reserved,
    )


def _category(rates: Rates, node: NodeType) -> Category:
    is_gpu = rates.is_gpu(provider=node.provider, instance_type=node.instance_types[0])
    return Category.GPU if is_gpu else Category.CPU


def _node_usd(rates: Rates, node: NodeType, instance_type: str) -> Decimal:
    return amount(
        rates.node(
            provider=node.provider,
            region=node.region,
            instance_type=instance_type,
            market=node.market,
        )
    )


def _disk_usd(rates: Rates, node: NodeType) -> Decimal:
    return sum((disk_hour(rates, disk, region=node.region) for disk in node.disks), ZERO)


def _pool_lines(
    rates: Rates, node: NodeType, *, count: int, node_usd: Decimal, disk_usd: Decimal
) -> tuple[CostLine, ...]:
    machines = CostLine(
        what=f"nodes: {count} {node.instance_types[0]} {node.market}",
        category=_category(rates, node),
        usd_per_hour=node_usd * count,
    )
    return (
        (machines, disk_line(disk_usd, gib=node.disk_gib, count=count)) if disk_usd else (machines,)
    )


def disk_line(usd_per_hour: Decimal, *, gib: int, count: int) -> CostLine:
    """Return the cost of equal disks; the amount is that of one of them."""
    return CostLine(
        what=f"disks: {count} of {gib} GiB",
        category=Category.STORAGE,
        usd_per_hour=usd_per_hour * count,
    )
