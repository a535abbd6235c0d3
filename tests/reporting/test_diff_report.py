"""A diff as JSON that can be read back, and as the table of the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.errors import InputError
from outlay.reporting.comment import comment
from outlay.reporting.diff import diff_json, parse_diff, print_diff, read_diff
from tests.pricing.written import create, diff, steady
from tests.reporting import changes

NAMES = pytest.mark.parametrize("name", changes.ALL)


@NAMES
def test_the_json_says_all_that_the_comment_needs(name: str) -> None:
    made = changes.ALL[name]()
    again = parse_diff(json.dumps(diff_json(made)), source="file")
    assert comment([again]) == comment([made])
    assert diff_json(again) == diff_json(made)


def test_the_json_has_its_sums() -> None:
    value = diff_json(changes.price_refresh())
    assert value["usd_per_hour_delta"] == 0.6
    assert value["usd_per_hour_by_prices"] == 0.6
    assert value["usd_per_hour_by_change"] == 0.0
    assert value["usd_per_month_delta"] == 438.0
    assert value["percent"] == 50.0
    assert value["base_usd_per_hour"] == {"low": 1.8, "expected": 1.8, "high": 1.8}


def test_an_unpriced_resource_is_null_and_never_zero() -> None:
    value = diff_json(changes.unpriced())
    resources = value["resources"]
    assert isinstance(resources, list)
    (one,) = [each for each in resources if each["is_uncertain"]]
    assert one["head"] == {
        "usd_per_hour": None,
        "unpriced": "no price rule for aws:sqs/queue:Queue",
    }
    assert value["unpriced"] == [one["urn"]]


TEXT = json.dumps(diff_json(changes.up()))


@given(st.integers(min_value=0, max_value=len(TEXT) - 1))
def test_a_cut_diff_is_refused(length: int) -> None:
    with pytest.raises(InputError):
        parse_diff(TEXT[:length], source="diff.json")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "was not written by"),
        ({"format": "outlay-cost-diff/1", "currency": "EUR"}, "only USD"),
        ({"format": "outlay-cost-diff/1", "currency": "USD"}, "incomplete: project"),
    ],
)
def test_another_document_is_refused(value: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_diff(json.dumps(value), source="diff.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_diff(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("no-change", ["shop/dev: monthly cost will not change (from $1,314 to $1,314)"]),
        ("up", ["with autoscaling: $2,628 ($1,971 to $8,541)", "~  gpu", "+  batch", "-  old"]),
        ("new-stack", ["shop/dev: new stack, $1,314/month"]),
        ("replacement", ["±  gpu"]),
        ("unpriced", ["(from $1,314 to ≥ $1,314)", "no price rule for aws:sqs/queue:Queue", "?"]),
        ("policy-failed", ["[mandatory] monthly-budget: Planned spend stays"]),
        ("price-refresh", ["$0/month by the change, +$438.00/month by prices"]),
    ],
)
def test_the_table_says_what_matters(
    name: str, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    print_diff(changes.ALL[name]())
    shown = capsys.readouterr().out
    assert [line for line in lines if line not in shown] == []


def test_notes_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    from tests.pricing.written import LABELS

    print_diff(diff(create(steady()), [], labels=replace(LABELS, notes=("packages differ",))))
    assert "Note: packages differ" in capsys.readouterr().out


def test_every_field_of_the_json_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cost-diff.md").read_text(encoding="utf-8")
    value = diff_json(changes.policy_failed())
    resources, policies = value["resources"], value["policies"]
    assert isinstance(resources, list)
    assert isinstance(policies, list)
    named = {*value, *resources[0], *resources[0]["head"], *policies[0]}
    assert {name for name in named if name not in page} == set()
