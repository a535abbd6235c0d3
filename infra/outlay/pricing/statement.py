"""What the resources of one document cost, each and together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from outlay.pricing.declared import price_resource
from outlay.pricing.documents import Declared
from outlay.pricing.rates import Rates
from outlay.pricing.types import HOURS_PER_MONTH, Cost, Metered, Price, Unpriced

ZERO = Decimal(0)
UNSETTLED = Unpriced(
    reason="an interrupted update may have made it; run `pulumi refresh` to find out"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """USD per hour: with autoscaled pools at their minimum, as declared, at their maximum."""

    low: Decimal
    expected: Decimal
    high: Decimal

    @classmethod
    def of(cls, cost: Cost) -> Amount:
        """Return the amount of a cost."""
        return cls(low=cost.low, expected=cost.expected, high=cost.high)

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            low=self.low + other.low,
            expected=self.expected + other.expected,
            high=self.high + other.high,
        )

    @property
    def usd_per_month(self) -> Decimal:
        """730 hours at the declared size."""
        return self.expected * HOURS_PER_MONTH

    @property
    def is_range(self) -> bool:
        """Whether an autoscaler may change it."""
        return not self.low == self.expected == self.high


NOTHING = Amount(low=ZERO, expected=ZERO, high=ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One resource and its price; `amount` is None when it is free or unpriced."""

    urn: str
    type: str
    price: Price

    @property
    def name(self) -> str:
        """The last part of the URN."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def amount(self) -> Amount | None:
        """What it costs."""
        return Amount.of(self.price) if isinstance(self.price, Cost) else None

    @property
    def metered(self) -> tuple[Metered, ...]:
        """What is charged by its use besides, and not counted."""
        return () if isinstance(self.price, Unpriced) else self.price.metered

    @property
    def unpriced(self) -> str | None:
        """Why nobody knows what it costs."""
        return self.price.reason if isinstance(self.price, Unpriced) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A cost by use that the stack's plan expects and no resource declares."""

    what: str
    cluster: str
    usd_per_hour: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All resources of a document with their prices, and usage where a plan states it."""

    items: tuple[Item, ...]
    usage: tuple[Usage, ...] = ()

    @property
    def total(self) -> Amount:
        """The sum of what is priced, usage included: a lower bound while `unpriced` is not empty."""
        priced = sum((item.amount for item in self.items if item.amount), NOTHING)
        used = sum((each.usd_per_hour for each in self.usage), ZERO)
        return priced + Amount(low=used, expected=used, high=used)

    @property
    def unpriced(self) -> tuple[Item, ...]:
        """What has no price."""
        return tuple(item for item in self.items if item.unpriced)

    @property
    def metered(self) -> tuple[tuple[Item, Metered], ...]:
        """What is charged by use, resource by resource."""
        return tuple((item, each) for item in self.items for each in item.metered)

    @property
    def paid(self) -> tuple[Item, ...]:
        """What costs something, the dearest first, equals by URN."""
        paid = [item for item in self.items if item.amount and item.amount != NOTHING]
        return tuple(sorted(paid, key=lambda item: (-_expected(item), item.urn)))

    def by_kind(self) -> tuple[tuple[str, int, Amount], ...]:
        """Return type, count and sum of what costs something, the dearest kind first."""
        sums: dict[str, tuple[int, Amount]] = {}
        for item in self.paid:
            count, amount = sums.get(item.type, (0, NOTHING))
            sums[item.type] = (count + 1, amount + (item.amount or NOTHING))
        rows = [(kind, count, amount) for kind, (count, amount) in sums.items()]
        return tuple(sorted(rows, key=lambda row: (-row[2].expected, row[0])))


def state_costs(declared: Declared, *, rates: Rates, usage: Sequence[Usage] = ()) -> Statement:
    """Price every resource of a document."""
    items = [
        Item(
            urn=resource.urn,
            type=resource.type,
            price=price_resource(resource, rates=rates, around=declared.around),
        )
        for resource in declared.resources
    ]
    items += [Item(urn=urn, type=kind, price=UNSETTLED) for urn, kind in declared.unsettled]
    return Statement(items=tuple(items), usage=tuple(usage))


def _expected(item: Item) -> Decimal:
    return item.amount.expected if item.amount else ZERO
