"""Which limits cannot be kept together, and the least that makes room.

A deletion filter: with every limit in force there is no plan; each is lifted in turn, and stays lifted
when the rest still has none. What is left is irreducible: without any one of it there is a plan (with
the limits lifted before). Defaults are lifted first, so that what is left is mostly the user's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from outlay.errors import NoFeasiblePlanError, OverBudgetError
from outlay.planning.limits import Limit, limits
from outlay.planning.plan import Plan
from outlay.planning.sensitivity import affordable_rps
from outlay.planning.whatif import WhatIf, total_rps
from outlay.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The least loosening of one limit, all others kept, after which there is a plan, and its cost.

    `to` is empty where loosening this one alone is not enough.
    """

    limit: Limit
    to: str
    usd_per_month: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Limits that cannot be kept together: any proper part of them could be.

    `cheapest_usd_per_month` is of the best plan without a budget; `budget_rps` is the demand that
    the budget pays for. Both are None where there is no plan at any price.
    """

    limits: tuple[Limit, ...]
    ways: tuple[Way, ...]
    cheapest_usd_per_month: Decimal | None
    budget_rps: float | None


def find_conflict(what_if: WhatIf) -> Conflict | None:
    """Return why there is no plan; None where there is one, or where no limit is to blame."""
    settings = what_if.settings
    if _plan(what_if, settings) is not None:
        return None
    affordable = _plan(what_if, _without_budget(settings))
    # What cannot be had at any price is no matter of the budget.
    base = settings if affordable else _without_budget(settings)
    held = limits(base)
    if _plan(what_if, _lifted(base, held)) is None:
        return None
    core = _irreducible(what_if, base, held)
    return Conflict(
        limits=core,
        ways=tuple(_way(what_if, base, limit) for limit in core),
        cheapest_usd_per_month=affordable.usd_per_month if affordable else None,
        budget_rps=affordable_rps(what_if) if affordable else None,
    )


def _irreducible(what_if: WhatIf, base: Settings, held: Iterable[Limit]) -> tuple[Limit, ...]:
    order = sorted(held, key=lambda limit: limit.is_own)
    core = list(order)
    for limit in order:
        rest = [other for other in core if other is not limit]
        gone = [other for other in order if other not in rest]
        if _plan(what_if, _lifted(base, gone)) is None:
            core = rest
    return tuple(limit for limit in held if limit in core)


def _lifted(settings: Settings, gone: Iterable[Limit]) -> Settings:
    for limit in gone:
        settings = limit.lift(settings)
    return settings


def _without_budget(settings: Settings) -> Settings:
    return settings.model_copy(update={"budget_usd_per_month": None})


def _plan(what_if: WhatIf, settings: Settings) -> Plan | None:
    """Return a plan that keeps the settings, their budget included."""
    budget = settings.budget_usd_per_month
    plan = what_if.answer(_without_budget(settings)).plan
    return plan if plan and (budget is None or plan.usd_per_month <= budget) else None


def _way(what_if: WhatIf, base: Settings, limit: Limit) -> Way:
    for step in limit.steps(base):
        plan = _plan(what_if, step.settings)
        if plan is not None:
            return Way(limit=limit, to=step.to(plan), usd_per_month=plan.usd_per_month)
    return Way(limit=limit, to="", usd_per_month=None)


def explained(
    error: NoFeasiblePlanError | OverBudgetError, what_if: WhatIf
) -> NoFeasiblePlanError | OverBudgetError:
    """Return an error that names the conflict and the ways out; the error itself where there is none."""
    found = find_conflict(what_if)
    if found is None:
        return error
    lines = tuple(_lines(found, total_rps(what_if.settings)))
    if isinstance(error, OverBudgetError):
        return error.with_advice(lines)
    return NoFeasiblePlanError(error.message, (*lines, *error.reasons))


def _lines(found: Conflict, rps: float) -> Iterable[str]:
    names = "; ".join(limit.text for limit in found.limits)
    several = len(found.limits) > 1
    yield (
        f"these limits conflict: {names}"
        if several
        else f"this limit rules out every plan: {names}"
    )
    for way in sorted(found.ways, key=_cheapest_first):
        yield (
            f"way out: {way.limit.name} to {way.to} (the plan then costs ${way.usd_per_month:,.0f}/month)"
            if way.to
            else f"loosening {way.limit.name} alone is not enough"
        )
    if found.budget_rps is not None:
        pays = f"{found.budget_rps:.4g} of {rps:g} requests/s" if found.budget_rps else "no demand"
        yield f"or less demand: the budget pays for {pays}"


def _cheapest_first(way: Way) -> tuple[bool, Decimal]:
    return way.usd_per_month is None, way.usd_per_month or Decimal(0)
