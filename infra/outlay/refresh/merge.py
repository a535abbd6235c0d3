"""Quotes against the pinned prices: what changes, and what is held back and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from outlay.catalog import Market
from outlay.refresh.book import Line
from outlay.refresh.types import TAKEN, Bucket, Change, Feed, Quote, Verdict, Wanted

# A list price moves little; a spot price may triple. Beyond that it is rather another unit.
LARGEST_JUMP = {Market.ON_DEMAND: Decimal(2), Market.SPOT: Decimal(4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What became of every pinned price that a source quotes, and of AWS's buckets.

    `kept` are pinned prices that no source quotes; `not_in_book` are quotes of machines without a row.
    """

    changes: tuple[Change, ...]
    kept: int
    not_in_book: int
    buckets: tuple[Bucket, ...]

    @property
    def taken(self) -> tuple[Change, ...]:
        """What a refresh writes."""
        return tuple(change for change in self.changes if change.verdict in TAKEN)

    @property
    def held_back(self) -> tuple[Change, ...]:
        """Quotes that were not believed."""
        return tuple(change for change in self.changes if change.verdict not in TAKEN)


def wanted(lines: Iterable[Line], day: str) -> Wanted:
    """Return what to ask the sources for."""
    azure = {line["instance_type"] for line in lines if line["provider"] == "azure"}
    return Wanted(azure_types=tuple(sorted(azure)), day=day)


def merge(
    lines: Iterable[Line],
    feeds: Iterable[Feed],
    *,
    buckets: Mapping[tuple[str, str], int],
    accept_jumps: bool = False,
) -> Merged:
    """Judge every quote of a machine in the price book; the first source to quote one counts."""
    book = {line.key: line for line in lines}
    feeds = list(feeds)
    quotes: dict[object, Quote] = {}
    for quote in (quote for feed in feeds for quote in feed.quotes):
        quotes.setdefault(quote.key, quote)
    known = [q for q in quotes.values() if (q.provider, q.region, q.instance_type) in book]
    judged = tuple(_judged(book, known, accept_jumps=accept_jumps))
    quoted = {change.quote.key for change in judged}
    pinned = [(*line.key, m) for line in book.values() for m in Market if line.price(m) is not None]
    return Merged(
        changes=judged,
        kept=sum(key not in quoted for key in pinned),
        not_in_book=len(quotes) - len(known),
        buckets=tuple(_moved(feeds, buckets)),
    )


def _moved(feeds: Iterable[Feed], buckets: Mapping[tuple[str, str], int]) -> Iterator[Bucket]:
    for bucket in (bucket for feed in feeds for bucket in feed.buckets):
        pinned = buckets.get((bucket.region, bucket.instance_type))
        if pinned is not None and pinned != bucket.index:
            yield bucket


def _judged(
    book: Mapping[tuple[str, str, str], Line], quotes: Iterable[Quote], *, accept_jumps: bool
) -> Iterator[Change]:
    """On-demand first: what is paid on spot must stay below what will be pinned for on-demand."""
    listed: dict[tuple[str, str, str], Decimal] = {}
    for quote in sorted(quotes, key=lambda q: (q.market is Market.SPOT, q.key)):
        line = book[quote.provider, quote.region, quote.instance_type]
        was = line.price(quote.market)
        if quote.market is Market.ON_DEMAND and was is None:
            # Left blank on purpose: not sold so, whatever list price there is.
            continue
        change = Change(quote=quote, was=was, verdict=Verdict.CONFIRMED)
        ondemand = listed.get(line.key, line.price(Market.ON_DEMAND))
        verdict = _verdict(change, line, ondemand=ondemand, accept_jumps=accept_jumps)
        if quote.market is Market.ON_DEMAND and verdict in TAKEN:
            listed[line.key] = quote.usd_per_hour
        yield replace(change, verdict=verdict)


def _verdict(
    change: Change, line: Line, *, ondemand: Decimal | None, accept_jumps: bool
) -> Verdict:
    quote = change.quote
    if quote.as_of < line.as_of(quote.market):
        return Verdict.OLDER
    if quote.market is Market.SPOT and ondemand is not None and quote.usd_per_hour >= ondemand:
        return Verdict.EQUAL if quote.usd_per_hour == ondemand else Verdict.ABOVE
    if change.was is None:
        return Verdict.ADDED
    if change.was == quote.usd_per_hour:
        return Verdict.CONFIRMED
    return Verdict.JUMP if _is_jump(change) and not accept_jumps else Verdict.CHANGED


def _is_jump(change: Change) -> bool:
    ratio, most = change.ratio, LARGEST_JUMP[change.quote.market]
    return ratio is not None and not 1 / most <= ratio <= most
