"""A bill adds up exactly, and never hides what it could not price."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from outlay.pricing.total import Bill, CostedResource, PricedResource, UnpricedResource, total
from outlay.pricing.types import Cost, Free, Price, Unpriced
from tests.pricing.book import cost

POOL = cost("1.10", "2.20", "4.40")
GATEWAY = cost("0.045", "0.045", "0.045")


def resource(name: str, price: Price) -> PricedResource:
    return PricedResource(name=name, resource_type="a:b:C", price=price)


def test_an_empty_stack_costs_nothing() -> None:
    zero = Decimal(0)
    assert total([]) == Bill(low=zero, expected=zero, high=zero, costs=(), unpriced=())


def test_costs_add_up_and_the_unpriced_stand_apart() -> None:
    bill = total(
        [
            resource("pool", POOL),
            resource("vpc", Free(reason="networks are not charged")),
            resource("db", Unpriced(reason="no price rule")),
            resource("nat", GATEWAY),
        ]
    )
    assert bill == Bill(
        low=Decimal("1.145"),
        expected=Decimal("2.245"),
        high=Decimal("4.445"),
        costs=(
            CostedResource(name="pool", resource_type="a:b:C", cost=POOL),
            CostedResource(name="nat", resource_type="a:b:C", cost=GATEWAY),
        ),
        unpriced=(UnpricedResource(name="db", resource_type="a:b:C", reason="no price rule"),),
    )
    assert bill.usd_per_month == Decimal("1638.85")
    assert bill.worst_usd_per_month == Decimal("3244.85")


def test_the_dearest_come_first_and_equals_by_name() -> None:
    bill = total(
        [resource(name, POOL if name == "big" else GATEWAY) for name in ("b", "big", "c", "a")]
    )
    assert [each.name for each in bill.dearest(3)] == ["big", "a", "b"]
    assert [each.name for each in bill.dearest(9)] == ["big", "a", "b", "c"]


def cents_cost(cents: int) -> Cost:
    usd = str(Decimal(cents) / 100)
    return cost(usd, usd, usd)


@given(cents=st.lists(st.integers(0, 10**9)), order=st.randoms(use_true_random=False))
def test_the_order_of_resources_does_not_matter(cents: list[int], order: object) -> None:
    resources = [resource(str(i), cents_cost(amount)) for i, amount in enumerate(cents)]
    shuffled = list(resources)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis types its Random as object
    assert total(shuffled).expected == total(resources).expected == Decimal(sum(cents)) / 100
