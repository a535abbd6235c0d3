"""An empty cluster costs what the resources that make it cost, to the last digit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.catalog import load_catalog
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.standing import standing_costs
from outlay.pricing.types import Category, Cost, CostLine, Unpriced
from tests.pricing.book import RATES, line

BOOK = Rates(load_catalog())
# What the cloud modules declare for a cluster before its first node.
DECLARED: dict[str, list[tuple[str, dict[str, object]]]] = {
    "aws": [
        ("aws:eks/cluster:Cluster", {"name": "c", "version": "1.35"}),
        ("aws:ec2/natGateway:NatGateway", {"connectivityType": "public"}),
        ("aws:ec2/eip:Eip", {"domain": "vpc"}),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}),
    ],
    "gcp": [
        ("gcp:container/cluster:Cluster", {"removeDefaultNodePool": True, "initialNodeCount": 1}),
        (
            "gcp:compute/routerNat:RouterNat",
            {"natIpAllocateOption": "MANUAL_ONLY", "natIps": ["https://x"]},
        ),
        ("gcp:compute/address:Address", {"addressType": "EXTERNAL"}),
        ("gcp:compute/network:Network", {}),
    ],
    "azure": [
        (
            "azure-native:containerservice:ManagedCluster",
            {
                "sku": {"tier": "Standard"},
                "networkProfile": {"outboundType": "userAssignedNATGateway"},
            },
        ),
        ("azure-native:network:NatGateway", {}),
        ("azure-native:network:PublicIPAddress", {}),
    ],
}
SITES = [(p, r) for p, r in BOOK.catalog.regions if p in DECLARED]


@pytest.mark.parametrize(("provider", "region"), SITES)
def test_standing_costs_equal_the_declared_resources(provider: str, region: str) -> None:
    """In every region of the real price book, line by line and in sum."""
    prices = [price(kind, inputs, rates=BOOK, region=region) for kind, inputs in DECLARED[provider]]
    assert not [each for each in prices if isinstance(each, Unpriced)]
    declared = [each for each in prices if isinstance(each, Cost)]
    standing = standing_costs(BOOK, provider=provider, region=region)
    assert standing == tuple(each for cost in declared for each in cost.lines)
    assert sum(each.usd_per_hour for each in standing) == sum(cost.expected for cost in declared)


@pytest.mark.parametrize("provider", ["coreweave", "lambda"])
def test_bare_metal_providers_include_it_in_the_nodes(provider: str) -> None:
    assert standing_costs(BOOK, provider=provider, region="anywhere") == ()


def test_the_lines_are_named_and_sorted_into_categories() -> None:
    assert standing_costs(RATES, provider="gcp", region="us-central1") == (
        line("GKE control plane", Category.MANAGEMENT, "0.10"),
        line("Cloud NAT at its hourly cap", Category.NETWORK, "0.04"),
        line("external IPv4 address", Category.NETWORK, "0.005"),
    )


def test_a_price_that_is_missing_is_not_zero() -> None:
    from dataclasses import replace

    catalog = replace(
        RATES.catalog,
        service_prices=tuple(s for s in RATES.catalog.service_prices if s.service != "nat_gateway"),
    )
    assert standing_costs(Rates(catalog), provider="aws", region="us-east-1") == Unpriced(
        reason="no price for nat_gateway at aws in us-east-1"
    )


def test_a_provider_without_a_list_is_unpriced() -> None:
    assert standing_costs(RATES, provider="oci", region="x") == Unpriced(
        reason="no list of standing costs for oci"
    )


def test_real_figures() -> None:
    """EKS 0.10, NAT 0.045 and an address 0.005 per hour in us-east-1."""
    found = standing_costs(BOOK, provider="aws", region="us-east-1")
    assert isinstance(found, tuple)
    assert all(isinstance(each, CostLine) for each in found)
    assert sum((each.usd_per_hour for each in found), Decimal(0)) == Decimal("0.15")
