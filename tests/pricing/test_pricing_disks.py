"""Disks cost their size, and performance beyond what is included."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from outlay.catalog import load_catalog
from outlay.clouds.gcp.machines import machine
from outlay.pricing.disks import KINDS, Disk, disk_hour, node_disk_hour
from outlay.pricing.inputs import NoPriceError
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.types import Cost
from tests.pricing.book import RATES, SERVICES, service

# Per month; 730 hours make an hour of each a round figure.
MONTHLY = (
    service("aws", "disk_io2", "0.73"),
    service("aws", "disk_iops_io2", "0.073"),
    service("aws", "disk_iops_gp3", "0.073"),
    service("aws", "disk_throughput_gp3", "0.73"),
    service("gcp", "disk_hyperdisk_balanced", "0.73"),
    service("gcp", "disk_iops_hyperdisk_balanced", "0.073"),
    service("gcp", "disk_throughput_hyperdisk_balanced", "0.73"),
)
BOOK = Rates(replace(RATES.catalog, service_prices=(*SERVICES, *MONTHLY)))


def aws(kind: str, **asked: int) -> Decimal:
    return disk_hour(BOOK, Disk(provider="aws", kind=kind, gib=100, **asked), region="us-east-1")


def gcp(kind: str, **asked: int) -> Decimal:
    return disk_hour(BOOK, Disk(provider="gcp", kind=kind, gib=100, **asked), region="us-central1")


def test_what_is_included_costs_nothing_more() -> None:
    assert aws("gp3") == aws("gp3", iops=3000, mib_per_s=125) == Decimal("0.1")
    assert gcp("pd-balanced") == Decimal("0.1")


def test_performance_beyond_what_is_included_costs_extra() -> None:
    assert aws("gp3", iops=4000) == Decimal("0.2")
    assert aws("gp3", mib_per_s=225) == Decimal("0.2")


def test_provisioned_iops_cost_from_the_first_one() -> None:
    assert aws("io2", iops=1000) == Decimal("0.2")


def test_a_hyperdisk_without_a_word_on_performance_gets_more_than_is_included() -> None:
    """100 GiB come with 3,600 IOPS and 290 MiB/s, of which 3,000 and 140 are included."""
    assert gcp("hyperdisk-balanced") == Decimal("0.1") + Decimal("0.06") + Decimal("0.15")
    assert gcp("hyperdisk-balanced", iops=3000, mib_per_s=140) == Decimal("0.1")


@pytest.mark.parametrize(
    ("disk", "reason"),
    [
        (Disk(provider="aws", kind="io2", gib=1), "iops is missing"),
        (Disk(provider="aws", kind="io2", gib=1, iops=40_000), "beyond 32000"),
        (Disk(provider="aws", kind="gp2", gib=1), "no price for disk_gp2"),
        (Disk(provider="aws", kind="magnetic", gib=1), "no price for disks of kind magnetic"),
        (Disk(provider="gcp", kind="pd-extreme", gib=1), "no price for disks of kind pd-extreme"),
    ],
)
def test_a_disk_whose_price_is_open_says_why(disk: Disk, reason: str) -> None:
    with pytest.raises(NoPriceError, match=reason):
        disk_hour(BOOK, disk, region="us-east-1")


@pytest.mark.parametrize(("provider", "kind"), sorted(KINDS))
def test_the_price_book_has_every_kind(provider: str, kind: str) -> None:
    disk = Disk(provider=provider, kind=kind, gib=1000, iops=10_000, mib_per_s=500)
    assert disk_hour(Rates(load_catalog()), disk, region="anywhere") > 0


@pytest.mark.parametrize("name", ["g4-standard-48", "a3-highgpu-8g"])
def test_planner_and_declared_pool_agree_on_the_disk(name: str) -> None:
    """Hyperdisk where the machine takes nothing else, whatever that costs."""
    rates = Rates(load_catalog())
    offer = next(
        o
        for o in rates.catalog.offers
        if (o.provider, o.instance_type, o.market.value) == ("gcp", name, "on-demand")
    )
    planned = node_disk_hour(
        rates, provider="gcp", region=offer.region, instance_type=name, gib=200
    )
    config = {"machineType": name, "diskSizeGb": 200}
    config["diskType"] = machine(name, gpus=offer.gpus_per_node).disk_type
    inputs = {"location": f"{offer.region}-a", "nodeCount": 1, "nodeConfig": config}
    found = price("gcp:container/nodePool:NodePool", inputs, rates=rates)
    assert isinstance(found, Cost)
    assert isinstance(planned, Decimal)
    assert abs(found.expected - offer.usd_per_hour - planned) < Decimal("1e-20")


def test_a_boot_disk_block_says_the_same_as_the_older_fields() -> None:
    config = {"machineType": "g2-standard-4", "diskSizeGb": 200, "diskType": "hyperdisk-balanced"}
    block = {
        "machineType": "g2-standard-4",
        "bootDisk": {
            "sizeGb": 200,
            "diskType": "hyperdisk-balanced",
            "provisionedIops": 3000,
            "provisionedThroughput": 140,
        },
    }
    pool = {"location": "us-central1-a", "nodeCount": 1}
    kind = "gcp:container/nodePool:NodePool"
    plain = price(kind, pool | {"nodeConfig": config}, rates=BOOK)
    asked = price(kind, pool | {"nodeConfig": block}, rates=BOOK)
    assert isinstance(plain, Cost)
    assert isinstance(asked, Cost)
    assert asked.expected == Decimal("0.9")
    assert plain.expected - asked.expected == Decimal("0.12") + Decimal("0.30")
