"""Turn rules into the SDK's policies, so that no read of an unknown and no option weakens one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import pulumi
from pulumi_policy import (
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.declared import declared
from policies.memory import Memory
from policies.options import Options
from policies.own_limits import SOURCE, own_options
from policies.report import tell
from policies.rule import Finding, ResourceRule, Rule, Situation, StackRule

# Set for a pack in a preview and an update, and not by `pulumi policy analyze`, which runs no program.
DRY_RUN = "PULUMI_DRY_RUN"


def policy(rule: Rule, memory: Memory, *, environment: str) -> Policy:
    """Return a rule as the SDK's policy, at its level in the environment."""
    if isinstance(rule, ResourceRule):
        return resource_policy(rule, memory, environment=environment)
    assert isinstance(rule, StackRule)
    return stack_policy(rule, memory, environment=environment)


def resource_policy(
    rule: ResourceRule, memory: Memory, *, environment: str
) -> ResourceValidationPolicy:
    """Return a rule on each resource. What it sees is also remembered for the rules on the stack."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = memory.see(rule.name, args)

        def check(situation: Situation) -> Iterable[Finding]:
            return (Finding(text, args.urn) for text in rule.check(resource, situation))

        situations = _situations(rule, args, memory, environment=environment)
        tell(rule, check, situations=situations, args=args, report=report)

    def remediate(args: ResourceValidationArgs) -> Mapping[str, object] | None:
        assert rule.fix is not None
        situations = _situations(rule, args, memory, environment=environment)
        fixed = [_fixed(args, rule.fix(declared(args), each)) for each in situations]
        return next((props for props in fixed if props is not None), None)

    return ResourceValidationPolicy(
        name=rule.name,
        description=rule.holds,
        validate=validate,
        remediate=remediate if rule.fix is not None else None,  # type: ignore[arg-type]  # the SDK's type wants an awaitable, its code takes a mapping or None
        enforcement_level=rule.levels.of(environment),
        severity=rule.severity,
        config_schema=_schema(rule),
        remediation_steps=rule.remedy,
    )


def stack_policy(rule: StackRule, memory: Memory, *, environment: str) -> StackValidationPolicy:
    """Return a rule on the whole stack."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = memory.stack(rule.name, args)

        def check(situation: Situation) -> Iterable[Finding]:
            return rule.check(stack, situation)

        situations = _situations(rule, args, memory, environment=environment)
        tell(rule, check, situations=situations, args=args, report=report)

    return StackValidationPolicy(
        name=rule.name,
        description=rule.holds,
        validate=validate,
        enforcement_level=rule.levels.of(environment),
        severity=rule.severity,
        config_schema=_schema(rule),
        remediation_steps=rule.remedy,
    )


def _situations(
    rule: Rule,
    args: ResourceValidationArgs | StackValidationArgs,
    memory: Memory,
    *,
    environment: str,
) -> list[Situation]:
    """Return what a check may know: with the pack's options and, where the stack has some, with its own."""
    own = own_options(rule.name)
    options = [Options(rule.options, args.get_config())]
    return [
        Situation(
            options=each,
            environment=environment,
            stack=pulumi.get_stack(),
            previewing=pulumi.runtime.is_dry_run(),
            auditing=DRY_RUN not in os.environ,
            tags=args.stack_tags,
            spend_so_far=memory.spend_so_far,
        )
        for each in options + [Options(rule.options, own, SOURCE)] * bool(own)
    ]


def _fixed(
    args: ResourceValidationArgs, fixed: Mapping[str, object] | None
) -> Mapping[str, object] | None:
    """Put changed inputs into the SDK's own holder, where secrets and unknowns stay what they are."""
    if fixed is None:
        return None
    for key, value in fixed.items():
        if value != declared_value(args, key):
            args.props[key] = value  # type: ignore[index]  # the SDK's holders can be written to
    return args.props


def declared_value(args: ResourceValidationArgs, key: str) -> object:
    """Return one input as the rules see it."""
    return declared(args).inputs.get(key)


def _schema(rule: Rule) -> PolicyConfigSchema | None:
    if not rule.options:
        return None
    return PolicyConfigSchema({name: option.schema() for name, option in rule.options.items()})


def policies(rules: Iterable[Rule], *, environment: str) -> list[Policy]:
    """Return all rules as policies with one memory."""
    memory = Memory()
    return [policy(rule, memory, environment=environment) for rule in rules]
