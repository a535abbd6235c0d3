"""A refresh and a check of prices as tables and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from outlay.refresh.check import Checked, Old, Outlier
from outlay.refresh.run import Effect, Refreshed
from outlay.refresh.types import Change, Verdict
from outlay.reporting.layout import Json, line, table
from outlay.reporting.money import usd
from outlay.reporting.tables import console

MOST_ROWS = 20


def refresh_json(found: Refreshed, effects: Sequence[Effect], *, is_written: bool) -> Json:
    """Return a refresh as JSON values."""
    merged = found.merged
    return {
        "written": is_written,
        "sources": [
            {"source": f.source, "quotes": len(f.quotes), "buckets": len(f.buckets)}
            for f in found.feeds
        ],
        "failures": [{"source": f.source, "reason": f.reason} for f in found.failures],
        "prices": [_change_json(change) for change in merged.changes],
        "kept": merged.kept,
        "not_in_book": merged.not_in_book,
        "buckets_moved": len(merged.buckets),
        "stacks": [_effect_json(effect) for effect in effects],
    }


def _change_json(change: Change) -> Json:
    quote = change.quote
    return {
        "provider": quote.provider,
        "region": quote.region,
        "instance_type": quote.instance_type,
        "market": quote.market.value,
        "was_usd_per_hour": None if change.was is None else float(change.was),
        "usd_per_hour": float(quote.usd_per_hour),
        "as_of": quote.as_of,
        "source": quote.source,
        "verdict": change.verdict.value,
    }


def _effect_json(effect: Effect) -> Json:
    return {
        "stack": effect.stack,
        "before_usd_per_month": _month(effect.before),
        "after_usd_per_month": _month(effect.after),
        "reason": effect.reason,
    }


def _month(amount: Decimal | None) -> float | None:
    return None if amount is None else round(float(amount), 2)


def print_refresh(found: Refreshed, effects: Sequence[Effect], *, is_written: bool) -> None:
    """Print the sources, what changed, what was held back, and what it does to every stack."""
    out = console()
    out.print(_sources(found))
    moved = [c for c in found.merged.taken if c.verdict is not Verdict.CONFIRMED]
    _print_changes(out, moved, title="Changed prices")
    _print_changes(out, found.merged.held_back, title="Held back: the pinned price stays")
    out.print()
    counts = Counter(change.verdict for change in found.merged.changes)
    line(
        out,
        f"{counts[Verdict.CHANGED]} changed, {counts[Verdict.ADDED]} new,"
        f" {counts[Verdict.CONFIRMED]} confirmed, {len(found.merged.held_back)} held back,"
        f" {found.merged.kept} with no source keep the pinned value;"
        f" {len(found.merged.buckets)} interruption frequencies moved",
    )
    if effects:
        out.print()
        out.print(_effects(effects))
    out.print()
    done = "Written." if is_written else "Nothing is written; --write does."
    line(out, done, style="bold")


def _sources(found: Refreshed) -> Table:
    shown = table("Source", ">Prices", "Answer", wrapped={"Answer"})
    for feed in found.feeds:
        shown.add_row(feed.source, str(len(feed.quotes) or len(feed.buckets)), "answered")
    for failure in found.failures:
        shown.add_row(failure.source, "-", f"failed, pinned values stay: {failure.reason}")
    return shown


def _print_changes(out: Console, changes: Sequence[Change], *, title: str) -> None:
    if not changes:
        return
    shown = table(title, "Market", ">Was", ">Now", ">Change", "Source", wrapped={title})
    for change in sorted(changes, key=_largest_first)[:MOST_ROWS]:
        shown.add_row(*_change_cells(change))
    out.print()
    out.print(shown)
    if len(changes) > MOST_ROWS:
        line(out, f"and {len(changes) - MOST_ROWS} more; --json has all", style="dim")


def _largest_first(change: Change) -> tuple[float, str]:
    moved = 0.0 if change.ratio is None else abs(float(change.ratio) - 1)
    return -moved, str(change.quote.key)


def _change_cells(change: Change) -> tuple[str, ...]:
    quote, ratio = change.quote, change.ratio
    why = "" if change.verdict in (Verdict.CHANGED, Verdict.ADDED) else f": {change.verdict}"
    return (
        f"{quote.provider} {quote.region} {quote.instance_type}",
        quote.market,
        "-" if change.was is None else usd(change.was),
        usd(quote.usd_per_hour),
        "new" if ratio is None else f"{float(ratio) - 1:+.0%}",
        f"{quote.source} {quote.as_of}{why}",
    )


def _effects(effects: Iterable[Effect]) -> Table:
    shown = table("Stack", ">$/month now", ">With new prices", ">Change", "", wrapped={""})
    for effect in effects:
        before, after = effect.before, effect.after
        change = "-" if before is None or after is None else usd(after - before)
        cells = ("-" if amount is None else usd(amount) for amount in (before, after))
        shown.add_row(effect.stack, *cells, change, effect.reason)
    return shown


def check_json(found: Checked) -> Json:
    """Return a check as JSON values."""
    return {
        "prices": found.prices,
        "old": [
            {
                "what": old.what,
                "source": old.source,
                "count": old.count,
                "oldest": old.oldest,
                "days": old.days,
            }
            for old in found.old
        ],
        "outliers": [
            {
                "provider": o.offer.provider,
                "region": o.offer.region,
                "instance_type": o.offer.instance_type,
                "market": o.offer.market.value,
                "usd_per_hour": float(o.offer.usd_per_hour),
                "reason": o.reason,
            }
            for o in found.outliers
        ],
    }


def print_check(found: Checked, *, max_age_days: int) -> None:
    """Print what is old and what is out of line."""
    out = console()
    old = sum(each.count for each in found.old)
    line(
        out,
        f"{found.prices:,} prices: {old:,} older than {max_age_days} days,"
        f" {len(found.outliers)} out of line",
    )
    if found.old:
        out.print()
        out.print(_old(found.old))
    if found.outliers:
        out.print()
        out.print(_outliers(found.outliers))


def _old(groups: Iterable[Old]) -> Table:
    shown = table("Old", ">Prices", "Oldest", ">Days", "Source", wrapped={"Source"})
    for old in groups:
        shown.add_row(old.what, str(old.count), old.oldest, str(old.days), old.source)
    return shown


def _outliers(outliers: Iterable[Outlier]) -> Table:
    shown = table("Out of line", "Market", ">$/h", "Why", wrapped={"Why"})
    for outlier in outliers:
        offer = outlier.offer
        name = f"{offer.provider} {offer.region} {offer.instance_type}"
        shown.add_row(name, offer.market, usd(offer.usd_per_hour), outlier.reason)
    return shown
