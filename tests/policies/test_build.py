"""What every rule of the pack says and refuses alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pulumi_policy import ResourceValidationArgs, ResourceValidationPolicy

from outlay.variables import STACK_LIMITS_VARIABLE
from policies.build import policies
from policies.labels import COST_LABELS
from policies.machines import ALLOWED_GPUS, LARGEST_POOL
from policies.table import BY_NAME
from tests.policies.resources import NODE_GROUP, ask, declared, pool

Setting = Callable[[str, str], None]
LEVEL = " a level can only be set in the pack's configuration"
OWN_LIMITS = BY_NAME["own-limits"]


def aws_pool(most: float = 2.0) -> ResourceValidationArgs:
    return declared(NODE_GROUP, "gpu", pool(nodes=1.0, most=most))


def test_a_violation_ends_with_what_to_do() -> None:
    found = ask(LARGEST_POOL, [aws_pool(most=99.0)])
    assert found.messages == ["the pool may reach 99 nodes; one pool may have 64."]
    assert found.ways_out == [LARGEST_POOL.remedy]


def test_a_broken_option_is_not_answered_with_the_rules_own_way_out() -> None:
    """Smaller pools would not mend a typing error in the configuration."""
    found = ask(LARGEST_POOL, [aws_pool()], config={"maxNodes": "many"})
    assert found.messages == ["maxNodes must be a whole number, got 'many'"]
    assert found.ways_out == [""]


def test_a_stacks_own_limit_is_asked_beside_the_packs(setting: Setting) -> None:
    setting("limits", '{"largest-pool": {"maxGpus": 8}}')
    found = ask(LARGEST_POOL, [aws_pool(most=9.0)])
    assert found.messages == [
        "the pool may reach 9 GPUs; one pool may have 8.\nThe limit is the stack's own: outlay:limits."
    ]
    assert found.ways_out == [LARGEST_POOL.remedy]


def test_a_stacks_own_limit_cannot_loosen_the_packs(setting: Setting) -> None:
    setting("limits", '{"largest-pool": {"maxNodes": 500}}')
    found = ask(LARGEST_POOL, [aws_pool(most=9.0)], config={"maxNodes": 5})
    assert found.messages == ["the pool may reach 9 nodes; one pool may have 5."]


def test_a_rule_that_rests_for_the_pack_speaks_for_the_stack(setting: Setting) -> None:
    assert ask(ALLOWED_GPUS, [aws_pool()]).reason is not None
    setting("limits", '{"allowed-gpus": {"gpus": ["H100"]}}')
    found = ask(ALLOWED_GPUS, [aws_pool()])
    assert found.reason is None
    assert found.messages[0].startswith("it has L4 GPUs; allowed are H100")


def test_what_both_find_is_said_once(setting: Setting) -> None:
    setting("limits", '{"largest-pool": {"maxNodes": 5}}')
    assert len(ask(LARGEST_POOL, [aws_pool(most=9.0)], config={"maxNodes": 5})) == 1


def test_labels_that_the_stack_asks_for_are_added(setting: Setting) -> None:
    setting("tags", '{"team": "search"}')
    setting("limits", '{"cost-labels": {"required": ["team"]}}')
    (policy,) = policies([COST_LABELS], environment="prod")
    assert isinstance(policy, ResourceValidationPolicy)
    resource = aws_pool()
    policy.remediate(resource)
    assert resource.props["tags"]["team"] == "search"


def test_an_audit_is_told_the_stacks_limits_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pulumi policy analyze` passes no settings of the stack."""
    monkeypatch.setenv(STACK_LIMITS_VARIABLE, '{"largest-pool": {"maxNodes": 5}}')
    assert len(ask(LARGEST_POOL, [aws_pool(most=9.0)])) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("5", "outlay:limits must map rules to their options, got 5"),
        ("{", "outlay:limits must map rules to their options, got '{'"),
        (
            '{"largest-pool": "advisory"}',
            "outlay:limits: largest-pool must map options to values, got 'advisory';" + LEVEL,
        ),
        (
            '{"largest-pol": {"maxGpus": 8}}',
            "outlay:limits: unknown rule 'largest-pol'; did you mean largest-pool?",
        ),
    ],
)
def test_broken_limits_of_a_stack_are_a_violation(
    text: str, problem: str, setting: Setting
) -> None:
    """Said by one rule; the others hold to the pack's options meanwhile."""
    setting("limits", text)
    assert ask(OWN_LIMITS, [aws_pool()]).messages == [problem]
    assert ask(LARGEST_POOL, [aws_pool()]) == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ('{"maxGpu": 8}', "maxGpu is no option of this rule, which has maxNodes, maxGpus"),
        ('{"maxGpus": "8"}', "maxGpus must be a whole number, got '8'"),
        ('{"maxGpus": -8}', "maxGpus must be above 0, got -8"),
    ],
)
def test_broken_options_of_a_stack_are_a_violation_of_their_rule(
    options: str, problem: str, setting: Setting
) -> None:
    setting("limits", f'{{"largest-pool": {options}}}')
    assert ask(LARGEST_POOL, [aws_pool()]).messages == [
        f"{problem}\nThe limit is the stack's own: outlay:limits."
    ]
