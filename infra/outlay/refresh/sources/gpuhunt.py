"""gpuhunt's published catalogues: one archive a provider, made anew every day by that project."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial

from outlay.catalog import Market
from outlay.refresh.sources.document import amount, not_empty
from outlay.refresh.types import Feed, Get, Quote, Source, SourceError, Wanted

URL = "https://dstack-gpu-pricing.s3.eu-west-1.amazonaws.com/v3"
# Name there -> name here. Others that it publishes are not compared here.
PROVIDERS = {"aws": "aws", "azure": "azure", "gcp": "gcp", "lambdalabs": "lambda"}
# 20260818-42: the day, and a number that counts up.
VERSION = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})-\d+")
LARGEST_BYTES = 500_000_000
COLUMNS = frozenset({"instance_name", "location", "price", "gpu_count", "gpu_name", "spot"})


def key(name: str) -> str:
    """Return the source's key in the price book."""
    return f"gpuhunt-{PROVIDERS[name]}"


def fetch(get: Get, _wanted: Wanted, *, name: str) -> Feed:
    """Return one provider's prices, of the day that the catalogue's version names."""
    version = get(f"{URL}/{name}/version").decode("ascii", "replace").strip()
    day = _day(version)
    text = _table(get(f"{URL}/{name}/{version}/catalog.zip"), name)
    rows = csv.DictReader(io.StringIO(text))
    if COLUMNS - set(rows.fieldnames or ()):
        raise SourceError("its catalogue has other columns than expected")
    return Feed(source=key(name), quotes=not_empty(_quotes(rows, name, day)))


def _day(version: str) -> str:
    found = VERSION.fullmatch(version)
    try:
        if found:
            return date(int(found["year"]), int(found["month"]), int(found["day"])).isoformat()
    except ValueError:
        pass
    raise SourceError(f"its version {version[:40]!r} names no day")


def _table(archive: bytes, name: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            if opened.getinfo(f"{name}.csv").file_size > LARGEST_BYTES:
                raise SourceError("its catalogue is too large")
            return opened.read(f"{name}.csv").decode("utf-8")
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
        raise SourceError(f"its archive cannot be read: {error}") from None


def _quotes(rows: Iterator[Mapping[str, str]], name: str, day: str) -> Iterator[Quote]:
    for row in rows:
        price = amount(row["price"])
        if price is None or row["gpu_count"] in ("", "0"):
            continue
        yield Quote(
            provider=PROVIDERS[name],
            region=_region(name, row["location"]),
            instance_type=_instance_type(row),
            market=Market.SPOT if row["spot"].lower() == "true" else Market.ON_DEMAND,
            usd_per_hour=price,
            as_of=day,
            source=key(name),
        )


def _region(name: str, location: str) -> str:
    """GCP is listed by zone; Lambda has one price in all regions."""
    if name == "gcp":
        return location.rsplit("-", 1)[0]
    return "global" if name == "lambdalabs" else location


def _instance_type(row: Mapping[str, str]) -> str:
    """N1 machines get their GPUs attached: the pair is one type in the price book."""
    machine = row["instance_name"]
    if not machine.startswith("n1-"):
        return machine
    return f"{machine}+{row['gpu_count']}xnvidia-tesla-{row['gpu_name'].lower()}"


SOURCES = tuple(Source(key=key(name), fetch=partial(fetch, name=name)) for name in PROVIDERS)
