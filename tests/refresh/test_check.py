"""A check names what is old and what is far from its like, and nothing that is neither."""

from __future__ import annotations

import json
from datetime import date

from outlay.catalog import Market
from outlay.refresh.check import Checked, check
from tests.cli.command import Command
from tests.planning.builders import REAL, catalog, offer

TODAY = date(2026, 8, 20)  # offers of the builder are of 2026-08-10
REGIONS = ("us-east-1", "us-east-2", "us-west-2")
LIKE = [offer(region=region) for region in REGIONS]


def checked(*more: object, max_age_days: int = 90) -> Checked:
    offers = [*LIKE, *more]
    return check(catalog(offers), today=TODAY, max_age_days=max_age_days)  # type: ignore[arg-type]  # offers only


def reasons(found: Checked) -> list[str]:
    return [outlier.reason for outlier in found.outliers]


def test_old_is_older_than_the_limit() -> None:
    """Ten days old: at a limit of ten it is not, at nine it is."""
    young, old = (
        [o for o in checked(max_age_days=days).old if o.source == "test"] for days in (10, 9)
    )
    assert young == []
    (group,) = old
    assert (group.what, group.count, group.oldest, group.days) == (
        "aws on-demand", 3, "2026-08-10", 10,
    )  # fmt: skip


def test_every_price_is_looked_at() -> None:
    found = checked()
    assert found.prices == 3 + len(REAL.cpu_offers) + len(REAL.service_prices)


def test_like_prices_are_in_line() -> None:
    assert reasons(checked()) == []


def test_a_region_far_from_the_others_is_out_of_line() -> None:
    assert reasons(checked(offer(region="eu-west-1", usd_per_hour="3.80"))) == [
        "2.04 times the median of its type's regions"
    ]


def test_a_price_by_the_gpu_instead_of_the_node_is_out_of_line() -> None:
    """Eight GPUs for the price of one: 12 % of what a GPU costs."""
    wrong = offer(instance_type="g6e.48xlarge", gpus_per_node=8, usd_per_hour="1.861")
    assert reasons(checked(wrong)) == ["12% of the median of aws's L40S on-demand, by the GPU"]


def test_spot_equal_to_on_demand_is_rather_unknown() -> None:
    assert reasons(checked(offer(market=Market.SPOT))) == [
        "equals the on-demand price: rather unknown than no discount"
    ]


def test_spot_far_below_on_demand_is_out_of_line() -> None:
    assert reasons(checked(offer(market=Market.SPOT, usd_per_hour="0.15"))) == [
        "8% of the on-demand price"
    ]


def test_the_verb_says_how_many(run: Command) -> None:
    done = run("prices", "check", "--max-age-days", "3650")
    assert done.code == 0
    assert "0 older than 3650 days" in done.out
    shown = json.loads(run("prices", "check", "--max-age-days", "0", "--json").out)
    assert sum(old["count"] for old in shown["old"]) == shown["prices"]
