"""`outlay prices`: refresh the price book from public sources, and check it without any."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.progress import progress
from outlay.cli.stack_options import PROJECT_OPTION


@click.group()
def prices() -> None:
    """Refresh the price book from public sources, or check it."""


@prices.command(short_help="Ask public sources for newer prices.")
@click.option("--write", is_flag=True, help="Write the new prices into the price book.")
@click.option(
    "--accept-jumps",
    is_flag=True,
    help="Also take prices that are more than 2 times (spot: 4 times) off the pinned one.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the price book; the installed one by default.",
)
@PROJECT_OPTION
@JSON_OPTION
def refresh(
    *, write: bool, accept_jumps: bool, data: Path | None, project: Path, as_json: bool
) -> None:
    """Ask public sources for prices; show what changed and what that does to every stack.

    Needs the extra: pip install 'outlay[refresh]'. Nothing is written without --write. A source that
    fails, and a price that is not believed, leaves the pinned value.
    """
    from outlay.catalog.load import DATA
    from outlay.errors import EngineError
    from outlay.refresh.book import write_book
    from outlay.refresh.http import getter
    from outlay.refresh.run import effects, refresh
    from outlay.refresh.sources.every import SOURCES
    from outlay.reporting.prices import print_refresh, refresh_json

    folder = data or DATA
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with progress("asking for prices"):
        found = refresh(SOURCES, getter(), folder, at=at, accept_jumps=accept_jumps)
    if not found.feeds:
        reasons = "\n".join(f"  - {f.source}: {f.reason}" for f in found.failures)
        raise EngineError(f"no source answered, nothing is changed:\n{reasons}")
    with progress("planning every stack"):
        stacks = effects(found, folder, project)
    if write:
        write_book(folder, found.lines, found.merged.buckets, like=folder)
    if as_json:
        print_json(refresh_json(found, stacks, is_written=write))
    else:
        print_refresh(found, stacks, is_written=write)


@prices.command(short_help="Show old prices and outliers.")
@click.option(
    "--max-age-days",
    type=click.IntRange(0, 3650),
    default=90,
    show_default=True,
    help="Age from which a price counts as old.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the price book; the installed one by default.",
)
@JSON_OPTION
def check(*, max_age_days: int, data: Path | None, as_json: bool) -> None:
    """Show prices that are old, and prices that are far from their like. Asks nobody."""
    from outlay.catalog import load_catalog
    from outlay.catalog.load import DATA
    from outlay.refresh.check import check as look
    from outlay.reporting.prices import check_json, print_check

    today = datetime.now(UTC).date()
    found = look(load_catalog(data or DATA), today=today, max_age_days=max_age_days)
    if as_json:
        print_json(check_json(found))
    else:
        print_check(found, max_age_days=max_age_days)
