"""What was spent, read from bills and held against a plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.errors import InputError
from outlay.pricing.actuals import (
    ELSEWHERE,
    NO_LABEL,
    Planned,
    PlannedPool,
    compare,
    folded,
    robust_z,
)
from outlay.pricing.billing import Spend, read_spend

HEADER = "BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,Tags\n"
FIRST = date(2026, 1, 1)
PLANNED = Planned(
    pools=(
        PlannedPool(cluster="one", pool="l4-spot", usd_per_hour=Decimal(2)),
        PlannedPool(cluster="two", pool="l4-spot", usd_per_hour=Decimal(1)),
        PlannedPool(cluster="one", pool="cpu", usd_per_hour=Decimal("0.5")),
    ),
    usd_per_hour=Decimal(4),
    labels=(("outlay:stack", "dev"), ("team", "Inference")),
)


def focus(tmp_path: Path, *rows: str, header: str = HEADER) -> Path:
    file = tmp_path / "focus.csv"
    file.write_text(header + "".join(f"{row}\n" for row in rows))
    return file


def row(
    usd: str = "24",
    *,
    start: str = "2026-01-01T00:00:00Z",
    end: str = "2026-01-02T00:00:00Z",
    currency: str = "USD",
    tags: str = "{}",
) -> str:
    quoted = tags.replace('"', '""')
    return f'{usd},{usd},{currency},{start},{end},"{quoted}"'


def spent(day: int, usd: str, **labels: str) -> Spend:
    return Spend(day=FIRST + timedelta(days=day), usd=Decimal(usd), labels=labels)


def test_a_focus_row_is_one_day_s_spend_with_its_tags(tmp_path: Path) -> None:
    (one,) = read_spend(focus(tmp_path, row("24.5", tags='{"team": "a", "empty": null}')))
    assert one == Spend(day=FIRST, usd=Decimal("24.5"), labels={"team": "a", "empty": ""})


def test_a_longer_charge_is_spread_over_its_days(tmp_path: Path) -> None:
    """36 hours from noon: a third, two thirds."""
    file = focus(tmp_path, row("36", start="2026-01-01T12:00:00Z", end="2026-01-03T00:00:00Z"))
    assert [(each.day.day, each.usd) for each in read_spend(file)] == [
        (1, Decimal(12)),
        (2, Decimal(24)),
    ]


def test_local_times_become_utc_days(tmp_path: Path) -> None:
    file = focus(tmp_path, row(start="2026-01-01T20:00:00-05:00", end="2026-01-01T21:00:00-05:00"))
    assert read_spend(file)[0].day == date(2026, 1, 2)


def test_bigquery_s_list_of_tags_is_read_too(tmp_path: Path) -> None:
    file = focus(tmp_path, row(tags='[{"key": "team", "value": "a"}]'))
    assert read_spend(file)[0].labels == {"team": "a"}


def test_the_billed_cost_can_be_asked_for(tmp_path: Path) -> None:
    file = focus(tmp_path, "1,2,USD,2026-01-01,2026-01-02,")
    assert read_spend(file)[0].usd == 2
    assert read_spend(file, cost_column="BilledCost")[0].usd == 1


def allocation(usd: object = 24.0, **properties: object) -> dict[str, object]:
    return {
        "name": "one",
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-02T00:00:00Z",
        "totalCost": usd,
        "properties": properties,
    }


def opencost(tmp_path: Path, *steps: Mapping[str, object] | None) -> Path:
    file = tmp_path / "opencost.json"
    file.write_text(json.dumps({"code": 200, "data": list(steps)}))
    return file


def test_opencost_s_allocations_are_read_with_their_labels(tmp_path: Path) -> None:
    labels = {"team": "pod"}
    one = allocation(cluster="c", labels=labels, namespaceLabels={"team": "ns", "x": "y"})
    (spend,) = read_spend(opencost(tmp_path, {"one": one}, None, {}))
    assert spend.usd == 24
    assert spend.labels == {"cluster": "c", "team": "pod", "x": "y"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (row(currency="EUR"), "line 2: BillingCurrency is EUR; outlay plans in USD"),
        (row(currency=""), "BillingCurrency is empty"),
        (row("many"), "EffectiveCost must be an amount, got 'many'"),
        (row("NaN"), "must be an amount"),
        (row(start="yesterday"), "ChargePeriodStart must be a date and time"),
        (row(start="2026-01-03T00:00:00Z"), "ends .* before it starts"),
        (row(end="2036-01-03T00:00:00Z"), "longer than a year"),
        (row(tags="{"), "Tags is no valid JSON"),
        (row(tags='"a"'), "Tags must be a JSON object"),
        ("24,24,USD", "not as many columns"),
        ('24,24,USD,2026-01-01,2026-01-02,"{', "broken CSV|no valid JSON"),
    ],
)
def test_a_broken_focus_row_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_spend(focus(tmp_path, line))


def test_a_file_that_is_no_focus_export_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column BillingCurrency, ChargePeriodEnd"):
        read_spend(focus(tmp_path, header="EffectiveCost,Tags\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("{", "no valid JSON"),
        ("{}", "no list `data`"),
        ('{"data": [1]}', "must be an object of allocations"),
        ('{"data": [{"a": 1}]}', "data\\[0\\].a must be an object"),
        (json.dumps({"data": [{"a": allocation(None)}]}), "totalCost must be an amount"),
    ],
)
def test_a_broken_opencost_answer_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "opencost.json"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        read_spend(file)


def test_pools_are_found_by_the_labels_of_each_cloud() -> None:
    """EKS and GKE name the cloud's own pool, whose name ends in a hash; OpenCost names the label."""
    spend = [
        spent(0, "40", **{"eks:nodegroup-name": "l4-spot-0a1b2c", "eks:cluster-name": "one"}),
        spent(0, "20", **{"goog-k8s-node-pool-name": "l4-spot", "goog-k8s-cluster-name": "two"}),
        spent(0, "10", outlay_pool="cpu"),
        spent(0, "5", team="x"),
    ]
    rows = {each.what: each for each in compare(spend, PLANNED, label="team").pools}
    assert {what: (r.planned_usd, r.actual_usd) for what, r in rows.items()} == {
        "one/l4-spot": (Decimal(48), Decimal(40)),
        "two/l4-spot": (Decimal(24), Decimal(20)),
        "one/cpu": (Decimal(12), Decimal(10)),
        ELSEWHERE: (Decimal(12), Decimal(5)),
    }
    assert rows["one/l4-spot"].usd_over == -8
    assert rows["one/cpu"].percent_over == pytest.approx(Decimal("-16.6667"), abs=Decimal("0.001"))


def test_a_pool_name_that_two_clusters_share_is_never_guessed() -> None:
    rows = compare([spent(0, "40", outlay_pool="l4-spot")], PLANNED, label="team").pools
    assert [each.actual_usd for each in rows] == [0, 0, 0, 40]


def test_labels_are_compared_in_any_cloud_s_spelling() -> None:
    spend = [spent(0, "60", **{"outlay-stack": "dev", "team": "inference"}), spent(0, "9")]
    rows = compare(spend, PLANNED, label="team").labels
    found = [(each.what, each.planned_usd, each.actual_usd) for each in rows]
    assert found == [
        ("outlay:stack=dev", Decimal(96), Decimal(60)),
        ("team=Inference", Decimal(96), Decimal(60)),
    ]


def test_a_chargeback_sums_up_with_what_has_no_label() -> None:
    spend = [spent(0, "60", team="a"), spent(1, "20", team="a"), spent(1, "20")]
    charges = compare(spend, None, label="team").chargeback
    assert [(each.team, each.usd, each.share) for each in charges] == [
        ("a", Decimal(80), Decimal("0.8")),
        (NO_LABEL, Decimal(20), Decimal("0.2")),
    ]


def test_a_day_unlike_the_others_is_found() -> None:
    usual = ["10", "11", "9", "10", "12", "10", "50", "9", "11"]
    spend = [spent(day, usd, team="a") for day, usd in enumerate(usual)]
    (one,) = compare(spend, None, label="team").anomalies
    assert (one.label, one.day.day) == ("a", 7)
    assert (one.usd, one.usual_usd) == (Decimal(50), Decimal(10))
    assert one.robust_z == pytest.approx(40 / 1.486)


def test_a_day_without_spend_is_a_day_of_zero() -> None:
    """A pool that died is unusual too."""
    days = [n for n in range(10) if n != 4]
    spend = [spent(n, "10.1" if n % 2 else "9.9", team="a") for n in days]
    assert [each.day.day for each in compare(spend, None, label="team").anomalies] == [5]


def test_a_constant_label_with_one_other_day_is_found() -> None:
    """The median deviation is zero there; the mean one is not."""
    spend = [spent(day, "20" if day == 3 else "10", team="a") for day in range(20)]
    assert len(compare(spend, None, label="team").anomalies) == 1


def test_constant_spend_and_short_bills_have_no_anomalies() -> None:
    constant = [spent(day, "10", team="a") for day in range(30)]
    short = [spent(0, "1", team="a"), spent(1, "1000", team="a")]
    assert compare(constant, None, label="team").anomalies == ()
    assert compare(short, None, label="team").anomalies == ()


amounts = st.lists(st.decimals(0, 1000, places=2), min_size=3, max_size=30)


@given(values=amounts, shift=st.integers(0, 1000), scale=st.integers(1, 100))
def test_the_score_does_not_depend_on_the_unit_or_the_level(
    values: list[Decimal], shift: int, scale: int
) -> None:
    moved = [value * scale + shift for value in values]
    assert robust_z(moved, moved[0]) == pytest.approx(robust_z(values, values[0]), abs=1e-6)


@pytest.mark.parametrize("key", ["outlay/pool", "outlay_pool", "outlay:pool", "OUTLAY-POOL"])
def test_a_label_is_one_key_in_every_spelling(key: str) -> None:
    assert folded(key) == "outlay-pool"


OWN = {"outlay_stack": "dev"}


def test_each_day_is_held_to_24_hours_of_the_plan() -> None:
    """96 a day are planned; the first is right, the second has no charge, the third is double."""
    tracking = compare([spent(0, "96", **OWN), spent(2, "192", **OWN)], PLANNED, label="t").tracking
    assert tracking is not None
    assert [[d.planned_usd, d.actual_usd, d.usd_over_so_far] for d in tracking.days] == [
        [96, 96, 0],
        [96, 0, -96],
        [96, 192, 0],
    ]
    assert tracking.planned_usd_per_day == tracking.usual_usd_per_day == 96
    assert tracking.usual_usd_per_month == 96 * Decimal(730) / 24


def test_only_the_stack_s_own_charges_are_tracked() -> None:
    """The bill of a whole account has other stacks and things of nobody in it."""
    others = [spent(0, "500"), spent(0, "70", outlay_stack="prod")]
    tracking = compare([spent(0, "96", **OWN), *others], PLANNED, label="t").tracking
    assert tracking is not None
    assert tracking.days[0].actual_usd == 96
    assert tracking.by_label


def test_a_bill_without_the_stack_s_labels_counts_whole_and_says_so() -> None:
    tracking = compare([spent(0, "500")], PLANNED, label="t").tracking
    assert tracking is not None
    assert tracking.days[0].actual_usd == 500
    assert not tracking.by_label


def test_without_a_plan_there_is_nothing_to_track() -> None:
    assert compare([spent(0, "500")], None, label="t").tracking is None
