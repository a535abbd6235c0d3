"""What a change costs: deployed, base and head of one stack, for one state and one price book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from outlay.pricing.declared import Resource, Surroundings, price_resource
from outlay.pricing.events import PolicyResult, Preview
from outlay.pricing.rates import Rates
from outlay.pricing.statement import NOTHING, Amount
from outlay.pricing.types import HOURS_PER_MONTH, Cost, Price, Unpriced

ZERO = Decimal(0)
HUNDRED = Decimal(100)
# How a price rule says that a value is still to come; equal placeholders may become different values.
TO_COME = "is not known before the update"


class Change(StrEnum):
    """What happens to one resource between base and head."""

    NEW = "new"
    REMOVED = "removed"
    REPLACED = "replaced"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One resource on one side; with neither it is free."""

    usd_per_hour: Amount | None
    unpriced: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDiff:
    """One resource on all sides; a side is None where it does not exist.

    `usd_per_hour_by_prices` is what the new price book alone does to what base declares.
    """

    urn: str
    type: str
    change: Change
    deployed: Side | None
    base: Side | None
    head: Side | None
    usd_per_hour_by_prices: Decimal
    is_uncertain: bool

    @property
    def name(self) -> str:
        """The last part of the URN."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def usd_per_hour_by_change(self) -> Decimal:
        """What the change itself adds, both sides at head's prices; 0 where head has no price.

        A price that is no longer known is no saving.
        """
        if self.head is not None and self.head.unpriced:
            return ZERO
        return _expected(self.head) - _expected(self.base)

    @property
    def usd_per_hour_delta(self) -> Decimal:
        """What it costs more than before, for both reasons."""
        return self.usd_per_hour_by_change + self.usd_per_hour_by_prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A price book's version and date."""

    version: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDiff:
    """What a change costs one stack. Every amount is at head's prices.

    Attributes:
        project: Pulumi project.
        stack: Its stack.
        base_name: What head is compared with, in words.
        price_book: The book of every amount.
        base_price_book: Base's own book; only the part by prices uses it.
        deployed_usd_per_hour: What the state costs.
        base_usd_per_hour: What an update to base would cost.
        head_usd_per_hour: What an update to head would cost.
        is_new: Whether base has no such stack.
        resources: Every resource on any side that costs or may cost something.
        policies: Complaints about head.
        policies_checked: How many policies were asked; 0 when no pack ran.
        notes: What a reader should know besides.
    """

    project: str
    stack: str
    base_name: str
    price_book: Book
    base_price_book: Book
    deployed_usd_per_hour: Amount
    base_usd_per_hour: Amount
    head_usd_per_hour: Amount
    is_new: bool
    resources: tuple[ResourceDiff, ...]
    policies: tuple[PolicyResult, ...]
    policies_checked: int
    notes: tuple[str, ...]

    @property
    def usd_per_hour_by_prices(self) -> Decimal:
        """What the new price book alone does to base."""
        return sum((each.usd_per_hour_by_prices for each in self.resources), ZERO)

    @property
    def usd_per_hour_by_change(self) -> Decimal:
        """What the change itself adds, as far as prices are known."""
        return sum((each.usd_per_hour_by_change for each in self.resources), ZERO)

    @property
    def usd_per_hour_delta(self) -> Decimal:
        """What the stack costs more than before, for both reasons."""
        return self.usd_per_hour_by_change + self.usd_per_hour_by_prices

    @property
    def usd_per_month_delta(self) -> Decimal:
        """730 hours of it."""
        return self.usd_per_hour_delta * HOURS_PER_MONTH

    @property
    def usd_per_hour_before(self) -> Decimal:
        """What base costs at its own prices."""
        return self.base_usd_per_hour.expected - self.usd_per_hour_by_prices

    @property
    def percent(self) -> Decimal | None:
        """The growth over base at its own prices; None when base costs nothing."""
        before = self.usd_per_hour_before
        return self.usd_per_hour_delta / before * HUNDRED if before else None

    @property
    def changed(self) -> tuple[ResourceDiff, ...]:
        """What differs between base and head, the largest change first."""
        differ = [r for r in self.resources if r.change is not Change.SAME or r.usd_per_hour_delta]
        return tuple(sorted(differ, key=lambda r: (-abs(r.usd_per_hour_delta), r.urn)))

    @property
    def unpriced(self) -> tuple[ResourceDiff, ...]:
        """What head declares and nobody can price."""
        return tuple(r for r in self.resources if r.head is not None and r.head.unpriced)

    @property
    def uncertain(self) -> tuple[ResourceDiff, ...]:
        """What makes the difference itself uncertain: unpriced, and not the same on both sides."""
        return tuple(r for r in self.resources if r.is_uncertain)

    @property
    def failed_policies(self) -> tuple[PolicyResult, ...]:
        """What stops the change."""
        return tuple(policy for policy in self.policies if policy.is_mandatory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """How a diff is called."""

    project: str
    stack: str
    base_name: str
    notes: tuple[str, ...] = ()


def diff_stack(
    head: Preview, base: Preview | None, *, head_rates: Rates, base_rates: Rates, labels: Labels
) -> StackDiff:
    """Compare two previews of one stack against the same state; base None means it is new there.

    `base_rates` is base's price book, to tell what prices do from what the change does.
    """
    before = () if base is None else base.planned
    base_config = {} if base is None else base.config
    replaced = frozenset(step.urn for step in head.steps if step.op == "replace")
    sides = _Sides(
        deployed=_prices(head.deployed, head.config, head_rates),
        base=_prices(before, base_config, head_rates),
        head=_prices(head.planned, head.config, head_rates),
        base_at_own_prices=_prices(before, base_config, base_rates),
        moved=_moved(before, head.planned),
        replaced=replaced,
    )
    return StackDiff(
        project=labels.project,
        stack=labels.stack,
        base_name=labels.base_name,
        price_book=_book(head_rates),
        base_price_book=_book(base_rates),
        deployed_usd_per_hour=_total(sides.deployed),
        base_usd_per_hour=_total(sides.base),
        head_usd_per_hour=_total(sides.head),
        is_new=base is None,
        resources=tuple(each for each in sides.diffs() if _matters(each)),
        policies=head.policies,
        policies_checked=head.policies_checked,
        notes=(*labels.notes, *_retained(head)),
    )


def as_deployed(preview: Preview) -> Preview:
    """Return a preview that plans exactly what is deployed, to compare head with the state itself."""
    steps = tuple(
        type(step)(op="same", urn=step.urn, old=step.old, new=step.old)
        for step in preview.steps
        if step.old is not None
    )
    return Preview(
        steps=steps,
        policies=(),
        policies_checked=0,
        errors=(),
        config=preview.config,
        is_complete=True,
    )


Prices = Mapping[str, tuple[str, list[Price]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    deployed: Prices
    base: Prices
    head: Prices
    base_at_own_prices: Prices
    moved: frozenset[str]
    replaced: frozenset[str]

    def diffs(self) -> Iterable[ResourceDiff]:
        for urn in dict.fromkeys((*self.head, *self.base, *self.deployed)):
            yield self._diff(urn)

    def _diff(self, urn: str) -> ResourceDiff:
        base, head = _side(self.base, urn), _side(self.head, urn)
        own = _side(self.base_at_own_prices, urn)
        kind = next(s[urn][0] for s in (self.head, self.base, self.deployed) if urn in s)
        return ResourceDiff(
            urn=urn,
            type=kind,
            change=self._change(urn),
            deployed=_side(self.deployed, urn),
            base=base,
            head=head,
            usd_per_hour_by_prices=_by_prices(base, own),
            is_uncertain=self._is_uncertain(urn, base, head, own),
        )

    def _change(self, urn: str) -> Change:
        if urn not in self.base:
            return Change.NEW if urn in self.head else Change.SAME
        if urn not in self.head:
            return Change.REMOVED
        if urn not in self.moved:
            return Change.SAME
        return Change.REPLACED if urn in self.replaced else Change.CHANGED

    def _is_uncertain(
        self, urn: str, base: Side | None, head: Side | None, own: Side | None
    ) -> bool:
        sides = (base, head, own)
        if not any(side is not None and side.unpriced for side in sides):
            return False
        # Unpriced for the same inputs on both sides and in both books: whatever it costs, it costs before too.
        alike = len({side.unpriced if side else None for side in sides}) == 1
        to_come = any(side and TO_COME in (side.unpriced or "") for side in sides)
        return urn in self.moved or to_come or not alike


def _prices(
    resources: tuple[Resource, ...], config: Mapping[str, object], rates: Rates
) -> dict[str, tuple[str, list[Price]]]:
    around = Surroundings.of(resources, config)
    found: dict[str, tuple[str, list[Price]]] = {}
    for resource in resources:
        # One URN may stand for two: the new one and the old one that waits for its deletion.
        cost = price_resource(resource, rates=rates, around=around)
        found.setdefault(resource.urn, (resource.type, []))[1].append(cost)
    return found


def _moved(base: tuple[Resource, ...], head: tuple[Resource, ...]) -> frozenset[str]:
    before, after = _inputs(base), _inputs(head)
    return frozenset(
        urn for urn in before.keys() | after.keys() if before.get(urn) != after.get(urn)
    )


def _inputs(resources: tuple[Resource, ...]) -> dict[str, list[object]]:
    inputs: dict[str, list[object]] = {}
    for resource in resources:
        inputs.setdefault(resource.urn, []).append(resource.inputs)
    return inputs


def _side(prices: Prices, urn: str) -> Side | None:
    if urn not in prices:
        return None
    found = prices[urn][1]
    costs = [Amount.of(price) for price in found if isinstance(price, Cost)]
    reasons = [price.reason for price in found if isinstance(price, Unpriced)]
    return Side(
        usd_per_hour=sum(costs, NOTHING) if costs else None,
        unpriced="; ".join(dict.fromkeys(reasons)) or None,
    )


def _total(prices: Prices) -> Amount:
    every = (price for _, found in prices.values() for price in found)
    return sum((Amount.of(price) for price in every if isinstance(price, Cost)), NOTHING)


def _expected(side: Side | None) -> Decimal:
    return ZERO if side is None or side.usd_per_hour is None else side.usd_per_hour.expected


def _by_prices(base: Side | None, own: Side | None) -> Decimal:
    # A price that only one of the books has is no change of price that anyone can state.
    if base is None or own is None or base.unpriced or own.unpriced:
        return ZERO
    return _expected(base) - _expected(own)


def _matters(each: ResourceDiff) -> bool:
    sides = (each.deployed, each.base, each.head)
    return any(side is not None and (side.usd_per_hour or side.unpriced) for side in sides)


def _book(rates: Rates) -> Book:
    book = rates.catalog.price_book
    return Book(version=book.version, date=book.date)


def _retained(head: Preview) -> tuple[str, ...]:
    kept = [
        step.old.name
        for step in head.steps
        if step.op in ("delete", "replace") and step.old is not None and step.old.is_retained
    ]
    if not kept:
        return ()
    names = ", ".join(kept)
    return (
        f"retainOnDelete keeps {names} in the account, and on the bill, after the stack drops it",
    )
