"""A node pool costs exactly what the planner pays for the same offer, for every offer on sale."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from outlay.catalog import Market, Offer, load_catalog
from outlay.pricing.disks import node_disk_hour
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.types import Cost, Unpriced

BOOK = Rates(load_catalog())
DISK_GIB, NODES = 200, 3
Declared = tuple[str, dict[str, object]]


def eks(offer: Offer) -> Declared:
    return "aws:eks/nodeGroup:NodeGroup", {
        "region": offer.region,
        "instanceTypes": [offer.instance_type],
        "capacityType": "SPOT" if offer.market is Market.SPOT else "ON_DEMAND",
        "diskSize": DISK_GIB,
        "scalingConfig": {"minSize": NODES, "desiredSize": NODES, "maxSize": NODES},
    }


def gke(offer: Offer) -> Declared:
    machine, _, attached = offer.instance_type.partition("+")
    count, _, kind = attached.partition("x")
    return "gcp:container/nodePool:NodePool", {
        "location": offer.region,
        "nodeLocations": [f"{offer.region}-a"],
        "nodeCount": NODES,
        "nodeConfig": {
            "machineType": machine,
            "guestAccelerators": [{"type": kind, "count": int(count)}] if attached else [],
            "spot": offer.market is Market.SPOT,
            "diskSizeGb": DISK_GIB,
        },
    }


def aks(offer: Offer) -> Declared:
    return "azure-native:containerservice:AgentPool", {
        "location": offer.region,
        "vmSize": offer.instance_type,
        "scaleSetPriority": "Spot" if offer.market is Market.SPOT else "Regular",
        "osDiskType": "Managed",
        "osDiskSizeGB": DISK_GIB,
        "count": NODES,
    }


def cks(offer: Offer) -> Declared:
    return "kubernetes:compute.coreweave.com/v1alpha1:NodePool", {
        "spec": {
            "instanceType": offer.instance_type,
            "computeClass": "Spot" if offer.market is Market.SPOT else "default",
            "targetNodes": NODES,
        }
    }


@pytest.mark.parametrize(
    ("provider", "declare", "disk_gib"),
    [
        ("aws", eks, DISK_GIB),
        ("gcp", gke, DISK_GIB),
        ("azure", aks, DISK_GIB),
        ("coreweave", cks, 0),
    ],
)
def test_a_pool_costs_what_its_offer_says(
    provider: str, declare: Callable[[Offer], Declared], disk_gib: int
) -> None:
    """In every region, machine type and market; where a disk is bought, it is added."""
    offers = [offer for offer in BOOK.catalog.offers if offer.provider == provider]
    assert offers
    for offer in offers:
        resource_type, inputs = declare(offer)
        found = price(resource_type, inputs, rates=BOOK)
        assert isinstance(found, Cost), (offer.key, found)
        assert found.low == found.expected == found.high, offer.key
        assert found.expected == offer.usd_per_hour * NODES + disks(offer, disk_gib), offer.key


def disks(offer: Offer, gib: int) -> Decimal:
    hourly = node_disk_hour(BOOK, provider=offer.provider, region=offer.region, gib=gib)
    assert not isinstance(hourly, Unpriced)
    return hourly * NODES
