"""All rules of the pack, in the order in which they speak."""

from __future__ import annotations

from policies import budget, exposure, labels, machines, placement, pods, pricing
from policies.environment import ENVIRONMENT_AGREES
from policies.own_limits import own_limits_rule
from policies.rule import Rule

_CHECKS: tuple[Rule, ...] = (
    *pricing.RULES,
    *budget.RULES,
    ENVIRONMENT_AGREES,
    *machines.RULES,
    *labels.RULES,
    *placement.RULES,
    *pods.RULES,
    *exposure.RULES,
)
RULES: tuple[Rule, ...] = (*_CHECKS, own_limits_rule(_CHECKS))
BY_NAME = {rule.name: rule for rule in RULES}
