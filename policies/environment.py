"""Which environment a stack is of: the pack's levels depend on it, so it must not be mistaken."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pulumi
from pulumi_policy import Severity

from policies.options import TEXT, Option
from policies.rule import MANDATORY, Finding, Situation, StackRule
from policies.stack import Stack

KEY = "environment"
TAG = "outlay:environment"
VARIABLE = "OUTLAY_ENVIRONMENT"
KNOWN = ("dev", "staging", "prod")
STRICTEST = "prod"


def environment() -> str:
    """Return the stack's environment: its setting, else its name; without any word of it, the strictest.

    `pulumi policy analyze` passes the pack neither settings nor name; the variable is for it alone.
    """
    own = pulumi.Config("outlay").get(KEY) or os.environ.get(VARIABLE)
    return own or _named(pulumi.get_stack()) or STRICTEST


def _named(stack: str) -> str | None:
    last = stack.rpartition("/")[2]
    return last if last in KNOWN else None


def _disagreements(_stack: Stack, situation: Situation) -> Iterable[Finding]:
    for source, other in _sources(situation):
        if other is not None and other != situation.environment:
            yield Finding(
                f"this stack is held to the rules of {situation.environment!r}, but {source} says {other!r}."
            )


def _sources(situation: Situation) -> Iterable[tuple[str, str | None]]:
    yield "the pack's configuration", situation.options.text(KEY)
    yield f"the stack's tag {TAG}", situation.tags.get(TAG)
    yield "the stack's name", _named(situation.stack)


ENVIRONMENT_AGREES = StackRule(
    name="environment-agrees",
    holds="All that names the stack's environment names the same one.",
    reason="The rules are stricter in prod; a stack that calls itself dev would escape them.",
    remedy="Set outlay:environment to what the stack is, or use the configuration of its environment.",
    severity=Severity.HIGH,
    levels=MANDATORY,
    options={
        KEY: Option(kind=TEXT, meaning="The environment that this configuration is for"),
    },
    check=_disagreements,
)
