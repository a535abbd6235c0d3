"""The coming months as a table and as JSON."""

from __future__ import annotations

from rich.table import Table

from outlay.planning.commitments import Commitment
from outlay.planning.forecast import Forecast, Month
from outlay.planning.plan import Plan
from outlay.reporting.layout import Json, line, percent, table
from outlay.reporting.money import usd
from outlay.reporting.tables import console


def forecast_json(found: Forecast) -> Json:
    """Return a forecast as JSON values; money in USD."""
    budget, total, breaks = found.budget_usd_per_month, found.total_usd, found.breaks
    return {
        "growth_per_month": found.growth,
        "total_usd": None if total is None else round(float(total), 2),
        "budget_usd_per_month": None if budget is None else float(budget),
        "budget_rps": None if found.budget_rps is None else round(found.budget_rps, 4),
        "budget_breaks_in_month": None if breaks is None else breaks.number,
        "months": [_month_json(found, month) for month in found.months],
        "commitments": [_commitment_json(each) for each in found.commitments],
    }


def _commitment_json(each: Commitment) -> Json:
    return {
        "provider": each.provider,
        "region": each.region,
        "instance_type": each.instance_type,
        "ondemand_usd_per_hour": float(each.ondemand_usd_per_hour),
        "reserved_usd_per_hour": float(each.reserved_usd_per_hour),
        "break_even_share": round(float(each.break_even_share), 6),
        "nodes": each.nodes,
        "used_share": round(float(each.used_share), 6),
        "saving_usd": round(float(each.saving_usd), 2),
    }


def _month_json(found: Forecast, month: Month) -> Json:
    plan = month.plan
    return {
        "month": month.number,
        "rps": round(month.rps, 6),
        "usd_per_month": None if plan is None else round(float(plan.usd_per_month), 2),
        "usd_per_million_tokens": None
        if plan is None
        else round(float(plan.usd_per_million_tokens), 8),
        "usd_per_thousand_requests": None
        if plan is None
        else round(float(plan.usd_per_request * 1000), 8),
        "over_budget": found.is_over(month),
        "nodes": [] if plan is None else nodes(plan),
        "reasons": list(month.outcome.reasons),
    }


def nodes(plan: Plan) -> list[str]:
    """Return what a plan buys, one text a pool."""
    return [f"{pool.nodes} x {pool.instance_type} {pool.market}" for pool in plan.pools]


def print_forecast(found: Forecast) -> None:
    """Print a row a month, the sum, and what the budget means."""
    out = console()
    out.print(_months(found))
    out.print()
    total = found.total_usd
    count = len(found.months)
    line(out, f"{'-' if total is None else usd(total)} in {count} month{'s' if count > 1 else ''}")
    for text in _budget(found):
        line(out, text)
    if found.commitments:
        out.print()
        out.print(_commitments(found))
        line(
            out,
            "Reserved: one year, nothing upfront (the source's term is not stated).",
            style="dim",
        )
        out.print()
    for month in found.months:
        if month.outcome.reasons:
            line(out, f"Month {month.number}: {'; '.join(month.outcome.reasons)}", style="dim")
    line(out, "Planned anew each month at today's prices; prices are not forecast.", style="dim")


def _months(found: Forecast) -> Table:
    names = (">Month", ">Req/s", ">$/month", ">$/1,000 requests", ">$/M tokens", "Nodes", "Budget")
    shown = table(*names, wrapped={"Nodes"})
    for month in found.months:
        plan = month.plan
        is_over = found.is_over(month)
        mark = ("over" if is_over else "") if found.budget_usd_per_month else ""
        cells = (
            ("-", "-", "-", "not possible")
            if plan is None
            else (
                usd(plan.usd_per_month),
                usd(plan.usd_per_request * 1000),
                usd(plan.usd_per_million_tokens),
                ", ".join(nodes(plan)),
            )
        )
        shown.add_row(str(month.number), f"{month.rps:.4g}", *cells, mark)
    return shown


def _budget(found: Forecast) -> list[str]:
    budget = found.budget_usd_per_month
    if budget is None:
        return []
    breaks = found.breaks
    when = "in no month" if breaks is None else f"in month {breaks.number}"
    buys = f"it pays for {found.budget_rps:.4g} req/s" if found.budget_rps else "it pays for none"
    return [f"The budget of {usd(budget)}/month breaks {when}; {buys} in all"]


def _commitments(found: Forecast) -> Table:
    names = (">On-demand/h", ">Reserved/h", ">Pays from", ">Worth it", ">Used", ">Saves")
    shown = table("Commitment", *names, wrapped={"Commitment"})
    for each in found.commitments:
        shown.add_row(
            f"{each.instance_type}, {each.provider} {each.region}",
            usd(each.ondemand_usd_per_hour),
            usd(each.reserved_usd_per_hour),
            f"{percent(float(each.break_even_share))} use",
            f"{each.nodes} node{'' if each.nodes == 1 else 's'}",
            percent(float(each.used_share)),
            usd(each.saving_usd),
        )
    return shown
