"""Rules: what a stack declares stays within its budgets; the messages say all one needs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy import EnforcementLevel, ResourceValidationArgs

from outlay.pricing.inputs import UNKNOWN
from policies.budget import (
    BUDGET_ALERT,
    BUDGET_AT_EACH_STEP,
    BUDGET_REQUIRED,
    GROWTH_LIMIT,
    HOURLY_BUDGET,
    MONTHLY_BUDGET,
    WORST_CASE,
)
from policies.build import policies
from policies.money import usd
from tests.policies.resources import (
    NODE_GROUP,
    ask,
    ask_policy,
    declared,
    pool,
    provider,
    resulting,
)

Setting = Callable[[str, str], None]
BUDGET = "budgetUsdPerMonth"
# 2 nodes at 0.90 USD per hour cost 1,314 USD in a month of 730 hours; 10 at most, 6,570.
STACK = [
    declared(NODE_GROUP, "gpu", pool(nodes=2.0)),
    declared("aws:eks/cluster:Cluster", "cluster", {"name": "c"}),
    declared("aws:ec2/natGateway:NatGateway", "nat", {}),
    declared("aws:ec2/eip:Eip", "address", {}),
    declared("aws:ec2/vpc:Vpc", "net", {}),
]


def test_a_stack_over_its_budget_is_told_everything(setting: Setting) -> None:
    """Budget, total, by how much, the three dearest resources, and the worst case."""
    setting(BUDGET, "1000")
    assert ask(MONTHLY_BUDGET, STACK).messages == [
        (
            "planned spend is $1,419.85/month: $419.85 (42 %) over the budget of $1,000.00/month of"
            " stack main (outlay:budgetUsdPerMonth).\n"
            "Dearest: gpu $1,314.00/month, cluster $73.00/month, nat $29.20/month.\n"
            "With every autoscaled pool at its maximum: $6,675.85/month."
        )
    ]


@pytest.mark.parametrize("budget", ["1419.85", "1419.8500", "5000", " 1e6 "])
def test_a_stack_within_its_budget_passes(budget: str, setting: Setting) -> None:
    """Spending exactly the budget is within it."""
    setting(BUDGET, budget)
    assert ask(MONTHLY_BUDGET, STACK) == []


def test_a_cent_too_much_is_too_much(setting: Setting) -> None:
    setting(BUDGET, "1419.84")
    (message,) = ask(MONTHLY_BUDGET, STACK).messages
    assert "$1,419.85/month: $0.01 (0.0 %) over the budget of $1,419.84/month" in message


@pytest.mark.parametrize(
    ("own", "packs", "source"),
    [
        ("5000", 700.0, "$700.00/month of stack main (usdPerMonth of this policy's configuration)"),
        ("700", 5000.0, "$700.00/month of stack main (outlay:budgetUsdPerMonth)"),
    ],
)
def test_the_lower_budget_counts(own: str, packs: float, source: str, setting: Setting) -> None:
    """A stack may tighten what the pack's configuration allows, and never loosen it."""
    setting(BUDGET, own)
    (message,) = ask(MONTHLY_BUDGET, STACK, config={"usdPerMonth": packs}).messages
    assert source in message


def test_without_a_budget_the_rule_rests() -> None:
    reports = ask(MONTHLY_BUDGET, STACK)
    assert (reports, reports.reason) == ([], "the stack sets no outlay:budgetUsdPerMonth")


@pytest.mark.parametrize("text", ["lots", "0", "-5", "nan", "inf", "$100", "100 EUR", "[100]"])
def test_a_budget_that_is_no_amount_blocks(text: str, setting: Setting) -> None:
    """A typing error must not switch the guard off."""
    setting(BUDGET, text)
    for rule in (MONTHLY_BUDGET, WORST_CASE, BUDGET_REQUIRED):
        assert ask(rule, STACK).messages == [
            f"outlay:budgetUsdPerMonth must be an amount of USD above 0, got {text!r}"
        ]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"usdPerMonth": -5.0}, "usdPerMonth must be above 0, got -5.0"),
        ({"usdPerMonth": "5"}, "usdPerMonth must be a number, got '5'"),
        ({"usdPerMonth": True}, "usdPerMonth must be a number, got True"),
        (
            {"usdPerMont": 5.0},
            "usdPerMont is no option of this rule, which has usdPerMonth",
        ),
    ],
)
def test_a_broken_configuration_blocks(config: dict[str, object], message: str) -> None:
    assert ask(MONTHLY_BUDGET, STACK, config=config).messages == [message]


def test_unpriced_resources_make_the_total_a_lower_bound(setting: Setting) -> None:
    setting(BUDGET, "1000")
    (message,) = ask(
        MONTHLY_BUDGET, [*STACK, declared("aws:rds/instance:Instance", "db", {})]
    ).messages
    assert message.startswith(
        "planned spend is ≥ $1,419.85/month: ≥ $419.85 (42 %) over the budget"
    )
    assert "maximum: ≥ $6,675.85/month" in message
    assert message.endswith("\nNot counted, for want of a price: db.")


def test_many_unpriced_resources_leave_room_for_what_to_do(setting: Setting) -> None:
    setting(BUDGET, "1000")
    many = [declared("aws:rds/instance:Instance", f"db-{n:02}", {}) for n in range(12)]
    (message,) = ask(MONTHLY_BUDGET, [*STACK, *many]).messages
    assert message.endswith(", db-08, db-09 and 2 more.")


def test_unknown_outputs_never_leave_the_rule(setting: Setting) -> None:
    """An UnknownValueError out of the rule would turn it into advice."""
    setting(BUDGET, "1000")
    unknown = resulting(NODE_GROUP, "other", pool(nodes=UNKNOWN) | {"arn": UNKNOWN})
    (message,) = ask(MONTHLY_BUDGET, [*STACK, unknown]).messages
    assert message.endswith("\nNot counted, for want of a price: other.")


def test_reserved_nodes_count_once(setting: Setting) -> None:
    """Four reserved at 0.80: two run on them, ten may; together the larger of both, and the disks."""
    setting(BUDGET, "1000")
    tags = {"tags": {"outlay-reservation": "steady"}}
    reservation = {
        "instanceType": "g6.xlarge",
        "instanceCount": 4.0,
        "instancePlatform": "Linux/UNIX",
        "availabilityZone": "us-east-1a",
    }
    stack = [
        declared("aws:ec2/capacityReservation:CapacityReservation", "r", reservation | tags),
        declared(NODE_GROUP, "gpu", pool(nodes=2.0) | tags),
    ]
    (message,) = ask(MONTHLY_BUDGET, stack).messages
    assert message.startswith("planned spend is $2,482.00/month")  # 4 x 0.80 and 2 x 0.10 of disks
    assert "at its maximum: $6,570.00/month" in message


def test_the_hourly_budget_is_the_packs_alone() -> None:
    assert ask(HOURLY_BUDGET, STACK).reason == "the pack's configuration sets no usdPerHour"
    assert ask(HOURLY_BUDGET, STACK, config={"usdPerHour": 1.945}) == []
    assert ask(HOURLY_BUDGET, STACK, config={"usdPerHour": 1.0}).messages == [
        (
            "planned spend is $1.95/hour: $0.95 (94 %) over the $1.00/hour of stack main"
            " (usdPerHour of this policy's configuration)."
        )
    ]


def test_room_to_grow_is_held_to_the_budget(setting: Setting) -> None:
    """Within the budget today, an autoscaler could break it without asking."""
    setting(BUDGET, "5000")
    assert ask(WORST_CASE, STACK).messages == [
        (
            "with every autoscaled pool at its maximum the stack costs $6,675.85/month: $1,675.85 over"
            " the $5,000.00/month that it may reach (outlay:budgetUsdPerMonth).\n"
            "Most room to grow: gpu $1,314.00 to $6,570.00/month."
        )
    ]


def test_the_worst_case_may_be_allowed_more(setting: Setting) -> None:
    setting(BUDGET, "5000")
    assert ask(WORST_CASE, STACK, config={"factor": 1.5}) == []
    (message,) = ask(WORST_CASE, STACK, config={"factor": 1.2}).messages
    assert "$6,000.00/month that it may reach (1.2 times outlay:budgetUsdPerMonth)" in message


def test_a_fixed_stack_over_its_budget_is_said_once(setting: Setting) -> None:
    """Where nothing can grow, the monthly budget says it all."""
    setting(BUDGET, "1000")
    assert ask(WORST_CASE, [declared(NODE_GROUP, "gpu", pool(nodes=2.0, most=2.0))]) == []


@pytest.mark.parametrize(("budget", "said"), [("1419", 0), ("1420", 1), ("1774", 1), ("1775", 0)])
def test_the_alert_comes_between_four_fifths_and_all(
    budget: str, said: int, setting: Setting
) -> None:
    setting(BUDGET, budget)
    assert len(ask(BUDGET_ALERT, STACK)) == said


def test_the_alert_says_how_much_is_left(setting: Setting) -> None:
    setting(BUDGET, "1500")
    assert ask(BUDGET_ALERT, STACK).messages == [
        (
            "planned spend is $1,419.85/month, 95 % of the budget of $1,500.00/month"
            " (outlay:budgetUsdPerMonth); $80.15 are left."
        )
    ]


def test_to_delete_the_budget_is_no_way_past_it(setting: Setting) -> None:
    (message,) = ask(BUDGET_REQUIRED, STACK).messages
    assert message.startswith("neither outlay:budgetUsdPerMonth nor the pack's configuration")
    setting(BUDGET, "5000")
    assert ask(BUDGET_REQUIRED, STACK) == []


def test_in_an_update_the_step_that_breaks_the_budget_is_refused(
    updating: None, setting: Setting
) -> None:
    """Rules on a stack come too late when nothing was previewed; this one looks before each step."""
    setting(BUDGET, "1400")
    reports = ask(BUDGET_AT_EACH_STEP, STACK, config={"factor": 10.0})
    assert reports == [
        (
            (
                "with nat the planned spend reaches $1,416.20/month, over the $1,400.00/month of stack main"
                " (outlay:budgetUsdPerMonth); it is not made."
            ),
            STACK[2].urn,
        ),
        (
            (
                "with address the planned spend reaches $1,419.85/month, over the $1,400.00/month of stack"
                " main (outlay:budgetUsdPerMonth); it is not made."
            ),
            STACK[3].urn,
        ),
    ]


def test_in_an_update_the_worst_case_counts_too(updating: None, setting: Setting) -> None:
    setting(BUDGET, "5000")
    (message,) = ask(BUDGET_AT_EACH_STEP, STACK[:1]).messages
    assert "spend at its largest reaches $6,570.00/month, over the $5,000.00/month" in message


def test_in_a_preview_each_step_is_free(setting: Setting) -> None:
    """The rules on the whole stack say it once, for all steps together."""
    setting(BUDGET, "1")
    reports = ask(BUDGET_AT_EACH_STEP, STACK[:1])
    assert reports == []
    assert reports.reason is not None


@given(order=st.permutations(range(5)))
def test_the_steps_add_up_to_the_stack_in_any_order(order: list[int]) -> None:
    from policies.memory import Memory

    memory = Memory()
    for index in (*order, *order):
        memory.see("any", STACK[index])
    assert memory.spend_so_far().usd_per_month == Decimal("1419.85")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, 0),
        ({"baselineUsdPerMonth": 1000.0}, 0),
        ({"baselineUsdPerMonth": 1000.0, "maxUsd": 419.85}, 0),
        ({"baselineUsdPerMonth": 1000.0, "maxUsd": 419.84}, 1),
        ({"baselineUsdPerMonth": 1000.0, "maxPercent": 41.0}, 1),
        ({"baselineUsdPerMonth": 1000.0, "maxPercent": 42.0}, 0),
        ({"baselineUsdPerMonth": 0.0, "maxPercent": 1.0}, 0),
        ({"baselineUsdPerMonth": 5000.0, "maxUsd": 1.0, "maxPercent": 1.0}, 0),
    ],
)
def test_growth_is_held_to_its_limits(config: dict[str, object], said: int) -> None:
    """A pack sees no old state: without a baseline the rule rests."""
    assert len(ask(GROWTH_LIMIT, STACK, config=config)) == said


def test_growth_says_from_where_to_where() -> None:
    config = {"baselineUsdPerMonth": 1000.0, "maxUsd": 100.0}
    assert ask(GROWTH_LIMIT, STACK, config=config).messages == [
        (
            "planned spend grows by $419.85/month, from $1,000.00 to $1,419.85/month: more than the"
            " $100.00/month that one change may add."
        )
    ]


def test_remembered_inputs_go_before_outputs(setting: Setting) -> None:
    """Behind a provider that is not configured yet the stack's rules see no properties at all."""
    setting(BUDGET, "1000")
    kind = "kubernetes:compute.coreweave.com/v1alpha1:NodePool"
    spec = {"spec": {"instanceType": "gd-8xh100ib-i128", "targetNodes": 1.0}}
    pending = provider(kubeconfig=UNKNOWN)
    step, monthly = policies([BUDGET_AT_EACH_STEP, MONTHLY_BUDGET], environment="prod")
    ask_policy(step, [declared(kind, "h100", spec, by=pending)])
    (message,) = ask_policy(monthly, [resulting(kind, "h100", {}, by=pending)]).messages
    assert message.startswith("planned spend is $35,945.20/month: ")


def test_remembered_resources_that_are_gone_do_not_count(setting: Setting) -> None:
    setting(BUDGET, "1000")
    step, monthly = policies([BUDGET_AT_EACH_STEP, MONTHLY_BUDGET], environment="prod")
    ask_policy(step, [declared(NODE_GROUP, "deleted", pool(nodes=100.0))])
    assert ask_policy(monthly, []) == []


def test_any_rule_on_a_resource_remembers_it(setting: Setting) -> None:
    """Whichever rules a configuration disables, the others still see the inputs."""
    from policies.rule import ResourceRule
    from policies.table import RULES

    setting(BUDGET, "1000")
    resource: ResourceValidationArgs = STACK[0]
    for rule in RULES:
        if isinstance(rule, ResourceRule):
            first, monthly = policies([rule, MONTHLY_BUDGET], environment="prod")
            ask_policy(first, [resource])
            empty = resulting(NODE_GROUP, "gpu", {})
            (message,) = ask_policy(monthly, [empty]).messages
            assert message.startswith("planned spend is $1,314.00/month"), rule.name


@given(amount=st.decimals(0, 10**9, places=6))
def test_amounts_are_never_shown_too_low(amount: Decimal) -> None:
    assert Decimal(usd(amount).lstrip("$").replace(",", "")) >= amount


def test_budgets_are_mandatory_everywhere() -> None:
    for rule in (MONTHLY_BUDGET, HOURLY_BUDGET, WORST_CASE, BUDGET_AT_EACH_STEP):
        for environment in ("dev", "staging", "prod", "other"):
            assert rule.levels.of(environment) is EnforcementLevel.MANDATORY
