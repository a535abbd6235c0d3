"""Hold a plan against its budget."""

from __future__ import annotations

from outlay.errors import OverBudgetError
from outlay.planning.plan import Plan
from outlay.pricing.types import HOURS_PER_MONTH

DEAREST = 3


def check_budget(plan: Plan) -> None:
    """Raise OverBudgetError when the plan costs more a month than its budget allows."""
    budget = plan.budget_usd_per_month
    if budget is None or plan.usd_per_month <= budget:
        return
    costs = [
        (pool.usd_per_hour, f"{pool.nodes} x {pool.instance_type} {pool.market}")
        for pool in plan.pools
    ]
    costs += [(cost.usd_per_hour, cost.what) for cost in plan.fixed_costs]
    dearest = sorted(costs, key=lambda cost: -cost[0])[:DEAREST]
    raise OverBudgetError(
        usd_per_month=plan.usd_per_month,
        budget_usd_per_month=budget,
        dearest=[f"{what} ${usd * HOURS_PER_MONTH:,.0f}/month" for usd, what in dearest],
    )
