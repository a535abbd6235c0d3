"""The rules of Compute Engine and GKE that a preview can hold a program to. Source: Google's API references."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from types import MappingProxyType

from sandbox.aws_rules import TAINT_EFFECTS, labels
from sandbox.catalogue import ON_DEMAND, SPOT, Machine, accelerators, machines, refusal
from sandbox.ledger import Usage
from sandbox.rules import Situation
from sandbox.schema import Failure, nearest
from sandbox.values import UNKNOWN, Props, Unknown, Value, as_int, as_list, as_map, as_text, find

# Zones of the regions whose letters are not a, b, c. Source: the list of Compute Engine regions and zones.
ODD_ZONES = MappingProxyType({"us-central1": "abcf", "us-east1": "bcd", "europe-west1": "bcd"})
REGIONS = (
    "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3",
    "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2", "asia-southeast3",
    "australia-southeast1", "australia-southeast2", "europe-central2", "europe-north1", "europe-north2",
    "europe-southwest1", "europe-west1", "europe-west10", "europe-west12", "europe-west2", "europe-west3",
    "europe-west4", "europe-west6", "europe-west8", "europe-west9", "me-central1", "me-central2", "me-west1",
    "northamerica-northeast1", "northamerica-northeast2", "northamerica-south1", "southamerica-east1",
    "southamerica-west1", "us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1",
    "us-west2", "us-west3", "us-west4",
)  # fmt: skip
RFC1035 = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
BUCKET_NAME = re.compile(r"(?!goog)(?!.*google)[a-z0-9][a-z0-9_.-]{1,61}[a-z0-9]")
ACCOUNT_ID = re.compile(r"[a-z](?:[a-z0-9-]{4,28}[a-z0-9])")
# Source: Google Cloud, "Supported disk types for machine families".
HYPERDISK_ONLY = ("a3-ultragpu", "a4-", "a4x-", "g4-")
DRIVER_VERSIONS = ("DEFAULT", "LATEST", "INSTALLATION_DISABLED", "GPU_DRIVER_VERSION_UNSPECIFIED")
# A node pool that takes its nodes from these is not bought on demand.
SPECIFIC_RESERVATION = "SPECIFIC_RESERVATION"
MULTI_REGIONS = ("US", "EU", "ASIA")


def region_of(location: str) -> str:
    """Return the region of a location, which may be a zone."""
    head, _, tail = location.rpartition("-")
    return head if head and len(tail) == 1 and tail.isalpha() else location


def zones(region: str) -> list[str]:
    """Return the zone names of a region."""
    return [f"{region}-{letter}" for letter in ODD_ZONES.get(region, "abc")]


def location_rule(location: str, path: str) -> Iterator[Failure]:
    """Refuse a region or zone that Google does not have."""
    region = region_of(location)
    if region not in REGIONS:
        yield Failure(
            path, f"Google Cloud has no region {region!r}{nearest(region, dict.fromkeys(REGIONS))}"
        )
    elif location != region and location not in zones(region):
        yield Failure(path, f"{location!r} is no zone of {region}: {', '.join(zones(region))}")


def name_rule(situation: Situation, path: str, *, longest: int = 63) -> Iterator[Failure]:
    """Refuse a name that is not RFC 1035 or too long."""
    name = situation.text(path)
    if name and (len(name) > longest or not RFC1035.fullmatch(name)):
        reason = f"{name!r} must be 1 to {longest} lower-case letters, digits and -, from a letter to a letter or digit"
        yield Failure(path, reason)


def named(situation: Situation) -> Iterator[Failure]:
    """Check the name of a Compute Engine resource, and its region where it has one."""
    yield from name_rule(situation, "name")
    if situation.region != "global":
        yield from location_rule(situation.region, "region")


def resource_labels(value: Value, path: str) -> Iterator[Failure]:
    """Refuse Google's own labels (not Kubernetes') that the API does not take."""
    for key, text in as_map(value).items():
        if not LABEL_KEY.fullmatch(key):
            yield Failure(
                path,
                f"{key!r} is no label key: ≤ 63 lower-case letters, digits, _ and -, from a letter",
            )
        if (
            isinstance(text, str)
            and not isinstance(text, Unknown)
            and not LABEL_VALUE.fullmatch(text)
        ):
            yield Failure(
                f"{path}.{key}",
                f"{text!r} is no label value: ≤ 63 lower-case letters, digits, _ and -",
            )


def subnetwork(situation: Situation) -> Iterator[Failure]:
    """Check a subnetwork's name, region and address range."""
    yield from named(situation)
    text = situation.text("ipCidrRange")
    if text:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            yield Failure("ipCidrRange", f"{text!r} is no address range: {error}")


def cluster(situation: Situation) -> Iterator[Failure]:
    """Check a GKE cluster: name, location, first nodes, labels."""
    yield from name_rule(situation, "name", longest=40)
    yield from location_rule(situation.region, "location")
    yield from _node_locations(situation)
    inputs = situation.inputs
    if (
        not inputs.get("enableAutopilot")
        and not inputs.get("nodePools")
        and not inputs.get("initialNodeCount")
    ):
        yield Failure(
            "initialNodeCount",
            "must be greater than zero; with own node pools, set it to 1 and removeDefaultNodePool to true",
        )
    yield from resource_labels(inputs.get("resourceLabels"), "resourceLabels")


def _node_locations(situation: Situation) -> Iterator[Failure]:
    for index, zone in enumerate(map(as_text, as_list(situation.inputs.get("nodeLocations")))):
        if zone and zone not in zones(region_of(situation.region)):
            yield Failure(
                f"nodeLocations[{index}]", f"{zone!r} is no zone of {region_of(situation.region)}"
            )


def node_pool(situation: Situation) -> Iterator[Failure]:
    """Check a GKE node pool: name, sizes, machine type, accelerators, market, taints, labels."""
    yield from name_rule(situation, "name", longest=40)
    yield from location_rule(situation.region, "location")
    yield from _node_locations(situation)
    yield from _scaling(situation)
    yield from _machine(situation)
    config = as_map(situation.inputs.get("nodeConfig"))
    yield from labels(config.get("labels"), "nodeConfig.labels")
    yield from resource_labels(config.get("resourceLabels"), "nodeConfig.resourceLabels")
    for index, taint in enumerate(as_list(config.get("taints"))):
        effect = as_text(as_map(taint).get("effect"))
        if effect and effect not in TAINT_EFFECTS:
            yield Failure(
                f"nodeConfig.taints[{index}].effect",
                f"{effect!r} must be spelled as GKE does: {', '.join(TAINT_EFFECTS)}",
            )


def _scaling(situation: Situation) -> Iterator[Failure]:
    scaling = as_map(situation.inputs.get("autoscaling"))
    for least, most in (
        ("minNodeCount", "maxNodeCount"),
        ("totalMinNodeCount", "totalMaxNodeCount"),
    ):
        low, high = scaling.get(least), scaling.get(most)
        if isinstance(low, int) and isinstance(high, int) and not 0 <= low <= high:
            yield Failure(
                f"autoscaling.{least}", f"must lie between 0 and {most} ({high}), is {low}"
            )
    if {"minNodeCount", "maxNodeCount"} & set(scaling) and {
        "totalMinNodeCount",
        "totalMaxNodeCount",
    } & set(scaling):
        yield Failure("autoscaling", "limits per zone and total limits cannot be mixed")
    policy = as_text(scaling.get("locationPolicy"), "ANY")
    if policy not in {"ANY", "BALANCED"}:
        yield Failure("autoscaling.locationPolicy", f"{policy!r} must be ANY or BALANCED")
    if as_int(situation.inputs.get("nodeCount")) < 0:
        yield Failure("nodeCount", "must not be negative")


def market(config: Props, inputs: Props) -> str:
    """Return the market that a node pool buys in; empty for reservations and queued capacity."""
    if config.get("spot") or config.get("preemptible"):
        return SPOT
    reserved = find(config, "reservationAffinity.consumeReservationType") == SPECIFIC_RESERVATION
    queued = config.get("flexStart") or find(inputs, "queuedProvisioning.enabled")
    return "" if reserved or queued else ON_DEMAND


def _machine(situation: Situation) -> Iterator[Failure]:
    config = as_map(situation.inputs.get("nodeConfig"))
    name = as_text(config.get("machineType"))
    # Unknown markets or accelerators cannot be judged before they are known.
    if not name or UNKNOWN in (config.get("guestAccelerators"), config.get("spot")):
        return
    asked = [as_map(row) for row in as_list(config.get("guestAccelerators"))]
    key = name
    if name.startswith("n1-") and asked:
        key = f"{name}+{as_int(asked[0].get('count'))}x{as_text(asked[0].get('type'))}"
    region = region_of(situation.region)
    bought = market(config, situation.inputs)
    reason = refusal("gcp", name=key, region=region, market=bought or ON_DEMAND)
    if reason and (bought or "is not sold on-demand" not in reason):
        yield Failure("nodeConfig.machineType", reason)
    if machine := machines("gcp").get(key):
        yield from _accelerators(machine, asked)
        yield from _disk(name, as_text(config.get("diskType")))


def _accelerators(machine: Machine, asked: list[Props]) -> Iterator[Failure]:
    path = "nodeConfig.guestAccelerators"
    if not machine.gpus:
        if asked:
            yield Failure(path, f"{machine.name} takes no accelerators; choose a GPU machine type")
        return
    if not asked:
        yield Failure(
            path,
            f"is required for {machine.name}: name its {machine.gpus} {machine.gpu}, so that GKE installs the driver",
        )
        return
    kind, count = as_text(asked[0].get("type")), as_int(asked[0].get("count"))
    fitting = accelerators_of(machine)
    if kind and kind not in fitting:
        yield Failure(
            f"{path}[0].type", f"{machine.name} carries {' or '.join(fitting)}, not {kind!r}"
        )
    if isinstance(asked[0].get("count"), int) and count != machine.gpus:
        yield Failure(
            f"{path}[0].count", f"{machine.name} carries {machine.gpus} GPUs, not {count}"
        )
    driver = as_text(find(asked[0], "gpuDriverInstallationConfig.gpuDriverVersion"), "DEFAULT")
    if driver not in DRIVER_VERSIONS:
        yield Failure(
            f"{path}[0].gpuDriverInstallationConfig.gpuDriverVersion",
            f"{driver!r} must be one of {', '.join(DRIVER_VERSIONS)}",
        )


def _disk(machine: str, disk: str) -> Iterator[Failure]:
    if machine.startswith(HYPERDISK_ONLY) and not disk.startswith("hyperdisk"):
        yield Failure(
            "nodeConfig.diskType",
            f"{machine} takes no persistent disk; set diskType to hyperdisk-balanced",
        )


def accelerators_of(machine: Machine) -> tuple[str, ...]:
    """Return the accelerator names that fit a machine type; the mega variant is a3-megagpu's alone."""
    names = accelerators().get(machine.gpu, ())
    if machine.gpu != "H100":
        return names
    mega = machine.name.startswith("a3-megagpu")
    return tuple(name for name in names if ("mega" in name) == mega)


def pool_nodes(situation: Situation) -> int:
    """Return the nodes that a pool starts with, over all its zones."""
    inputs = situation.inputs
    scaling = as_map(inputs.get("autoscaling"))
    if "totalMinNodeCount" in scaling and "nodeCount" not in inputs:
        return as_int(scaling.get("totalMinNodeCount"))
    per_zone = next(
        (
            value
            for value in (
                inputs.get("nodeCount"),
                inputs.get("initialNodeCount"),
                scaling.get("minNodeCount"),
            )
            if isinstance(value, int)
        ),
        0,
    )
    return per_zone * len(pool_zones(situation))


def pool_zones(situation: Situation) -> list[str]:
    """Return the zones that a pool spreads over."""
    chosen = [as_text(zone) for zone in as_list(situation.inputs.get("nodeLocations"))]
    if chosen:
        return chosen
    location = situation.region
    return [location] if location != region_of(location) else zones(location)[:3]


def pool_usage(situation: Situation) -> Usage:
    """Return what a node pool takes of its region's capacity."""
    config = as_map(situation.inputs.get("nodeConfig"))
    name, nodes = as_text(config.get("machineType"), "e2-medium"), pool_nodes(situation)
    machine = machines("gcp").get(name)
    asked = sum(
        as_int(as_map(row).get("count")) for row in as_list(config.get("guestAccelerators"))
    )
    vcpus = machine.vcpus if machine else 0
    return Usage(
        sku=name,
        market=market(config, situation.inputs) or "reserved",
        nodes=nodes,
        vcpus=nodes * vcpus,
        gpus=nodes * asked,
    )


def bucket(situation: Situation) -> Iterator[Failure]:
    """Check a bucket's name, location and labels."""
    name, location = situation.text("name"), situation.text("location")
    if name and not BUCKET_NAME.fullmatch(name):
        yield Failure(
            "name",
            f"{name!r} is no bucket name: 3 to 63 lower-case letters, digits, - _ and ., without 'google'",
        )
    if location.upper() not in MULTI_REGIONS:
        yield from location_rule(location.lower(), "location")
    yield from resource_labels(situation.inputs.get("labels"), "labels")


def address(situation: Situation) -> Iterator[Failure]:
    """Check an address's name, region and labels."""
    yield from named(situation)
    yield from resource_labels(situation.inputs.get("labels"), "labels")


def service_account(situation: Situation) -> Iterator[Failure]:
    """Check a service account's id."""
    name = situation.text("accountId")
    if name and not ACCOUNT_ID.fullmatch(name):
        yield Failure(
            "accountId", f"{name!r} must be 6 to 30 lower-case letters, digits and -, from a letter"
        )
