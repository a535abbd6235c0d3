"""A VPC for one cluster: nodes in private subnets, one way out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi

from outlay.clouds.aws.zones import zone_ids
from outlay.clouds.base import fixed_name
from outlay.clouds.slim import SlimResource

VPC_CIDR = IPv4Network("10.0.0.0/16")
# One /19 (8,190 addresses) a zone for nodes and pods, from the start; /24s for gateways, from the end.
PRIVATE_PREFIX = 19
PUBLIC_PREFIX = 24
ANYWHERE = "0.0.0.0/0"
# By these tags EKS finds the subnets for load balancers.
ROLE_TAGS = {"public": "kubernetes.io/role/elb", "private": "kubernetes.io/role/internal-elb"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkArgs:
    """Where the network lies; one private and one public subnet a zone."""

    region: str
    zone_ids: tuple[str, ...]
    tags: Mapping[str, str]


class Network(pulumi.ComponentResource):
    """VPC, subnets, routes, one NAT gateway with one address, a free gateway to S3.

    One NAT gateway, not one a zone: it carries image pulls and model downloads, no answers, and the
    Plan counts one. Lost with its zone, running pods go on serving.
    """

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("outlay:aws:Network", name, None, opts)
        self._name = name
        self._args = args
        vpc = self._make(
            "vpc:Vpc", name, cidrBlock=str(VPC_CIDR), enableDnsHostnames=True, enableDnsSupport=True
        )
        self._vpc_id = vpc.id
        public = self._subnets("public", public_cidrs())
        private = self._subnets("private", private_cidrs())
        gateway = self._make("internetGateway:InternetGateway", name, vpcId=vpc.id)
        nat = self._nat_gateway(public[0], after=gateway)
        self._routes("public", public, gatewayId=gateway.id)
        self._s3_endpoint(self._routes("private", private, natGatewayId=nat.id))
        self.subnet_ids: dict[str, pulumi.Output[str]] = {
            zone: subnet.id for zone, subnet in zip(args.zone_ids, private, strict=True)
        }
        self.register_outputs({"vpcId": vpc.id})

    def _make(
        self,
        kind: str,
        name: str,
        *,
        after: pulumi.Resource | None = None,
        more_tags: Mapping[str, str] | None = None,
        **properties: Any,
    ) -> SlimResource:
        """Declare a tagged EC2 resource; AWS knows most of them by the tag Name alone."""
        tags = {**self._args.tags, "Name": name, **(more_tags or {})}
        return self._untagged(kind, name, after=after, tags=tags, **properties)

    def _untagged(
        self, kind: str, name: str, *, after: pulumi.Resource | None = None, **properties: Any
    ) -> SlimResource:
        return SlimResource(
            f"aws:ec2/{kind}",
            name,
            {"region": self._args.region, **properties},
            opts=fixed_name(self, depends_on=[after] if after else []),
        )

    def _subnets(self, kind: str, cidrs: list[IPv4Network]) -> list[SlimResource]:
        # By its place among all zones of the region, so that one more zone moves no other's range.
        place = zone_ids(self._args.region).index
        return [
            self._make(
                "subnet:Subnet",
                f"{self._name}-{kind}-{zone}",
                vpcId=self._vpc_id,
                cidrBlock=str(cidrs[place(zone)]),
                availabilityZoneId=zone,
                more_tags={ROLE_TAGS[kind]: "1"},
            )
            for zone in self._args.zone_ids
        ]

    def _nat_gateway(self, subnet: SlimResource, *, after: SlimResource) -> SlimResource:
        name = f"{self._name}-nat"
        address = self._make("eip:Eip", name, domain="vpc")
        return self._make(
            "natGateway:NatGateway",
            name,
            allocationId=address.id,
            subnetId=subnet.id,
            after=after,
        )

    def _routes(self, kind: str, subnets: list[SlimResource], **target: Any) -> SlimResource:
        """Send a kind of subnets out through a gateway; return their route table."""
        name = f"{self._name}-{kind}"
        table = self._make("routeTable:RouteTable", name, vpcId=self._vpc_id)
        self._untagged(
            "route:Route", name, routeTableId=table.id, destinationCidrBlock=ANYWHERE, **target
        )
        for zone, subnet in zip(self._args.zone_ids, subnets, strict=True):
            self._untagged(
                "routeTableAssociation:RouteTableAssociation",
                f"{name}-{zone}",
                routeTableId=table.id,
                subnetId=subnet.id,
            )
        return table

    def _s3_endpoint(self, table: SlimResource) -> None:
        """Keep image layers, which ECR serves from S3, off the NAT gateway's bill."""
        self._make(
            "vpcEndpoint:VpcEndpoint",
            f"{self._name}-s3",
            vpcId=self._vpc_id,
            serviceName=f"com.amazonaws.{self._args.region}.s3",
            vpcEndpointType="Gateway",
            routeTableIds=[table.id],
        )


def private_cidrs() -> list[IPv4Network]:
    """Return the ranges of private subnets, in the order of the region's zones."""
    return list(VPC_CIDR.subnets(new_prefix=PRIVATE_PREFIX))[:-1]


def public_cidrs() -> list[IPv4Network]:
    """Return the ranges of public subnets, out of the last private-sized block."""
    last = list(VPC_CIDR.subnets(new_prefix=PRIVATE_PREFIX))[-1]
    return list(last.subnets(new_prefix=PUBLIC_PREFIX))
