"""Variables that tell a policy pack what the engine may keep from it, and what a change cannot alter.

`pulumi policy analyze` passes a pack no settings of the stack, and whoever changes a stack changes its
settings. Whoever runs the engine sets these.
"""

ENVIRONMENT_VARIABLE = "OUTLAY_ENVIRONMENT"
# USD per month. The stack's own budget counts if it is lower.
BUDGET_VARIABLE = "OUTLAY_BUDGET_USD_PER_MONTH"
# JSON: outlay:limits of the stack, for an audit.
STACK_LIMITS_VARIABLE = "OUTLAY_STACK_LIMITS"
