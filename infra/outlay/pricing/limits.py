"""Whether a change stays within what it may add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from outlay.pricing.diff import HUNDRED, ZERO, StackDiff
from outlay.pricing.types import HOURS_PER_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a change may add, in USD a month and in percent of base; None means any amount."""

    usd_per_month: Decimal | None = None
    percent: Decimal | None = None
    allow_unpriced: bool = False

    @property
    def are_set(self) -> bool:
        """Whether there is any limit."""
        return self.usd_per_month is not None or self.percent is not None


def broken(diff: StackDiff, limits: Limits) -> tuple[str, ...]:
    """Return every limit that a change breaks, in words; none when it breaks none.

    Each limit holds for the total and for the change alone, so that a price that fell does not hide
    what a change adds. What has no price counts as breaking a limit: nobody can show that it does not.
    """
    return tuple(_broken(diff, limits)) if limits.are_set else ()


def _broken(diff: StackDiff, limits: Limits) -> Iterator[str]:
    added = max(diff.usd_per_hour_delta, diff.usd_per_hour_by_change)
    usd_per_month = added * HOURS_PER_MONTH
    if limits.usd_per_month is not None and usd_per_month > limits.usd_per_month:
        yield (
            f"stack {diff.stack} grows by ${usd_per_month:,.2f}/month,"
            f" more than ${limits.usd_per_month:,.2f}"
        )
    if limits.percent is not None and added > 0:
        yield from _broken_percent(diff, limits.percent, added)
    if diff.uncertain and not limits.allow_unpriced:
        names = ", ".join(each.name for each in diff.uncertain)
        yield f"stack {diff.stack}: what {names} adds is not known, so no limit can be shown to hold"


def _broken_percent(diff: StackDiff, limit: Decimal, added: Decimal) -> Iterator[str]:
    before = min(diff.usd_per_hour_before, diff.base_usd_per_hour.expected)
    if before <= ZERO:
        yield (
            f"stack {diff.stack} grows from nothing, which is more than any percentage;"
            " limit new stacks by --fail-over-usd"
        )
    elif added / before * HUNDRED > limit:
        yield (
            f"stack {diff.stack} grows by {added / before * HUNDRED:,.1f} %, more than {limit:,} %"
        )
