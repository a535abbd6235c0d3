"""On the real engine: a pinned plan stays when a price moves by a cent, and goes when it is too dear."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.engine.harness import VENV, Project, Result

pytestmark = [pytest.mark.engine, pytest.mark.slow]

OUTLAY = VENV / "bin" / "outlay"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
PINNED, OTHER = "g7e.2xlarge", "g6e.xlarge"
CENT = Decimal("0.01")
# One on-demand pool on AWS, whichever of two GPU types is cheaper.
SETTINGS = """\
config:
  outlay:model: llama-3.1-8b
  outlay:targetRps: "10"
  outlay:providers: [aws]
  outlay:regions: [us-east-1]
  outlay:markets: [on-demand]
  outlay:gpus: [L40S, RTX-PRO-6000]
  outlay:replanThreshold: "0.05"
"""


@pytest.fixture
def project(repository_project: Callable[[str], Project]) -> Project:
    """A copy of the repository whose dev stack pins its plan."""
    made = repository_project("dev")
    file = made.folder / "Pulumi.dev.yaml"
    file.write_text(SETTINGS)
    made.sandbox.config_file("dev").write_text(SETTINGS)
    reprice(made, even_price(made) + CENT / 2)
    outlay(made, "plan", "--stack", "dev", "--write")
    assert (made.folder / "plans" / "dev.json").is_file()
    return made


def outlay(project: Project, *arguments: str) -> str:
    """Run the copy's command line, on the copy's price book."""
    done = subprocess.run(
        [VENV / "bin" / "python", "-c", "from outlay.cli.main import main; main()", *arguments],
        cwd=project.folder,
        env={"PYTHONPATH": str(project.folder / "infra"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def even_price(project: Project) -> Decimal:
    """Return the price of the other machine at which both plans cost the same."""
    text = outlay(project, "compare", "--stack", "dev", "--by", "gpu", "--json")
    rows = json.loads(text, parse_float=Decimal)["rows"]
    (other,) = [row for row in rows if row["name"] == "L40S"]
    (pinned,) = [row for row in rows if row["name"] == "RTX-PRO-6000"]
    (pool,) = other["pools"]
    assert pool["instance_type"] == OTHER
    too_much = (other["usd_per_month"] - pinned["usd_per_month"]) / 730 / pool["nodes"]
    return Decimal(round(pool["usd_per_node_hour"] - too_much, 4))


def reprice(project: Project, usd_per_hour: Decimal) -> None:
    """Change the other machine's on-demand price in the copy's price book."""
    file = Path(project.folder / "infra" / "outlay" / "catalog" / "data" / "offers.csv")
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    for row in rows:
        if (row["instance_type"], row["region"]) == (OTHER, "us-east-1"):
            row["price_ondemand_usd_per_hour"] = str(usd_per_hour)
            row["price_spot_usd_per_hour"] = ""
            row["spot_as_of"] = ""
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    file.write_text(written.getvalue(), encoding="utf-8")


def machines(result: Result, *ops: str) -> set[str]:
    """Return the instance types of the GPU node groups in steps of these kinds."""
    groups = [s for s in result.steps() if s.type == NODE_GROUP and s.op in ops]
    inputs = [group.new or group.old or {} for group in groups]
    return {found["instanceTypes"][0] for found in inputs} & {PINNED, OTHER}


def test_a_pin_outlives_a_cent_and_not_the_threshold(project: Project) -> None:
    """The running pools stay while a new plan would save little, and the preview says how much."""
    project.up("--skip-preview").ok()
    even = even_price(project)
    reprice(project, even - CENT / 2)
    same = project.preview().ok()
    assert machines(same, "same") == {PINNED}
    assert {step.op for step in same.steps()} == {"same"}
    told = same.diagnostics("info")
    assert "the plan pinned in plans/dev.json is followed; a new one would save $" in told

    reprice(project, even * Decimal("0.7"))
    changed = project.preview().ok()
    assert machines(changed, "create") == {OTHER}
    assert machines(changed, "delete") == {PINNED}
    warned = changed.diagnostics("warning")
    assert "plans/dev.json is not followed: it costs " in warned
    assert "replanThreshold is 5.0%" in warned

    moves = outlay(project, "plan", "--stack", "dev", "--diff")
    lines = [line.split()[1] for line in moves.splitlines() if line[:1].isdigit()]
    assert lines == ["add", "remove"]


def test_a_damaged_pin_stops_the_preview_with_the_way_out(project: Project) -> None:
    (project.folder / "plans" / "dev.json").write_text("{}")
    result = project.preview()
    assert result.code != 0
    assert (
        "is no pinned plan; pin the plan anew with `outlay plan --stack dev --write`" in result.text
    )
    assert "Traceback" not in result.text
