"""Tell the engine what a rule found: once, with the limit that was broken and the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pulumi_policy import ReportViolation, ResourceValidationArgs, StackValidationArgs

from policies.options import OptionError
from policies.own_limits import KEY, SOURCE
from policies.rule import Finding, RestsError, Rule, Situation

# The engine shows no remediation steps, so each violation ends with its own.
WAY_OUT = "What to do: "
Check = Callable[[Situation], Iterable[Finding]]


def tell(
    rule: Rule,
    check: Check,
    *,
    situations: Sequence[Situation],
    args: ResourceValidationArgs | StackValidationArgs,
    report: ReportViolation,
) -> None:
    """Report what is found in any of the situations, once; the rule rests when it does in all."""
    told: set[Finding] = set()
    resting: list[RestsError] = []
    for situation in situations:
        try:
            for finding in _found(check, situation):
                if finding not in told:
                    report(_said(finding, rule, situation), finding.urn)
                told.add(finding)
        except RestsError as rests:
            resting.append(rests)
        except OptionError as error:
            report(_named(str(error), situation), None)
    if len(resting) == len(situations):
        args.not_applicable(str(resting[0]))


def _found(check: Check, situation: Situation) -> Iterable[Finding]:
    # Checks are generators: what they raise comes out here. A broken option is a violation too, for
    # a rule that cannot be asked has not been kept.
    situation.options.check()
    yield from check(situation)


def _said(finding: Finding, rule: Rule, situation: Situation) -> str:
    return f"{_named(finding.message, situation)}\n{WAY_OUT}{rule.remedy}"


def _named(message: str, situation: Situation) -> str:
    """Return a message that says which limit it means, where that is not the pack's."""
    own = situation.options.source == SOURCE
    return f"{message}\nThe limit is the stack's own: outlay:{KEY}." if own else message
