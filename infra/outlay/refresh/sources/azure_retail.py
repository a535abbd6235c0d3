"""Azure's Retail Prices API: on-demand and spot prices of Linux machines, without a login."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote as encoded

from outlay.catalog import Market
from outlay.refresh.sources.document import amount, not_empty, parsed
from outlay.refresh.types import Feed, Get, Quote, Source, SourceError, Wanted

KEY = "azure-retail-prices"
URL = "https://prices.azure.com/api/retail/prices"
# The address of the next page as the API writes it, with the port.
HOSTS = ("https://prices.azure.com/", "https://prices.azure.com:443/")
MOST_PAGES = 40
SPOT, LOW_PRIORITY = " Spot", " Low Priority"
# Products that share a size's name at another rate.
OTHER_PRODUCTS = ("Windows", "CloudServices", "Cloud Services")


def fetch(get: Get, wanted: Wanted) -> Feed:
    """Return the prices of the sizes in the price book, one query a size."""
    quotes: list[Quote] = []
    for size in wanted.azure_types:
        for page in _pages(get, size):
            quotes += parsed(page, lambda document: list(_quotes(document, wanted.day)))
    return Feed(source=KEY, quotes=not_empty(quotes))


def _pages(get: Get, size: str) -> Iterator[bytes]:
    terms = (
        "serviceName eq 'Virtual Machines'",
        f"armSkuName eq '{size}'",
        "priceType eq 'Consumption'",
    )
    url = f"{URL}?currencyCode=USD&$filter={encoded(' and '.join(terms))}"
    for _ in range(MOST_PAGES):
        body = get(url)
        yield body
        following = parsed(body, lambda document: document.get("NextPageLink"))
        if not following:
            return
        if not str(following).startswith(HOSTS):
            raise SourceError(f"its next page is elsewhere: {following}")
        url = str(following)
    raise SourceError(f"it has more than {MOST_PAGES} pages of {size}")


def _quotes(document: Any, day: str) -> Iterator[Quote]:
    for item in document["Items"]:
        price = amount(item["retailPrice"])
        if price is None or not _is_linux_hour(item, day):
            continue
        yield Quote(
            provider="azure",
            region=item["armRegionName"],
            instance_type=item["armSkuName"],
            market=Market.SPOT if item["skuName"].endswith(SPOT) else Market.ON_DEMAND,
            usd_per_hour=price,
            as_of=day,
            source=KEY,
        )


def _is_linux_hour(item: Any, day: str) -> bool:
    """Whether a price is one of a Linux machine by the hour that holds today."""
    ended = item.get("effectiveEndDate") or ""
    return (
        item["currencyCode"] == "USD"
        and item["unitOfMeasure"] == "1 Hour"
        and item["type"] == "Consumption"
        and bool(item["armSkuName"])
        and bool(item["armRegionName"])
        and not item["skuName"].endswith(LOW_PRIORITY)
        and not any(other in item["productName"] for other in OTHER_PRODUCTS)
        and item["effectiveStartDate"][:10] <= day
        and (not ended or ended[:10] > day)
    )


SOURCE = Source(key=KEY, fetch=fetch)
