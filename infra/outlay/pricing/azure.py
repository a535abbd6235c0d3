"""Prices of Azure resources (the azure-native provider)."""

from __future__ import annotations

from outlay.catalog import Market
from outlay.pricing.disks import PREMIUM, Disk
from outlay.pricing.inputs import Inputs, NoPriceError
from outlay.pricing.metered import GB, GB_MONTH, Meter, by_use, with_use
from outlay.pricing.rules import (
    Nodes,
    NodeType,
    Request,
    Rule,
    Service,
    first_region,
    fixed,
    pool_cost,
    reserved_cost,
    together,
)
from outlay.pricing.types import Category, Cost, CostLine, Free

PROVIDER = "azure"
CONTROL_PLANE = Service(
    provider=PROVIDER,
    service="control_plane",
    what="AKS standard control plane",
    category=Category.MANAGEMENT,
)
PREMIUM_CONTROL_PLANE = Service(
    provider=PROVIDER,
    service="control_plane_premium",
    what="AKS premium control plane",
    category=Category.MANAGEMENT,
)
CONTROL_PLANES = {"Standard": CONTROL_PLANE, "Premium": PREMIUM_CONTROL_PLANE}
NAT = Service(
    provider=PROVIDER, service="nat_gateway", what="NAT gateway", category=Category.NETWORK
)
ADDRESS = Service(
    provider=PROVIDER, service="public_ipv4", what="public IPv4 address", category=Category.NETWORK
)
LOAD_BALANCER = Service(
    provider=PROVIDER, service="load_balancer", what="load balancer", category=Category.NETWORK
)
MARKETS = {"Regular": Market.ON_DEMAND, "Spot": Market.SPOT}
# Source: Azure Load Balancer pricing; each further rule costs extra.
INCLUDED_RULES = 5
# What AKS builds by itself for the way out. Source: AKS documentation, outboundType.
OUTBOUND = {
    "loadBalancer": (LOAD_BALANCER, ADDRESS),
    "managedNATGateway": (NAT, ADDRESS),
    "userAssignedNATGateway": (),
    "userDefinedRouting": (),
    "none": (),
}
# How many addresses AKS makes for that, if not one.
MANAGED_ADDRESSES = (
    ("loadBalancerProfile", "managedOutboundIPs"),
    ("natGatewayProfile", "managedOutboundIPProfile"),
)


def region(request: Request) -> str:
    """Return the region that the inputs or the provider name, as `eastus`."""
    return first_region(request, ("location",)).replace(" ", "").lower()


def _service(service: Service) -> Rule:
    return lambda request: fixed(service.line(request.rates, region=region(request)))


def managed_cluster(request: Request) -> Cost:
    """Price the control plane, what AKS builds for the way out, and the inline agent pools."""
    where = region(request)
    _check_by_itself(request.inputs)
    pools = request.inputs.children("agentPoolProfiles")
    standing = fixed(*_control_plane(request, where), *_outbound(request, where))
    return together((standing, *(_pool(request, pool, where) for pool in pools)))


def _check_by_itself(inputs: Inputs) -> None:
    """Refuse clusters that start nodes of their own choice."""
    if inputs.child("sku").optional_text("name") == "Automatic":
        raise NoPriceError("sku.name Automatic: AKS would start nodes by itself")
    mode = inputs.child("nodeProvisioningProfile").optional_text("mode") or "Manual"
    if mode != "Manual":
        raise NoPriceError(f"nodeProvisioningProfile.mode {mode}: AKS would start nodes by itself")


def _control_plane(request: Request, where: str) -> tuple[CostLine, ...]:
    tier = request.inputs.child("sku").optional_text("tier") or "Free"
    if tier == "Free":
        return ()
    if tier not in CONTROL_PLANES:
        raise NoPriceError(f"sku.tier {tier} has no price")
    return (CONTROL_PLANES[tier].line(request.rates, region=where),)


def _outbound(request: Request, where: str) -> tuple[CostLine, ...]:
    network = request.inputs.child("networkProfile")
    for profile, addresses in MANAGED_ADDRESSES:
        network.child(profile).refuse({addresses: "more public addresses have no price rule"})
    kind = network.optional_text("outboundType") or "loadBalancer"
    if kind not in OUTBOUND:
        raise NoPriceError(f"networkProfile.outboundType {kind} has no price rule")
    return tuple(service.line(request.rates, region=where) for service in OUTBOUND[kind])


def agent_pool(request: Request) -> Cost:
    """Price an agent pool with its disks, between its minimum and maximum size."""
    return _pool(request, request.inputs, region(request))


def _pool(request: Request, pool: Inputs, where: str) -> Cost:
    pool.refuse(
        {
            "virtualMachinesProfile": "pools of single machines have no price rule",
            "enableNodePublicIP": "the nodes' public addresses have no price rule",
            "hostGroupID": "dedicated hosts have no price rule",
        }
    )
    system = pool.optional_text("osType") or "Linux"
    if system != "Linux":
        raise NoPriceError(f"{pool.where('osType')} {system}: its licence has no price")
    priority = pool.optional_text("scaleSetPriority") or "Regular"
    if priority not in MARKETS:
        raise NoPriceError(f"{pool.where('scaleSetPriority')} {priority} has no price rule")
    node = NodeType(
        provider=PROVIDER,
        region=where,
        instance_types=(pool.text("vmSize"),),
        market=MARKETS[priority],
        disks=_disks(pool),
    )
    return pool_cost(request.rates, node, _nodes(pool))


def _disks(pool: Inputs) -> tuple[Disk, ...]:
    # An ephemeral disk lies on the machine itself. The other kind is a Premium SSD wherever the
    # machine takes one, which all machines of the price book do.
    kind = pool.text("osDiskType")
    if kind == "Ephemeral":
        return ()
    if kind != "Managed":
        raise NoPriceError(f"{pool.where('osDiskType')} {kind} has no price rule")
    return (Disk(provider=PROVIDER, kind=PREMIUM, gib=pool.count("osDiskSizeGB")),)


def _nodes(pool: Inputs) -> Nodes:
    if not pool.flag("enableAutoScaling"):
        return Nodes.exactly(pool.count("count"))
    declared = pool.optional_count("count")
    return Nodes.between(pool.count("minCount"), pool.count("maxCount"), declared=declared)


def capacity_reservation(request: Request) -> Cost:
    """Price reserved machines at the rate of running ones, whether or not anything runs on them."""
    sku = request.inputs.child("sku")
    node = NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=(sku.text("name"),),
        market=Market.ON_DEMAND,
    )
    return reserved_cost(request.rates, node, sku.count("capacity"))


def load_balancer(request: Request) -> Cost | Free:
    """Price the hours of a standard load balancer with its first five rules; the basic one is free."""
    name = request.inputs.child("sku").optional_text("name") or "Basic"
    if name == "Basic":
        return Free(reason="basic load balancers are not charged")
    if name != "Standard":
        raise NoPriceError(f"sku.name {name} has no price")
    rules = request.inputs.length("loadBalancingRules") + request.inputs.length("outboundRules")
    if rules > INCLUDED_RULES:
        raise NoPriceError(f"more than {INCLUDED_RULES} rules cost extra and have no price")
    return fixed(LOAD_BALANCER.line(request.rates, region=region(request)))


NAT_DATA = Meter(provider=PROVIDER, what="data through NAT", unit=GB, service="nat_data")
OBJECTS = Meter(provider=PROVIDER, what="objects kept", unit=GB_MONTH, service="object_storage")
BALANCED = Meter(provider=PROVIDER, what="data through the load balancer", unit=GB)

RULES: dict[str, Rule] = {
    "azure-native:storage:StorageAccount": by_use(OBJECTS, region=region),
    "azure-native:compute:CapacityReservation": capacity_reservation,
    "azure-native:network:LoadBalancer": with_use(load_balancer, BALANCED, region=region),
    "azure-native:containerservice:ManagedCluster": managed_cluster,
    "azure-native:containerservice:AgentPool": agent_pool,
    "azure-native:network:NatGateway": with_use(_service(NAT), NAT_DATA, region=region),
    "azure-native:network:PublicIPAddress": _service(ADDRESS),
}
