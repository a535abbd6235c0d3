"""What the plan says is what the declared resources cost, plus the usage that the plan names."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from outlay.catalog import PROVIDERS, load_catalog
from outlay.pricing.declared import LOCATIONS
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.total import PricedResource, total
from tests.engine.harness import VENV, Project, Result

pytestmark = [pytest.mark.engine, pytest.mark.slow]

REPLACED = ("outlay:budgetUsdPerMonth", "outlay:providers")
# The plan's JSON rounds to eight digits after the point, and sums some twenty such amounts.
ROUNDING = Decimal("0.000001")


def test_a_plan_costs_what_it_declares_to_the_cent(
    repository_project: Callable[[str], Project],
) -> None:
    """The prod stack: two models on AWS and GCP, spot and on-demand; nothing is left unpriced."""
    check(repository_project("prod"))


@pytest.mark.parametrize("provider", [each.name for each in PROVIDERS])
def test_so_does_the_cheapest_plan_of_each_provider(
    repository_project: Callable[[str], Project], provider: str
) -> None:
    project = repository_project("dev")
    settings = project.folder / "Pulumi.dev.yaml"
    only = f"  outlay:providers: [{provider}]\n  outlay:budgetUsdPerMonth: '100000'\n"
    lines = settings.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not any(key in line for key in REPLACED)]
    settings.write_text("".join(kept) + only)
    project.sandbox.prepare("dev")
    plan = check(project)
    assert {pool["provider"] for pool in plan["pools"]} == {provider}


def check(project: Project) -> dict[str, Any]:
    """Hold a project's plan to the sum over what its preview declares, and return the plan."""
    preview = project.preview("--policy-pack", "policies").ok()
    assert preview.policy_messages() == []
    bill = total(priced(preview))
    assert bill.unpriced == ()
    plan = plan_of(project)
    usage = sum(usd(cost) for cost in plan["fixed_costs"] if cost["is_usage"])
    assert abs(usd(plan) - usage - bill.expected) < ROUNDING
    return plan


def test_the_worst_case_of_a_plan_is_what_the_budget_rule_sees(
    repository_project: Callable[[str], Project],
) -> None:
    """With room for twice the demand: every declared pool at its maximum, to the cent."""
    project = repository_project("dev")
    file = project.folder / "Pulumi.dev.yaml"
    file.write_text(file.read_text().replace("config:\n", 'config:\n  outlay:maxScale: "2"\n'))
    preview = project.preview("--config", "outlay:maxScale=2").ok()
    bill = total(priced(preview))
    plan = plan_of(project)
    usage = sum(usd(cost) for cost in plan["fixed_costs"] if cost["is_usage"])
    most = Decimal(plan["usd_per_month_at_most_nodes"]) / 730
    assert most > usd(plan)
    assert abs(most - usage - bill.high) < ROUNDING


def priced(preview: Result) -> Iterator[PricedResource]:
    """Yield every resource that a preview declares, with its price."""
    rates = Rates(load_catalog())
    news = [each["new"] for each in metadata(preview) if each["new"]]
    regions = {new["urn"]: location(inputs(new)) for new in news}
    for new in news:
        if not new.get("provider"):
            continue  # a component; the resources in it are priced on their own
        provider = new["provider"].rpartition("::")[0]
        found = price(new["type"], inputs(new), rates=rates, region=regions.get(provider))
        yield PricedResource(name=new["urn"], resource_type=new["type"], price=found)


def metadata(preview: Result) -> list[Mapping[str, Any]]:
    events = (event.get("resourcePreEvent") for event in preview.events)
    return [event["metadata"] for event in events if event]


def location(values: Mapping[str, Any]) -> str | None:
    """Return where a provider buys, by the inputs of its own."""
    return next((values[key] for key in LOCATIONS if values.get(key)), None)


def inputs(new: Mapping[str, Any]) -> dict[str, Any]:
    return dict(new.get("inputs") or {})


def plan_of(project: Project) -> dict[str, Any]:
    """Return what `outlay plan --json` says of the project's stack."""
    answer = subprocess.run(
        [VENV / "bin" / "outlay", "plan", "--stack", project.stack, "--json"],
        check=True,
        capture_output=True,
        text=True,
        cwd=project.folder,
    )
    return dict(json.loads(answer.stdout, parse_float=Decimal))


def usd(item: Mapping[str, Any]) -> Decimal:
    return Decimal(item["usd_per_hour"])
