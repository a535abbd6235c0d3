"""What is charged by use is in no sum, and named with its rate wherever a cost is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.catalog import load_catalog
from outlay.pricing.documents import parse_document
from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.statement import state_costs
from outlay.pricing.types import Cost, Free, Metered
from outlay.reporting.cost import cost_json
from tests.pricing.written import export, state

RATES = Rates(load_catalog())


def metered(kind: str, inputs: dict[str, object], region: str | None) -> tuple[Metered, ...]:
    found = price(kind, inputs, rates=RATES, region=region)
    assert isinstance(found, Cost | Free)
    return found.metered


@pytest.mark.parametrize(
    ("kind", "inputs", "what", "rate"),
    [
        ("aws:s3/bucket:Bucket", {}, "objects kept", "0.023"),
        ("aws:s3/bucketV2:BucketV2", {}, "objects kept", "0.023"),
        ("aws:cloudwatch/logGroup:LogGroup", {}, "logs taken in", "0.50"),
        ("aws:ec2/natGateway:NatGateway", {}, "data through NAT", "0.045"),
        ("aws:eks/cluster:Cluster", {"enabledClusterLogTypes": ["audit"]}, "logs taken in", "0.50"),
        ("gcp:storage/bucket:Bucket", {"location": "us-central1"}, "objects kept", "0.020"),
        ("gcp:compute/routerNat:RouterNat", {}, "data through NAT", "0.045"),
        ("azure-native:storage:StorageAccount", {}, "objects kept", "0.018"),
        ("azure-native:network:NatGateway", {}, "data through NAT", "0.045"),
        ("coreweave:index/objectStorageBucket:ObjectStorageBucket", {}, "objects kept", "0.06"),
    ],
)
def test_the_rate_is_that_of_the_price_book(
    kind: str, inputs: dict[str, object], what: str, rate: str
) -> None:
    found = metered(kind, inputs, region="us-east-1")
    assert [(each.what, each.usd_per_unit) for each in found] == [(what, Decimal(rate))]


def test_a_place_that_is_not_known_yet_takes_the_rate_of_everywhere() -> None:
    """A bucket stays free by itself: that its region is unknown makes it no less so."""
    assert metered("gcp:storage/bucket:Bucket", {"location": UNKNOWN}, region=None) == (
        Metered(what="objects kept", unit="GB-month", usd_per_unit=Decimal("0.020")),
    )


def test_what_has_no_rate_is_named_all_the_same() -> None:
    found = metered("aws:ecr/repository:Repository", {}, region="us-east-1")
    assert found == (Metered(what="images kept", unit="GB-month", usd_per_unit=None),)


def test_a_control_plane_without_logs_names_none() -> None:
    assert metered("aws:eks/cluster:Cluster", {}, region="us-east-1") == ()


def test_a_statement_lists_it_and_counts_none_of_it() -> None:
    text = export(state("aws:s3/bucket:Bucket", "models", {}))
    statement = state_costs(parse_document(text, source="here"), rates=RATES)
    assert statement.total.expected == 0
    value = cost_json(statement, RATES.catalog.price_book)
    assert value["not_counted"] == [
        {
            "urn": "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::models",
            "what": "objects kept",
            "unit": "GB-month",
            "usd_per_unit": 0.023,
        }
    ]
