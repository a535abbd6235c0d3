"""What declared resources cost, as a table and as JSON (docs/cost-diff.md describes every field)."""

from __future__ import annotations

from decimal import Decimal

from rich.table import Table
from rich.text import Text

from outlay.catalog import PriceBook
from outlay.pricing.statement import Amount, Item, Statement
from outlay.pricing.types import HOURS_PER_MONTH, Metered
from outlay.reporting.layout import table
from outlay.reporting.money import usd
from outlay.reporting.tables import console

Json = dict[str, object]
WRAPPED = frozenset({"Resource", "Kind", "Why"})


def cost_json(statement: Statement, book: PriceBook) -> Json:
    """Return a statement as JSON values; money in USD."""
    total = statement.total
    return {
        "usd_per_hour": money(total.expected),
        "usd_per_hour_range": {"low": money(total.low), "high": money(total.high)},
        "usd_per_month": money(total.usd_per_month),
        "resources": [_item(item) for item in statement.items],
        "usage": [
            {"what": each.what, "cluster": each.cluster, "usd_per_hour": money(each.usd_per_hour)}
            for each in statement.usage
        ],
        "not_counted": [
            {
                "urn": item.urn,
                "what": each.what,
                "unit": each.unit,
                "usd_per_unit": None if each.usd_per_unit is None else money(each.usd_per_unit),
            }
            for item, each in statement.metered
        ],
        "price_book": {"version": book.version, "date": book.date},
        "currency": "USD",
    }


def amount_json(amount: Amount) -> Json:
    """Return an amount in USD per hour."""
    return {
        "low": money(amount.low),
        "expected": money(amount.expected),
        "high": money(amount.high),
    }


def money(amount: Decimal) -> float:
    """Return USD as a JSON number, to a hundred-millionth."""
    return round(float(amount), 8)


def monthly(amount: Amount) -> str:
    """Write an amount per month, with its range when an autoscaler may change it."""
    text = usd(amount.expected * HOURS_PER_MONTH)
    if not amount.is_range:
        return text
    low, high = amount.low * HOURS_PER_MONTH, amount.high * HOURS_PER_MONTH
    return f"{text} ({usd(low)} to {usd(high)})"


def print_cost(statement: Statement, book: PriceBook, *, is_planned: bool) -> None:
    """Print total, kinds, resources, usage and what has no price."""
    out = console()
    least = "≥ " if statement.unpriced else ""
    out.print(Text(f"{least}{monthly(statement.total)}/month", style="bold"))
    out.print(_counts(statement, is_planned=is_planned))
    out.print(f"prices of {book.date} (book {book.version}), 730 hours a month")
    tables = (
        _kinds(statement),
        _resources(statement),
        _usage(statement),
        _unpriced(statement),
        _metered(statement),
    )
    for each in tables:
        if each.row_count:
            out.print()
            out.print(each)


def _counts(statement: Statement, *, is_planned: bool) -> str:
    every, paid, unpriced = len(statement.items), len(statement.paid), len(statement.unpriced)
    things = "1 resource" if every == 1 else f"{every} resources"
    tense = "planned" if is_planned else "in the state"
    free = every - paid - unpriced
    return f"{things} {tense}: {paid} paid, {free} free, {unpriced} without a price"


def _kinds(statement: Statement) -> Table:
    made = table("Kind", ">Resources", ">$/month", wrapped=WRAPPED)
    for kind, count, amount in statement.by_kind():
        made.add_row(kind, str(count), monthly(amount))
    return made


def _resources(statement: Statement) -> Table:
    made = table("Resource", "Kind", ">$/hour", ">$/month", wrapped=WRAPPED)
    for item in statement.paid:
        if item.amount is not None:
            made.add_row(item.name, item.type, usd(item.amount.expected), monthly(item.amount))
    return made


def _usage(statement: Statement) -> Table:
    made = table("Usage that the plan expects", "Cluster", ">$/month", wrapped=WRAPPED)
    for each in statement.usage:
        made.add_row(each.what, each.cluster, usd(each.usd_per_hour * HOURS_PER_MONTH))
    return made


def _unpriced(statement: Statement) -> Table:
    made = table("No price, so not counted", "Kind", "Why", wrapped=WRAPPED)
    for item in statement.unpriced:
        made.add_row(item.name, item.type, str(item.unpriced))
    return made


def _metered(statement: Statement) -> Table:
    made = table("Charged by use, so not counted", "Kind", "What", ">Rate", wrapped=WRAPPED)
    for item, each in statement.metered:
        made.add_row(item.name, item.type, each.what, _rate(each))
    return made


def _rate(metered: Metered) -> str:
    if metered.usd_per_unit is None:
        return f"no rate / {metered.unit}"
    return f"${metered.usd_per_unit.normalize():f} / {metered.unit}"


def _item(item: Item) -> Json:
    amount = item.amount
    return {
        "urn": item.urn,
        "type": item.type,
        "usd_per_hour": None if item.unpriced else amount_json(amount) if amount else _free(),
        "unpriced": item.unpriced,
    }


def _free() -> Json:
    return {"low": 0.0, "expected": 0.0, "high": 0.0}
