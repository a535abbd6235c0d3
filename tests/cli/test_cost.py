"""`outlay cost` of files: its JSON, its table, its budget, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outlay.catalog import Market, load_catalog
from outlay.cli.cost import own_budget
from outlay.errors import InputError
from outlay.variables import BUDGET_VARIABLE
from tests.cli.command import Command
from tests.pricing.written import export, pool, queue, steady
from tests.pricing.written import state as resource


@pytest.fixture
def state(tmp_path: Path) -> str:
    """The export of a stack with an autoscaled pool."""
    file = tmp_path / "state.json"
    file.write_text(export(pool()))
    return str(file)


@pytest.fixture
def part_unpriced(tmp_path: Path) -> str:
    """The export of a stack with something that has no price."""
    file = tmp_path / "unpriced.json"
    file.write_text(export(steady(), queue()))
    return str(file)


def node_usd() -> float:
    """Return what the real price book says of one node with its disk."""
    catalog = load_catalog()
    node = next(
        offer.usd_per_hour
        for offer in catalog.offers
        if (offer.region, offer.instance_type) == ("us-east-1", "g6.xlarge")
        and offer.market is Market.ON_DEMAND
    )
    disk = catalog.service_price("aws", "block_storage", "us-east-1")
    assert disk is not None
    return float(node + disk.usd * 100 / 730)


def test_the_json_has_what_programs_build_on(run: Command, state: str) -> None:
    value = json.loads(run("cost", state, "--json").out)
    assert set(value) == {
        "usd_per_hour",
        "usd_per_hour_range",
        "usd_per_month",
        "resources",
        "usage",
        "not_counted",
        "price_book",
        "currency",
    }
    assert value["usd_per_hour"] == pytest.approx(2 * node_usd())
    assert value["usd_per_month"] == pytest.approx(2 * 730 * node_usd())
    assert [set(each) for each in value["resources"]] == [
        {"urn", "type", "usd_per_hour", "unpriced"}
    ] * 2
    found = value["resources"][1]["usd_per_hour"]
    assert [found["low"], found["expected"], found["high"]] == pytest.approx(
        [0, 2 * node_usd(), 10 * node_usd()]
    )


def test_an_unpriced_resource_is_null_in_json_and_listed_in_the_table(
    run: Command, part_unpriced: str
) -> None:
    resources = json.loads(run("cost", part_unpriced, "--json").out)["resources"]
    assert resources[-1]["usd_per_hour"] is None
    assert resources[-1]["unpriced"] == "no price rule for aws:sqs/queue:Queue"
    shown = run("cost", part_unpriced).out
    assert shown.startswith("≥ $")
    assert "No price, so not counted" in shown


def test_what_is_charged_by_use_is_named_with_its_rate(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text(export(resource("aws:s3/bucket:Bucket", "models", {})))
    shown = " ".join(run("cost", str(file)).out.split())
    assert "Charged by use, so not counted" in shown
    assert "objects kept $0.023 / GB-month" in shown


def test_a_budget_holds_or_ends_with_3(run: Command, state: str) -> None:
    assert run("cost", state, "--budget", "100000").code == 0
    done = run("cost", state, "--budget", "100")
    assert done.code == 3
    assert "over the budget of $100.00/month" in done.err


def test_a_budget_cannot_hold_what_has_no_price(run: Command, part_unpriced: str) -> None:
    done = run("cost", part_unpriced, "--budget", "1000000")
    assert done.code == 3
    assert "no price is known for jobs" in done.err


@pytest.mark.parametrize("budget", ["-1", "EUR 100", "100€", "many", "nan", "inf"])
def test_a_budget_that_is_no_amount_of_usd_is_refused(
    run: Command, state: str, budget: str
) -> None:
    done = run("cost", state, f"--budget={budget}")
    assert done.code == 1
    assert "no amount of USD" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give either a FILE or --stack"),
        (("a.json", "--stack", "dev"), "give either a FILE or --stack"),
        (("a.json", "--planned"), "add --stack"),
        (("a.json", "--check-budget"), "add --stack"),
        (("none.json",), "none.json does not exist"),
    ],
)
def test_wrong_arguments_say_what_would_be_right(
    run: Command, arguments: tuple[str, ...], said: str
) -> None:
    done = run("cost", *arguments)
    assert done.code == 1
    assert said in done.err


def test_a_cut_file_is_no_traceback(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "cut.json"
    file.write_text(export(pool())[:-40])
    done = run("cost", str(file))
    assert (done.code, done.out) == (1, "")
    assert "no valid JSON" in done.err


def test_actuals_of_a_file_are_shown_and_given_as_json(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "focus.csv"
    header = "EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,Tags\n"
    rows = [
        f'{80 if day == 5 else 10},USD,2026-01-{day:02}T00:00:00Z,2026-01-{day + 1:02}T00:00:00Z,"{{""team"": ""a""}}"\n'
        for day in range(1, 10)
    ]
    file.write_text(header + "".join(rows))
    value = json.loads(run("actuals", str(file), "--json").out)
    assert value["usd"] == 160
    assert [(each["label"], each["day"]) for each in value["anomalies"]] == [("a", "2026-01-05")]
    assert value["chargeback"] == [{"team": "a", "usd": 160.0, "share": 1.0}]
    assert "$160.00 spent, 2026-01-01 to 2026-01-09, 9 days (UTC)" in run("actuals", str(file)).out


def test_a_plan_is_held_against_a_bill_by_pool_and_label(run: Command, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.small.yaml").write_text(
        "config:\n  outlay:model: llama-3.1-8b\n  outlay:targetRps: '10'\n"
        "  outlay:providers: [gcp]\n  outlay:gpus: [L4]\n  outlay:regions: [us-central1]\n  outlay:tags: {team: inference}\n"
    )
    header = "EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,Tags\n"
    tags = '"{""goog-k8s-node-pool-name"": ""cpu"", ""team"": ""inference""}"'
    file = tmp_path / "focus.csv"
    file.write_text(f"{header}24,USD,2026-01-01,2026-01-02,{tags}\n")
    done = run("actuals", str(file), "--stack", "small", "--project", str(tmp_path), "--json")
    value = json.loads(done.out)
    cpu = next(each for each in value["pools"] if each["what"].endswith("/cpu"))
    assert cpu["actual_usd"] == 24
    assert cpu["planned_usd"] > 0
    labels = [each["what"] for each in value["labels"]]
    assert labels == ["outlay:project=outlay", "outlay:stack=small", "team=inference"]
    assert value["labels"][2]["actual_usd"] == 24
    tracking = value["tracking"]
    assert tracking["planned_usd_per_day"] == pytest.approx(24 * tracking["planned_usd_per_hour"])
    assert [day["actual_usd"] for day in tracking["days"]] == [24]
    shown = run("actuals", str(file), "--stack", "small", "--project", str(tmp_path)).out
    assert "the whole bill, for no charge has the stack's labels" in " ".join(shown.split())


def test_a_bill_in_another_currency_is_refused(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "focus.csv"
    header = "EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,Tags\n"
    file.write_text(f"{header}24,EUR,2026-01-01,2026-01-02,\n")
    done = run("actuals", str(file))
    assert done.code == 1
    assert "BillingCurrency is EUR" in done.err


@pytest.mark.parametrize(
    ("own", "runners", "limit"),
    [("3000", None, 3000), ("3000", "1000", 1000), ("3000", "9000", 3000), ("", "1000", 1000)],
)
def test_the_lower_of_the_stacks_and_the_runners_budget_counts(
    own: str, runners: str | None, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever changes a stack can raise its own, and not the variable of whoever runs the audit."""
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config:\n  outlay:budgetUsdPerMonth: '{own}'\n")
    monkeypatch.delenv(BUDGET_VARIABLE, raising=False)
    if runners is not None:
        monkeypatch.setenv(BUDGET_VARIABLE, runners)
    assert own_budget("dev", tmp_path) == limit


@pytest.mark.parametrize(
    ("own", "runners", "problem"),
    [
        ("", "", "budgetUsdPerMonth of stack dev is not set"),
        ("-5", "", "budgetUsdPerMonth of stack dev must be an amount above 0, got '-5'"),
        ("5", "5 EUR", f"the variable {BUDGET_VARIABLE} must be an amount above 0, got '5 EUR'"),
    ],
)
def test_a_budget_that_is_none_is_refused(
    own: str, runners: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config:\n  outlay:budgetUsdPerMonth: '{own}'\n")
    monkeypatch.setenv(BUDGET_VARIABLE, runners)
    with pytest.raises(InputError, match=problem):
        own_budget("dev", tmp_path)
