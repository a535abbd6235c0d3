"""Rules: how strictly a stack is judged hangs on its environment, which nobody may mistake."""

from __future__ import annotations

from collections.abc import Callable

import pulumi
import pytest

from outlay.variables import BUDGET_VARIABLE, ENVIRONMENT_VARIABLE
from policies.budget import BUDGET_AT_EACH_STEP, BUDGET_REQUIRED, MONTHLY_BUDGET
from policies.build import DRY_RUN
from policies.environment import ENVIRONMENT_AGREES, environment
from tests.policies.resources import NODE_GROUP, ask, declared, pool

Setting = Callable[[str, str], None]
STACK = [declared(NODE_GROUP, "gpu", pool(nodes=2.0))]  # 1,314 USD a month


def name_stack(monkeypatch: pytest.MonkeyPatch, name: str, *, project: str = "shop") -> None:
    settings = pulumi.runtime.Settings(project=project, stack=name, dry_run=True)
    monkeypatch.setattr(pulumi.runtime.settings, "SETTINGS", settings)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dev", "dev"),
        ("org/shop/staging", "staging"),
        ("eu-prod-2", "prod"),
        ("production", "prod"),
        ("dev-of-prod", "prod"),
        ("STG", "staging"),
        ("playground", "prod"),
        ("product-search", "prod"),
        ("devotion", "prod"),
    ],
)
def test_without_a_setting_the_name_decides_else_it_is_prod(
    name: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_stack(monkeypatch, name)
    assert environment() == expected


def test_the_runner_decides_before_the_settings(
    monkeypatch: pytest.MonkeyPatch, setting: Setting
) -> None:
    setting("environment", "dev")
    assert environment() == "dev"
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "prod")
    assert environment() == "prod"
    assert ask(ENVIRONMENT_AGREES, STACK, environment="prod").messages == [
        "this stack is held to the rules of 'prod', but the setting outlay:environment says 'dev'."
    ]


@pytest.mark.parametrize(
    ("told", "expected"),
    [("production", "prod"), ("eu-prod-2", "prod"), ("stg", "staging"), ("qa", "qa")],
)
def test_an_environment_is_read_like_a_name(
    told: str, expected: str, monkeypatch: pytest.MonkeyPatch, setting: Setting
) -> None:
    """An audit tells the stack's name where no setting names the environment: no disagreement."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, told)
    setting("environment", told)
    name_stack(monkeypatch, told)
    assert environment() == expected
    assert ask(ENVIRONMENT_AGREES, STACK, environment=environment()).messages == []


def test_a_stack_of_production_cannot_call_itself_dev(monkeypatch: pytest.MonkeyPatch) -> None:
    name_stack(monkeypatch, "prod-eu")
    assert ask(ENVIRONMENT_AGREES, STACK, environment="dev").messages == [
        "this stack is held to the rules of 'dev', but the stack's name says 'prod'."
    ]


def test_settings_of_a_renamed_project_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine gives a key without a prefix the project's namespace."""
    name_stack(monkeypatch, "x", project="my-serving")
    pulumi.runtime.set_config("my-serving:environment", "staging")
    pulumi.runtime.set_config("my-serving:budgetUsdPerMonth", "1000")
    assert environment() == "staging"
    (message,) = ask(MONTHLY_BUDGET, STACK).messages
    assert "$314.00 (31 %) over the budget of $1,000.00/month" in message


def test_an_empty_setting_is_no_setting(setting: Setting) -> None:
    """As in a project whose Pulumi.yaml declares the key without a value."""
    setting("budgetUsdPerMonth", "")
    assert "neither" in ask(BUDGET_REQUIRED, STACK).messages[0]


@pytest.mark.parametrize(("own", "source"), [("9000", BUDGET_VARIABLE), ("500", "outlay:budget")])
def test_the_runners_budget_holds_for_every_rule_unless_the_own_is_lower(
    own: str, source: str, monkeypatch: pytest.MonkeyPatch, setting: Setting
) -> None:
    setting("budgetUsdPerMonth", own)
    monkeypatch.setenv(BUDGET_VARIABLE, "1000")
    (message,) = ask(MONTHLY_BUDGET, STACK).messages
    assert source in message


def test_a_runners_budget_that_is_no_amount_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUDGET_VARIABLE, "1000 EUR")
    assert ask(MONTHLY_BUDGET, STACK).messages == [
        f"the variable {BUDGET_VARIABLE} must be an amount of USD above 0, got '1000 EUR'"
    ]


def test_an_audit_makes_no_step(
    monkeypatch: pytest.MonkeyPatch, setting: Setting, updating: None
) -> None:
    """`pulumi policy analyze` sets no variable of an update: only the rules on the stack speak."""
    setting("budgetUsdPerMonth", "1000")
    assert ask(BUDGET_AT_EACH_STEP, STACK).messages
    monkeypatch.delenv(DRY_RUN)
    assert ask(BUDGET_AT_EACH_STEP, STACK) == []
