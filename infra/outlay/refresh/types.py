"""What a source says, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from outlay.catalog import Market

# An address to the bytes behind it; raises SourceError.
Get = Callable[[str], bytes]


class SourceError(Exception):
    """A source cannot be reached, or says what cannot be read: its pinned prices stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One price that a source publishes. `as_of` is the day that the price is of."""

    provider: str
    region: str
    instance_type: str
    market: Market
    usd_per_hour: Decimal
    as_of: str
    source: str

    @property
    def key(self) -> tuple[str, str, str, Market]:
        """What it is the price of."""
        return self.provider, self.region, self.instance_type, self.market


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """AWS's interruption frequency of one type in one region, 0 to 4, and the saving in percent."""

    region: str
    instance_type: str
    index: int
    savings_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the price book has rows for: what to ask a source."""

    azure_types: tuple[str, ...]
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What one source answered."""

    source: str
    quotes: tuple[Quote, ...] = ()
    buckets: tuple[Bucket, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A source that gave nothing, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One adapter: its key in the price book, and how it is asked."""

    key: str
    fetch: Callable[[Get, Wanted], Feed]


class Verdict(StrEnum):
    """What became of one pinned price."""

    CHANGED = "changed"
    ADDED = "added"
    CONFIRMED = "confirmed"
    OLDER = "older than the pinned price"
    JUMP = "too large a jump"
    ABOVE = "spot above on-demand"
    EQUAL = "spot equal to on-demand: unknown"


TAKEN = frozenset({Verdict.CHANGED, Verdict.ADDED, Verdict.CONFIRMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One quote against the pinned price; `was` is None where there was none."""

    quote: Quote
    was: Decimal | None
    verdict: Verdict

    @property
    def ratio(self) -> Decimal | None:
        """New over old."""
        return self.quote.usd_per_hour / self.was if self.was else None
