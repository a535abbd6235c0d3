"""One question, answered with one thing at a time: each provider alone, each GPU alone, and so on."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.catalog import Catalog
from outlay.planning.plan import Plan
from outlay.planning.whatif import By, Outcome, WhatIf, names
from outlay.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What one name alone would cost; `reasons` say why it cannot serve, or what to know of it."""

    name: str
    plan: Plan | None
    reasons: tuple[str, ...] = ()

    @property
    def is_over_budget(self) -> bool:
        """Whether it serves, but for more than the budget."""
        budget = self.plan.budget_usd_per_month if self.plan else None
        return self.plan is not None and budget is not None and self.plan.usd_per_month > budget


def compare(settings: Settings, catalog: Catalog, *, by: By) -> tuple[Comparison, ...]:
    """Return one comparison per allowed name, cheapest first, infeasible last."""
    what_if = WhatIf(settings, catalog)
    rows = [_row(name, what_if.alone(by, name)) for name in names(settings, catalog, by=by)]
    return tuple(sorted(rows, key=_cheapest_first))


def _row(name: str, outcome: Outcome) -> Comparison:
    return Comparison(name=name, plan=outcome.plan, reasons=outcome.reasons)


def _cheapest_first(row: Comparison) -> tuple[bool, float, str]:
    cost = float(row.plan.usd_per_month) if row.plan else 0.0
    return row.plan is None, cost, row.name
