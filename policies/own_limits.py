"""Options of rules in a stack's own settings, so that each environment's file has its limits.

They can only tighten: a rule is asked with the pack's options and with these, and both must hold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from pulumi_policy import Severity

from outlay.variables import STACK_LIMITS_VARIABLE
from policies.configuration import unknown_rules
from policies.options import OptionError
from policies.rule import MANDATORY, Finding, Rule, Situation, StackRule, own_setting
from policies.stack import Stack

KEY = "limits"
SOURCE = f"of outlay:{KEY}"
Limits = Mapping[str, Mapping[str, object]]


def own_options(rule: str) -> Mapping[str, object]:
    """Return the options that the stack's settings give to a rule; none where they are broken."""
    try:
        return _limits(_text()).get(rule, {})
    except OptionError:
        return {}  # OWN_LIMITS says it once


def _text() -> str:
    # An audit gets no settings of the stack; the variable stands for them.
    return own_setting(KEY) or os.environ.get(STACK_LIMITS_VARIABLE) or "{}"


@lru_cache(maxsize=1)
def _limits(text: str) -> Limits:
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    if not isinstance(found, dict):
        raise OptionError(f"outlay:{KEY} must map rules to their options, got {found!r}")
    for rule, options in found.items():
        if not isinstance(options, dict):
            raise OptionError(
                f"outlay:{KEY}: {rule} must map options to values, got {options!r}; a level can only"
                " be set in the pack's configuration"
            )
    return found


def own_limits_rule(rules: Sequence[Rule]) -> StackRule:
    """Return the rule that the stack's own limits are options of these rules."""

    def check(_stack: Stack, _situation: Situation) -> Iterable[Finding]:
        for problem in unknown_rules(_limits(_text()), rules):
            yield Finding(f"outlay:{KEY}: {problem}")

    return StackRule(
        name="own-limits",
        holds="The stack's own limits are options of rules that there are.",
        reason="A limit under a misspelt name would be none.",
        remedy=f"Correct outlay:{KEY} in the stack's file; docs/policies.md lists rules and options.",
        severity=Severity.HIGH,
        levels=MANDATORY,
        check=check,
    )
