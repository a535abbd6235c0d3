"""`forecast`, `chargeback` and `spot` answer in tables and in JSON, and refuse what makes no sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import MODEL, SMALL, Command
from tests.reporting.document import documented, fields

Json = dict[str, Any]


# What AWS sells reserved as well.
RESERVED = (*MODEL, "--provider", "aws", "--gpu", "l40s", "--market", "on-demand")


def answer(run: Command, *arguments: str) -> Json:
    done = run(*arguments, "--json")
    assert done.code == 0, done.err
    value: Json = json.loads(done.out)
    return value


def test_a_forecast_has_every_documented_field_and_adds_up(run: Command) -> None:
    found = answer(
        run, "forecast", *RESERVED, "--growth", "50%", "--months", "3", "--budget", "3000"
    )
    assert fields(found) == documented("forecast")
    months = found["months"]
    assert [m["rps"] for m in months] == [10.0, 15.0, 22.5]
    assert sum(m["usd_per_month"] for m in months) == pytest.approx(found["total_usd"], abs=0.05)
    over = [m["month"] for m in months if m["usd_per_month"] > 3000]
    assert found["budget_breaks_in_month"] == (over[0] if over else None)
    assert [m["month"] for m in months if m["over_budget"]] == over
    (commitment,) = found["commitments"]
    ratio = commitment["reserved_usd_per_hour"] / commitment["ondemand_usd_per_hour"]
    assert commitment["break_even_share"] == pytest.approx(ratio, abs=1e-6)


def test_a_forecast_shows_what_a_commitment_needs_to_pay(run: Command) -> None:
    done = run("forecast", *RESERVED, "--growth", "50%", "--months", "3")
    assert "Pays from" in done.out
    assert "% use" in done.out


def test_growth_is_a_share_or_a_percentage(run: Command) -> None:
    one = answer(run, "forecast", *SMALL, "--growth", "0.5", "--months", "2")
    other = answer(run, "forecast", *SMALL, "--growth", "50%", "--months", "2")
    assert one == other


@pytest.mark.parametrize("growth", ["fast", "nan", "2000%", "-95%"])
def test_a_growth_that_is_none_is_refused(run: Command, growth: str) -> None:
    done = run("forecast", *SMALL, "--growth", growth)
    assert done.code == 1
    assert "--growth" in done.err


def test_a_forecast_says_when_the_budget_breaks(run: Command) -> None:
    done = run("forecast", *SMALL, "--growth", "100%", "--months", "3", "--budget", "4000")
    assert "The budget of $4,000/month breaks in month " in done.out
    assert "req/s in all" in done.out


def test_chargeback_has_every_documented_field_and_sums_to_the_bill(run: Command) -> None:
    found = answer(run, "chargeback", *SMALL)
    assert fields(found) == documented("chargeback")
    parts = sum(w["charged_usd_per_month"] + w["idle_usd_per_month"] for w in found["workloads"])
    whole = parts + found["unallocated_usd_per_month"]
    assert whole == pytest.approx(found["usd_per_month"], abs=1e-4)


def test_chargeback_names_teams(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(
        "gpus: [L4]\nproviders: [gcp]\nworkloads:\n"
        "  - {model: llama-3.1-8b, targetRps: 5, team: search}\n"
        "  - {model: mistral-7b, targetRps: 5, team: support}\n"
    )
    done = run("chargeback", "--settings", str(file))
    assert done.code == 0
    assert "search" in done.out
    assert "support" in done.out
    assert "of it idle" in done.out


def test_spot_has_every_documented_field(run: Command) -> None:
    found = answer(run, "spot", *SMALL, "--market", "spot")
    names = {f"spot.{path}" for path in fields(found["spot"])}
    assert names == {path for path in documented("plan") if path.startswith("spot.")}
    assert {f for f in fields(found) if not f.startswith("spot.")} == documented("spot")
    assert [s["name"] for s in found["strategies"]] == [
        "this plan",
        "with on-demand fallback",
        "all spot",
        "all on-demand",
    ]


def test_a_plan_that_cannot_be_names_the_conflict(run: Command) -> None:
    done = run("plan", *MODEL, "--provider", "gcp", "--gpu", "l40s")
    assert (done.code, done.out) == (2, "")
    assert "these limits conflict: providers gcp; gpus L40S" in done.err
    assert "way out: providers to also allow aws (the plan then costs $" in done.err


def test_a_budget_below_the_cheapest_plan_names_what_it_pays_for(run: Command) -> None:
    """The plan is printed all the same, and whoever starts from one says as much."""
    few = (*SMALL, "--survive-domain", "none", "--budget", "1200")
    done = run("plan", *few, "--json")
    assert done.code == 3
    assert json.loads(done.out)["budget_usd_per_month"] == 1200
    assert "way out: budgetUsdPerMonth to $" in done.err
    assert "or less demand: the budget pays for " in done.err


def test_every_verb_that_starts_from_a_plan_names_the_conflict(run: Command) -> None:
    done = run("chargeback", *MODEL, "--provider", "gcp", "--gpu", "l40s")
    assert done.code == 2
    assert "these limits conflict" in done.err
