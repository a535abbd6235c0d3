"""The changes that a pull request can make, with round prices, for every report of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from outlay.pricing.diff import StackDiff
from outlay.pricing.rates import Rates
from tests.pricing.book import OFFERS, RATES
from tests.pricing.written import (
    checked,
    create,
    diff,
    policy,
    pool,
    queue,
    same,
    steady,
    step,
)

OLDER = Rates(
    replace(
        RATES.catalog,
        offers=(replace(OFFERS[0], usd_per_hour=Decimal("0.50")), *OFFERS[1:]),
        price_book=replace(RATES.catalog.price_book, version="0123456789ab", date="2026-01-01"),
    )
)
PASSED = checked("monthly-budget", "no-unpriced-resources")
MESSAGE = """Planned spend stays within the monthly budget.
planned spend is $1,971.00/month: $971.00 (97 %) over the budget of $1,000.00/month of stack dev."""


def no_change() -> StackDiff:
    """Return a change that touches nothing that costs."""
    return _fixed(diff([*same(steady()), PASSED], same(steady())))


def up() -> StackDiff:
    """Return one node more, a new autoscaled pool and one pool less."""
    head = [
        step("update", old=steady(), new=steady(nodes=3)),
        *create(pool("batch", 1)),
        step("delete", old=steady("old", 1)),
        PASSED,
    ]
    return _fixed(diff(head, same(steady(), steady("old", 1))))


def down() -> StackDiff:
    """Return one node less."""
    head = [step("update", old=steady(), new=steady(nodes=1)), PASSED]
    return _fixed(diff(head, same(steady())))


def new_stack() -> StackDiff:
    """Return a stack that base does not have."""
    return _fixed(diff(create(steady()), None))


def replacement() -> StackDiff:
    """Return a pool with larger disks, which the cloud must build anew."""
    old, new = steady(), steady(diskSize=200)
    steps = [
        step("create-replacement", old=old, new=new, logical=False),
        step("replace", old=old, new=new),
        step("delete-replaced", old=old, logical=False),
    ]
    return _fixed(diff([*steps, PASSED], same(old)))


def unpriced() -> StackDiff:
    """Return something new that nobody can price."""
    return _fixed(diff([*same(steady()), *create(queue()), PASSED], same(steady())))


def policy_failed() -> StackDiff:
    """Return growth that a mandatory policy stops and another one warns of."""
    head = [
        step("update", old=steady(), new=steady(nodes=3)),
        policy("monthly-budget", MESSAGE),
        policy("cost-labels", "Everything has a team label.", level="advisory"),
    ]
    return _fixed(diff(head, same(steady())))


def price_refresh() -> StackDiff:
    """Return a price book with a dearer machine, and the same program."""
    return _fixed(diff([*same(steady()), PASSED], same(steady()), base_rates=OLDER))


ALL: dict[str, Callable[[], StackDiff]] = {
    make.__name__.replace("_", "-"): make
    for make in (
        no_change,
        up,
        down,
        new_stack,
        replacement,
        unpriced,
        policy_failed,
        price_refresh,
    )
}


def _fixed(made: StackDiff) -> StackDiff:
    """Give the price book a version and a date that no refresh of the real one changes."""
    book = replace(made.price_book, version="ba9876543210", date="2026-11-01")
    is_older = made.base_price_book != made.price_book
    return replace(
        made, price_book=book, base_price_book=made.base_price_book if is_older else book
    )
