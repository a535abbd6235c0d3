"""Planned against actual spend, as tables and as JSON (docs/cost-diff.md describes every field)."""

from __future__ import annotations

from decimal import Decimal

from rich.table import Table

from outlay.pricing.actuals import LEAST_DAYS, Actuals, Compared, Tracking
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
        "tracking": None if actuals.tracking is None else _tracking_json(actuals.tracking),
        "currency": "USD",
    }


def _tracking_json(tracking: Tracking) -> Json:
    return {
        "planned_usd_per_hour": money(tracking.planned_usd_per_hour),
        "planned_usd_per_day": money(tracking.planned_usd_per_day),
        "usual_usd_per_day": money(tracking.usual_usd_per_day),
        "usual_usd_per_month": money(tracking.usual_usd_per_month),
        "by_label": tracking.by_label,
        "days": [
            {
                "day": each.day.isoformat(),
                "planned_usd": money(each.planned_usd),
                "actual_usd": money(each.actual_usd),
                "usd_over_so_far": money(each.usd_over_so_far),
            }
            for each in tracking.days
        ],
    }


def print_actuals(actuals: Actuals) -> None:
    """Print the period and its total, planned against actual, anomalies and the chargeback."""
    out = console()
    period = f"{actuals.first_day} to {actuals.last_day}, {actuals.days} days (UTC)"
    line(out, f"{usd(actuals.usd)} spent, {period}", style="bold")
    if actuals.tracking is not None:
        line(out, _pace(actuals.tracking))
    tables = (
        _tracked(actuals.tracking),
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


def _pace(tracking: Tracking) -> str:
    counted = (
        "the stack's own labels"
        if tracking.by_label
        else "the whole bill, for no charge has the stack's labels"
    )
    return (
        f"planned {usd(tracking.planned_usd_per_hour)}/hour, {usd(tracking.planned_usd_per_day)}/day;"
        f" the usual day is {usd(tracking.usual_usd_per_day)},"
        f" {usd(tracking.usual_usd_per_month)}/month ({counted})"
    )


def _tracked(tracking: Tracking | None) -> Table:
    made = table("Day", ">Planned $", ">Spent $", ">Over since the start $")
    for each in () if tracking is None else tracking.days:
        made.add_row(
            each.day.isoformat(),
            usd(each.planned_usd),
            usd(each.actual_usd),
            usd(each.usd_over_so_far),
        )
    return made


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
