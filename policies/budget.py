"""Rules: what a stack declares stays within its budgets, at the declared sizes and at the largest."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from pulumi_policy import Severity

from outlay.pricing.types import HOURS_PER_MONTH
from policies.declared import Declared
from policies.limits import PER_HOUR, PER_MONTH, STACK_KEY, Limit, hourly_limit, monthly_limit
from policies.money import percent, usd
from policies.options import AMOUNT, Option
from policies.rule import (
    ADVISORY,
    LAX_IN_DEV,
    MANDATORY,
    Finding,
    ResourceRule,
    RestsError,
    Situation,
    StackRule,
)
from policies.stack import Stack

DEAREST = 3
# Each of them is a violation of its own; a longer list would push the way out from sight.
NAMED = 10
MONTHLY = Option(
    kind=AMOUNT,
    above=0,
    meaning="USD per month (730 hours) that the stack may cost; the stack's own budget counts if lower",
)
HOURLY = Option(kind=AMOUNT, above=0, meaning="USD per hour that the stack may cost")
CHEAPER = "Declare less, allow cheaper markets, regions or providers, or raise the budget"


def _over_month(stack: Stack, situation: Situation) -> Iterable[Finding]:
    limit = monthly_limit(situation)
    if limit is None:
        raise RestsError(f"the stack sets no outlay:{STACK_KEY}")
    if stack.spend.usd_per_month > limit.usd:
        yield Finding(_month_message(stack, limit, situation.stack))


def _month_message(stack: Stack, limit: Limit, name: str) -> str:
    least, spend = _least(stack), stack.spend.usd_per_month
    over, worst = spend - limit.usd, stack.spend.worst_usd_per_month
    headline = (
        f"planned spend is {least}{usd(spend)}/month: {least}{usd(over)}"
        f" ({percent(over / limit.usd)}) over the budget of {usd(limit.usd)}/month of stack"
        f" {name} ({limit.source})"
    )
    parts = [
        headline,
        f"Dearest: {', '.join(_dearest(stack))}",
        f"With every autoscaled pool at its maximum: {least}{usd(worst)}/month",
        *_not_counted(stack),
    ]
    return "\n".join(f"{part}." for part in parts)


def _least(stack: Stack) -> str:
    return "≥ " if stack.bill.unpriced else ""


def _dearest(stack: Stack) -> list[str]:
    return [
        f"{each.name} {usd(each.cost.expected * HOURS_PER_MONTH)}/month"
        for each in stack.bill.dearest(DEAREST)
    ]


def _not_counted(stack: Stack) -> list[str]:
    names = [each.name for each in stack.bill.unpriced]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return [f"Not counted, for want of a price: {', '.join(names[:NAMED])}{more}"] if names else []


MONTHLY_BUDGET = StackRule(
    name="monthly-budget",
    holds="Planned spend stays within the monthly budget.",
    reason="What a merge buys runs around the clock until somebody notices the bill.",
    remedy=f"{CHEAPER}.",
    severity=Severity.HIGH,
    levels=MANDATORY,
    options={PER_MONTH: MONTHLY},
    check=_over_month,
)


def _over_hour(stack: Stack, situation: Situation) -> Iterable[Finding]:
    limit = hourly_limit(situation)
    if limit is None:
        raise RestsError(f"the pack's configuration sets no {PER_HOUR}")
    over = stack.spend.expected - limit.usd
    if over > 0:
        yield Finding(
            f"planned spend is {_least(stack)}{usd(stack.spend.expected)}/hour: {usd(over)}"
            f" ({percent(over / limit.usd)}) over the {usd(limit.usd)}/hour of stack"
            f" {situation.stack} ({limit.source})."
        )


HOURLY_BUDGET = StackRule(
    name="hourly-budget",
    holds="Planned spend stays within the hourly budget.",
    reason="A stack that runs for days, not months, can burn a month's budget within one.",
    remedy=f"{CHEAPER}.",
    severity=Severity.HIGH,
    levels=MANDATORY,
    options={PER_HOUR: HOURLY},
    check=_over_hour,
)

FACTOR = "factor"


def _over_at_worst(stack: Stack, situation: Situation) -> Iterable[Finding]:
    limit = _worst_limit(situation)
    if limit is None:
        raise RestsError("the stack has no monthly budget")
    worst = stack.spend.worst_usd_per_month
    if worst > limit.usd and worst > stack.spend.usd_per_month:
        yield Finding(
            f"with every autoscaled pool at its maximum the stack costs {_least(stack)}{usd(worst)}/month:"
            f" {usd(worst - limit.usd)} over the {usd(limit.usd)}/month that it may reach"
            f" ({limit.source}).\nMost room to grow: {', '.join(_growing(stack))}."
        )


def _worst_limit(situation: Situation) -> Limit | None:
    limit = monthly_limit(situation)
    factor = situation.options.amount(FACTOR) or Decimal(1)
    if limit is None or factor == 1:
        return limit
    return Limit(limit.usd * factor, f"{factor:f} times {limit.source}")


def _growing(stack: Stack) -> list[str]:
    room = sorted(
        stack.bill.costs, key=lambda each: (each.cost.expected - each.cost.high, each.name)
    )
    return [
        f"{each.name} {usd(each.cost.expected * HOURS_PER_MONTH)} to"
        f" {usd(each.cost.high * HOURS_PER_MONTH)}/month"
        for each in room[:DEAREST]
        if each.cost.high > each.cost.expected
    ]


WORST_CASE = StackRule(
    name="worst-case-budget",
    holds="Even with every autoscaled pool at its maximum, spend stays within the budget.",
    reason="An autoscaler asks nobody: a pool of 1 to 100 nodes is a promise to pay for 100.",
    remedy="Lower the pools' maximum, or allow a higher worst case in the pack's configuration.",
    severity=Severity.HIGH,
    levels=MANDATORY,
    options={
        PER_MONTH: Option(
            kind=AMOUNT,
            above=0,
            meaning="USD per month that the stack may cost at its largest; the stack's budget counts if lower",
        ),
        FACTOR: Option(
            kind=AMOUNT,
            above=0,
            default=1,
            meaning="How many times the budget the worst case may be",
        ),
    },
    check=_over_at_worst,
)

SHARE = "share"


def _near(stack: Stack, situation: Situation) -> Iterable[Finding]:
    limit = monthly_limit(situation)
    if limit is None:
        raise RestsError("the stack has no monthly budget")
    share = situation.options.amount(SHARE) or Decimal(1)
    spend = stack.spend.usd_per_month
    if limit.usd * share < spend <= limit.usd:
        yield Finding(
            f"planned spend is {usd(spend)}/month, {percent(spend / limit.usd)} of the budget of"
            f" {usd(limit.usd)}/month ({limit.source}); {usd(limit.usd - spend)} are left."
        )


BUDGET_ALERT = StackRule(
    name="budget-alert",
    holds="Planned spend leaves some of the budget free.",
    reason="Whoever raises a budget wants to hear of it before the day when nothing can be merged.",
    remedy="Nothing must be done now; plan for a higher budget or a smaller stack.",
    severity=Severity.LOW,
    levels=ADVISORY,
    options={
        PER_MONTH: MONTHLY,
        SHARE: Option(
            kind=AMOUNT,
            above=0,
            default=0.8,
            meaning="Share of the budget from which on it is said",
        ),
    },
    check=_near,
)


def _no_budget(_stack: Stack, situation: Situation) -> Iterable[Finding]:
    if monthly_limit(situation) is None:
        yield Finding(
            f"neither outlay:{STACK_KEY} nor the pack's configuration sets a budget: nothing limits"
            f" what stack {situation.stack} may cost."
        )


BUDGET_REQUIRED = StackRule(
    name="budget-required",
    holds="The stack has a monthly budget.",
    reason="Without one the rules on budgets rest, and to delete the setting would be a way past them.",
    remedy=f"Set outlay:{STACK_KEY}, or {PER_MONTH} of this rule and of monthly-budget.",
    severity=Severity.HIGH,
    levels=LAX_IN_DEV,
    options={PER_MONTH: MONTHLY},
    check=_no_budget,
)


def _step_over(declared: Declared, situation: Situation) -> Iterable[str]:
    if situation.previewing or situation.auditing:
        raise RestsError("where nothing is made, the rules on the whole stack say it once")
    limit = monthly_limit(situation)
    if limit is None:
        raise RestsError("the stack has no monthly budget")
    spend = situation.spend_so_far()
    factor = situation.options.amount(FACTOR) or Decimal(1)
    for amount, most, what in (
        (spend.usd_per_month, limit.usd, "planned spend"),
        (spend.worst_usd_per_month, limit.usd * factor, "spend at its largest"),
    ):
        if declared.is_billable and amount > most:
            yield (
                f"with {declared.name} the {what} reaches {usd(amount)}/month, over the"
                f" {usd(most)}/month of stack {situation.stack} ({limit.source}); it is not made."
            )
            return


BUDGET_AT_EACH_STEP = ResourceRule(
    name="budget-at-each-step",
    holds="No step takes the stack over its budget.",
    reason="Rules on a stack run after its steps: with --skip-preview they speak when the money is spent.",
    remedy=f"{CHEAPER}. Preview before every update.",
    severity=Severity.HIGH,
    levels=MANDATORY,
    options={
        PER_MONTH: MONTHLY,
        FACTOR: Option(
            kind=AMOUNT,
            above=0,
            default=1,
            meaning="How many times the budget the worst case may be",
        ),
    },
    check=_step_over,
)

BASELINE, MAX_USD, MAX_PERCENT = "baselineUsdPerMonth", "maxUsd", "maxPercent"


def _grows(stack: Stack, situation: Situation) -> Iterable[Finding]:
    before = situation.options.amount(BASELINE)
    if before is None:
        raise RestsError(f"no {BASELINE}: a pack sees no old state, so somebody must say it")
    growth = stack.spend.usd_per_month - before
    for limit, text in _growth_limits(situation, before):
        if growth > limit:
            yield Finding(
                f"planned spend grows by {usd(growth)}/month, from {usd(before)} to"
                f" {usd(stack.spend.usd_per_month)}/month: more than the {text} that one change may add."
            )
            return


def _growth_limits(situation: Situation, before: Decimal) -> Iterable[tuple[Decimal, str]]:
    most_usd = situation.options.amount(MAX_USD)
    most_percent = situation.options.amount(MAX_PERCENT)
    if most_usd is not None:
        yield most_usd, f"{usd(most_usd)}/month"
    # A new stack grows from nothing; any percentage of that would forbid it.
    if most_percent is not None and before > 0:
        yield before * most_percent / 100, f"{most_percent:f} %"


GROWTH_LIMIT = StackRule(
    name="growth-limit",
    holds="One change adds only so much to the spend.",
    reason="A budget with much room hides a change that doubles the bill.",
    remedy="Split the change, or let whoever owns the budget raise the limit for it.",
    severity=Severity.MEDIUM,
    levels=LAX_IN_DEV,
    options={
        BASELINE: Option(
            kind=AMOUNT,
            meaning="USD per month before the change; `usd_per_month` of `outlay cost --json`",
        ),
        MAX_USD: Option(kind=AMOUNT, above=0, meaning="Most USD per month that a change may add"),
        MAX_PERCENT: Option(kind=AMOUNT, above=0, meaning="Most percent that a change may add"),
    },
    check=_grows,
)

RULES = (
    MONTHLY_BUDGET,
    HOURLY_BUDGET,
    WORST_CASE,
    BUDGET_ALERT,
    BUDGET_REQUIRED,
    BUDGET_AT_EACH_STEP,
    GROWTH_LIMIT,
)
