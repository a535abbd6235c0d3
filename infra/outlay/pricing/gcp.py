"""Prices of GCP resources."""

from __future__ import annotations

import re

from outlay.catalog import Market
from outlay.pricing.disks import Disk, disk_hour
from outlay.pricing.inputs import Inputs, NoPriceError
from outlay.pricing.metered import GB, GB_MONTH, Meter, by_use, with_use
from outlay.pricing.rates import Rates
from outlay.pricing.rules import (
    Nodes,
    NodeType,
    Request,
    Rule,
    Service,
    disk_line,
    first_region,
    fixed,
    free,
    pool_cost,
    reserved_cost,
    together,
)
from outlay.pricing.types import Category, Cost, Free

PROVIDER = "gcp"
CONTROL_PLANE = Service(
    provider=PROVIDER,
    service="control_plane",
    what="GKE control plane",
    category=Category.MANAGEMENT,
)
NAT = Service(
    provider=PROVIDER,
    service="nat_gateway",
    what="Cloud NAT at its hourly cap",
    category=Category.NETWORK,
)
ADDRESS = Service(
    provider=PROVIDER,
    service="public_ipv4",
    what="external IPv4 address",
    category=Category.NETWORK,
)
FORWARDING_RULE = Service(
    provider=PROVIDER, service="load_balancer", what="forwarding rule", category=Category.NETWORK
)

USUAL_DISK = "pd-balanced"
# Source: GKE node pool reference, diskSizeGb; diskType defaults to pd-balanced.
DEFAULT_NODE_DISK_GIB = 100
ZONE = re.compile(r"([a-z]+(?:-[a-z]+)+\d+)-[a-z]")
UNPRICED_NODE_FIELDS = {
    "confidentialNodes": "confidential nodes have no price",
    "ephemeralStorageLocalSsdConfig": "local SSDs have no price",
    "flexStart": "Flex-start nodes have no price",
    "localNvmeSsdBlockConfig": "local SSDs have no price",
    "localSsdCount": "local SSDs have no price",
    "secondaryBootDisks": "their size comes from an image; they have no price",
    "soleTenantConfig": "sole-tenant nodes have no price",
}


def as_region(location: str) -> str:
    """Return the region of a zone, or the region itself; full resource paths are cut."""
    name = location.rsplit("/", 1)[-1]
    zone = ZONE.fullmatch(name)
    return zone[1] if zone else name


def is_zone(location: str) -> bool:
    """Whether the location is one zone."""
    return ZONE.fullmatch(location.rsplit("/", 1)[-1]) is not None


def region(request: Request) -> str:
    """Return the region that the inputs or the provider name."""
    return as_region(first_region(request, ("location", "zone", "region")))


def cluster(request: Request) -> Cost:
    """Price the control plane; nodes must come from node pools of their own."""
    inputs = request.inputs
    inputs.refuse({"nodePools": "inline pools have no price rule; declare gcp:container/nodePool"})
    if inputs.flag("enableAutopilot"):
        raise NoPriceError("enableAutopilot: Autopilot charges by the pod, which has no price rule")
    if inputs.child("clusterAutoscaling").flag("enabled"):
        raise NoPriceError("clusterAutoscaling.enabled: GKE would create node pools by itself")
    if not inputs.flag("removeDefaultNodePool"):
        raise NoPriceError(
            "removeDefaultNodePool is not set: the default pool's nodes have no price rule"
        )
    return fixed(CONTROL_PLANE.line(request.rates, region=region(request)))


def node_pool(request: Request) -> Cost:
    """Price a node pool with its disks, in all its zones, between its minimum and maximum size."""
    inputs, config = request.inputs, request.inputs.child("nodeConfig")
    config.refuse(UNPRICED_NODE_FIELDS)
    inputs.refuse({"queuedProvisioning": "Flex-start nodes have no price"})
    image = config.optional_text("imageType") or ""
    if image.upper().startswith("WINDOWS"):
        raise NoPriceError(
            f"{config.where('imageType')} {image}: the licence of Windows has no price"
        )
    node = NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=(_machine(request.rates, config),),
        market=_pool_market(config),
        disks=(_node_disk(config),),
    )
    return pool_cost(request.rates, node, _pool_nodes(inputs))


def _machine(rates: Rates, config: Inputs) -> str:
    """Return the catalogue's name: attached GPUs belong to it unless the machine type brings them."""
    machine = config.text("machineType")
    attached = config.children("guestAccelerators")
    if not attached or rates.is_gpu(provider=PROVIDER, instance_type=machine):
        return machine
    if len(attached) > 1:
        raise NoPriceError(
            f"{config.where('guestAccelerators')}: several kinds on one node have no price"
        )
    if attached[0].given("gpuPartitionSize"):
        raise NoPriceError(
            f"{attached[0].where('gpuPartitionSize')}: slices of attached GPUs have no price"
        )
    kind = attached[0].text("type").rsplit("/", 1)[-1]
    return f"{machine}+{attached[0].count('count')}x{kind}"


def _pool_market(config: Inputs) -> Market:
    return Market.SPOT if config.flag("spot") or config.flag("preemptible") else Market.ON_DEMAND


def _node_disk(config: Inputs) -> Disk:
    boot = config.child("bootDisk")
    kind = boot.optional_text("diskType") or config.optional_text("diskType") or USUAL_DISK
    gib = boot.optional_count("sizeGb") or config.optional_count("diskSizeGb")
    return Disk(
        provider=PROVIDER,
        kind=kind,
        gib=gib or DEFAULT_NODE_DISK_GIB,
        iops=boot.optional_count("provisionedIops"),
        mib_per_s=boot.optional_count("provisionedThroughput"),
    )


def _disk(disk: Inputs) -> Disk:
    return Disk(
        provider=PROVIDER,
        kind=disk.text("type").rsplit("/", 1)[-1],
        gib=disk.count("size"),
        iops=disk.optional_count("provisionedIops"),
        mib_per_s=disk.optional_count("provisionedThroughput"),
    )


def _pool_nodes(inputs: Inputs) -> Nodes:
    declared = _declared_nodes(inputs)
    if not inputs.given("autoscaling"):
        if declared is None:
            raise NoPriceError("nodeCount is missing")
        return Nodes.exactly(declared)
    scaling = inputs.child("autoscaling")
    if scaling.given("totalMaxNodeCount"):
        low = scaling.optional_count("totalMinNodeCount") or 0
        return Nodes.between(low, scaling.count("totalMaxNodeCount"), declared=declared)
    zones = _zones(inputs)
    low = (scaling.optional_count("minNodeCount") or 0) * zones
    return Nodes.between(low, scaling.count("maxNodeCount") * zones, declared=declared)


def _declared_nodes(inputs: Inputs) -> int | None:
    per_zone = inputs.optional_count("nodeCount")
    if per_zone is None:
        per_zone = inputs.optional_count("initialNodeCount")
    return None if per_zone is None else per_zone * _zones(inputs)


def _zones(inputs: Inputs) -> int:
    zones = inputs.length("nodeLocations")
    if zones:
        return zones
    if is_zone(inputs.optional_text("location") or ""):
        return 1
    raise NoPriceError(
        "nodeLocations is missing: a regional pool runs its node count in each of its zones"
    )


def instance(request: Request) -> Cost:
    """Price a VM with its boot disk and its ephemeral external addresses."""
    inputs = request.inputs
    inputs.refuse({"scratchDisks": "local SSDs have no price"})
    where = region(request)
    node = NodeType(
        provider=PROVIDER,
        region=where,
        instance_types=(_machine(request.rates, inputs),),
        market=_instance_market(inputs.child("scheduling")),
        disks=_boot_disks(inputs.child("bootDisk")),
    )
    cost = pool_cost(request.rates, node, Nodes.exactly(1))
    addresses = _ephemeral_addresses(inputs)
    if addresses == 0:
        return cost
    return together((cost, fixed(ADDRESS.line(request.rates, region=where, quantity=addresses))))


def _instance_market(scheduling: Inputs) -> Market:
    model = scheduling.optional_text("provisioningModel") or "STANDARD"
    if model == "SPOT" or scheduling.flag("preemptible"):
        return Market.SPOT
    if model != "STANDARD":
        raise NoPriceError(f"{scheduling.where('provisioningModel')} {model} has no price rule")
    return Market.ON_DEMAND


def _boot_disks(disk: Inputs) -> tuple[Disk, ...]:
    if disk.given("source"):
        return ()  # an existing disk, declared and priced on its own
    return (_disk(disk.child("initializeParams")),)


def _ephemeral_addresses(inputs: Inputs) -> int:
    # A natIp is an address that was reserved, and is priced, as gcp:compute/address.
    return sum(
        not access.given("natIp")
        for interface in inputs.children("networkInterfaces")
        for access in interface.children("accessConfigs")
    )


def disk(request: Request) -> Cost:
    """Price a disk in one zone."""
    asked = _disk(request.inputs)
    usd = disk_hour(request.rates, asked, region=region(request))
    return fixed(disk_line(usd, gib=asked.gib, count=1))


def router_nat(request: Request) -> Cost:
    """Price Cloud NAT at its hourly cap; with automatic addresses, one comes with it."""
    where = region(request)
    gateway = NAT.line(request.rates, region=where)
    if request.inputs.optional_text(
        "natIpAllocateOption"
    ) == "MANUAL_ONLY" or request.inputs.length("natIps"):
        return fixed(gateway)
    return fixed(gateway, ADDRESS.line(request.rates, region=where))


def address(request: Request) -> Cost | Free:
    """Price an external address; internal ones are free."""
    if request.inputs.optional_text("addressType") == "INTERNAL":
        return Free(reason="internal addresses are not charged")
    return fixed(ADDRESS.line(request.rates, region=region(request)))


def global_address(request: Request) -> Cost | Free:
    """Price a global external address; those of a private range are free."""
    if request.inputs.optional_text("addressType") == "INTERNAL":
        return Free(reason="internal addresses are not charged")
    return fixed(ADDRESS.line(request.rates, region="global"))


def forwarding_rule(request: Request) -> Cost:
    """Price a load balancer's forwarding rule at the rate of the first five."""
    return fixed(FORWARDING_RULE.line(request.rates, region=region(request)))


def global_forwarding_rule(request: Request) -> Cost:
    """Price a global forwarding rule at the rate of the first five."""
    return fixed(FORWARDING_RULE.line(request.rates, region="global"))


def reservation(request: Request) -> Cost:
    """Price reserved machines at the rate of running ones, whether or not anything runs on them."""
    specific = request.inputs.child("specificReservation")
    machine = specific.child("instanceProperties")
    machine.refuse({"localSsds": "local SSDs have no price"})
    node = NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=(_reserved_machine(request.rates, machine),),
        market=Market.ON_DEMAND,
    )
    return reserved_cost(request.rates, node, specific.count("count"))


def _reserved_machine(rates: Rates, machine: Inputs) -> str:
    name = machine.text("machineType")
    attached = machine.children("guestAccelerators")
    if not attached or rates.is_gpu(provider=PROVIDER, instance_type=name):
        return name
    if len(attached) > 1:
        raise NoPriceError(
            f"{machine.where('guestAccelerators')}: several kinds on one machine have no price"
        )
    kind = attached[0].text("acceleratorType").rsplit("/", 1)[-1]
    return f"{name}+{attached[0].count('acceleratorCount')}x{kind}"


NAT_DATA = Meter(provider=PROVIDER, what="data through NAT", unit=GB, service="nat_data")
LOGS = Meter(provider=PROVIDER, what="logs taken in", unit=GB, service="log_ingestion")
OBJECTS = Meter(provider=PROVIDER, what="objects kept", unit=GB_MONTH, service="object_storage")
IMAGES = Meter(provider=PROVIDER, what="images kept", unit=GB_MONTH)
BALANCED = Meter(provider=PROVIDER, what="data through the load balancer", unit=GB)

RULES: dict[str, Rule] = {
    "gcp:artifactregistry/repository": by_use(IMAGES, region=region),
    "gcp:storage/bucket": by_use(OBJECTS, region=region),
    "gcp:compute/instanceTemplate": free("a template; what is started from it is priced"),
    "gcp:compute/reservation": reservation,
    "gcp:container/cluster": with_use(cluster, LOGS, region=region),
    "gcp:container/nodePool": node_pool,
    "gcp:compute/instance": instance,
    "gcp:compute/disk": disk,
    "gcp:compute/routerNat": with_use(router_nat, NAT_DATA, region=region),
    "gcp:compute/address": address,
    "gcp:compute/globalAddress": global_address,
    "gcp:compute/forwardingRule": with_use(forwarding_rule, BALANCED, region=region),
    "gcp:compute/globalForwardingRule": with_use(global_forwarding_rule, BALANCED, region=region),
}
