"""What a change costs, by the steps of two previews against one state."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.pricing.diff import TO_COME, Change, as_deployed, diff_stack
from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.limits import Limits, broken
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.types import Unpriced
from tests.pricing.book import OFFERS, RATES
from tests.pricing.written import (
    LABELS,
    create,
    diff,
    pool,
    preview,
    provider,
    queue,
    same,
    steady,
    step,
    urn,
)

CHEAPER = Rates(
    replace(
        RATES.catalog,
        offers=(replace(OFFERS[0], usd_per_hour=Decimal("0.50")), *OFFERS[1:]),
        price_book=replace(RATES.catalog.price_book, version="older", date="2026-01-01"),
    )
)


def test_no_change_costs_nothing() -> None:
    made = diff(same(steady()), same(steady()))
    assert made.usd_per_hour_delta == 0
    assert made.percent == 0
    assert made.changed == ()


def test_one_node_more_costs_one_node() -> None:
    made = diff([step("update", old=steady(), new=steady(nodes=3))], same(steady()))
    assert made.usd_per_hour_delta == Decimal("0.90")
    assert made.percent == 50
    assert [each.change for each in made.changed] == [Change.CHANGED]


def test_the_change_is_against_base_and_not_against_the_state() -> None:
    """Two nodes run, base asks for three: a head that asks for three adds nothing."""
    more = step("update", old=steady(), new=steady(nodes=3))
    made = diff([more], [more])
    assert made.usd_per_hour_delta == 0
    assert made.deployed_usd_per_hour.expected == Decimal("1.80")
    assert made.base_usd_per_hour.expected == made.head_usd_per_hour.expected == Decimal("2.70")


def test_a_replacement_counts_once() -> None:
    """The engine reports it as three steps; the pool before and the pool after are one each."""
    old, new = steady(), steady(diskSize=200)
    steps = [
        step("create-replacement", old=old, new=new, logical=False),
        step("replace", old=old, new=new),
        step("delete-replaced", old=old, logical=False),
    ]
    made = diff(steps, same(old))
    assert made.head_usd_per_hour.expected == Decimal("2.00")
    assert made.usd_per_hour_delta == Decimal("0.20")
    assert [each.change for each in made.changed] == [Change.REPLACED]


def test_a_replacement_known_only_by_its_halves_counts_once() -> None:
    old, new = steady(), steady(diskSize=200)
    halves = [step("delete-replaced", old=old), step("create-replacement", old=old, new=new)]
    assert diff(halves, same(old)).usd_per_hour_delta == Decimal("0.20")


def test_new_and_removed_resources() -> None:
    made = diff([*create(steady("b", 1)), step("delete", old=steady("a"))], same(steady("a")))
    assert {each.name: each.change for each in made.changed} == {
        "a": Change.REMOVED,
        "b": Change.NEW,
    }
    assert made.usd_per_hour_delta == Decimal("-0.90")


def test_a_new_stack_has_no_percentage() -> None:
    made = diff(create(steady()), None)
    assert made.is_new
    assert made.percent is None
    assert made.usd_per_hour_delta == Decimal("1.80")


def test_a_larger_maximum_alone_shows_in_the_range() -> None:
    """Small minimum, huge maximum: the declared cost stays, the worst case is ten times as much."""
    huge = {"minSize": 0, "desiredSize": 2, "maxSize": 100}
    made = diff(
        [step("update", old=pool(), new=pool(scalingConfig=huge))],
        same(pool()),
    )
    assert made.usd_per_hour_delta == 0
    assert made.base_usd_per_hour.high == Decimal("9.00")
    assert made.head_usd_per_hour.high == Decimal("90.00")
    assert [each.change for each in made.changed] == [Change.CHANGED]


def test_prices_and_the_change_are_told_apart() -> None:
    """A node was 0.50 and is 0.80; base had two, head has three."""
    made = diff(
        [step("update", old=steady(), new=steady(nodes=3))], same(steady()), base_rates=CHEAPER
    )
    assert made.usd_per_hour_by_prices == Decimal("0.60")
    assert made.usd_per_hour_by_change == Decimal("0.90")
    assert made.usd_per_hour_delta == Decimal("1.50")
    assert made.usd_per_hour_before == Decimal("1.20")
    assert made.percent == 125


def test_a_price_refresh_alone_is_no_change_of_the_program() -> None:
    made = diff(same(steady()), same(steady()), base_rates=CHEAPER)
    assert made.usd_per_hour_by_change == 0
    assert made.usd_per_hour_by_prices == Decimal("0.60")
    assert [each.change for each in made.changed] == [Change.SAME]


def test_what_has_no_price_on_both_sides_makes_nothing_uncertain() -> None:
    made = diff(same(queue()), same(queue()))
    assert [each.name for each in made.unpriced] == ["jobs"]
    assert made.uncertain == ()


def test_a_new_resource_without_price_makes_the_difference_uncertain() -> None:
    made = diff(create(queue()), [])
    assert [each.name for each in made.uncertain] == ["jobs"]


def test_a_price_that_is_lost_is_no_saving() -> None:
    """A pool of 1.80 an hour whose count becomes unknown saves nothing that anyone can state."""
    hidden = {"minSize": 0, "desiredSize": UNKNOWN, "maxSize": 10}
    made = diff([step("update", old=pool(), new=pool(scalingConfig=hidden))], same(pool()))
    assert made.usd_per_hour_delta == 0
    assert [each.name for each in made.uncertain] == ["gpu"]


def test_a_price_that_only_one_book_has_is_no_change_of_prices() -> None:
    without = Rates(replace(RATES.catalog, offers=OFFERS[1:]))
    made = diff(same(steady()), same(steady()), base_rates=without)
    assert made.usd_per_hour_by_prices == 0
    assert [each.name for each in made.uncertain] == ["gpu"]


def test_an_unknown_count_is_uncertain_even_when_both_sides_hide_it() -> None:
    """Equal placeholders may become different numbers."""
    hidden = {"minSize": 0, "desiredSize": UNKNOWN, "maxSize": 10}
    made = diff(create(pool(scalingConfig=hidden)), create(pool(scalingConfig=hidden)))
    assert [each.name for each in made.uncertain] == ["gpu"]
    assert made.head_usd_per_hour.expected == 0


def test_the_words_for_an_unknown_are_those_of_the_price_rules() -> None:
    answer = price("aws:ebs/volume:Volume", {"type": UNKNOWN, "size": 1}, rates=RATES)
    assert isinstance(answer, Unpriced)
    assert TO_COME in answer.reason


def test_each_side_s_provider_says_its_region() -> None:
    """A provider moved to another region moves what it makes."""
    before = preview(*same(provider("us-east-1")), *same(steady()))
    moved = step("update", old=provider("us-east-1"), new=provider("eu-west-1"))
    made = diff_stack(
        preview(moved, *same(steady())), before, head_rates=RATES, base_rates=RATES, labels=LABELS
    )
    assert made.usd_per_hour_delta == Decimal("0.20")
    assert made.deployed_usd_per_hour.expected == Decimal("1.80")


def test_without_a_base_head_is_compared_with_the_state() -> None:
    head = preview(*same(provider()), step("update", old=steady(), new=steady(nodes=3)))
    made = diff_stack(head, as_deployed(head), head_rates=RATES, base_rates=RATES, labels=LABELS)
    assert made.usd_per_hour_delta == Decimal("0.90")


def test_what_outlives_the_stack_is_noted() -> None:
    """retainOnDelete takes a pool out of the state and leaves it on the bill."""
    kept = steady() | {"retainOnDelete": True}
    assert "keeps gpu in the account" in diff([step("delete", old=kept)], same(kept)).notes[0]


counts = st.lists(st.integers(min_value=0, max_value=20), min_size=1, max_size=5)


@given(before=counts, after=counts)
def test_a_difference_is_the_sum_of_its_resources(before: list[int], after: list[int]) -> None:
    """And what goes one way comes back the other way."""
    base = create(*(steady(f"p{n}", nodes) for n, nodes in enumerate(before)))
    head = create(*(steady(f"p{n}", nodes) for n, nodes in enumerate(after)))
    there, back = diff(head, base), diff(base, head)
    assert there.usd_per_hour_delta == sum(r.usd_per_hour_delta for r in there.resources)
    assert there.usd_per_hour_delta == -back.usd_per_hour_delta
    assert there.usd_per_hour_delta == Decimal("0.90") * (sum(after) - sum(before))


class TestLimits:
    def grown(self, nodes: int = 3, *, base_rates: Rates = RATES) -> tuple[str, ...]:
        made = diff(
            [step("update", old=steady(), new=steady(nodes=nodes))],
            same(steady()),
            base_rates=base_rates,
        )
        return broken(made, Limits(usd_per_month=Decimal(656), percent=Decimal(49)))

    def test_a_limit_is_broken_above_and_not_at_it(self) -> None:
        """One node more is 657 USD a month and 50 percent."""
        assert len(self.grown()) == 2
        made = diff([step("update", old=steady(), new=steady(nodes=3))], same(steady()))
        assert broken(made, Limits(usd_per_month=Decimal(657), percent=Decimal(50))) == ()

    def test_saving_breaks_no_limit(self) -> None:
        assert self.grown(nodes=1) == ()

    def test_a_price_cut_in_the_same_change_does_not_hide_what_it_adds(self) -> None:
        """Base at 0.80, head at 0.50 a node: the total falls, the program still grows by two nodes."""
        before = preview(*same(provider()), *same(steady()))
        after = preview(*same(provider()), step("update", old=steady(), new=steady(nodes=3)))
        made = diff_stack(after, before, head_rates=CHEAPER, base_rates=RATES, labels=LABELS)
        assert made.usd_per_hour_delta == 0
        assert len(broken(made, Limits(usd_per_month=Decimal(400)))) == 1

    def test_growth_from_nothing_breaks_every_percentage(self) -> None:
        said = broken(diff(create(steady()), []), Limits(percent=Decimal(1_000_000)))
        assert "grows from nothing" in said[0]

    def test_what_has_no_price_breaks_a_limit_unless_it_is_allowed(self) -> None:
        made = diff(create(queue()), [])
        assert "jobs" in broken(made, Limits(usd_per_month=Decimal(10**9)))[0]
        allowed = Limits(usd_per_month=Decimal(10**9), allow_unpriced=True)
        assert broken(made, allowed) == ()

    def test_without_limits_nothing_is_broken(self) -> None:
        assert broken(diff(create(queue(), steady()), []), Limits()) == ()


@pytest.mark.parametrize("op", ["read", "read-replacement"])
def test_what_is_only_read_is_on_no_side(op: str) -> None:
    made = diff([step(op, old=steady(), new=steady())], [])
    assert made.resources == ()
    assert urn("x", "y").endswith("x::y")
