"""Azure machines outside AKS cost size, disks and addresses, or say what leaves the price open."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.types import Category, Cost, Price, Unpriced
from tests.pricing.book import RATES, SERVICES, cost, line, service

BOOK = Rates(
    replace(
        RATES.catalog,
        service_prices=(
            *(each for each in SERVICES if "premium" not in each.service),
            service("azure", "premium_disk_128_gib", "7.30"),
            service("azure", "control_plane_premium", "0.60"),
        ),
    )
)
MACHINE = "azure-native:compute:VirtualMachine"
SCALE_SET = "azure-native:compute/v20241101:VirtualMachineScaleSet"
STORAGE: dict[str, Any] = {
    "osDisk": {"diskSizeGB": 100, "managedDisk": {"storageAccountType": "Premium_LRS"}}
}
VM: dict[str, Any] = {
    "location": "East US",
    "hardwareProfile": {"vmSize": "Standard_D8s_v5"},
    "storageProfile": STORAGE,
}
SET: dict[str, Any] = {
    "location": "eastus",
    "sku": {"name": "Standard_ND96isr_H100_v5", "capacity": 2.0},
    "virtualMachineProfile": {"priority": "Spot", "storageProfile": STORAGE},
}


def azure(kind: str, inputs: dict[str, Any]) -> Price:
    return price(kind, inputs, rates=BOOK)


def test_a_machine_costs_its_size_and_the_whole_disk_above_what_it_asks() -> None:
    """100 GiB are billed as 128."""
    assert azure(MACHINE, VM) == cost(
        "0.39",
        "0.39",
        "0.39",
        line("nodes: 1 Standard_D8s_v5 on-demand", Category.CPU, "0.38"),
        line("disks: 1 of 100 GiB", Category.STORAGE, "0.01"),
    )


def test_a_standard_ssd_costs_each_gib_of_the_whole_size() -> None:
    inputs = {"location": "eastus", "sku": {"name": "StandardSSD_LRS"}, "diskSizeGB": 100}
    found = azure("azure-native:compute:Disk", inputs)
    assert isinstance(found, Cost)
    assert found.expected == Decimal("0.128")


def test_an_ephemeral_disk_lies_on_the_machine_and_an_attached_one_is_a_resource_of_its_own() -> (
    None
):
    storage = {
        "osDisk": {"diffDiskSettings": {"option": "Local"}},
        "dataDisks": [{"createOption": "Attach", "managedDisk": {"id": UNKNOWN}}],
    }
    found = azure(MACHINE, VM | {"storageProfile": storage})
    assert isinstance(found, Cost)
    assert found.expected == Decimal("0.38")


def test_a_scale_set_costs_its_capacity_in_its_market() -> None:
    found = azure(SCALE_SET, SET)
    assert isinstance(found, Cost)
    assert found.expected == 2 * Decimal("40.01")


def test_a_scale_set_s_public_address_is_one_for_each_machine() -> None:
    public = {"ipConfigurations": [{"publicIPAddressConfiguration": {"name": "x"}}]}
    network = {"networkInterfaceConfigurations": [public]}
    profile = SET["virtualMachineProfile"] | {"networkProfile": network}
    found = azure(SCALE_SET, SET | {"virtualMachineProfile": profile})
    assert isinstance(found, Cost)
    assert found.expected == 2 * Decimal("40.015")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hardwareProfile": {"vmSize": UNKNOWN}}, "not known before the update"),
        (
            {"hardwareProfile": {"vmSize": "Standard_Z1"}},
            "no on-demand price for azure Standard_Z1",
        ),
        ({"storageProfile": {}}, "storageProfile.osDisk.managedDisk.storageAccountType is missing"),
        ({"priority": "Low"}, "priority Low has no price rule"),
        ({"osProfile": {"windowsConfiguration": {"x": 1}}}, "the licence of Windows"),
        ({"plan": {"publisher": "x"}}, "what a publisher charges"),
        ({"licenseType": "Windows_Server"}, "licences have no price"),
        ({"host": {"id": "x"}}, "dedicated hosts"),
    ],
)
def test_a_machine_whose_price_is_open_says_why(change: dict[str, Any], said: str) -> None:
    found = azure(MACHINE, VM | change)
    assert isinstance(found, Unpriced)
    assert said in found.reason


@pytest.mark.parametrize("kind", ["UltraSSD_LRS", "PremiumV2_LRS", "Standard_LRS", "Premium_ZRS"])
def test_other_disks_have_no_price(kind: str) -> None:
    inputs = {"location": "eastus", "sku": {"name": kind}, "diskSizeGB": 100}
    assert azure("azure-native:compute:Disk", inputs) == Unpriced(
        reason=f"no price for disks of kind {kind}"
    )


def test_a_disk_larger_than_azure_makes_has_no_price() -> None:
    inputs = {"location": "eastus", "sku": {"name": "Premium_LRS"}, "diskSizeGB": 40_000}
    found = azure("azure-native:compute:Disk", inputs)
    assert found == Unpriced(reason="azure has no disk of 40000 GiB")


def test_an_autoscale_setting_is_no_free_range() -> None:
    found = azure("azure-native:insights:AutoscaleSetting", {})
    assert isinstance(found, Unpriced)


def test_a_premium_control_plane_costs_more() -> None:
    inputs = {
        "location": "eastus",
        "sku": {"tier": "Premium"},
        "networkProfile": {"outboundType": "none"},
    }
    found = azure("azure-native:containerservice:ManagedCluster", inputs)
    assert isinstance(found, Cost)
    assert found.expected == Decimal("0.60")
