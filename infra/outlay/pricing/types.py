"""What a price can be: a cost with its range, nothing by an explicit list, or unknown with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from outlay.catalog import Market

HOURS_PER_MONTH = 730


class Category(StrEnum):
    """What a cost is spent on; the keys of a plan's breakdown."""

    GPU = "gpu"
    CPU = "cpu"
    STORAGE = "storage"
    NETWORK = "network"
    MANAGEMENT = "management"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One component of a resource's price, USD per hour, at the expected size."""

    what: str
    category: Category
    usd_per_hour: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSet:
    """The like nodes that a price was made for: at least, as declared, at most.

    `usd_per_node_hour` is the price of one node of the first instance type, without its disk.
    `reserved` says that the nodes are paid for whether or not anything runs on them.
    """

    provider: str
    region: str
    instance_types: tuple[str, ...]
    market: Market
    low: int
    expected: int
    high: int
    usd_per_node_hour: Decimal
    reserved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What a resource is charged for by use, which no declaration tells and no sum counts.

    `usd_per_unit` is None where the price book has no rate.
    """

    what: str
    unit: str
    usd_per_unit: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A resource's price in USD per hour; low and high follow an autoscaled pool's min and max.

    `nodes` tells what machines the price is for, so that a rule on machines reads no inputs again;
    `metered` what comes on top by use.
    """

    low: Decimal
    expected: Decimal
    high: Decimal
    lines: tuple[CostLine, ...]
    nodes: tuple[NodeSet, ...] = field(default=(), compare=False)
    metered: tuple[Metered, ...] = field(default=(), compare=False)

    @property
    def usd_per_month(self) -> Decimal:
        """730 hours at the expected size."""
        return self.expected * HOURS_PER_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """A resource that costs nothing by itself, by an explicit list; `metered` is charged by its use."""

    reason: str
    metered: tuple[Metered, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpriced:
    """A resource whose price is not known; never to be read as zero."""

    reason: str


Price = Cost | Free | Unpriced
