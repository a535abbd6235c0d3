"""The rules of Azure that a preview can hold a program to. Source: the REST references of AKS, Network and Compute."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from sandbox.aws_rules import labels
from sandbox.catalogue import ON_DEMAND, SPOT, machines, refusal, regions
from sandbox.ledger import Usage
from sandbox.rules import Situation
from sandbox.schema import Failure, nearest
from sandbox.values import (
    UNKNOWN,
    Props,
    Unknown,
    Value,
    as_int,
    as_list,
    as_map,
    as_text,
    find,
    is_hidden,
)

PROVIDER = "azure"
GROUP_NAME = re.compile(r"[\w().-]{0,89}[\w()-]")
NETWORK_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,78}\w)?")
CLUSTER_NAME = re.compile(r"[A-Za-z0-9](?:[\w-]{0,61}[A-Za-z0-9])?")
DNS_PREFIX = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,52}[A-Za-z0-9])?")
POOL_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
IDENTITY_NAME = re.compile(r"[A-Za-z0-9][\w-]{2,127}")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
TAINT = re.compile(r"[^=:]+(?:=[^=:]*)?:(?:NoSchedule|PreferNoSchedule|NoExecute)")
REFUSED_IN_TAG = re.compile(r"[<>%&\\?/]")
KUBERNETES_VERSION = re.compile(r"1\.\d{2}(?:\.\d+)?")
RESERVED_PREFIX = "kubernetes.azure.com/"
SPOT_MARK = "kubernetes.azure.com/scalesetpriority"
SPOT_TAINT = f"{SPOT_MARK}=spot:NoSchedule"
TIERS = ("Free", "Standard", "Premium")
MODES = ("System", "User", "Gateway")
PRIORITIES = ("Regular", "Spot")
EVICTIONS = ("Delete", "Deallocate")
DRIVERS = ("Install", "None")
OUTBOUND = (
    "loadBalancer", "managedNATGateway", "userAssignedNATGateway", "userDefinedRouting", "none",
)  # fmt: skip
ZONES = ("1", "2", "3")
OS_DISK_GIB = (30, 2048)
MAX_NODES = 1000
MAX_TAGS = 50


def location_rule(situation: Situation) -> Iterator[Failure]:
    """Refuse a region that the catalogue does not know at Azure."""
    known = regions(PROVIDER)
    if situation.region != "global" and situation.region not in known:
        hint = nearest(situation.region, dict.fromkeys(known))
        yield Failure("location", f"Azure has no region {situation.region!r}{hint}")


def tag_rule(situation: Situation) -> Iterator[Failure]:
    """Refuse tags that the Resource Manager does not take."""
    tags = as_map(situation.inputs.get("tags"))
    if len(tags) > MAX_TAGS:
        yield Failure("tags", f"at most {MAX_TAGS} tags, are {len(tags)}")
    for key, text in tags.items():
        if len(key) > 512 or REFUSED_IN_TAG.search(key):
            yield Failure(
                "tags", f"{key!r} is no tag name: at most 512 characters, none of <>%&\\?/"
            )
        if len(as_text(text)) > 256:
            yield Failure(f"tags.{key}", "a tag's value has at most 256 characters")


def _named(
    situation: Situation, path: str, pattern: re.Pattern[str], what: str
) -> Iterator[Failure]:
    name = situation.text(path)
    if name and not pattern.fullmatch(name):
        yield Failure(path, f"{name!r} is not allowed: {what}")


def group(situation: Situation) -> Iterator[Failure]:
    """Check a resource group."""
    yield from location_rule(situation)
    yield from tag_rule(situation)
    yield from _named(
        situation, "resourceGroupName", GROUP_NAME,
        "1 to 90 letters, digits, ( ) . - and _, not ending in a full stop",
    )  # fmt: skip


def networked(path: str) -> Callable[[Situation], Iterator[Failure]]:
    """Return the rule of a network resource whose name stands at a path."""

    def rule(situation: Situation) -> Iterator[Failure]:
        yield from location_rule(situation)
        yield from tag_rule(situation)
        yield from _named(
            situation, path, NETWORK_NAME,
            "1 to 80 letters, digits, . - and _, from a letter or digit to no . or -",
        )  # fmt: skip
        for where in ("addressPrefix", "addressSpace.addressPrefixes[0]"):
            yield from _cidr(situation.inputs, where)

    return rule


def _cidr(inputs: Props, path: str) -> Iterator[Failure]:
    text = as_text(find(inputs, path))
    if not text:
        return
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        yield Failure(path, f"{text!r} is no address range: {error}")


def identity(situation: Situation) -> Iterator[Failure]:
    """Check a user-assigned identity."""
    yield from location_rule(situation)
    yield from tag_rule(situation)
    yield from _named(situation, "resourceName", IDENTITY_NAME, "3 to 128 letters, digits, - and _")


def role_assignment(situation: Situation) -> Iterator[Failure]:
    """Check a role assignment: its name and its principal are UUIDs."""
    for path in ("roleAssignmentName", "principalId"):
        yield from _named(situation, path, UUID, "it must be a UUID (of Entra, for a principal)")


def cluster(situation: Situation) -> Iterator[Failure]:
    """Check an AKS cluster with its inline agent pools."""
    yield from location_rule(situation)
    yield from tag_rule(situation)
    yield from _named(
        situation, "resourceName", CLUSTER_NAME,
        "1 to 63 letters, digits, - and _, from and to a letter or digit",
    )  # fmt: skip
    yield from _named(
        situation,
        "dnsPrefix",
        DNS_PREFIX,
        "1 to 54 letters, digits and -, from and to a letter or digit",
    )
    yield from _named(situation, "kubernetesVersion", KUBERNETES_VERSION, "write 1.34 or 1.34.2")
    yield from _one_of(situation.inputs, "sku.tier", TIERS)
    yield from _one_of(situation.inputs, "networkProfile.outboundType", OUTBOUND)
    if len(situation.text("nodeResourceGroup")) > 80:
        yield Failure("nodeResourceGroup", "at most 80 characters")
    yield from _access(situation.inputs)
    yield from _networks(situation.inputs)
    yield from _inline_pools(situation)


def _access(inputs: Props) -> Iterator[Failure]:
    if inputs.get("disableLocalAccounts") and not find(inputs, "aadProfile.managed"):
        yield Failure(
            "disableLocalAccounts", "needs aadProfile.managed: without either nobody could log in"
        )
    ranges = as_list(find(inputs, "apiServerAccessProfile.authorizedIPRanges"))
    for index in range(len(ranges)):
        yield from _cidr(inputs, f"apiServerAccessProfile.authorizedIPRanges[{index}]")


def _networks(inputs: Props) -> Iterator[Failure]:
    for key in ("podCidr", "serviceCidr"):
        yield from _cidr(inputs, f"networkProfile.{key}")
    services = as_text(find(inputs, "networkProfile.serviceCidr"))
    dns = as_text(find(inputs, "networkProfile.dnsServiceIP"))
    try:
        outside = (
            services and dns and ipaddress.ip_address(dns) not in ipaddress.ip_network(services)
        )
    except ValueError:
        return  # said above
    if outside:
        yield Failure("networkProfile.dnsServiceIP", f"{dns} does not lie in {services}")


def _inline_pools(situation: Situation) -> Iterator[Failure]:
    pools = as_list(situation.inputs.get("agentPoolProfiles"))
    if not any(as_map(pool).get("mode") == "System" for pool in pools) and not is_hidden(
        situation.inputs, "agentPoolProfiles"
    ):
        yield Failure("agentPoolProfiles", "a cluster needs at least one pool of mode System")
    for index, pool in enumerate(pools):
        yield from pool_rule(
            as_map(pool), f"agentPoolProfiles[{index}].", name="name", region=situation.region
        )


def agent_pool(situation: Situation) -> Iterator[Failure]:
    """Check an agent pool."""
    yield from tag_rule(situation)
    yield from pool_rule(situation.inputs, "", name="agentPoolName", region=situation.region)


def pool_rule(pool: Props, prefix: str, *, name: str, region: str) -> Iterator[Failure]:
    """Check what agent pools have in common, inline or on their own."""
    text = as_text(pool.get(name))
    if text and not POOL_NAME.fullmatch(text):
        yield Failure(
            f"{prefix}{name}",
            f"{text!r} is no pool name: 1 to 12 lower-case letters and digits, from a letter",
        )
    checks = (_sizes(pool), _machine(pool, region), _market(pool), _disk(pool), _marks(pool))
    for check in checks:
        for failure in check:
            yield Failure(f"{prefix}{failure.path}", failure.reason)


def _one_of(inputs: Props, path: str, allowed: tuple[str, ...]) -> Iterator[Failure]:
    text = as_text(find(inputs, path))
    if text and text not in allowed:
        yield Failure(path, f"{text!r} must be one of {', '.join(allowed)}")


def _sizes(pool: Props) -> Iterator[Failure]:
    count, low, high = (pool.get(key) for key in ("count", "minCount", "maxCount"))
    if UNKNOWN in (count, low, high, pool.get("enableAutoScaling")):
        return
    least = 1 if pool.get("mode") == "System" else 0
    if isinstance(count, int) and not least <= count <= MAX_NODES:
        yield Failure("count", f"must lie between {least} and {MAX_NODES}, is {count}")
    if not pool.get("enableAutoScaling"):
        if low is not None or high is not None:
            yield Failure("minCount", "minCount and maxCount need enableAutoScaling")
    elif not (isinstance(low, int) and isinstance(high, int) and least <= low <= high <= MAX_NODES):
        yield Failure(
            "minCount",
            f"an autoscaled pool needs {least} <= minCount <= maxCount <= {MAX_NODES}, are {low} and {high}",
        )
    elif isinstance(count, int) and not low <= count <= high:
        yield Failure("count", f"must lie between minCount {low} and maxCount {high}, is {count}")


def _machine(pool: Props, region: str) -> Iterator[Failure]:
    name = as_text(pool.get("vmSize"))
    if not name:
        if not isinstance(pool.get("vmSize"), Unknown):
            yield Failure("vmSize", "is required but was not given")
        return
    reason = refusal(PROVIDER, name=name, region=region, market=market(pool))
    if reason:
        yield Failure("vmSize", reason)
    machine = machines(PROVIDER).get(name)
    driver = as_text(find(pool, "gpuProfile.driver"))
    if driver and driver not in DRIVERS:
        yield Failure("gpuProfile.driver", f"{driver!r} must be one of {', '.join(DRIVERS)}")
    if driver and machine is not None and not machine.gpus:
        yield Failure("gpuProfile", f"{name} has no GPUs; leave gpuProfile out")
    for index, zone in enumerate(map(as_text, as_list(pool.get("availabilityZones")))):
        if zone and zone not in ZONES:
            yield Failure(
                f"availabilityZones[{index}]", f"{zone!r} must be one of {', '.join(ZONES)}"
            )


def market(pool: Props) -> str:
    """Return the market that an agent pool buys in."""
    return SPOT if pool.get("scaleSetPriority") == "Spot" else ON_DEMAND


def _market(pool: Props) -> Iterator[Failure]:
    yield from _one_of(pool, "mode", MODES)
    yield from _one_of(pool, "scaleSetPriority", PRIORITIES)
    yield from _one_of(pool, "scaleSetEvictionPolicy", EVICTIONS)
    if isinstance(pool.get("scaleSetPriority"), Unknown):
        return
    if market(pool) == SPOT:
        yield from _spot(pool)
        return
    for key in ("scaleSetEvictionPolicy", "spotMaxPrice"):
        if pool.get(key) is not None:
            yield Failure(key, "only spot pools take it; set scaleSetPriority to Spot")


def _spot(pool: Props) -> Iterator[Failure]:
    if pool.get("mode") == "System":
        yield Failure("scaleSetPriority", "a spot pool cannot be a system pool; set mode to User")
    if pool.get("capacityReservationGroupID"):
        yield Failure("capacityReservationGroupID", "spot nodes do not come from reservations")
    if find(pool, "upgradeSettings.maxSurge") or find(pool, "upgradeSettings.maxUnavailable"):
        yield Failure("upgradeSettings", "a spot pool takes no upgrade settings")
    price = pool.get("spotMaxPrice")
    if isinstance(price, int | float) and price != -1 and price <= 0:
        yield Failure(
            "spotMaxPrice", f"must be -1 (up to the on-demand price) or above 0, is {price}"
        )


def _disk(pool: Props) -> Iterator[Failure]:
    least, most = OS_DISK_GIB
    size = pool.get("osDiskSizeGB")
    if isinstance(size, int) and size and not least <= size <= most:
        yield Failure("osDiskSizeGB", f"must lie between {least} and {most}, is {size}")
    yield from _one_of(pool, "osDiskType", ("Managed", "Ephemeral"))


def _marks(pool: Props) -> Iterator[Failure]:
    """Check labels and taints: AKS keeps its own prefix, but for the mark of spot nodes."""
    yield from labels(pool.get("nodeLabels"), "nodeLabels")
    spot = market(pool) == SPOT
    for key, text in as_map(pool.get("nodeLabels")).items():
        if key.startswith(RESERVED_PREFIX) and not (spot and (key, text) == (SPOT_MARK, "spot")):
            yield Failure("nodeLabels", f"{key}: the prefix {RESERVED_PREFIX} is AKS's own")
    for index, taint in enumerate(map(as_text, as_list(pool.get("nodeTaints")))):
        path = f"nodeTaints[{index}]"
        if taint and not TAINT.fullmatch(taint):
            yield Failure(
                path,
                f"{taint!r} must be key=value:effect, the effect one of NoSchedule, PreferNoSchedule, NoExecute",
            )
        elif taint.startswith(RESERVED_PREFIX) and not (spot and taint == SPOT_TAINT):
            yield Failure(path, f"{taint}: the prefix {RESERVED_PREFIX} is AKS's own")


def pool_usage(situation: Situation) -> Usage:
    """Return what an agent pool takes of its region's capacity."""
    return usage_of(situation.inputs)


def cluster_usage(situation: Situation) -> Usage:
    """Return what the first inline pool takes; AKS makes a cluster with one."""
    pools = as_list(situation.inputs.get("agentPoolProfiles"))
    return usage_of(as_map(pools[0])) if pools else Usage()


def usage_of(pool: Value) -> Usage:
    """Return the nodes of a pool, at the size that it was asked for."""
    name, nodes = as_text(pool.get("vmSize")), as_int(pool.get("count"), 1)
    machine = machines(PROVIDER).get(name)
    return Usage(
        sku=name,
        market=market(pool),
        nodes=nodes,
        vcpus=nodes * machine.vcpus if machine else 0,
        gpus=nodes * machine.gpus if machine else 0,
    )


def reservation(situation: Situation) -> Iterator[Failure]:
    """Check a capacity reservation's VM size and count."""
    yield from location_rule(situation)
    yield from tag_rule(situation)
    name = situation.text("sku.name")
    reason = name and refusal(PROVIDER, name=name, region=situation.region, market=ON_DEMAND)
    if reason:
        yield Failure("sku.name", reason)
    if as_int(find(situation.inputs, "sku.capacity"), 1) < 0:
        yield Failure("sku.capacity", "must not be negative")


def reservation_usage(situation: Situation) -> Usage:
    """Return the machines that a reservation holds."""
    sku = as_map(situation.inputs.get("sku"))
    return usage_of({"vmSize": sku.get("name"), "count": as_int(sku.get("capacity"), 1)})


def with_spot_marks(pool: Props) -> Props:
    """Return a pool with what AKS itself puts on spot nodes, asked or not."""
    if market(pool) != SPOT:
        return pool
    taints = as_list(pool.get("nodeTaints"))
    return {
        **pool,
        "nodeLabels": {**as_map(pool.get("nodeLabels")), SPOT_MARK: "spot"},
        "nodeTaints": taints if SPOT_TAINT in taints else [*taints, SPOT_TAINT],
    }
