"""AWS Spot Advisor: how often spot nodes of a type are taken, as one of five buckets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from outlay.refresh.sources.document import parsed
from outlay.refresh.types import Bucket, Feed, Get, Source, SourceError, Wanted

KEY = "aws-spot-advisor"
URL = "https://spot-bid-advisor.s3.amazonaws.com/spot-advisor-data.json"
BUCKETS = range(5)


def fetch(get: Get, _wanted: Wanted) -> Feed:
    """Return the bucket of every type and region, of Linux."""
    buckets = parsed(get(URL), lambda document: tuple(_buckets(document)))
    if not buckets:
        raise SourceError("its answer has no bucket")
    return Feed(source=KEY, buckets=buckets)


def _buckets(document: Any) -> Iterator[Bucket]:
    for region, systems in document["spot_advisor"].items():
        for instance_type, entry in systems.get("Linux", {}).items():
            if entry["r"] in BUCKETS:
                yield Bucket(
                    region=region,
                    instance_type=instance_type,
                    index=int(entry["r"]),
                    savings_percent=int(entry["s"]),
                )


SOURCE = Source(key=KEY, fetch=fetch)
