"""Rule: what a stack declares stays within its monthly budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal, InvalidOperation

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from outlay.pricing.total import Bill, PricedResource, total
from outlay.pricing.types import HOURS_PER_MONTH
from policies.prices import Prices

PACK_KEY, STACK_KEY = "usdPerMonth", "budgetUsdPerMonth"
DEAREST = 3


@dataclass(frozen=True, slots=True)
class Budget:
    """What a stack may cost, as it was written, and where."""

    text: str
    source: str

    @property
    def usd_per_month(self) -> Decimal | None:
        """The amount, or None when the text is no positive amount."""
        try:
            amount = Decimal(self.text)
        except InvalidOperation:
            return None
        return amount if amount.is_finite() and amount > 0 else None


def monthly_budget(prices: Prices) -> StackValidationPolicy:
    """Build the rule. The pack's configuration goes before the stack's; without either it rests."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        budget = _budget(args.get_config())
        if budget is None:
            args.not_applicable(f"the stack sets no outlay:{STACK_KEY}")
        else:
            _check(budget, _bill(args, prices), report)

    return StackValidationPolicy(
        name="monthly-budget",
        description="Planned spend stays within the monthly budget.",
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        config_schema=PolicyConfigSchema(
            properties={
                PACK_KEY: {
                    "type": "number",
                    "description": "USD per month (730 hours) that the stack may cost.",
                }
            }
        ),
        remediation_steps="Declare less, allow cheaper markets, regions or providers, or raise the budget.",
    )


def _budget(config: Mapping[str, object]) -> Budget | None:
    if PACK_KEY in config:
        return Budget(str(config[PACK_KEY]), f"{PACK_KEY} of this policy's configuration")
    # `pulumi policy analyze` passes no stack configuration, hence the key above.
    text = pulumi.Config("outlay").get(STACK_KEY)
    return Budget(text, f"outlay:{STACK_KEY}") if text is not None else None


def _bill(args: StackValidationArgs, prices: Prices) -> Bill:
    return total(
        PricedResource(name=each.name, resource_type=each.resource_type, price=prices.of(each))
        for each in args.resources
    )


def _check(budget: Budget, bill: Bill, report: ReportViolation) -> None:
    limit = budget.usd_per_month
    if limit is None:
        report(f"{budget.source} must be an amount of USD above 0, got {budget.text!r}", None)
    elif bill.usd_per_month > limit:
        report(message(bill, limit=limit, source=budget.source), None)


def message(bill: Bill, *, limit: Decimal, source: str) -> str:
    """Say how much too much it is, what it goes to and how much more it may become."""
    least = "≥ " if bill.unpriced else ""
    over = bill.usd_per_month - limit
    headline = (
        f"planned spend is {least}{_usd(bill.usd_per_month)}/month: {least}{_usd(over)}"
        f" ({_percent(over / limit)}) over the budget of {_usd(limit)}/month of stack"
        f" {pulumi.get_stack()} ({source})"
    )
    parts = [
        headline,
        f"Dearest: {', '.join(_dearest(bill))}",
        f"With every autoscaled pool at its maximum: {least}{_usd(bill.worst_usd_per_month)}/month",
    ]
    if bill.unpriced:
        parts.append(
            f"Not counted, for want of a price: {', '.join(r.name for r in bill.unpriced)}"
        )
    return "\n".join(f"{part}." for part in parts)


def _dearest(bill: Bill) -> list[str]:
    return [
        f"{each.name} {_usd(each.cost.expected * HOURS_PER_MONTH)}/month"
        for each in bill.dearest(DEAREST)
    ]


def _usd(amount: Decimal) -> str:
    # Rounded up, so that a spend just above the budget never reads as equal to it.
    return f"${amount.quantize(Decimal('0.01'), rounding=ROUND_UP):,}"


def _percent(share: Decimal) -> str:
    percent = share * 100
    return f"{percent:,.0f} %" if percent >= 10 else f"{percent:.1f} %"
