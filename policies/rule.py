"""What a rule is: what should hold and why, what to do, how strictly where, and its check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_policy import EnforcementLevel, Severity

from policies.options import Option, Options

if TYPE_CHECKING:
    from policies.declared import Declared
    from policies.stack import Spend, Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How strictly a rule holds in each environment; any other environment is taken for prod."""

    dev: EnforcementLevel
    staging: EnforcementLevel
    prod: EnforcementLevel

    def of(self, environment: str) -> EnforcementLevel:
        """Return the level in an environment."""
        known = {"dev": self.dev, "staging": self.staging}
        return known.get(environment, self.prod)


def everywhere(level: EnforcementLevel) -> Levels:
    """Return one level for all environments."""
    return Levels(dev=level, staging=level, prod=level)


MANDATORY = everywhere(EnforcementLevel.MANDATORY)
ADVISORY = everywhere(EnforcementLevel.ADVISORY)
STRICT_IN_PROD = Levels(
    dev=EnforcementLevel.ADVISORY,
    staging=EnforcementLevel.ADVISORY,
    prod=EnforcementLevel.MANDATORY,
)
LAX_IN_DEV = Levels(
    dev=EnforcementLevel.ADVISORY,
    staging=EnforcementLevel.MANDATORY,
    prod=EnforcementLevel.MANDATORY,
)
REMEDIATE = everywhere(EnforcementLevel.REMEDIATE)


class RestsError(Exception):
    """The rule has nothing to say here; the message says why. The engine shows it as not applicable."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation; of the stack as a whole when no resource is named."""

    message: str
    urn: str | None = None


def _nothing_yet() -> Spend:
    raise RestsError("this rule is asked outside an update")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a check may know beside what is declared.

    `previewing` and `auditing` say that nothing is made in this run; an audit looks at a state alone.
    """

    options: Options
    environment: str
    stack: str
    previewing: bool
    auditing: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    spend_so_far: Callable[[], Spend] = _nothing_yet

    def own(self, key: str) -> str | None:
        """Return a setting of the stack; see `own_setting`."""
        return own_setting(key)


def own_setting(key: str) -> str | None:
    """Return a setting of the stack as the program reads it, None where it is empty.

    `outlay:` goes before the project's namespace, where the engine puts keys without one and the
    defaults of Pulumi.yaml. `pulumi policy analyze` passes none.
    """
    return pulumi.Config("outlay").get(key) or pulumi.Config(pulumi.get_project()).get(key) or None


ResourceCheck = Callable[["Declared", Situation], Iterable[str]]
StackCheck = Callable[["Stack", Situation], Iterable[Finding]]
# Returns the changed inputs, or None when nothing is to be changed.
Remedy = Callable[["Declared", Situation], Mapping[str, object] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the two kinds of rules share.

    `holds` is what people read first in a violation: a statement of what should hold.
    """

    name: str
    holds: str
    reason: str
    remedy: str
    severity: Severity
    levels: Levels
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRule(Rule):
    """A rule on each resource, checked before its step, by its inputs."""

    check: ResourceCheck
    fix: Remedy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRule(Rule):
    """A rule on the whole stack, checked after all steps: in a preview, before anything is made."""

    check: StackCheck
