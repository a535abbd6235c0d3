"""What was really spent, from a FOCUS billing export (CSV) or OpenCost's allocations (JSON).

Sources: FOCUS specification 1.0 to 1.2, columns BillingCurrency, BilledCost, EffectiveCost,
ChargePeriodStart, ChargePeriodEnd and Tags; OpenCost, /allocation, `name`, `start`, `end`, `totalCost`
and `properties`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from outlay.errors import InputError

CURRENCY = "USD"
COST_COLUMNS = ("EffectiveCost", "BilledCost")
PERIOD = ("ChargePeriodStart", "ChargePeriodEnd")
LONGEST_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What one day of one thing cost, with the labels that it carried."""

    day: date
    usd: Decimal
    labels: Mapping[str, str]


def read_spend(path: Path, *, cost_column: str = COST_COLUMNS[0]) -> tuple[Spend, ...]:
    """Read a billing export; `cost_column` counts for FOCUS files alone.

    Raises:
        InputError: The file is missing, cut, of another kind, or not in USD.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    if not text.strip():
        raise InputError(f"{path} is empty; expected a FOCUS CSV or OpenCost's JSON")
    if text.lstrip().startswith(("{", "[")):
        return tuple(_opencost(text, source=str(path)))
    return tuple(_focus(text, cost_column=cost_column, source=str(path)))


def _focus(text: str, *, cost_column: str, source: str) -> Iterator[Spend]:
    rows = csv.DictReader(io.StringIO(text), strict=True)
    needed = {cost_column, *PERIOD, "BillingCurrency", "Tags"}
    missing = sorted(needed - set(rows.fieldnames or ()))
    if missing:
        raise InputError(
            f"{source} is no FOCUS export: column {', '.join(missing)} is missing"
            " (https://focus.finops.org has the specification)"
        )
    try:
        for row in rows:
            where = f"{source}, line {rows.line_num}"
            if None in row or None in row.values():
                raise InputError(f"{where}: not as many columns as the header; the file is cut")
            yield from _focus_row(row, cost_column=cost_column, where=where)
    except csv.Error as error:
        raise InputError(f"{source}, line {rows.line_num}: broken CSV: {error}") from None


def _focus_row(row: Mapping[str, str], *, cost_column: str, where: str) -> Iterator[Spend]:
    currency = row["BillingCurrency"].strip().upper()
    if currency != CURRENCY:
        raise InputError(
            f"{where}: BillingCurrency is {currency or 'empty'}; outlay plans in {CURRENCY} and"
            " converts nothing: export the bill in USD"
        )
    start, end = (_moment(row[name], where=f"{where}: {name}") for name in PERIOD)
    usd = _usd(row[cost_column], where=f"{where}: {cost_column}")
    labels = _tags(row["Tags"], where=where)
    yield from _daily(start, end, usd=usd, labels=labels, where=where)


def _tags(text: str, *, where: str) -> dict[str, str]:
    """Read a JSON object, or BigQuery's list of {key, value}; an empty cell has no tags."""
    if not text.strip():
        return {}
    value = _json(text, source=f"{where}: Tags")
    if isinstance(value, list):
        value = {e.get("key"): e.get("value") for e in value if isinstance(e, Mapping)}
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: Tags must be a JSON object, got {text[:60]!r}")
    return {str(key): "" if v is None else str(v) for key, v in value.items()}


def _opencost(text: str, *, source: str) -> Iterator[Spend]:
    document = _json(text, source=source)
    steps = document.get("data") if isinstance(document, Mapping) else document
    if not isinstance(steps, list):
        raise InputError(
            f"{source} is JSON, but no answer of OpenCost's /allocation: no list `data`"
        )
    for number, step in enumerate(steps):
        if step is not None and not isinstance(step, Mapping):
            raise InputError(f"{source}: data[{number}] must be an object of allocations")
        for name, allocation in (step or {}).items():
            yield from _allocation(allocation, where=f"{source}: data[{number}].{name}")


def _allocation(allocation: object, *, where: str) -> Iterator[Spend]:
    if not isinstance(allocation, Mapping):
        raise InputError(f"{where} must be an object")
    start = _moment(str(allocation.get("start") or ""), where=f"{where}: start")
    end = _moment(str(allocation.get("end") or ""), where=f"{where}: end")
    usd = _usd(str(allocation.get("totalCost")), where=f"{where}: totalCost")
    labels = _properties(allocation.get("properties"))
    yield from _daily(start, end, usd=usd, labels=labels, where=where)


def _properties(properties: object) -> dict[str, str]:
    if not isinstance(properties, Mapping):
        return {}
    plain = {key: v for key, v in properties.items() if isinstance(v, str) and v}
    labels: dict[str, str] = {str(key): value for key, value in plain.items()}
    for group in ("namespaceLabels", "labels"):
        found = properties.get(group)
        if isinstance(found, Mapping):
            labels |= {str(key): str(value) for key, value in found.items()}
    return labels


def _daily(
    start: datetime, end: datetime, *, usd: Decimal, labels: Mapping[str, str], where: str
) -> Iterator[Spend]:
    """Spread a charge evenly over the days (UTC) of its period."""
    if end <= start:
        raise InputError(f"{where}: its period ends ({end}) before it starts ({start})")
    if end - start > timedelta(days=LONGEST_DAYS):
        raise InputError(f"{where}: its period is longer than a year")
    seconds = Decimal((end - start).total_seconds())
    at = start
    while at < end:
        midnight = datetime(at.year, at.month, at.day, tzinfo=UTC) + timedelta(days=1)
        until = min(midnight, end)
        share = Decimal((until - at).total_seconds()) / seconds
        yield Spend(day=at.date(), usd=usd * share, labels=labels)
        at = until


def _moment(text: str, *, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip().replace(" UTC", "+00:00"))
    except ValueError:
        raise InputError(f"{where} must be a date and time such as 2026-01-31T00:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _usd(text: str, *, where: str) -> Decimal:
    try:
        usd = Decimal(text.strip())
    except InvalidOperation:
        raise InputError(f"{where} must be an amount, got {text!r}") from None
    if not usd.is_finite():
        raise InputError(f"{where} must be an amount, got {text!r}")
    return usd


def _json(text: str, *, source: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{source} is no valid JSON ({error}); it is cut or of another kind"
        ) from None
