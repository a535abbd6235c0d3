"""A network for one cluster: one subnet for nodes, one way out through one static address."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from outlay.clouds.azure.group import Group
from outlay.clouds.base import fixed_name
from outlay.clouds.names import shortened
from outlay.clouds.slim import SlimResource

NAME_LIMIT = 64
NETWORK_CIDR = "10.0.0.0/16"
# 4,091 nodes; Azure keeps five addresses of a subnet.
NODES_CIDR = "10.0.0.0/20"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkArgs:
    """Where the network lies."""

    group: Group


class Network(pulumi.ComponentResource):
    """Virtual network, subnet, NAT gateway with one address."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("outlay:azure:Network", name, None, opts)
        self._group = args.group
        self._name = shortened(name, limit=NAME_LIMIT)
        address = self._address(name)
        nat = self._nat(name, address)
        self.subnet_id = self._subnet(name, nat).id
        self.address = address.output("ipAddress")
        self.register_outputs({"subnet_id": self.subnet_id})

    def _address(self, name: str) -> SlimResource:
        return self._group.make(
            "network:PublicIPAddress",
            f"{name}-nat",
            {
                "publicIpAddressName": f"{self._name}-nat",
                "publicIPAllocationMethod": "Static",
                "sku": {"name": "Standard"},
            },
            reads=("ipAddress",),
            opts=fixed_name(self),
        )

    def _nat(self, name: str, address: SlimResource) -> SlimResource:
        return self._group.make(
            "network:NatGateway",
            f"{name}-nat",
            {
                "natGatewayName": f"{self._name}-nat",
                "publicIpAddresses": [{"id": address.id}],
                "sku": {"name": "Standard"},
            },
            opts=fixed_name(self),
        )

    def _subnet(self, name: str, nat: SlimResource) -> SlimResource:
        network = self._group.make(
            "network:VirtualNetwork",
            name,
            {
                "virtualNetworkName": self._name,
                "addressSpace": {"addressPrefixes": [NETWORK_CIDR]},
            },
            reads=("name",),
            opts=fixed_name(self),
        )
        return SlimResource(
            "azure-native:network:Subnet",
            f"{name}-nodes",
            {
                "resourceGroupName": self._group.name,
                "virtualNetworkName": network.output("name"),
                "subnetName": "nodes",
                "addressPrefix": NODES_CIDR,
                "natGateway": {"id": nat.id},
            },
            opts=fixed_name(self),
        )
