"""What a change costs, on the real engine: two previews of one stack against one state."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from outlay.catalog import load_catalog
from outlay.cli.diffing import make_diff
from outlay.cli.engine import Engine
from outlay.variables import BUDGET_VARIABLE
from sandbox.install import install_plugins
from tests.engine.changes import SETTINGS, Answer, Change, by_name, program
from tests.engine.conftest import MakeProgram
from tests.engine.harness import VENV, Project
from tools.setup.layout import REPOSITORY

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PACK = str(REPOSITORY / "policies")
# 0.8048 an hour and node, and 100 GiB at 0.08 a month.
NODE_USD_PER_MONTH = 0.8048 * 730 + 8
CLUSTER_USD_PER_MONTH = 73


OTHER_PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy

PolicyPack("other", [StackValidationPolicy(
    name="never",
    description="Nothing passes.",
    validate=lambda args, report: report("nothing is ever right"),
    enforcement_level=EnforcementLevel.MANDATORY,
)])
"""


@pytest.fixture
def change(make_program: MakeProgram) -> Change:
    """Two nodes are merged; nothing is deployed; nothing is proposed yet."""
    project = make_program(program(), settings=SETTINGS.format(budget=100000))
    install_plugins(project.sandbox.plugins, python=VENV / "bin" / "python")
    made = Change(project)
    made.merge()
    return made


def diff(change: Change, *arguments: str) -> Answer:
    return change.outlay("diff", "--stack", "dev", *arguments)


def as_json(change: Change, *arguments: str) -> dict[str, Any]:
    answer = diff(change, "--format", "json", *arguments)
    assert answer.code == 0, answer.err
    return dict(json.loads(answer.out))


def test_a_change_is_told_apart_from_what_is_not_deployed_yet(change: Change) -> None:
    """Deployed two, merged three, proposed four: the change is one node."""
    change.project.up().ok()
    change.propose(program(nodes=3))
    change.git("commit", "-q", "-a", "-m", "three")
    change.propose(program(nodes=4))
    value = as_json(change, "--base", "main")
    assert value["usd_per_month_delta"] == pytest.approx(NODE_USD_PER_MONTH)
    sides = [
        value[f"{side}_usd_per_hour"]["expected"] * 730 for side in ("deployed", "base", "head")
    ]
    expected = [n * NODE_USD_PER_MONTH + CLUSTER_USD_PER_MONTH for n in (2, 3, 4)]
    assert sides == pytest.approx(expected)
    assert by_name(value)["gpu"]["change"] == "changed"
    assert value["percent"] == pytest.approx(100 * NODE_USD_PER_MONTH / expected[1])


def test_a_replacement_counts_once(change: Change) -> None:
    """Larger disks make EKS build a new node group beside the old one."""
    change.project.up().ok()
    change.propose(program(disk=200))
    value = as_json(change, "--base", "main")
    assert by_name(value)["gpu"]["change"] == "replaced"
    assert value["usd_per_month_delta"] == pytest.approx(2 * 8)


def test_without_a_base_the_change_is_against_what_is_deployed(change: Change) -> None:
    change.project.up().ok()
    change.propose(program(nodes=1))
    value = as_json(change)
    assert value["usd_per_month_delta"] == pytest.approx(-NODE_USD_PER_MONTH)
    assert value["base_name"] == "what is deployed"


def test_a_clean_clone_is_compared_with_its_remote(change: Change, tmp_path: Path) -> None:
    """As a CI job has it: base is only a branch of the remote, and packages are installed anew."""
    change.git("checkout", "-q", "-b", "more")
    change.propose(program(nodes=3))
    change.git("commit", "-q", "-a", "-m", "more")
    folder = tmp_path / "clone"
    change.git("clone", "-q", "--branch", "more", ".", str(folder))
    (folder / ".venv").symlink_to(VENV)
    sandbox = replace(change.project.sandbox, project=folder)
    clone = Change(replace(change.project, sandbox=sandbox))
    value = as_json(clone, "--base", "origin/main")
    assert value["usd_per_month_delta"] == pytest.approx(NODE_USD_PER_MONTH)
    assert value["base_name"].startswith("origin/main (")
    assert clone.trees() == 1
    assert clone.git("status", "--porcelain") == ""


def test_limits_policies_and_the_comment(change: Change) -> None:
    """A mandatory policy fails the preview; its figures are whole all the same."""
    change.propose(program(nodes=3))
    over = diff(change, "--base", "main", "--fail-over-usd", "500")
    assert over.code == 3
    assert "stack dev grows by $595.50/month, more than $500.00" in over.err
    settings = change.folder / "Pulumi.dev.yaml"
    settings.write_text(SETTINGS.format(budget=1000))
    packs = ("--base", "main", "--policy-pack", PACK)
    failed = change.outlay("comment", "--stack", "dev", "--dry-run", *packs)
    assert failed.code == 4, failed.err
    assert "### Monthly cost will increase by $595.50 (+47 %) 📈" in failed.out
    assert "`monthly-budget` (mandatory, high)" in failed.out
    assert settings.read_text() == SETTINGS.format(budget=1000)


def test_an_unknown_count_is_no_saving_and_stops_a_limit(change: Change) -> None:
    """The pool of two nodes becomes one whose size only the update will know."""
    change.propose(program(nodes="vpc.arn.apply(len)"))
    value = as_json(change, "--base", "main")
    assert [urn.rsplit("::", 1)[-1] for urn in value["unpriced"]] == ["gpu"]
    assert value["usd_per_month_delta"] == 0
    answer = diff(change, "--base", "main", "--fail-over-usd", "1000000")
    assert (answer.code, "what gpu adds is not known" in answer.err) == (3, True)
    assert "monthly cost may change: some prices are not known" in answer.out


def test_a_policy_that_refuses_one_resource_hides_none_of_the_others(change: Change) -> None:
    """The engine goes on with a preview that a resource's policy fails; the figures stay whole."""
    more = 'aws.ec2.Eip("late", domain="vpc", tags=tags, opts=__import__("pulumi").ResourceOptions(depends_on=[cluster]))'
    change.propose(program(nodes="vpc.arn.apply(len)", more=f"\n    {more}\n"))
    answer = diff(change, "--base", "main", "--format", "json", "--policy-pack", PACK)
    assert answer.code == 4
    value = json.loads(answer.out)
    failed = [(p["level"], p["urn"].rsplit("::", 1)[-1]) for p in value["policies"]]
    assert ("mandatory", "gpu") in failed
    assert {"gpu", "late", "cluster"} <= by_name(value).keys()


def test_a_stack_that_base_does_not_have_is_new(change: Change) -> None:
    (change.folder / "Pulumi.next.yaml").write_text(SETTINGS.format(budget=100000))
    change.project.pulumi("stack", "init", "next", "--no-select").ok()
    answer = change.outlay("diff", "--stack", "next", "--base", "main")
    assert answer.code == 0, answer.err
    assert answer.out.startswith("tiny/next: new stack, $1,264/month")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--base", "nowhere"), "base 'nowhere' is no commit of this repository"),
        (("--fail-over-usd", "5 EUR"), "no amount of USD"),
        (("--project", "infra"), "no Pulumi.yaml"),
    ],
)
def test_a_wrong_argument_is_named(change: Change, arguments: tuple[str, ...], said: str) -> None:
    answer = diff(change, *arguments)
    assert answer.code == 1
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_a_stack_without_settings_names_those_that_have_some(change: Change) -> None:
    answer = change.outlay("diff", "--stack", "staging", "--base", "main")
    assert answer.code == 1
    assert "has no Pulumi.staging.yaml" in answer.err
    assert "stacks here: dev" in answer.err


@pytest.mark.parametrize("side", ["base", "head"])
def test_a_side_that_does_not_preview_is_named_with_its_reason(change: Change, side: str) -> None:
    broken = "raise ValueError('out of order')"
    change.propose(broken if side == "base" else program())
    change.git("commit", "-q", "-a", "--allow-empty", "-m", side)
    change.propose(program() if side == "base" else broken)
    answer = diff(change, "--base", "main")
    assert answer.code == 1
    assert f"at {side}" in answer.err
    assert "does not preview" in answer.err
    assert "out of order" in answer.err
    assert (change.trees(), answer.out) == (1, "")


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_diff_leaves_nothing_behind(
    change: Change, order: signal.Signals, tmp_path: Path
) -> None:
    """Neither a checkout, nor a lock, nor a process."""
    change.propose("import time\ntime.sleep(60)")
    change.git("commit", "-q", "-a", "-m", "slow")
    change.propose(program())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = change.start("diff", "--stack", "dev", "--base", "main", env={"TMPDIR": str(scratch)})
    _wait(lambda: change.trees() == 2 and _engines(change) == 1)
    process.send_signal(order)
    _, err = process.communicate(timeout=40)
    assert process.returncode == 130, err
    assert change.trees() == 1
    assert list(scratch.glob("outlay-*")) == []
    assert _engines(change) == 0
    change.project.preview().ok()


def _engines(change: Change) -> int:
    """Return how many processes run with this project's own Pulumi home."""
    home = f"PULUMI_HOME={change.project.sandbox.pulumi_home}".encode()
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_pulumi = (folder / "comm").read_text().strip() == "pulumi"
            found += is_pulumi and home in (folder / "environ").read_bytes()
        except OSError:
            continue  # it ended meanwhile
    return found


def _wait(until: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.1)


def test_a_diff_costs_no_more_than_a_second_besides_its_previews(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In CPU time of our own process: the previews run in others."""
    for name, value in change.project.environment().items():
        monkeypatch.setenv(name, value)
    change.propose(program(nodes=3))
    load_catalog.cache_clear()
    start = time.process_time()
    made = make_diff(Engine(project=change.folder, stack="dev"), "main")
    seconds = time.process_time() - start
    assert float(made.usd_per_month_delta) == pytest.approx(NODE_USD_PER_MONTH)
    assert seconds < 1, f"{seconds:.2f} s"


class TestAudit:
    def test_what_is_deployed_is_held_to_budget_and_policies(self, change: Change) -> None:
        change.project.up().ok()
        fine = change.outlay("audit", "--stack", "dev")
        assert fine.code == 0, fine.err
        assert fine.out.startswith("$1,264 (")
        over = change.outlay("audit", "--stack", "dev", "--budget", "1000")
        assert over.code == 3
        assert "$264.01 over the budget of $1,000/month" in over.err
        again = change.outlay("audit", "--stack", "dev", "--budget", "1000", "--policy-pack", PACK)
        assert again.code == 3
        assert "monthly-budget" in again.out

    def test_a_pack_gets_the_budget_and_the_environment_of_the_stack(self, change: Change) -> None:
        """`pulumi policy analyze` itself passes neither: a stack of dev would be judged as prod."""
        change.project.up().ok()
        answer = change.outlay("audit", "--stack", "dev", "--policy-pack", PACK)
        assert "budget-required" not in answer.out
        assert "environment-agrees" not in answer.out

    def test_the_runners_budget_holds_in_an_audit(self, change: Change) -> None:
        """Or a change that raises the stack's own budget would pass every night."""
        change.project.up().ok()
        runners = {BUDGET_VARIABLE: "1000"}
        answer = change.outlay("audit", "--stack", "dev", "--policy-pack", PACK, env=runners)
        assert answer.code == 3
        assert "over the budget of $1,000/month" in answer.err
        assert "over the budget of $1,000.00/month" in answer.out

    def test_an_audit_holds_a_stack_to_its_own_limits(self, change: Change) -> None:
        change.project.up().ok()
        with (change.folder / "Pulumi.dev.yaml").open("a") as settings:
            settings.write("  outlay:limits: {largest-pool: {maxNodes: 9}}\n")
        answer = change.outlay("audit", "--stack", "dev", "--policy-pack", PACK)
        assert answer.code == 4
        assert "the pool may reach 10 nodes; one pool may have 9." in answer.out

    def test_a_pack_of_others_may_know_none_of_our_rules(
        self, change: Change, tmp_path: Path
    ) -> None:
        pack = tmp_path / "other"
        pack.mkdir()
        (pack / "PulumiPolicy.yaml").write_text(
            "description: other\nversion: 0.1.0\n"
            f"runtime: {{name: python, options: {{toolchain: pip, virtualenv: {VENV}}}}}\n"
        )
        (pack / "__main__.py").write_text(OTHER_PACK)
        change.project.up().ok()
        answer = change.outlay("audit", "--stack", "dev", "--policy-pack", str(pack))
        assert answer.code == 4, answer.err
        assert "nothing is ever right" in answer.out

    def test_a_stack_without_a_budget_is_asked_for_one(self, change: Change) -> None:
        (change.folder / "Pulumi.dev.yaml").write_text("config: {}\n")
        answer = change.outlay("audit", "--stack", "dev")
        assert answer.code == 1
        assert "give --budget instead" in answer.err


class TestThisRepository:
    @pytest.fixture
    def own(self, repository_project: Callable[[str], Project]) -> Change:
        """A copy of this repository with a git history of one commit."""
        made = Change(repository_project("dev"))
        made.merge()
        return made

    def run(self, own: Change, *arguments: str) -> Answer:
        """Run the copy's own outlay, as if the copy were installed: its price book is what counts."""
        code = "from outlay.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=own.folder,
            env=own.project.environment({"PYTHONPATH": str(own.folder / "infra")}),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def test_a_price_refresh_is_told_apart_from_the_program(self, own: Change) -> None:
        """Every CPU machine costs a tenth of a dollar an hour more; the plan stays the same."""
        file = own.folder / "infra" / "outlay" / "catalog" / "data" / "cpu_offers.csv"
        file.write_text(_dearer(file.read_text()))
        answer = self.run(own, "diff", "--stack", "dev", "--base", "main", "--format", "json")
        assert answer.code == 0, answer.err
        value = json.loads(answer.out)
        assert value["price_book"] != value["base_price_book"]
        assert value["usd_per_hour_by_change"] == 0
        assert value["usd_per_hour_by_prices"] == pytest.approx(0.1)

    def test_a_planned_stack_costs_what_its_plan_says_to_the_cent(self, own: Change) -> None:
        answer = self.run(own, "cost", "--stack", "dev", "--planned", "--json")
        assert answer.code == 0, answer.err
        cost = json.loads(answer.out)
        plan = json.loads(self.run(own, "plan", "--stack", "dev", "--json").out)
        assert cost["usd_per_month"] == pytest.approx(plan["usd_per_month"], abs=0.005)
        assert [each["what"] for each in cost["usage"]] == [
            each["what"] for each in plan["fixed_costs"] if each["is_usage"]
        ]
        assert all(each["unpriced"] is None for each in cost["resources"])


def _dearer(text: str) -> str:
    rows = list(csv.reader(io.StringIO(text)))
    price = rows[0].index("price_ondemand_usd_per_hour")
    for row in rows[1:]:
        row[price] = str(Decimal(row[price]) + Decimal("0.1"))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
