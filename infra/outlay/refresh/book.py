"""The price book's files as lines that can be changed and written again, cell by cell as they were."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from outlay.catalog import Market
from outlay.catalog.rows import read_rows
from outlay.errors import InputError
from outlay.refresh.types import Bucket, Change

OFFERS, BUCKETS = "offers.csv", "spot_interruption.csv"
# When a refresh last confirmed or changed the line, UTC.
REFRESHED = "refreshed_at"
PRICE = {
    Market.ON_DEMAND: "price_ondemand_usd_per_hour",
    Market.SPOT: "price_spot_usd_per_hour",
}
AS_OF = {Market.ON_DEMAND: "ondemand_as_of", Market.SPOT: "spot_as_of"}
BUCKET_TEXTS = ("<5%", "5-10%", "10-15%", "15-20%", ">20%")

Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of offers.csv."""

    cells: Cells

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    @property
    def key(self) -> tuple[str, str, str]:
        """Provider, region, instance type."""
        return self["provider"], self["region"], self["instance_type"]

    def price(self, market: Market) -> Decimal | None:
        """Return the pinned price, or None where there is none."""
        text = self[PRICE[market]]
        return Decimal(text) if text else None

    def as_of(self, market: Market) -> str:
        """Return the day of the pinned price, empty where there is none."""
        return self[AS_OF[market]]

    def taking(self, change: Change, at: str) -> Line:
        """Return the line with a quote in it, stamped with source, day and time."""
        quote = change.quote
        sources = self._sources() | {quote.market: quote.source}
        cells = self.cells | {
            PRICE[quote.market]: format(quote.usd_per_hour, "f"),
            AS_OF[quote.market]: quote.as_of,
            REFRESHED: at,
        }
        days = [cells[column] for column in AS_OF.values() if cells[column]]
        named = dict.fromkeys(sources[m] for m in Market if cells[PRICE[m]] and m in sources)
        return Line(cells | {"source": "+".join(named), "as_of_date": min(days)})

    def _sources(self) -> dict[Market, str]:
        """The first source is of the on-demand price, the last of the spot price."""
        names = self["source"].split("+")
        return {Market.ON_DEMAND: names[0], Market.SPOT: names[-1]}


def read_lines(folder: Path) -> list[Line]:
    """Return the lines of offers.csv.

    Raises:
        DataError: the file is missing or broken.
    """
    return [Line(row.cells) for row in read_rows(folder / OFFERS)]


def read_buckets(folder: Path) -> dict[tuple[str, str], int]:
    """Return AWS's pinned interruption buckets by region and type.

    Raises:
        DataError: the file is missing or broken.
    """
    rows = read_rows(folder / BUCKETS)
    return {(r.text("region"), r.text("instance_type")): r.integer("bucket_index") for r in rows}


def updated(lines: Iterable[Line], changes: Iterable[Change], *, at: str) -> list[Line]:
    """Return all lines with the changes in them."""
    by_line: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        quote = change.quote
        by_line.setdefault((quote.provider, quote.region, quote.instance_type), []).append(change)
    found: list[Line] = []
    for line in lines:
        new = replace(line, cells={REFRESHED: "", **line.cells})
        for change in by_line.get(line.key, ()):
            new = new.taking(change, at)
        found.append(new)
    return found


def write_book(
    folder: Path, lines: Iterable[Line], buckets: Iterable[Bucket], *, like: Path
) -> None:
    """Write both files into a folder; columns are in the order of those in `like`, new ones last.

    Raises:
        InputError: a file cannot be written.
    """
    _write(folder / OFFERS, [line.cells for line in lines], _header(like / OFFERS))
    new = {(b.region, b.instance_type): b for b in buckets}
    rows = [row.cells for row in read_rows(like / BUCKETS)]
    for cells in rows:
        bucket = new.get((cells["region"], cells["instance_type"]))
        if bucket is not None:
            cells["bucket_index"] = str(bucket.index)
            cells["interruption_pct_per_month_bucket"] = BUCKET_TEXTS[bucket.index]
            cells["savings_vs_ondemand_pct"] = str(bucket.savings_percent)
    _write(folder / BUCKETS, rows, _header(like / BUCKETS))


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def _write(path: Path, rows: Iterable[Cells], header: list[str]) -> None:
    rows = list(rows)
    columns = [*header, *(column for column in rows[0] if column not in header)]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    beside = path.with_suffix(".new")
    try:
        beside.write_text(text.getvalue(), encoding="utf-8", newline="")
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None
