"""The engine runs Python policy packs through the language host, and a violation stops a preview."""

from __future__ import annotations

import pytest

from tests.engine.conftest import MakeProgram

pytestmark = pytest.mark.engine

PACK = """
    import pulumi
    from pulumi_policy import EnforcementLevel, PolicyPack, {kind}

    def check(args, report):
        limit = pulumi.Config("tiny").get("limit")
        report(f"over the limit {{limit}} of {{pulumi.get_stack()}}")

    level = EnforcementLevel.{level}
    PolicyPack("guard", [{kind}("limit", "spend stays in the limit", check, level)])
"""
COMPONENT = """
    import pulumi
    for number in range(3):
        pulumi.ComponentResource("tiny:index:Part", f"part-{number}")
"""
MESSAGE = "spend stays in the limit\nover the limit 70 of dev"
SETTINGS = "config:\n  tiny:limit: '70'\n"


def test_a_mandatory_policy_blocks_a_preview(make_program: MakeProgram) -> None:
    pack = PACK.format(kind="StackValidationPolicy", level="MANDATORY")
    result = make_program(COMPONENT, settings=SETTINGS, pack=pack).preview(
        "--policy-pack", "policies"
    )
    assert result.code != 0
    assert result.policy_messages() == [MESSAGE]
    assert "[mandatory]  limit" in result.stdout


def test_a_blocked_preview_does_not_wait_for_the_program(make_program: MakeProgram) -> None:
    """A child that outlives the host would cost the engine's five seconds of grace."""
    pack = PACK.format(kind="ResourceValidationPolicy", level="MANDATORY")
    result = make_program(COMPONENT, settings=SETTINGS, pack=pack).preview(
        "--policy-pack", "policies"
    )
    assert result.code != 0
    assert MESSAGE in result.policy_messages()
    assert result.seconds < 5


def test_an_advisory_policy_lets_a_preview_pass(make_program: MakeProgram) -> None:
    pack = PACK.format(kind="StackValidationPolicy", level="ADVISORY")
    project = make_program(COMPONENT, settings=SETTINGS, pack=pack)
    result = project.preview("--policy-pack", "policies").ok()
    assert result.policy_messages() == [MESSAGE]


def test_a_pack_that_does_not_start_stops_the_preview(make_program: MakeProgram) -> None:
    project = make_program(COMPONENT, pack="import missing_module")
    result = project.preview("--policy-pack", "policies")
    assert result.code != 0
    assert "could not read policy pack port" in result.text
    assert "No module named 'missing_module'" in result.text


def test_a_pack_checks_a_state_without_a_program(make_program: MakeProgram) -> None:
    """`pulumi policy analyze` configures the pack for no real stack."""
    pack = PACK.format(kind="StackValidationPolicy", level="MANDATORY")
    project = make_program(COMPONENT, pack=pack)
    project.up().ok()
    result = project.pulumi("policy", "analyze", "--stack", "dev", "--policy-pack", "policies")
    assert result.code != 0
    assert "over the limit None of stack" in result.text
