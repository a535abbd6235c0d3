"""Rule: what a stack declares stays within its monthly budget; the message says all one needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from pulumi_policy import EnforcementLevel, PolicyResource, StackValidationArgs
from pulumi_policy.policy import _NotApplicableError

from outlay.pricing.inputs import UNKNOWN
from policies.budget import monthly_budget
from policies.prices import Prices
from tests.policies.conftest import Reports
from tests.policies.resources import NODE_GROUP, declared, pool, provider, resulting

SetBudget = Callable[[str], None]
# 2 nodes at 0.90 USD per hour cost 1,314 USD in a month of 730 hours; 10 at most, 6,570.
STACK = [
    resulting(NODE_GROUP, "gpu", pool(nodes=2.0)),
    resulting("aws:eks/cluster:Cluster", "cluster", {"name": "c"}),
    resulting("aws:ec2/natGateway:NatGateway", "nat", {}),
    resulting("aws:ec2/eip:Eip", "address", {}),
    resulting("aws:ec2/vpc:Vpc", "net", {}),
]


def check(
    resources: list[PolicyResource],
    reports: Reports,
    *,
    config: Mapping[str, object] | None = None,
    prices: Prices | None = None,
) -> None:
    monthly_budget(prices or Prices()).validate(StackValidationArgs(resources, config), reports)


def test_the_rule_is_mandatory_and_says_what_should_hold() -> None:
    policy = monthly_budget(Prices())
    assert policy.name == "monthly-budget"
    assert policy.enforcement_level is EnforcementLevel.MANDATORY
    assert policy.description == "Planned spend stays within the monthly budget."


def test_a_stack_over_its_budget_is_told_everything(
    set_budget: SetBudget, reports: Reports
) -> None:
    """Budget, total, by how much, the three dearest resources, and the worst case."""
    set_budget("1000")
    check(STACK, reports)
    assert reports.messages == [
        (
            "planned spend is $1,419.85/month: $419.85 (42 %) over the budget of $1,000.00/month of"
            " stack stack (outlay:budgetUsdPerMonth).\n"
            "Dearest: gpu $1,314.00/month, cluster $73.00/month, nat $29.20/month.\n"
            "With every autoscaled pool at its maximum: $6,675.85/month."
        )
    ]


@pytest.mark.parametrize("budget", ["1419.85", "1419.8500", "5000", " 1e6 "])
def test_a_stack_within_its_budget_passes(
    budget: str, set_budget: SetBudget, reports: Reports
) -> None:
    """Spending exactly the budget is within it; the worst case alone does not break it."""
    set_budget(budget)
    check(STACK, reports)
    assert reports == []


def test_a_cent_too_much_is_too_much(set_budget: SetBudget, reports: Reports) -> None:
    set_budget("1419.84")
    check(STACK, reports)
    assert (
        "$1,419.85/month: $0.01 (0.0 %) over the budget of $1,419.84/month" in reports.messages[0]
    )


def test_the_packs_own_budget_goes_before_the_stacks(
    set_budget: SetBudget, reports: Reports
) -> None:
    set_budget("5000")
    check(STACK, reports, config={"usdPerMonth": 700.0})
    assert (
        "$700.00/month of stack stack (usdPerMonth of this policy's configuration)"
        in reports.messages[0]
    )


def test_without_a_budget_the_rule_rests(reports: Reports) -> None:
    with pytest.raises(_NotApplicableError) as raised:
        check(STACK, reports)
    assert raised.value.reason == "the stack sets no outlay:budgetUsdPerMonth"
    assert reports == []


@pytest.mark.parametrize("text", ["lots", "", "0", "-5", "nan", "inf", "$100", "100 EUR", "[100]"])
def test_a_budget_that_is_no_amount_blocks(
    text: str, set_budget: SetBudget, reports: Reports
) -> None:
    """A typing error must not switch the guard off."""
    set_budget(text)
    check(STACK, reports)
    assert reports.messages == [
        f"outlay:budgetUsdPerMonth must be an amount of USD above 0, got {text!r}"
    ]


def test_a_negative_budget_in_the_packs_configuration_blocks(reports: Reports) -> None:
    check(STACK, reports, config={"usdPerMonth": -5.0})
    assert reports.messages == [
        "usdPerMonth of this policy's configuration must be an amount of USD above 0, got '-5.0'"
    ]


def test_unpriced_resources_make_the_total_a_lower_bound(
    set_budget: SetBudget, reports: Reports
) -> None:
    set_budget("1000")
    check([*STACK, resulting("aws:rds/instance:Instance", "db", {})], reports)
    message = reports.messages[0]
    assert message.startswith(
        "planned spend is ≥ $1,419.85/month: ≥ $419.85 (42 %) over the budget"
    )
    assert "maximum: ≥ $6,675.85/month" in message
    assert message.endswith("\nNot counted, for want of a price: db.")


def test_unknown_outputs_never_leave_the_rule(set_budget: SetBudget, reports: Reports) -> None:
    """An UnknownValueError out of the rule would turn it into advice."""
    set_budget("1000")
    unknown = resulting(NODE_GROUP, "other", pool(nodes=UNKNOWN) | {"arn": UNKNOWN})
    check([*STACK, unknown], reports)
    assert reports.messages[0].endswith("\nNot counted, for want of a price: other.")


def test_remembered_inputs_go_before_outputs(set_budget: SetBudget, reports: Reports) -> None:
    """Behind a provider that is not configured yet the stack's rules see no properties at all."""
    set_budget("1000")
    kind = "kubernetes:compute.coreweave.com/v1alpha1:NodePool"
    spec = {"spec": {"instanceType": "gd-8xh100ib-i128", "targetNodes": 1.0}}
    prices = Prices()
    pending = provider(kubeconfig=UNKNOWN)
    prices.remember(declared(kind, "h100", spec, by=pending))
    check([resulting(kind, "h100", {}, by=pending)], reports, prices=prices)
    assert reports.messages[0].startswith("planned spend is $35,945.20/month: ")


def test_remembered_resources_that_are_gone_do_not_count(
    set_budget: SetBudget, reports: Reports
) -> None:
    set_budget("1000")
    prices = Prices()
    prices.remember(declared(NODE_GROUP, "deleted", pool(nodes=100.0)))
    check([], reports, prices=prices)
    assert reports == []
