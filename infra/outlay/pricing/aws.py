"""Prices of AWS resources."""

from __future__ import annotations

import re

from outlay.catalog import Market
from outlay.pricing.inputs import Inputs, NoPriceError
from outlay.pricing.rules import (
    Nodes,
    NodeType,
    Request,
    Rule,
    Service,
    amount,
    disk_line,
    first_region,
    fixed,
    free,
    pool_cost,
    reserved_cost,
    together,
)
from outlay.pricing.types import Category, Cost, Free

PROVIDER = "aws"
CONTROL_PLANE = Service(
    provider=PROVIDER,
    service="control_plane",
    what="EKS control plane",
    category=Category.MANAGEMENT,
)
NAT = Service(
    provider=PROVIDER, service="nat_gateway", what="NAT gateway", category=Category.NETWORK
)
ADDRESS = Service(
    provider=PROVIDER, service="public_ipv4", what="public IPv4 address", category=Category.NETWORK
)
LOAD_BALANCER = Service(
    provider=PROVIDER, service="load_balancer", what="load balancer", category=Category.NETWORK
)

MARKETS = {"ON_DEMAND": Market.ON_DEMAND, "SPOT": Market.SPOT}
# Source: Amazon EKS CreateNodegroup, diskSize.
DEFAULT_DISK_GIB = 20
# Source: Amazon EBS pricing; gp3 includes these, more costs extra.
GP3_IOPS, GP3_MIB_PER_S = 3000, 125
ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d+)[a-z]")


def region(request: Request) -> str:
    """Return the region that the inputs or the provider name; a zone counts as its region."""
    named = first_region(request, ("region", "availabilityZone"))
    zone = ZONE.fullmatch(named)
    return zone[1] if zone else named


def _service(service: Service) -> Rule:
    return lambda request: fixed(service.line(request.rates, region=region(request)))


def eks_cluster(request: Request) -> Cost:
    """Price the control plane, at the rate of a version in standard support."""
    if request.inputs.child("computeConfig").flag("enabled"):
        raise NoPriceError(
            "computeConfig.enabled: Auto Mode starts nodes by itself and adds a fee to each"
        )
    return fixed(CONTROL_PLANE.line(request.rates, region=region(request)))


def node_group(request: Request) -> Cost:
    """Price a managed node group with its disks, between its minimum and maximum size."""
    inputs = request.inputs
    inputs.refuse(
        {
            "launchTemplate": "sets disks and perhaps the instance type out of this rule's sight;"
            " use instanceTypes and diskSize",
            "warmPoolConfig": "warm nodes have no price rule",
        }
    )
    image = inputs.optional_text("amiType") or ""
    if image.startswith("WINDOWS"):
        raise NoPriceError(f"amiType {image}: the licence of Windows has no price")
    types = inputs.texts("instanceTypes")
    if not types:
        raise NoPriceError("instanceTypes is missing")
    node = NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=types,
        market=_capacity_market(inputs),
        disk_gib=inputs.optional_count("diskSize") or DEFAULT_DISK_GIB,
    )
    return pool_cost(request.rates, node, _scaling(inputs.child("scalingConfig")))


def _capacity_market(inputs: Inputs) -> Market:
    capacity = inputs.optional_text("capacityType") or "ON_DEMAND"
    if capacity not in MARKETS:
        raise NoPriceError(f"capacityType {capacity} has no price rule")
    return MARKETS[capacity]


def _scaling(scaling: Inputs) -> Nodes:
    return Nodes.between(
        scaling.count("minSize"), scaling.count("maxSize"), declared=scaling.count("desiredSize")
    )


def instance(request: Request) -> Cost:
    """Price an instance with its disks; a public address that only the subnet decides is left out."""
    inputs = request.inputs
    inputs.refuse(
        {
            "launchTemplate": "sets fields out of this rule's sight; set them on the instance",
            "hostId": "dedicated hosts have no price rule",
            "hostResourceGroupArn": "dedicated hosts have no price rule",
        }
    )
    if (inputs.optional_text("tenancy") or "default") != "default":
        raise NoPriceError("tenancy: only shared hardware (default) has a price rule")
    node = NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=(inputs.text("instanceType"),),
        market=_instance_market(inputs),
        disk_gib=sum(
            _gp3_gib(disk, size="volumeSize", kind="volumeType") for disk in _disks(inputs)
        ),
    )
    cost = pool_cost(request.rates, node, Nodes.exactly(1))
    if not inputs.flag("associatePublicIpAddress"):
        return cost
    return together((cost, fixed(ADDRESS.line(request.rates, region=node.region))))


def _disks(inputs: Inputs) -> tuple[Inputs, ...]:
    # Without volumeSize the root disk's size comes from the image, which nobody here can see.
    return (inputs.child("rootBlockDevice"), *inputs.children("ebsBlockDevices"))


def _instance_market(inputs: Inputs) -> Market:
    if not inputs.given("instanceMarketOptions"):
        return Market.ON_DEMAND
    market = inputs.child("instanceMarketOptions").text("marketType")
    if market != "spot":
        raise NoPriceError(f"instanceMarketOptions.marketType {market} has no price rule")
    return Market.SPOT


def _gp3_gib(disk: Inputs, *, size: str, kind: str) -> int:
    if disk.text(kind) != "gp3":
        raise NoPriceError(f"{disk.where(kind)} {disk.text(kind)}: only gp3 has a price")
    if (disk.optional_count("iops") or 0) > GP3_IOPS:
        raise NoPriceError(
            f"{disk.where('iops')}: more than {GP3_IOPS} costs extra and has no price"
        )
    if (disk.optional_count("throughput") or 0) > GP3_MIB_PER_S:
        raise NoPriceError(
            f"{disk.where('throughput')}: more than {GP3_MIB_PER_S} MiB/s costs extra and has no price"
        )
    return disk.count(size)


def volume(request: Request) -> Cost:
    """Price a gp3 volume."""
    gib = _gp3_gib(request.inputs, size="size", kind="type")
    usd = amount(request.rates.disk_hour(provider=PROVIDER, region=region(request), gib=gib))
    return fixed(disk_line(usd, gib=gib, count=1))


def load_balancer(request: Request) -> Cost:
    """Price the standing hours, and one address per subnet when it faces the internet."""
    inputs = request.inputs
    kind = inputs.optional_text("loadBalancerType") or "application"
    if kind not in ("application", "network"):
        raise NoPriceError(f"loadBalancerType {kind} has no price")
    where = region(request)
    lines = [LOAD_BALANCER.line(request.rates, region=where)]
    if not inputs.flag("internal"):
        zones = inputs.length("subnets") + inputs.length("subnetMappings")
        if zones == 0:
            raise NoPriceError("subnets is missing: each one brings a public IPv4 address")
        lines.append(ADDRESS.line(request.rates, region=where, quantity=zones))
    return fixed(*lines)


def vpc_endpoint(request: Request) -> Free:
    """Tell gateway endpoints, which are free, from interface endpoints, which no price covers."""
    kind = request.inputs.optional_text("vpcEndpointType") or "Gateway"
    if kind != "Gateway":
        raise NoPriceError(f"vpcEndpointType {kind} has no price")
    return Free(reason="gateway endpoints are not charged")


def capacity_reservation(request: Request) -> Cost:
    """Price reserved instances at the rate of running ones, whether or not anything runs on them."""
    inputs = request.inputs
    inputs.refuse({"outpostArn": "Outposts have no price rule"})
    if (inputs.optional_text("tenancy") or "default") != "default":
        raise NoPriceError("tenancy: only shared hardware (default) has a price rule")
    if inputs.text("instancePlatform") != "Linux/UNIX":
        raise NoPriceError("instancePlatform: only Linux/UNIX has a price")
    node = NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=(inputs.text("instanceType"),),
        market=Market.ON_DEMAND,
        disk_gib=0,
    )
    return reserved_cost(request.rates, node, inputs.count("instanceCount"))


def autoscaling_group(_request: Request) -> Cost:
    """Refuse a group whose machines are chosen in a launch template or by weights."""
    raise NoPriceError(
        "its launch template and overrides choose the machines out of this rule's sight;"
        " use an EKS node group with instanceTypes"
    )


def capacity_block(_request: Request) -> Cost:
    """Refuse a capacity block: it is paid in advance, at a price that only its offering tells."""
    raise NoPriceError(
        "a capacity block is paid in advance, at a price that only its offering tells"
    )


RULES: dict[str, Rule] = {
    "aws:autoscaling/group": autoscaling_group,
    "aws:ec2/capacityBlockReservation": capacity_block,
    "aws:ec2/capacityReservation": capacity_reservation,
    "aws:eks/cluster": eks_cluster,
    "aws:eks/nodeGroup": node_group,
    "aws:ec2/instance": instance,
    "aws:ec2/natGateway": _service(NAT),
    "aws:ec2/eip": _service(ADDRESS),
    "aws:ec2/vpcEndpoint": vpc_endpoint,
    "aws:ebs/volume": volume,
    "aws:lb/loadBalancer": load_balancer,
    "aws:alb/loadBalancer": load_balancer,
    "aws:ec2/launchTemplate": free("a template; what is started from it is priced"),
}
