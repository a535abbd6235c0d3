"""Ways around a budget that lie in settings, flags and the order of commands: each is tried and stopped."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from outlay.variables import BUDGET_VARIABLE, ENVIRONMENT_VARIABLE
from sandbox.install import install_plugins
from tests.engine.conftest import MakeProgram, program_maker
from tests.engine.evasion.found import Violation, violations
from tests.engine.harness import VENV, Project
from tools.setup.layout import REPOSITORY
from tools.setup.record import Engine

pytestmark = pytest.mark.engine

PACK = str(REPOSITORY / "policies")
# A reserved g6.xlarge in us-east-1 costs 587.51 USD a month by the real price book.
PROGRAM = """
import pulumi


class Declare(pulumi.CustomResource):
    def __init__(self, kind, name, inputs, **options):
        tags = {"outlay:project": "tiny", "outlay:stack": "dev", "Name": name}
        super().__init__(kind, name, {**inputs, "tags": tags}, pulumi.ResourceOptions(**options))


def reserve(name, nodes, **options):
    kind = "aws:ec2/capacityReservation:CapacityReservation"
    where = {"availabilityZone": "us-east-1a", "instancePlatform": "Linux/UNIX"}
    Declare(kind, name, {"instanceType": "g6.xlarge", "instanceCount": nodes, **where}, **options)


"""
SETTINGS = "config:\n  aws:region: us-east-1\n"
MONTHLY, EACH_STEP = "monthly-budget", "budget-at-each-step"
RESERVATION = "aws:ec2/capacityReservation:CapacityReservation"
KEPT, NEW = (f"urn:pulumi:dev::tiny::{RESERVATION}::{name}" for name in ("kept", "new"))


def make(maker: MakeProgram, program: str, **settings: str) -> Project:
    """Return a project on the sandbox with this program and these settings of `outlay:`."""
    lines = "".join(f"  outlay:{key}: '{value}'\n" for key, value in settings.items())
    # Absolute: a pack of another folder has no other.
    options = f"{{toolchain: pip, virtualenv: {VENV}}}"
    project = maker(PROGRAM + program, settings=SETTINGS + lines, options=options)
    install_plugins(project.sandbox.plugins, python=VENV / "bin" / "python")
    return project


def change(project: Project, program: str) -> None:
    (project.folder / "infra" / "__main__.py").write_text(PROGRAM + program)


def judged(
    project: Project, *arguments: str, env: Mapping[str, str] | None = None, pack: str = PACK
) -> list[Violation]:
    """Preview with the pack; return the mandatory violations, which must have stopped it."""
    result = project.preview("--policy-pack", pack, *arguments, env=env)
    found = [each for each in violations(result) if each.level == "mandatory"]
    assert (result.code != 0) == bool(found), result.text
    return found


def rules(found: Sequence[Violation]) -> set[str]:
    return {each.rule for each in found}


def bought(project: Project) -> int:
    """Return how many reservations exist on the sandbox."""
    if not project.sandbox.ledger.exists():
        return 0
    with sqlite3.connect(project.sandbox.ledger) as ledger:
        query = "select count(*) from resource where token = ?"
        return int(ledger.execute(query, (RESERVATION,)).fetchone()[0])


def test_skipping_the_preview_makes_nothing_over_the_budget(make_program: MakeProgram) -> None:
    """Two fit; the rule on each step stops the third, and the engine begins nothing after it."""
    program = "for number in range(5):\n    reserve(f'r-{number}', 1)\n"
    project = make(make_program, program, environment="dev", budgetUsdPerMonth="1200")
    result = project.up("--skip-preview", "--policy-pack", PACK)
    assert result.code != 0
    stopped = [each for each in violations(result) if each.rule == EACH_STEP]
    assert "reaches $1,762.52/month, over the $1,200.00/month" in stopped[0].text
    assert bought(project) <= 2


def test_what_a_preview_cannot_see_is_stopped_at_its_step(make_program: MakeProgram) -> None:
    """A resource inside an apply of an unknown: the preview passes, the update does not."""
    program = (
        "net = Declare('aws:ec2/vpc:Vpc', 'net', {'cidrBlock': '10.0.0.0/16'})\n"
        "net.id.apply(lambda _: reserve('hidden', 3))\n"
    )
    project = make(make_program, program, environment="dev", budgetUsdPerMonth="1200")
    result = project.up("--policy-pack", PACK)
    assert result.code != 0
    found = [each for each in violations(result) if each.level == "mandatory"]
    assert found[0].rule == EACH_STEP
    assert found[0].resource == "hidden"
    assert bought(project) == 0


@pytest.fixture(scope="module")
def two(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two reserved nodes, 1,175.01 USD a month, in a stack called dev."""
    maker = program_maker(engine, tmp_path_factory.mktemp("settings"))
    return make(maker, "reserve('r', 2)")


def configured(project: Project, text: str) -> None:
    """Give the stack these settings."""
    # The copy that the engine reads; its encryption salt stays.
    file = project.sandbox.config_file("dev")
    kept = [line for line in file.read_text().splitlines() if line.startswith("encryptionsalt")]
    file.write_text("\n".join([*kept, SETTINGS + text]))


def test_a_raised_budget_and_a_laxer_environment_of_its_own(two: Project) -> None:
    """In the settings and on the command line; what the runner's variables say counts."""
    configured(two, "  outlay:environment: dev\n  outlay:budgetUsdPerMonth: '9999999'\n")
    env = {BUDGET_VARIABLE: "1000", ENVIRONMENT_VARIABLE: "prod"}
    found = judged(two, "-c", "outlay:budgetUsdPerMonth=99999999", env=env)
    assert rules(found) >= {MONTHLY, "environment-agrees"}
    (text,) = [each.text for each in found if each.rule == MONTHLY]
    assert f"$1,000.00/month of stack dev (the variable {BUDGET_VARIABLE}" in text


def test_no_budget_at_all_outside_dev(two: Project) -> None:
    configured(two, "")
    assert "budget-required" in rules(judged(two, env={ENVIRONMENT_VARIABLE: "staging"}))


def test_a_budget_that_is_no_amount_of_dollars(two: Project) -> None:
    configured(two, "  outlay:environment: dev\n  outlay:budgetUsdPerMonth: 3000 EUR\n")
    (message,) = {each.text for each in judged(two) if each.rule == MONTHLY}
    assert "must be an amount of USD above 0, got '3000 EUR'" in message


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"monthly-bugdet": {"usdPerMonth": 9}}, "invalid enforcement level"),
        (
            {"monthly-bugdet": {"enforcementLevel": "mandatory", "usdPerMonth": 9}},
            "unknown rule 'monthly-bugdet'; did you mean monthly-budget",
        ),
        ({"monthly-budget": {"usdPerMonth": -9}}, "usdPerMonth"),
    ],
)
def test_a_broken_configuration_of_the_pack(
    two: Project, config: dict[str, object], says: str, tmp_path: Path
) -> None:
    configured(two, "  outlay:environment: dev\n")
    file = tmp_path / "policies.json"
    file.write_text(json.dumps(config))
    result = two.preview("--policy-pack", PACK, "--policy-pack-config", str(file))
    assert result.code != 0
    assert says in result.text


def test_a_stacks_own_limits_loosen_nothing_and_hide_no_typing_error(
    two: Project, tmp_path: Path
) -> None:
    configured(
        two,
        "  outlay:environment: dev\n"
        "  outlay:limits: {largest-pool: {maxNodes: 99}, largest-pol: {maxNodes: 1}}\n",
    )
    file = tmp_path / "policies.json"
    file.write_text(json.dumps({"largest-pool": {"maxNodes": 1}}))
    found = {each.rule: each.text for each in judged(two, "--policy-pack-config", str(file))}
    assert "the pool may reach 2 nodes; one pool may have 1." in found["largest-pool"]
    assert "unknown rule 'largest-pol'; did you mean largest-pool?" in found["own-limits"]


def test_numbers_that_are_none_end_the_preview(make_program: MakeProgram) -> None:
    """The engine refuses them before any rule could compare them."""
    project = make(make_program, "reserve('r', float('nan'))", environment="dev")
    result = project.preview("--policy-pack", PACK)
    assert result.code != 0
    assert "NaN" in result.text


@pytest.fixture(scope="module")
def standing(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three reserved nodes, 1,762.52 USD a month; the budget of 2,000 has no room for one more.

    The settings have the project's own prefix, as in a project that is not called outlay.
    """
    maker = program_maker(engine, tmp_path_factory.mktemp("state"))
    program = "reserve('kept', 3)\npulumi.export('nodes', 5)\n"
    project = make(maker, program)
    configured(project, "  tiny:environment: dev\n  tiny:budgetUsdPerMonth: '2000'\n")
    project.up().ok()
    return project


@pytest.mark.parametrize(
    "targets", [("--target", NEW, "--target-dependents"), ("--exclude", KEPT)], ids=lambda t: t[0]
)
def test_a_part_of_the_stack_is_judged_with_the_rest(
    standing: Project, targets: tuple[str, ...]
) -> None:
    """The program says that one is kept; outside the target that is not done, and three count."""
    change(standing, "reserve('kept', 1)\nreserve('new', 1)\n")
    found = judged(standing, *targets)
    assert rules(found) == {MONTHLY}
    assert "planned spend is $2,350.02/month" in found[0].text


def test_what_stands_counts_however_it_is_declared(standing: Project) -> None:
    """A renamed one whose count is ignored: 3, not 1; an adopted one: 3; one of a stack's outputs: 5."""
    with sqlite3.connect(standing.sandbox.ledger) as ledger:
        query = "select id from resource where token = ?"
        identity = ledger.execute(query, (RESERVATION,)).fetchone()[0]
    change(
        standing,
        "reserve('other', 1, ignore_changes=['instanceCount'], aliases=[pulumi.Alias(name='kept')])\n"
        f"reserve('adopted', 3, import_={identity!r})\n"
        "nodes = pulumi.StackReference('organization/tiny/dev').get_output('nodes')\n"
        "reserve('referenced', nodes)\n",
    )
    found = [each for each in judged(standing) if each.rule == MONTHLY]
    assert "planned spend is $6,462.55/month" in found[0].text


def test_prices_that_the_change_edits_do_not_judge_it(make_program: MakeProgram) -> None:
    """The pack of the base has the base's rules and prices, wherever it judges."""
    project = make(make_program, "reserve('r', 2)", environment="dev", budgetUsdPerMonth="1000")
    infra = project.folder / "infra"
    shutil.copytree(REPOSITORY / "policies", project.folder / "policies")
    shutil.copytree(REPOSITORY / "infra" / "outlay", infra / "outlay")
    offers = infra / "outlay" / "catalog" / "data" / "offers.csv"
    offers.write_text(offers.read_text().replace(",0.8048,0.5375,", ",0.0002,0.0001,"))
    assert judged(project, pack="policies") == []
    assert rules(judged(project, pack=PACK)) == {MONTHLY}
