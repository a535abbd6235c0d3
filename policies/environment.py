"""Which environment a stack is of: the pack's levels depend on it, so it must not be mistaken."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

import pulumi
from pulumi_policy import Severity

from outlay.variables import ENVIRONMENT_VARIABLE
from policies.options import TEXT, Option
from policies.rule import MANDATORY, Finding, Situation, StackRule, own_setting
from policies.stack import Stack

KEY = "environment"
TAG = "outlay:environment"
STRICTEST = "prod"
WORDS = {
    **dict.fromkeys(("dev", "development"), "dev"),
    **dict.fromkeys(("staging", "stage", "stg"), "staging"),
    **dict.fromkeys(("prod", "production", "prd", "live"), "prod"),
}


def environment() -> str:
    """Return the stack's environment: the runner's word, its setting, its name; else the strictest."""
    told = os.environ.get(ENVIRONMENT_VARIABLE) or own_setting(KEY)
    return _named(told or pulumi.get_stack()) or told or STRICTEST


def _named(name: str) -> str | None:
    """Return the environment that a name has as a word, such as prod in `eu-prod-2`."""
    words = re.split(r"[^a-z]+", name.rpartition("/")[2].lower())
    named = {WORDS[word] for word in words if word in WORDS}
    return STRICTEST if STRICTEST in named else next(iter(sorted(named)), None)


def _disagreements(_stack: Stack, situation: Situation) -> Iterable[Finding]:
    for source, other in _sources(situation):
        if other is not None and (_named(other) or other) != situation.environment:
            yield Finding(
                f"this stack is held to the rules of {situation.environment!r}, but {source} says {other!r}."
            )


def _sources(situation: Situation) -> Iterable[tuple[str, str | None]]:
    yield "the pack's configuration", situation.options.text(KEY)
    yield f"the stack's tag {TAG}", situation.tags.get(TAG)
    yield f"the setting outlay:{KEY}", situation.own(KEY)
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
