"""A cost diff as a terminal table and as JSON, which can be read back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from rich.table import Table
from rich.text import Text

from outlay.errors import InputError
from outlay.pricing.diff import Change, ResourceDiff, Side, StackDiff
from outlay.pricing.statement import Amount
from outlay.pricing.types import HOURS_PER_MONTH
from outlay.reporting.cost import WRAPPED, money, monthly
from outlay.reporting.layout import table
from outlay.reporting.money import usd
from outlay.reporting.tables import console

Json = dict[str, object]
FORMAT = "outlay-cost-diff/1"
SIGNS = {
    Change.NEW: "+",
    Change.REMOVED: "-",
    Change.REPLACED: "±",
    Change.CHANGED: "~",
    Change.SAME: "=",
}
DERIVED = (
    "usd_per_hour_before",
    "usd_per_hour_delta",
    "usd_per_hour_by_change",
    "usd_per_hour_by_prices",
    "usd_per_month_delta",
    "percent",
)


def diff_json(diff: StackDiff) -> Json:
    """Return a diff as JSON values; money in USD (docs/cost-diff.md describes every field)."""
    derived = {name: _plain(getattr(diff, name)) for name in DERIVED}
    resources = [
        {**_fields(each), "usd_per_hour_delta": money(each.usd_per_hour_delta)}
        for each in diff.resources
    ]
    return {
        "format": FORMAT,
        "currency": "USD",
        **_fields(diff),
        **derived,
        "resources": resources,
        "unpriced": [each.urn for each in diff.unpriced],
    }


def read_diff(path: Path) -> StackDiff:
    """Read what `outlay diff --format json` wrote.

    Raises:
        InputError: The file is missing, cut, of another kind or in another currency.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    return parse_diff(text, source=str(path))


def parse_diff(text: str, *, source: str) -> StackDiff:
    """Read the JSON of a diff. Raises InputError as `read_diff` does."""
    try:
        head = TypeAdapter(dict[str, object]).validate_json(text)
    except ValidationError as error:
        raise InputError(f"{source} is no valid JSON: {_first(error)}") from None
    if head.get("format") != FORMAT:
        raise InputError(f"{source} was not written by `outlay diff --format json`")
    if head.get("currency") != "USD":
        raise InputError(f"{source} is in {head.get('currency')!r}; only USD can be compared")
    try:
        return TypeAdapter(StackDiff).validate_json(text)
    except ValidationError as error:
        raise InputError(f"{source} is incomplete: {_first(error)}") from None


def print_diff(diff: StackDiff) -> None:
    """Print the headline, what changes, what has no price, policies and notes."""
    out = console()
    out.print(Text(headline(diff), style="bold"))
    for line in _lines(diff):
        out.print(Text(line), soft_wrap=not out.is_terminal)
    for each in (_changes(diff), _unpriced(diff)):
        if each.row_count:
            out.print()
            out.print(each)
    if diff.policies or diff.notes:
        out.print()
    for policy in diff.policies:
        out.print(Text(f"[{policy.level}] {policy.policy}: {policy.message}"))
    for note in diff.notes:
        out.print(Text(f"Note: {note}"), soft_wrap=not out.is_terminal)


def headline(diff: StackDiff) -> str:
    """Say in words what happens to the monthly cost."""
    who = f"{diff.project}/{diff.stack}"
    after = usd(diff.head_usd_per_hour.usd_per_month)
    if diff.is_new:
        return f"{who}: new stack, {least(diff)}{after}/month"
    before = usd(diff.usd_per_hour_before * HOURS_PER_MONTH)
    return f"{who}: monthly cost {in_words(diff)} (from {before} to {least(diff)}{after})"


def in_words(diff: StackDiff) -> str:
    """Say whether the cost will increase, decrease or stay, by how much and by what share."""
    delta = diff.usd_per_month_delta
    about = "about " if diff.uncertain else ""
    if is_nothing(delta):
        return "may change: some prices are not known" if diff.uncertain else "will not change"
    direction = "increase" if delta > 0 else "decrease"
    share = "" if diff.percent is None else f" ({signed_percent(diff.percent)})"
    return f"will {direction} by {about}{usd(abs(delta))}{share}"


def is_nothing(usd_per_month: Decimal) -> bool:
    """Whether an amount is below what anyone is billed."""
    return abs(usd_per_month) < Decimal("0.005")


def signed(usd_per_month: Decimal) -> str:
    """Write a difference with its sign."""
    if is_nothing(usd_per_month):
        return "$0"
    return f"{'+' if usd_per_month > 0 else '-'}{usd(abs(usd_per_month))}"


def signed_percent(percent: Decimal) -> str:
    """Write a share with its sign: +45 %, -0.3 %."""
    digits = 0 if abs(percent) >= 10 else 1
    return f"{percent:+,.{digits}f} %"


def least(diff: StackDiff) -> str:
    """Mark a sum that leaves out what has no price."""
    return "≥ " if diff.unpriced else ""


def by_reason(diff: StackDiff) -> str | None:
    """Tell the part of prices from the part of the change; None when the price book is the same."""
    if diff.price_book == diff.base_price_book:
        return None
    prices, change = diff.usd_per_hour_by_prices, diff.usd_per_hour_by_change
    return (
        f"{signed(change * HOURS_PER_MONTH)}/month by the change, {signed(prices * HOURS_PER_MONTH)}/month"
        f" by prices (book {diff.base_price_book.version} of {diff.base_price_book.date} to"
        f" {diff.price_book.version} of {diff.price_book.date})"
    )


def counts(diff: StackDiff) -> str:
    """Count what changes, in words: `2 new, 1 removed`."""
    found = Counter(each.change for each in diff.changed)
    kinds = [change for change in Change if change is not Change.SAME and found[change]]
    words = [f"{found[change]} {change.value}" for change in kinds]
    if words:
        return ", ".join(words)
    return "only prices change" if diff.changed else "nothing changes"


def worst_case(diff: StackDiff) -> str | None:
    """Say what autoscaled pools at their maximum would cost, when the change moves that."""
    before, after = (each.high * HOURS_PER_MONTH for each in _both(diff))
    if is_nothing(after - before) or is_nothing(after - diff.head_usd_per_hour.usd_per_month):
        return None
    return f"with every autoscaled pool at its maximum {usd(after)}/month, before {usd(before)}"


def _both(diff: StackDiff) -> tuple[Amount, Amount]:
    return diff.base_usd_per_hour, diff.head_usd_per_hour


def side(value: Side | None) -> str:
    """Write one side of a resource per month."""
    if value is None:
        return "-"
    if value.unpriced:
        return "no price"
    return "free" if value.usd_per_hour is None else monthly(value.usd_per_hour)


def resource_delta(each: ResourceDiff) -> str:
    """Write what one resource adds per month."""
    return "?" if each.is_uncertain else signed(each.usd_per_hour_delta * HOURS_PER_MONTH)


def _lines(diff: StackDiff) -> list[str]:
    reason = by_reason(diff)
    deployed = usd(diff.deployed_usd_per_hour.usd_per_month)
    lines = [f"compared with {diff.base_name}; deployed now: {deployed}/month"]
    if diff.head_usd_per_hour.is_range:
        lines.append(f"with autoscaling: {monthly(diff.head_usd_per_hour)}")
    lines += [each for each in (worst_case(diff), reason) if each]
    book = diff.price_book
    lines.append(f"prices of {book.date} (book {book.version}), 730 hours a month")
    return lines


def _changes(diff: StackDiff) -> Table:
    made = table(
        "", "Resource", "Kind", ">Before $/month", ">After $/month", ">Change", wrapped=WRAPPED
    )
    for each in diff.changed:
        made.add_row(
            SIGNS[each.change],
            each.name,
            each.type,
            side(each.base),
            side(each.head),
            resource_delta(each),
        )
    return made


def _unpriced(diff: StackDiff) -> Table:
    made = table("No price, so not counted", "Kind", "Why", wrapped=WRAPPED)
    for each in diff.unpriced:
        made.add_row(each.name, each.type, str(each.head.unpriced if each.head else ""))
    return made


def _fields(value: object) -> Json:
    assert is_dataclass(value)
    return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return money(value)
    if isinstance(value, Amount) or (is_dataclass(value) and not isinstance(value, type)):
        return _fields(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return value


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
