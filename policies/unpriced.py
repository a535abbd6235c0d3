"""Rule: nothing is declared whose price is not known."""

from __future__ import annotations

from pulumi_policy import (
    EnforcementLevel,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from outlay.pricing.types import Unpriced
from policies.prices import Prices


def no_unpriced_resources(prices: Prices) -> ResourceValidationPolicy:
    """Build the rule. It also remembers every price for the rules on the whole stack."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        price = prices.remember(args)
        if isinstance(price, Unpriced):
            report(message(price), None)

    return ResourceValidationPolicy(
        name="no-unpriced-resources",
        description="Every resource has a known price or is known to be free.",
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Declare the field that the price depends on, or a type that has a price.",
    )


def message(price: Unpriced) -> str:
    """Say why there is no price, what that means and what to do."""
    return (
        f"no price is known: {price.reason}.\nWhatever it costs would not count against the budget."
        " Declare what is missing, use a type that has a price, or make this policy advisory in the"
        " pack's configuration."
    )
