"""A network for one cluster: private nodes, one way out through one static address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from outlay.clouds.base import fixed_name
from outlay.clouds.names import shortened
from outlay.clouds.slim import SlimResource

NAME_LIMIT = 63
# 4,094 nodes, 512 nodes' pods at GKE's /24 a node, 4,096 services.
NODES_CIDR = "10.0.0.0/20"
PODS_CIDR = "10.4.0.0/15"
SERVICES_CIDR = "10.8.0.0/20"
PODS_RANGE = "pods"
SERVICES_RANGE = "services"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkArgs:
    """Where the network lies; only its address takes labels."""

    project: str
    region: str
    labels: Mapping[str, str]


class Network(pulumi.ComponentResource):
    """Network, subnetwork with ranges for pods and services, router, NAT with one address."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("outlay:gcp:Network", name, None, opts)
        self._args = args
        network = self._make(
            "network:Network",
            name,
            autoCreateSubnetworks=False,
            routingMode="REGIONAL",
        )
        self.network = network.output("selfLink")
        self.subnetwork = self._subnetwork(name)
        self._nat(name)
        self.register_outputs({"network": self.network})

    def _make(self, kind: str, name: str, **properties: Any) -> SlimResource:
        return SlimResource(
            f"gcp:compute/{kind}",
            name,
            {
                "name": shortened(name, limit=NAME_LIMIT),
                "project": self._args.project,
                **properties,
            },
            reads=("selfLink",),
            opts=fixed_name(self),
        )

    def _subnetwork(self, name: str) -> pulumi.Output[str]:
        ranges = {PODS_RANGE: PODS_CIDR, SERVICES_RANGE: SERVICES_CIDR}
        subnetwork = self._make(
            "subnetwork:Subnetwork",
            name,
            region=self._args.region,
            network=self.network,
            ipCidrRange=NODES_CIDR,
            secondaryIpRanges=[
                {"rangeName": range_name, "ipCidrRange": cidr}
                for range_name, cidr in ranges.items()
            ],
            privateIpGoogleAccess=True,
        )
        return subnetwork.output("selfLink")

    def _nat(self, name: str) -> None:
        """Declare the way out; its address is reserved here, so that its cost is seen and fixed."""
        region = self._args.region
        address = self._make(
            "address:Address",
            f"{name}-nat",
            region=region,
            addressType="EXTERNAL",
            labels=dict(self._args.labels),
        )
        router = self._make("router:Router", name, region=region, network=self.network)
        self._make(
            "routerNat:RouterNat",
            f"{name}-nat",
            region=region,
            router=router.output("name"),
            natIpAllocateOption="MANUAL_ONLY",
            natIps=[address.output("selfLink")],
            sourceSubnetworkIpRangesToNat="ALL_SUBNETWORKS_ALL_IP_RANGES",
        )
