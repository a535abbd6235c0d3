"""Each adapter reads its source's real format, and refuses what is another."""

from __future__ import annotations

import io
import json
import zipfile
from decimal import Decimal

import httpx
import pytest

from outlay.catalog import Market
from outlay.refresh.http import getter
from outlay.refresh.sources import aws_advisor, aws_spot, azure_retail, gpuhunt
from outlay.refresh.sources.every import SOURCES
from outlay.refresh.types import Feed, SourceError, Wanted
from tests.refresh.answers import DAY, answers, recorded

WANTED = Wanted(azure_types=("Standard_NC4as_T4_v3",), day=DAY)
Found = dict[tuple[str, str, str, Market], Decimal]


def found(feed: Feed) -> Found:
    return {quote.key: quote.usd_per_hour for quote in feed.quotes}


def hunted(name: str, **changes: bytes | int) -> Feed:
    return gpuhunt.fetch(answers(**changes), WANTED, name=name)


def test_aws_spot_is_linux_by_region_and_type() -> None:
    feed = aws_spot.fetch(answers(), WANTED)
    prices = found(feed)
    assert prices["aws", "us-east-2", "g6.xlarge", Market.SPOT] == Decimal("0.4102")
    assert prices["aws", "eu-west-1", "g4dn.xlarge", Market.SPOT] == Decimal("0.2104")
    assert ("aws", "us-east-1", "g6.xlarge", Market.SPOT) in prices
    assert {q.as_of for q in feed.quotes} == {DAY}
    assert {q.source for q in feed.quotes} == {"aws-spot-feed"}


def test_aws_spot_leaves_out_what_has_no_price() -> None:
    body = recorded("spot.json").replace(b'"USD":"0.4102"', b'"USD":"N/A*"')
    key = ("aws", "us-east-2", "g6.xlarge", Market.SPOT)
    assert key not in found(aws_spot.fetch(answers(spot=body), WANTED))


def test_aws_spot_may_come_as_a_script() -> None:
    body = b"callback(" + recorded("spot.json") + b");\n"
    assert found(aws_spot.fetch(answers(spot=body), WANTED)) == found(
        aws_spot.fetch(answers(), WANTED)
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "no JSON"),
        (b"[]", "another shape"),
        (b'{"config": {"regions": []}}', "no price"),
        (500, "answered 500"),
    ],
)
def test_another_answer_is_no_price(body: bytes | int, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        aws_spot.fetch(answers(spot=body), WANTED)


def test_the_advisor_has_linux_buckets() -> None:
    feed = aws_advisor.fetch(answers(), WANTED)
    buckets = {(b.region, b.instance_type): (b.index, b.savings_percent) for b in feed.buckets}
    assert buckets["us-east-1", "g6.xlarge"] == (3, 54)
    assert buckets["us-east-2", "g6.xlarge"] == (4, 52)


def test_an_advisor_without_buckets_has_failed() -> None:
    with pytest.raises(SourceError, match="no bucket"):
        aws_advisor.fetch(answers(advisor=b'{"spot_advisor": {}}'), WANTED)


def test_azure_is_linux_by_the_hour_that_holds_today_over_all_pages() -> None:
    """Left out: Windows, low priority, a price that has ended, and one of zero."""
    size = "Standard_NC4as_T4_v3"
    assert found(azure_retail.fetch(answers(), WANTED)) == {
        ("azure", "eastus", size, Market.ON_DEMAND): Decimal("0.526"),
        ("azure", "eastus", size, Market.SPOT): Decimal("0.161234"),
        ("azure", "westus", size, Market.ON_DEMAND): Decimal("0.66"),
        ("azure", "westus", size, Market.SPOT): Decimal("0.66"),
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currencyCode", "EUR"),
        ("unitOfMeasure", "1/Month"),
        ("type", "Reservation"),
        ("armSkuName", ""),
        ("productName", "NCasT4 v3 Series CloudServices"),
        ("effectiveStartDate", "2027-01-01T00:00:00Z"),
    ],
)
def test_azure_leaves_out_other_meters(field: str, value: str) -> None:
    page = json.loads(recorded("azure-page-1.json"))
    page |= {"Items": [page["Items"][0] | {field: value}, page["Items"][1]], "NextPageLink": None}
    feed = azure_retail.fetch(answers(azure=json.dumps(page).encode()), WANTED)
    assert {quote.market for quote in feed.quotes} == {Market.SPOT}


def test_azure_follows_no_link_to_elsewhere() -> None:
    page = json.loads(recorded("azure-page-1.json")) | {"NextPageLink": "https://elsewhere.test/"}
    with pytest.raises(SourceError, match="its next page is elsewhere"):
        azure_retail.fetch(answers(azure=json.dumps(page).encode()), WANTED)


def test_azure_pages_come_to_an_end() -> None:
    page = json.loads(recorded("azure-page-1.json"))
    with pytest.raises(SourceError, match="more than 40 pages"):
        azure_retail.fetch(answers(azure=json.dumps(page).encode()), WANTED)


def test_gpuhunt_is_of_the_day_of_its_version() -> None:
    feed = hunted("aws")
    assert {quote.as_of for quote in feed.quotes} == {"2026-11-20"}
    prices = found(feed)
    assert prices["aws", "us-east-1", "g6.xlarge", Market.ON_DEMAND] == Decimal("0.8048")
    assert prices["aws", "us-east-1", "g6.xlarge", Market.SPOT] == Decimal("0.3")
    assert "m5.large" not in {quote.instance_type for quote in feed.quotes}


def test_gpuhunt_lists_gcp_by_zone_and_the_dearest_zone_counts() -> None:
    prices = found(hunted("gcp"))
    assert prices["gcp", "us-central1", "g2-standard-8", Market.ON_DEMAND] == Decimal("0.87")
    n1 = "n1-standard-4+1xnvidia-tesla-t4"
    assert prices["gcp", "us-central1", n1, Market.ON_DEMAND] == Decimal("0.54")


def test_gpuhunt_has_one_price_of_lambda_everywhere() -> None:
    assert found(hunted("lambdalabs")) == {
        ("lambda", "global", "gpu_1x_a10", Market.ON_DEMAND): Decimal("1.35")
    }


def broken_archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr("aws.csv", "instance,usd\na,1\n")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aws_version": b"<html>no</html>"}, "names no day"),
        ({"aws_version": b"20261399-1"}, "names no day"),
        ({"aws_version": 404}, "answered 404"),
        ({"aws_catalog": b"no archive"}, "cannot be read"),
        ({"aws_catalog": broken_archive()}, "other columns"),
    ],
)
def test_another_catalogue_is_no_price(changes: dict[str, bytes | int], reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        hunted("aws", **changes)


def test_only_https_is_asked() -> None:
    with pytest.raises(SourceError, match="is not HTTPS"):
        answers()("http://prices.azure.com/")


def test_an_endless_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outlay.refresh.http.LARGEST_BYTES", 100)
    with pytest.raises(SourceError, match="sends more than 100 bytes"):
        aws_spot.fetch(answers(), WANTED)


def test_a_host_that_is_not_there_is_named() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    with pytest.raises(SourceError, match=r"prices\.azure\.com cannot be reached: no route"):
        azure_retail.fetch(getter(httpx.MockTransport(refuse)), WANTED)


def test_every_source_has_a_name_of_its_own() -> None:
    keys = [source.key for source in SOURCES]
    assert len(set(keys)) == len(keys) == 7
