"""AWS's public feed of spot prices, one a region and type: the one behind its price page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from outlay.catalog import Market
from outlay.refresh.sources.document import amount, not_empty, parsed
from outlay.refresh.types import Feed, Get, Quote, Source, Wanted

KEY = "aws-spot-feed"
URL = "https://website.spot.ec2.aws.a2z.com/spot.json"
# Some answers come as a script: callback({...});
SCRIPT = re.compile(rb"^\s*\w+\((?P<json>.*)\)\s*;?\s*$", re.DOTALL)
# Names of the first regions, from before regions had codes.
OLD_REGIONS = {
    "us-east": "us-east-1",
    "us-west": "us-west-1",
    "eu-ireland": "eu-west-1",
    "apac-sin": "ap-southeast-1",
    "apac-syd": "ap-southeast-2",
    "apac-tokyo": "ap-northeast-1",
}


def fetch(get: Get, wanted: Wanted) -> Feed:
    """Return all Linux spot prices; the feed carries no date, so they are of the day of asking."""
    body = get(URL)
    wrapped = SCRIPT.match(body)
    content = wrapped["json"] if wrapped else body
    quotes = parsed(content, lambda document: list(_quotes(document, wanted.day)))
    return Feed(source=KEY, quotes=not_empty(quotes))


def _quotes(document: Any, day: str) -> Iterator[Quote]:
    for region in document["config"]["regions"]:
        name = OLD_REGIONS.get(region["region"], region["region"])
        for family in region["instanceTypes"]:
            for size in family["sizes"]:
                yield from _linux(name, size, day)


def _linux(region: str, size: Any, day: str) -> Iterator[Quote]:
    for column in size["valueColumns"]:
        price = amount(column["prices"]["USD"])
        if column["name"] == "linux" and price is not None:
            yield Quote(
                provider="aws",
                region=region,
                instance_type=size["size"],
                market=Market.SPOT,
                usd_per_hour=price,
                as_of=day,
                source=KEY,
            )


SOURCE = Source(key=KEY, fetch=fetch)
