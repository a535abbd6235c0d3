"""A comparison as a table and as JSON (docs/json.md describes every field)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich.text import Text

from outlay.planning.compare import Comparison
from outlay.planning.plan import Plan
from outlay.reporting.as_json import gpus_by_type, markets, money, pool_json
from outlay.reporting.layout import Json, line, percent, table
from outlay.reporting.money import usd
from outlay.reporting.tables import by_reason, console
from outlay.reporting.what import gpus

TITLES = {
    "provider": "Provider",
    "gpu": "GPU alone",
    "precision": "Precision",
    "region": "Region alone",
    "market": "Market alone",
    "survive-fraction": "Survives",
    "max-spot-share": "Spot share",
    "ttft": "TTFT",
}
# Where the price is that of a promise, what is served for it stands beside.
PROMISES = frozenset({"survive-fraction", "max-spot-share", "ttft"})


def print_comparison(rows: Sequence[Comparison], *, by: str) -> None:
    """Print one row per name that serves, cheapest first; below, who does not and why, merged."""
    out = console()
    of_promise = by in PROMISES
    where = ">Served" if of_promise else "Region"
    titles = (TITLES[by], "GPUs", "Market", where, ">$/M tokens", ">$/month")
    shown = table(*titles, wrapped={"GPUs", "Region"})
    for row in rows:
        if row.plan is not None:
            cells = _cells(row.plan, is_over=row.is_over_budget, of_promise=of_promise)
            shown.add_row(row.name, *cells)
    if shown.row_count:
        out.print(shown)
    for number, text in enumerate(_remarks(rows)):
        if not number and shown.row_count:
            out.print()
        line(out, text)


def _remarks(rows: Sequence[Comparison]) -> Iterable[str]:
    if any(row.is_over_budget for row in rows):
        yield f"* over the budget of {usd(_budget(rows))}/month"
    refused = ((row.name, row.reasons) for row in rows if row.plan is None)
    for reasons, names in _by_reasons(refused):
        yield from _refusal(names, reasons)


def _by_reasons(
    pairs: Iterable[tuple[str, tuple[str, ...]]],
) -> Iterable[tuple[Sequence[str], str]]:
    remarks = (("\n".join(reasons), name) for name, reasons in pairs if reasons)
    return ((reasons.split("\n"), names) for reasons, names in by_reason(remarks))


def _refusal(names: str, reasons: Sequence[str]) -> list[str]:
    # Why a name cannot serve may have several reasons: then one line each.
    if len(reasons) == 1:
        return [f"not feasible: {names}: {reasons[0]}"]
    return [f"not feasible: {names}:", *(f"  - {reason}" for reason in reasons)]


def _cells(plan: Plan, *, is_over: bool, of_promise: bool) -> tuple[str | Text, ...]:
    month, share = usd(plan.usd_per_month), _served(plan)
    served = "-" if share is None else percent(share, digits=2)
    return (
        gpus(plan),
        " + ".join(markets(plan)),
        served if of_promise else ", ".join(sorted({pool.region for pool in plan.pools})),
        usd(plan.usd_per_million_tokens),
        Text(f"* {month}", style="yellow") if is_over else month,
    )


def _served(plan: Plan | None) -> float | None:
    """Return the share of the demand that is served in expectation, spot nodes coming and going."""
    return plan.spot_risk.share if plan and plan.spot_risk else None


def _budget(rows: Sequence[Comparison]) -> Decimal:
    budgets = (row.plan.budget_usd_per_month for row in rows if row.plan is not None)
    return next((budget for budget in budgets if budget is not None), Decimal(0))


def compare_json(rows: Sequence[Comparison], *, by: str) -> Json:
    """Return a comparison as JSON values, cheapest first, infeasible last."""
    return {"by": by, "rows": [_row(row, by=by) for row in rows]}


def _row(row: Comparison, by: str) -> Json:
    plan, served = row.plan, _served(row.plan)
    return {
        "name": row.name,
        "provider": row.name if by == "provider" else None,
        "feasible": plan is not None,
        "over_budget": row.is_over_budget,
        "reason": "; ".join(row.reasons),
        "usd_per_month": money(plan.usd_per_month) if plan else None,
        "usd_per_million_tokens": money(plan.usd_per_million_tokens) if plan else None,
        "expected_served_share": None if served is None else round(served, 6),
        "gpus": gpus_by_type(plan) if plan else {},
        "markets": markets(plan) if plan else [],
        "pools": [pool_json(pool) for pool in plan.pools] if plan else [],
    }
