"""Azure resources cost what the price book says, or say why they have no price."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.price import price
from outlay.pricing.types import Category, Cost, Price, Unpriced
from tests.pricing.book import RATES, cost, line

CLUSTER = "azure-native:containerservice:ManagedCluster"
AGENT_POOL = "azure-native:containerservice:AgentPool"
POOL: dict[str, object] = {
    "vmSize": "Standard_ND96isr_H100_v5",
    "count": 2,
    "osDiskType": "Ephemeral",
}


def azure(resource_type: str, inputs: dict[str, object], region: str | None = "eastus") -> Price:
    return price(resource_type, inputs, rates=RATES, region=region)


@pytest.mark.parametrize(
    "resource_type", [AGENT_POOL, "azure-native:containerservice/v20240901preview:AgentPool"]
)
def test_an_agent_pool_costs_its_nodes_in_every_api_version(resource_type: str) -> None:
    assert azure(resource_type, POOL) == cost(
        "196",
        "196",
        "196",
        line("nodes: 2 Standard_ND96isr_H100_v5 on-demand", Category.GPU, "196"),
    )


def test_a_managed_disk_costs_the_whole_size_above_it() -> None:
    """Azure bills a disk of 100 GiB as one of 128."""
    found = azure(AGENT_POOL, POOL | {"osDiskType": "Managed", "osDiskSizeGB": 100})
    assert isinstance(found, Cost)
    assert found.expected == Decimal("196.02")
    assert found.lines[1] == line("disks: 2 of 100 GiB", Category.STORAGE, "0.02")


def test_an_autoscaled_spot_pool_ranges_over_its_limits() -> None:
    found = azure(
        AGENT_POOL,
        POOL
        | {"enableAutoScaling": True, "minCount": 0, "maxCount": 4, "scaleSetPriority": "Spot"},
    )
    assert isinstance(found, Cost)
    assert (found.low, found.expected, found.high) == (Decimal(0), Decimal(80), Decimal(160))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"vmSize": None}, "vmSize is missing"),
        ({"count": UNKNOWN}, "count is not known before the update"),
        ({"count": None}, "count is missing"),
        ({"osDiskType": None}, "osDiskType is missing"),
        ({"osDiskType": "Magic"}, "osDiskType Magic has no price rule"),
        ({"osDiskType": "Managed"}, "osDiskSizeGB is missing"),
        (
            {"osDiskType": "Managed", "osDiskSizeGB": 4096},
            "no price for premium_disk_4096_gib at azure in eastus",
        ),
        ({"scaleSetPriority": "Low"}, "scaleSetPriority Low has no price rule"),
        ({"enableAutoScaling": True}, "minCount is missing"),
        (
            {"virtualMachinesProfile": {"scale": {}}},
            "virtualMachinesProfile: pools of single machines have no price rule",
        ),
        (
            {"enableNodePublicIP": True},
            "enableNodePublicIP: the nodes' public addresses have no price rule",
        ),
        ({"hostGroupID": "/x"}, "hostGroupID: dedicated hosts have no price rule"),
        ({"osType": "Windows"}, "osType Windows: its licence has no price"),
    ],
)
def test_a_pool_whose_price_is_open_is_unpriced(change: dict[str, object], reason: str) -> None:
    assert azure(AGENT_POOL, POOL | change) == Unpriced(reason=reason)


def test_a_cluster_costs_control_plane_way_out_and_inline_pools() -> None:
    found = azure(
        CLUSTER,
        {
            "location": "East US",
            "sku": {"name": "Base", "tier": "Standard"},
            "agentPoolProfiles": [
                {"vmSize": "Standard_D8s_v5", "count": 1, "osDiskType": "Ephemeral"}
            ],
        },
        region=None,
    )
    assert found == cost(
        "0.505",
        "0.505",
        "0.505",
        line("AKS standard control plane", Category.MANAGEMENT, "0.10"),
        line("load balancer", Category.NETWORK, "0.02"),
        line("public IPv4 address", Category.NETWORK, "0.005"),
        line("nodes: 1 Standard_D8s_v5 on-demand", Category.CPU, "0.38"),
    )


@pytest.mark.parametrize(
    ("outbound", "usd_per_hour"),
    [("managedNATGateway", "0.045"), ("userAssignedNATGateway", "0"), ("none", "0")],
)
def test_a_free_tier_cluster_costs_only_its_way_out(outbound: str, usd_per_hour: str) -> None:
    found = azure(CLUSTER, {"networkProfile": {"outboundType": outbound}})
    assert isinstance(found, Cost)
    assert found.expected == Decimal(usd_per_hour)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"sku": {"tier": "Golden"}}, "sku.tier Golden has no price"),
        ({"sku": {"tier": UNKNOWN}}, "sku.tier is not known before the update"),
        (
            {"networkProfile": {"outboundType": "magic"}},
            "networkProfile.outboundType magic has no price rule",
        ),
        ({"agentPoolProfiles": [{"count": 3}]}, "agentPoolProfiles[0].vmSize is missing"),
        ({"sku": {"name": "Automatic"}}, "sku.name Automatic: AKS would start nodes by itself"),
        (
            {"nodeProvisioningProfile": {"mode": "Auto"}},
            "nodeProvisioningProfile.mode Auto: AKS would start nodes by itself",
        ),
        (
            {"networkProfile": {"loadBalancerProfile": {"managedOutboundIPs": {"count": 100}}}},
            "managedOutboundIPs: more public addresses have no price rule",
        ),
    ],
)
def test_a_cluster_whose_price_is_open_is_unpriced(inputs: dict[str, object], reason: str) -> None:
    found = azure(CLUSTER, inputs)
    assert isinstance(found, Unpriced)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("name", "usd_per_hour"), [("NatGateway", "0.04"), ("PublicIPAddress", "0.005")]
)
def test_standing_services(name: str, usd_per_hour: str) -> None:
    found = azure(f"azure-native:network:{name}", {"location": "eastus"})
    assert isinstance(found, Cost)
    assert found.expected == Decimal(usd_per_hour)
