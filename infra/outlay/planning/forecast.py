"""What the coming months cost: demand grows, and each month is planned anew, not scaled."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from outlay.errors import InputError
from outlay.planning.commitments import Commitment, commitments
from outlay.planning.plan import Plan
from outlay.planning.sensitivity import affordable_rps
from outlay.planning.whatif import Outcome, WhatIf, total_rps, with_rps
from outlay.settings.model import LARGEST_RPS, LEAST_RPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One month, counted from 1; `rps` is the demand of all workloads."""

    number: int
    rps: float
    outcome: Outcome

    @property
    def plan(self) -> Plan | None:
        """The month's cheapest plan, if there is one."""
        return self.outcome.plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Some months under a growth rate (a share a month), held against the budget.

    `budget_rps` is the largest demand that the budget pays for; None without a budget.
    """

    growth: float
    months: tuple[Month, ...]
    budget_usd_per_month: Decimal | None
    budget_rps: float | None
    commitments: tuple[Commitment, ...]

    @property
    def total_usd(self) -> Decimal | None:
        """All months together; None when one has no plan."""
        plans = [month.plan for month in self.months]
        known = [plan.usd_per_month for plan in plans if plan is not None]
        return sum(known, Decimal(0)) if len(known) == len(plans) else None

    @property
    def breaks(self) -> Month | None:
        """The first month that costs more than the budget, or that nothing on sale serves."""
        return next((month for month in self.months if self.is_over(month)), None)

    def is_over(self, month: Month) -> bool:
        """Whether a month has no plan within the budget."""
        budget = self.budget_usd_per_month
        return month.plan is None or (budget is not None and month.plan.usd_per_month > budget)


def forecast(what_if: WhatIf, *, growth: float, months: int) -> Forecast:
    """Plan every month of demand that grows by a share a month; the first is as in the settings.

    Raises:
        InputError: the demand leaves the range that settings allow.
        NoFeasiblePlanError: the first month has no plan.
    """
    settings = what_if.settings
    loads = demand(total_rps(settings), growth=growth, months=months)
    _check(loads)
    what_if.plan()
    answers = [what_if.answer(with_rps(settings, rps)) for rps in loads]
    return Forecast(
        growth=growth,
        months=tuple(
            Month(number=number, rps=rps, outcome=outcome)
            for number, (rps, outcome) in enumerate(zip(loads, answers, strict=True), start=1)
        ),
        budget_usd_per_month=settings.budget_usd_per_month,
        budget_rps=affordable_rps(what_if),
        commitments=commitments([outcome.plan for outcome in answers], what_if.catalog),
    )


def demand(rps: float, *, growth: float, months: int) -> tuple[float, ...]:
    """Return the demand of each month: rps x (1 + growth) ^ (month - 1)."""
    return tuple(rps * (1 + growth) ** month for month in range(months))


def _check(loads: tuple[float, ...]) -> None:
    for number, rps in enumerate(loads, start=1):
        if not LEAST_RPS <= rps <= LARGEST_RPS:
            raise InputError(
                f"in month {number} the demand would be {rps:,.4g} requests/s, outside of"
                f" {LEAST_RPS:g} to {LARGEST_RPS:,.0f}; choose a smaller --growth or fewer --months"
            )
