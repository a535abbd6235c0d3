"""The repository's own policy pack guards a program on the real engine, whatever the program hides."""

from __future__ import annotations

from typing import Protocol

import pytest

from sandbox.install import install_plugins
from tests.engine.conftest import MakeProgram
from tests.engine.harness import VENV, Project, Result
from tools.setup.layout import REPOSITORY

pytestmark = pytest.mark.engine

PACK = str(REPOSITORY / "policies")
# Two nodes of g6.xlarge in us-east-1, 100 GiB each; the prices are those of the real price book.
POOL = """
    import pulumi
    import pulumi_aws as aws

    tags = {{"outlay:project": "tiny", "outlay:stack": "dev", "Name": "guarded"}}
    vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", tags=tags)

    def pool(name, nodes):
        return aws.eks.NodeGroup(
            name,
            cluster_name="serving",
            node_group_name=name,
            node_role_arn="arn:aws:iam::123456789012:role/nodes",
            subnet_ids=["subnet-0a", "subnet-0b"],
            instance_types=["g6.xlarge"],
            ami_type="AL2023_x86_64_NVIDIA",
            capacity_type="ON_DEMAND",
            disk_size=100,
            scaling_config={{"min_size": 0, "desired_size": nodes, "max_size": 10}},
            tags=tags,
        )

    {first}
    {more}
"""
HIDDEN_COUNT = 'pool("hidden", vpc.arn.apply(len))'
HIDDEN_OBJECT = """
    import pulumi_kubernetes as kubernetes
    from pulumi_kubernetes.apiextensions import CustomResource

    cluster = kubernetes.Provider("later", kubeconfig=vpc.arn)
    CustomResource(
        "h100",
        api_version="compute.coreweave.com/v1alpha1",
        kind="NodePool",
        metadata={"name": "h100"},
        spec={"instanceType": "gd-8xh100ib-i128", "computeClass": "default", "targetNodes": 2},
        opts=pulumi.ResourceOptions(provider=cluster),
    )
"""
UNPRICED = """
    aws.ec2.LaunchTemplate("other", name="other", instance_type="g6.48xlarge", tags=tags)
    aws.eks.NodeGroup(
        "hidden",
        cluster_name="serving",
        node_group_name="hidden",
        node_role_arn="arn:aws:iam::123456789012:role/nodes",
        subnet_ids=["subnet-0a", "subnet-0b"],
        ami_type="AL2023_x86_64_NVIDIA",
        capacity_type="ON_DEMAND",
        launch_template={"name": "other", "version": "1"},
        scaling_config={"min_size": 0, "desired_size": 1, "max_size": 1},
        tags=tags,
    )
"""
COMPONENT = """
    pulumi.ComponentResource("anything:index:Group", "group")
"""


class MakeGuarded(Protocol):
    """Makes a guarded project; see the fixture."""

    def __call__(self, more: str, budget: str, *, pool: bool = True) -> Project: ...


@pytest.fixture
def guarded(make_program: MakeProgram) -> MakeGuarded:
    """A project with a GPU pool, a budget in USD per month and what else is declared."""

    def make(more: str, budget: str, *, pool: bool = True) -> Project:
        settings = (
            "config:\n  aws:region: us-east-1\n  outlay:environment: dev\n"
            f"  outlay:budgetUsdPerMonth: '{budget}'\n"
        )
        first = 'pool("gpu", 2)' if pool else ""
        program = POOL.format(first=first, more=more.strip())
        project = make_program(program, settings=settings)
        install_plugins(project.sandbox.plugins, python=VENV / "bin" / "python")
        return project

    return make


def preview(project: Project, *arguments: str) -> Result:
    return project.preview("--policy-pack", PACK, *arguments)


def violations(result: Result) -> list[str]:
    """Return level and rule of each violation."""
    found = [event["policyEvent"] for event in result.events if "policyEvent" in event]
    return [f"{each['enforcementLevel']} {each['policyName']}" for each in found]


def test_a_stack_within_its_budget_passes(guarded: MakeGuarded) -> None:
    result = preview(guarded(COMPONENT, "6000")).ok()
    assert result.policy_messages() == []
    assert result.changes()["create"] == 4


def test_a_stack_over_its_budget_is_stopped_with_all_it_needs_to_know(guarded: MakeGuarded) -> None:
    """1,191.01 USD: 730 hours of two nodes at 0.8048 and two disks of 8 USD a month."""
    result = preview(guarded("", "1000"))
    assert result.code == 1
    assert result.policy_messages()[0] == (
        "Planned spend stays within the monthly budget.\n"
        "planned spend is $1,191.01/month: $191.01 (19 %) over the budget of $1,000.00/month of"
        " stack dev (outlay:budgetUsdPerMonth).\n"
        "Dearest: gpu $1,191.01/month.\n"
        "With every autoscaled pool at its maximum: $5,955.04/month.\n"
        "What to do: Declare less, allow cheaper markets, regions or providers, or raise the budget."
    )
    assert violations(result) == ["mandatory monthly-budget", "mandatory worst-case-budget"]


def test_a_type_without_a_price_is_stopped(guarded: MakeGuarded) -> None:
    result = preview(guarded(UNPRICED, "6000"))
    assert result.code == 1
    assert violations(result) == ["mandatory no-unpriced-resources"]
    assert "no price is known: launchTemplate." in result.policy_messages()[0]


def test_a_count_that_is_known_only_later_is_stopped(guarded: MakeGuarded) -> None:
    """The SDK would turn the failed read of an unknown into advice, and let the preview pass."""
    result = preview(guarded(HIDDEN_COUNT, "6000"))
    assert result.code == 1
    assert violations(result) == ["mandatory no-unpriced-resources"]
    assert "scalingConfig.desiredSize is not known before the update" in result.policy_messages()[0]


def test_nodes_bought_through_a_cluster_that_is_not_there_yet_count(guarded: MakeGuarded) -> None:
    """The engine shows the stack's rules no property of such an object; its own rule saw them."""
    result = preview(guarded(HIDDEN_OBJECT, "6000"))
    assert result.code == 1
    assert violations(result) == ["mandatory monthly-budget", "mandatory worst-case-budget"]
    assert "Dearest: h100 $71,890.40/month, gpu $1,191.01/month" in result.policy_messages()[0]


def test_the_budget_of_the_packs_configuration_goes_first(guarded: MakeGuarded) -> None:
    project = guarded("", "6000")
    config = project.sandbox.home / "policy.json"
    config.write_text('{"monthly-budget": {"usdPerMonth": 100}}')
    result = preview(project, "--policy-pack-config", str(config))
    assert result.code == 1
    assert "$100.00/month of stack dev (usdPerMonth of" in result.policy_messages()[0]


def test_an_update_over_budget_makes_nothing(guarded: MakeGuarded) -> None:
    project = guarded("", "1000")
    result = project.up("--policy-pack", PACK)
    assert result.code == 1
    assert project.preview().ok().changes()["create"] == 3


def test_an_unpriced_resource_is_stopped_though_nothing_was_previewed(guarded: MakeGuarded) -> None:
    """A rule on one resource runs before its step, even when the preview is skipped.

    Without the other pool: it names a cluster that is not there, so an update may fail on it first.
    """
    project = guarded(UNPRICED, "6000", pool=False)
    result = project.up("--skip-preview", "--policy-pack", PACK)
    assert result.code == 1
    assert "no price is known: launchTemplate." in result.policy_messages()[0]
    assert (
        "nodeGroup:NodeGroup::hidden"
        not in project.pulumi(*project.command("stack", "export")).stdout
    )
