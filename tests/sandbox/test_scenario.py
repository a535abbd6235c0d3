"""Scenario files, and what the ledger burns."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.ctl import main
from sandbox.ledger import Ledger
from tests.sandbox import stacks
from tests.sandbox.client import Plugin, RefusedError

WHOLE = """\
- fault: throttle
  match: "*gpu*"
  times: 2
- fault: partial
- capacity: {provider: azure, region: eastus, sku: Standard_NC4as_T4_v3, market: spot, nodes: 0}
- quota: {provider: lambda, region: us-west-1, market: on-demand, unit: gpus, amount: 8}
"""


def run(ledger_file: Path, *arguments: str) -> int:
    """Run the command line on a ledger."""
    return main(["--ledger", str(ledger_file), *arguments])


def test_a_scenario_plans_all_its_steps(tmp_path: Path, ledger: Ledger, ledger_file: Path) -> None:
    file = tmp_path / "bad-day.yaml"
    file.write_text(WHOLE)
    assert run(ledger_file, "scenario", str(file)) == 0
    planned = [(fault.kind, fault.match, fault.remaining) for fault in ledger.faults()]
    assert planned == [("throttle", "*gpu*", 2), ("partial", "*", 1)]
    asked = {"package": "azure-native", "region": "eastus", "market": "spot"}
    assert ledger.capacity(**asked, sku="Standard_NC4as_T4_v3") == 0
    assert ledger.quotas(package="lambda", region="us-west-1", market="on-demand") == {"gpus": 8}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "no scenario to be read"),
        ("fault: throttle", "a scenario is a list of steps"),
        ("- fault: flood", "step 1: there is no kind of fault 'flood'; there are error, throttle"),
        ("- {fault: error, matches: x}", "step 1: a fault has no matches"),
        ("- {fault: error, operation: make}", "there is no operation 'make'"),
        ("- {fault: error, times: often}", "times must be a whole number"),
        ("- fault: error\n- storm: {}", "step 2: must be one of fault, capacity, quota"),
        ("- quota: {provider: lambda}", "needs exactly provider, region, market, unit, amount"),
        (
            "- capacity: {provider: oci, region: a, sku: b, market: spot, nodes: 0}",
            "there is no provider 'oci'; there are aws, gcp, azure, coreweave, lambda",
        ),
    ],
)
def test_a_broken_scenario_plans_nothing_and_names_the_step(
    tmp_path: Path,
    ledger: Ledger,
    ledger_file: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    reason: str,
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    assert run(ledger_file, "scenario", str(file)) == 1
    assert reason in capsys.readouterr().err
    assert ledger.faults() == []


def test_a_planned_fault_hits_the_new_clouds_too(
    tmp_path: Path, azure: Plugin, ledger_file: Path
) -> None:
    file = tmp_path / "full.yaml"
    file.write_text("- {fault: capacity, match: t4spot}\n")
    run(ledger_file, "scenario", str(file))
    with pytest.raises(RefusedError, match="planned fault"):
        stacks.aks_pool(azure)


def test_the_ledger_shows_what_each_resource_burns(
    azure: Plugin, ledger_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two T4 spot nodes with disks of 128 GiB, by the price book."""
    stacks.aks_pool(azure)
    capsys.readouterr()
    assert run(ledger_file, "ledger") == 0
    lines = capsys.readouterr().out.splitlines()
    (pool,) = (line for line in lines if "AgentPool" in line)
    assert pool.split()[0] == f"{2 * (0.149174 + 19.71 / 730):.4f}"
    assert lines[-1].endswith("USD/hour in all, 7 resources")
