"""A plan's bill by workload, model and team, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from rich.table import Table

from outlay.planning.chargeback import Charge, Chargeback, Sum, monthly
from outlay.reporting.layout import Json, line, percent, table
from outlay.reporting.money import usd
from outlay.reporting.tables import console


def chargeback_json(found: Chargeback) -> Json:
    """Return a bill as JSON values; USD a month unless the name says otherwise."""
    return {
        "usd_per_month": _month(found.total),
        "idle_usd_per_month": _month(found.idle),
        "unallocated_usd_per_month": _month(found.unallocated),
        "workloads": [_charge_json(charge) for charge in found.charges],
        "models": [_sum_json(each) for each in found.by_model],
        "teams": [_sum_json(each) for each in found.by_team],
    }


def _month(usd_per_hour: Decimal) -> float:
    return _rounded(monthly(usd_per_hour))


def _rounded(amount: Decimal) -> float:
    return round(float(amount), 8)


def _charge_json(charge: Charge) -> Json:
    return {
        "name": charge.workload.name,
        "model": charge.workload.model,
        "team": charge.workload.team,
        "gpu_usd_per_month": _month(charge.gpu),
        "shared_usd_per_month": _month(charge.shared),
        "egress_usd_per_month": _month(charge.egress),
        "charged_usd_per_month": _month(charge.charged),
        "idle_usd_per_month": _month(charge.idle),
        "usd_per_request": _rounded(charge.usd_per_request),
        "usd_per_thousand_requests": _rounded(charge.usd_per_request * 1000),
        "usd_per_million_input_tokens": _rounded(charge.usd_per_million_input_tokens),
        "usd_per_million_output_tokens": _rounded(charge.usd_per_million_output_tokens),
    }


def _sum_json(each: Sum) -> Json:
    return {
        "name": each.name,
        "charged_usd_per_month": _month(each.charged),
        "idle_usd_per_month": _month(each.idle),
    }


def print_chargeback(found: Chargeback) -> None:
    """Print the bill by workload with unit costs, then by model and by team."""
    out = console()
    out.print(_bill(found))
    out.print()
    out.print(_units(found.charges))
    for title, sums in (("Model", found.by_model), ("Team", found.by_team)):
        out.print()
        out.print(_sums(title, sums))
    out.print()
    line(
        out,
        f"{usd(monthly(found.total))}/month in all, {usd(monthly(found.idle))} of it idle"
        f" ({percent(float(found.idle / found.total))})",
    )
    line(
        out,
        "Used and idle are of safe capacity; unit costs include a workload's own idle capacity.",
    )


def _bill(found: Chargeback) -> Table:
    names = (">GPU used", ">Shared", ">Egress", ">Charged", ">Idle", ">$/month")
    shown = table("Workload", "Team", *names, wrapped={"Workload"})
    for charge in found.charges:
        parts = (
            charge.gpu,
            charge.shared,
            charge.egress,
            charge.charged,
            charge.idle,
            charge.whole,
        )
        shown.add_row(charge.workload.name, charge.team, *(usd(monthly(part)) for part in parts))
    if found.unallocated > Decimal("1e-9"):
        rest = usd(monthly(found.unallocated))
        shown.add_row("GPUs that nobody holds", "", "", "", "", "", rest, rest)
    return shown


def _units(charges: Iterable[Charge]) -> Table:
    names = (">$/request", ">$/1,000 requests", ">$/M input tokens", ">$/M output tokens")
    shown = table("Workload", *names, wrapped={"Workload"})
    for charge in charges:
        request = charge.usd_per_request
        units = (
            request,
            request * 1000,
            charge.usd_per_million_input_tokens,
            charge.usd_per_million_output_tokens,
        )
        shown.add_row(charge.workload.name, *(usd(unit) for unit in units))
    return shown


def _sums(title: str, sums: Iterable[Sum]) -> Table:
    shown = table(title, ">Charged $/month", ">Idle $/month", wrapped={title})
    for each in sums:
        shown.add_row(each.name, usd(monthly(each.charged)), usd(monthly(each.idle)))
    return shown
