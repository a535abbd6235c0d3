"""Planned against actual spend, as tables and as JSON (docs/cost-diff.md describes every field)."""

from __future__ import annotations

from decimal import Decimal

from rich.table import Table

from outlay.pricing.actuals import LEAST_DAYS, Actuals, Compared
from outlay.reporting.cost import money
from outlay.reporting.layout import line, table
from outlay.reporting.money import usd
from outlay.reporting.tables import console

Json = dict[str, object]


def actuals_json(actuals: Actuals) -> Json:
    """Return a comparison as JSON values; money in USD over the whole period."""
    return {
        "first_day": actuals.first_day.isoformat(),
        "last_day": actuals.last_day.isoformat(),
        "days": actuals.days,
        "usd": money(actuals.usd),
        "pools": [_compared(each) for each in actuals.pools],
        "labels": [_compared(each) for each in actuals.labels],
        "anomalies": [
            {
                "label": each.label,
                "day": each.day.isoformat(),
                "usd": money(each.usd),
                "usual_usd": money(each.usual_usd),
                "robust_z": round(each.robust_z, 3),
            }
            for each in actuals.anomalies
        ],
        "chargeback": [
            {"team": each.team, "usd": money(each.usd), "share": round(float(each.share), 6)}
            for each in actuals.chargeback
        ],
        "label": actuals.label,
        "currency": "USD",
    }


def print_actuals(actuals: Actuals) -> None:
    """Print the period and its total, planned against actual, anomalies and the chargeback."""
    out = console()
    period = f"{actuals.first_day} to {actuals.last_day}, {actuals.days} days (UTC)"
    line(out, f"{usd(actuals.usd)} spent, {period}", style="bold")
    tables = (
        _comparison("Pool", actuals.pools),
        _comparison("Label", actuals.labels),
        _anomalies(actuals),
        _chargeback(actuals),
    )
    for each in tables:
        if each.row_count:
            out.print()
            out.print(each)
    if actuals.days < LEAST_DAYS:
        line(out, f"No anomalies are looked for in fewer than {LEAST_DAYS} days.")
    elif not actuals.anomalies:
        line(out, f"No anomalies by {actuals.label}.")


def _comparison(what: str, rows: tuple[Compared, ...]) -> Table:
    made = table(what, ">Planned $", ">Actual $", ">Over $", ">Over %", wrapped=frozenset({what}))
    for each in rows:
        made.add_row(
            each.what,
            _amount(each.planned_usd),
            usd(each.actual_usd),
            _amount(each.usd_over),
            "-" if each.percent_over is None else f"{each.percent_over:+.1f} %",
        )
    return made


def _anomalies(actuals: Actuals) -> Table:
    made = table(f"Unusual by {actuals.label}", "Day", ">Spent $", ">Usual $", ">Robust z")
    for each in actuals.anomalies:
        made.add_row(
            each.label,
            each.day.isoformat(),
            usd(each.usd),
            usd(each.usual_usd),
            f"{each.robust_z:+.1f}",
        )
    return made


def _chargeback(actuals: Actuals) -> Table:
    made = table(f"Chargeback by {actuals.label}", ">Spent $", ">Share")
    for each in actuals.chargeback:
        made.add_row(each.team, usd(each.usd), f"{each.share * 100:.1f} %")
    return made


def _amount(amount: Decimal | None) -> str:
    return "-" if amount is None else usd(amount)


def _compared(each: Compared) -> Json:
    over = each.usd_over
    return {
        "what": each.what,
        "planned_usd": None if each.planned_usd is None else money(each.planned_usd),
        "actual_usd": money(each.actual_usd),
        "usd_over": None if over is None else money(over),
        "percent_over": None if each.percent_over is None else money(each.percent_over),
    }
