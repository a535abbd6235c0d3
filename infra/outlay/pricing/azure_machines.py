"""Prices of Azure machines outside AKS: virtual machines, scale sets, managed disks."""

from __future__ import annotations

from collections.abc import Iterator

from outlay.pricing.azure import ADDRESS, MARKETS, PROVIDER, region
from outlay.pricing.disks import Disk, disk_hour
from outlay.pricing.inputs import Inputs, NoPriceError
from outlay.pricing.rules import (
    Nodes,
    NodeType,
    Request,
    Rule,
    disk_line,
    fixed,
    pool_cost,
    times,
    together,
)
from outlay.pricing.types import Cost

BEYOND = {
    "host": "dedicated hosts have no price rule",
    "hostGroup": "dedicated hosts have no price rule",
    "licenseType": "licences have no price",
    "plan": "what a publisher charges for the image has no price",
    "priorityMixPolicy": "a mix of regular and spot machines has no price rule",
    "skuProfile": "a mix of sizes has no price rule",
}


def virtual_machine(request: Request) -> Cost:
    """Price a Linux machine with its disks; addresses are resources of their own."""
    inputs = request.inputs
    inputs.refuse(BEYOND)
    size = inputs.child("hardwareProfile").text("vmSize")
    node = _node(request, inputs, size)
    return pool_cost(request.rates, node, Nodes.exactly(1))


def scale_set(request: Request) -> Cost:
    """Price a scale set of Linux machines at its capacity, with their disks and public addresses.

    A range is not in its inputs: an autoscale setting is a resource of its own, which has no price rule.
    """
    inputs, sku = request.inputs, request.inputs.child("sku")
    profile = inputs.child("virtualMachineProfile")
    inputs.refuse(BEYOND)
    profile.refuse(BEYOND)
    nodes = Nodes.exactly(sku.count("capacity"))
    node = _node(request, profile, sku.text("name"))
    machines = pool_cost(request.rates, node, nodes)
    if not any(_public(profile.child("networkProfile"))):
        return machines
    return together((machines, times(ADDRESS.line(request.rates, region=node.region), nodes)))


def managed_disk(request: Request) -> Cost:
    """Price a managed disk by the whole size above it."""
    kind = request.inputs.child("sku").text("name")
    disk = Disk(provider=PROVIDER, kind=kind, gib=request.inputs.count("diskSizeGB"))
    usd = disk_hour(request.rates, disk, region=region(request))
    return fixed(disk_line(usd, gib=disk.gib, count=1))


def _node(request: Request, machine: Inputs, size: str) -> NodeType:
    priority = machine.optional_text("priority") or "Regular"
    if priority not in MARKETS:
        raise NoPriceError(f"{machine.where('priority')} {priority} has no price rule")
    system = machine.child("osProfile")
    system.refuse({"windowsConfiguration": "the licence of Windows has no price"})
    return NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=(size,),
        market=MARKETS[priority],
        disks=tuple(_disks(machine.child("storageProfile"))),
    )


def _disks(storage: Inputs) -> Iterator[Disk]:
    system = storage.child("osDisk")
    if (system.optional_text("osType") or "Linux") != "Linux":
        raise NoPriceError(f"{system.where('osType')}: the licence of Windows has no price")
    ephemeral = system.child("diffDiskSettings").optional_text("option") == "Local"
    if not ephemeral:  # else it lies on the machine itself
        yield _disk(system)
    for data in storage.children("dataDisks"):
        if data.optional_text("createOption") != "Attach":  # else declared and priced on its own
            yield _disk(data)


def _disk(disk: Inputs) -> Disk:
    kind = disk.child("managedDisk").text("storageAccountType")
    # Without diskSizeGB the size comes from the image, which nobody here can see.
    return Disk(provider=PROVIDER, kind=kind, gib=disk.count("diskSizeGB"))


def _public(network: Inputs) -> Iterator[bool]:
    for interface in network.children("networkInterfaceConfigurations"):
        for address in interface.children("ipConfigurations"):
            yield address.given("publicIPAddressConfiguration")


RULES: dict[str, Rule] = {
    "azure-native:compute:Disk": managed_disk,
    "azure-native:compute:VirtualMachine": virtual_machine,
    "azure-native:compute:VirtualMachineScaleSet": scale_set,
}
