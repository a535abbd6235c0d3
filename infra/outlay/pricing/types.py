"""What a price can be: a cost with its range, nothing by an explicit list, or unknown with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

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
class Cost:
    """A resource's price in USD per hour; low and high follow an autoscaled pool's min and max."""

    low: Decimal
    expected: Decimal
    high: Decimal
    lines: tuple[CostLine, ...]

    @property
    def usd_per_month(self) -> Decimal:
        """730 hours at the expected size."""
        return self.expected * HOURS_PER_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """A resource that costs nothing by itself, by an explicit list."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpriced:
    """A resource whose price is not known; never to be read as zero."""

    reason: str


Price = Cost | Free | Unpriced
