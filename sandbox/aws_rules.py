"""The rules of EC2 and EKS that a preview can hold a program to. Source: the EKS and EC2 API references."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from types import MappingProxyType

from sandbox.catalogue import ON_DEMAND, SPOT, machines, refusal
from sandbox.ledger import Usage
from sandbox.rules import Situation
from sandbox.schema import Failure, nearest
from sandbox.values import UNKNOWN, Unknown, Value, as_int, as_list, as_map, as_text, find

ZONE_LETTERS = MappingProxyType(
    {
        "af-south-1": "abc", "ap-east-1": "abc", "ap-northeast-1": "acd", "ap-northeast-2": "abcd",
        "ap-northeast-3": "abc", "ap-south-1": "abc", "ap-south-2": "abc", "ap-southeast-1": "abc",
        "ap-southeast-2": "abc", "ap-southeast-3": "abc", "ap-southeast-4": "abc", "ap-southeast-5": "abc",
        "ca-central-1": "abd", "ca-west-1": "abc", "eu-central-1": "abc", "eu-central-2": "abc",
        "eu-north-1": "abc", "eu-south-1": "abc", "eu-south-2": "abc", "eu-west-1": "abc", "eu-west-2": "abc",
        "eu-west-3": "abc", "il-central-1": "abc", "me-central-1": "abc", "me-south-1": "abc",
        "sa-east-1": "abc", "us-east-1": "abcdef", "us-east-2": "abc", "us-west-1": "ac", "us-west-2": "abcd",
        "mx-central-1": "abc", "us-gov-east-1": "abc", "us-gov-west-1": "abc",
    }
)  # fmt: skip
DIRECTIONS = MappingProxyType(
    {"northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw"}
)
# Zone ids do not follow the letters here: no account sees apne1-az3 any more.
ODD_PLACES = MappingProxyType({"ap-northeast-1": {"a": 4, "c": 1, "d": 2}})
# No EKS control plane in these. Source: EKS user guide, "Subnet requirements for clusters".
NO_CONTROL_PLANE = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
AMI_TYPES = (
    "AL2_x86_64", "AL2_x86_64_GPU", "AL2_ARM_64", "CUSTOM", "AL2023_x86_64_STANDARD",
    "AL2023_ARM_64_STANDARD", "AL2023_x86_64_NEURON", "AL2023_x86_64_NVIDIA", "AL2023_ARM_64_NVIDIA",
    "BOTTLEROCKET_ARM_64", "BOTTLEROCKET_x86_64", "BOTTLEROCKET_ARM_64_FIPS", "BOTTLEROCKET_x86_64_FIPS",
    "BOTTLEROCKET_ARM_64_NVIDIA", "BOTTLEROCKET_x86_64_NVIDIA", "BOTTLEROCKET_ARM_64_NVIDIA_FIPS",
    "BOTTLEROCKET_x86_64_NVIDIA_FIPS", "WINDOWS_CORE_2019_x86_64", "WINDOWS_FULL_2019_x86_64",
    "WINDOWS_CORE_2022_x86_64", "WINDOWS_FULL_2022_x86_64",
)  # fmt: skip
GPU_AMI_TYPES = frozenset(
    name for name in AMI_TYPES if "NVIDIA" in name or name.endswith("_GPU") or name == "CUSTOM"
)
CAPACITY_MARKETS = MappingProxyType(
    {"ON_DEMAND": ON_DEMAND, "SPOT": SPOT, "CAPACITY_BLOCK": "reserved"}
)
TAINT_EFFECTS = ("NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE")
CLUSTER_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
NODE_GROUP_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,62}")
LABEL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
LABEL_PREFIX = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
)
BUCKET_NAME = re.compile(r"(?!xn--)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
KUBERNETES_VERSION = re.compile(r"1\.\d{2}")
MAX_TAINTS = 50


def zones(region: str) -> list[str]:
    """Return the zone names of a region, as the sandbox's account sees them."""
    return [f"{region}{letter}" for letter in ZONE_LETTERS.get(region, "abc")]


def zone_id(zone: str) -> str:
    """Return the id of a zone, which is the same place in every account: usw2-az1."""
    region, letter = zone[:-1], zone[-1]
    *area, direction, number = region.split("-")
    short = (
        area[0] + "".join(part[0] for part in area[1:]) + DIRECTIONS.get(direction, direction[0])
    )
    place = ODD_PLACES.get(region, {}).get(letter, ord(letter) - ord("a") + 1)
    return f"{short}{number}-az{place}"


def zone_named(region: str, id_: str) -> str:
    """Return the name of the zone with an id, or an empty text."""
    return next((zone for zone in zones(region) if zone_id(zone) == id_), "")


def region_rule(region: str) -> Iterator[Failure]:
    """Refuse a region that AWS does not have."""
    if region != "global" and region not in ZONE_LETTERS:
        known = nearest(region, dict.fromkeys(ZONE_LETTERS))
        yield Failure("region", f"AWS has no region {region!r}{known}")


def labels(value: Value, path: str) -> Iterator[Failure]:
    """Refuse Kubernetes labels that no API server takes."""
    for key, text in as_map(value).items():
        prefix, _, name = key.rpartition("/")
        if not LABEL_NAME.fullmatch(name) or (prefix and not LABEL_PREFIX.fullmatch(prefix)):
            yield Failure(
                path,
                f"{key!r} is no label key: a name of ≤ 63 letters, digits, - _ . after an optional DNS prefix and /",
            )
        if (
            isinstance(text, str)
            and not isinstance(text, Unknown)
            and text
            and not LABEL_NAME.fullmatch(text)
        ):
            yield Failure(
                f"{path}.{key}",
                f"{text!r} is no label value: ≤ 63 letters, digits, - _ . between letters or digits",
            )


def vpc(situation: Situation) -> Iterator[Failure]:
    """Check the VPC's address range (a /16 to /28)."""
    yield from _cidr(situation, "cidrBlock", widest=16, narrowest=28)


def subnet(situation: Situation) -> Iterator[Failure]:
    """Check a subnet's address range and zone."""
    yield from _cidr(situation, "cidrBlock", widest=16, narrowest=28)
    names = zones(situation.region)
    for path, known in (
        ("availabilityZone", names),
        ("availabilityZoneId", [zone_id(name) for name in names]),
    ):
        zone = situation.text(path)
        if zone and zone not in known:
            yield Failure(path, f"{zone!r} is no zone of {situation.region}: {', '.join(known)}")


def _cidr(situation: Situation, path: str, *, widest: int, narrowest: int) -> Iterator[Failure]:
    text = situation.text(path)
    if not text:
        return
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        yield Failure(path, f"{text!r} is no address range: {error}")
        return
    if not widest <= network.prefixlen <= narrowest:
        yield Failure(path, f"{text} must be a /{widest} to a /{narrowest}")


def cluster(situation: Situation) -> Iterator[Failure]:
    """Check an EKS cluster's name, version and subnets."""
    name = situation.text("name")
    if name and not CLUSTER_NAME.fullmatch(name):
        yield Failure(
            "name",
            f"{name!r} is no EKS cluster name: 1 to 100 letters, digits, - or _, the first a letter or digit",
        )
    version = situation.text("version")
    if version and not KUBERNETES_VERSION.fullmatch(version):
        yield Failure("version", f"{version!r} is no Kubernetes version such as 1.34")
    yield from _control_plane_zones(situation)


def _control_plane_zones(situation: Situation) -> Iterator[Failure]:
    """Check where the control plane lies, as far as the subnets exist already."""
    path = "vpcConfig.subnetIds"
    subnets = find(situation.inputs, path)
    if not isinstance(subnets, list):
        return
    made = [
        situation.referred("aws:ec2/subnet:Subnet", "id", as_text(subnet)) for subnet in subnets
    ]
    places = {as_text(record.outputs.get("availabilityZoneId")) for record in made if record}
    refused = sorted(places & NO_CONTROL_PLANE)
    if refused:
        yield Failure(
            path,
            f"UnsupportedAvailabilityZoneException: no EKS control plane can lie in {', '.join(refused)}",
        )
    if len(subnets) < 2 or (all(made) and len(places) < 2):
        yield Failure(path, "an EKS cluster needs subnets in at least two availability zones")


def node_group(situation: Situation) -> Iterator[Failure]:
    """Check an EKS node group: name, sizes, machine types, market, image, taints, labels."""
    name = situation.text("nodeGroupName")
    if name and not NODE_GROUP_NAME.fullmatch(name):
        yield Failure(
            "nodeGroupName",
            f"{name!r} is no node group name: 1 to 63 letters, digits, - or _, the first a letter or digit",
        )
    yield from _scaling(situation)
    yield from _instance_types(situation)
    yield from _taints(situation)
    yield from labels(situation.inputs.get("labels"), "labels")


def _scaling(situation: Situation) -> Iterator[Failure]:
    scaling = situation.inputs.get("scalingConfig")
    if not isinstance(scaling, dict) or UNKNOWN in scaling.values():
        return
    least, desired, most = (
        as_int(scaling.get(key)) for key in ("minSize", "desiredSize", "maxSize")
    )
    if least < 0 or most < 1:
        yield Failure(
            "scalingConfig", f"minSize must be ≥ 0 and maxSize ≥ 1, are {least} and {most}"
        )
    elif not least <= desired <= most:
        yield Failure(
            "scalingConfig.desiredSize",
            f"desired capacity {desired} must lie between minSize {least} and maxSize {most}",
        )


def _instance_types(situation: Situation) -> Iterator[Failure]:
    capacity = situation.text("capacityType", "ON_DEMAND")
    if capacity not in CAPACITY_MARKETS:
        yield Failure("capacityType", f"{capacity!r} must be one of {', '.join(CAPACITY_MARKETS)}")
        return
    names = [as_text(item) for item in as_list(situation.inputs.get("instanceTypes"))]
    if capacity != "CAPACITY_BLOCK":
        for index, name in enumerate(names):
            reason = name and refusal(
                "aws", name=name, region=situation.region, market=CAPACITY_MARKETS[capacity]
            )
            if reason:
                yield Failure(f"instanceTypes[{index}]", reason)
    yield from _ami_type(situation, names)


def _ami_type(situation: Situation, names: list[str]) -> Iterator[Failure]:
    ami = situation.text("amiType")
    if ami and ami not in AMI_TYPES:
        yield Failure(
            "amiType", f"EKS has no AMI type {ami!r}{nearest(ami, dict.fromkeys(AMI_TYPES))}"
        )
        return
    known = machines("aws")
    gpu = [name for name in names if name in known and known[name].gpus]
    if gpu and ami and ami not in GPU_AMI_TYPES:
        yield Failure(
            "amiType",
            f"{ami} carries no NVIDIA driver, so the GPUs of {gpu[0]} stay invisible; use AL2023_x86_64_NVIDIA",
        )
    given = situation.inputs.get("amiType") or situation.inputs.get("launchTemplate")
    if gpu and not given:
        yield Failure(
            "amiType",
            f"is required for the GPUs of {gpu[0]}: without it EKS takes an image without NVIDIA driver; use AL2023_x86_64_NVIDIA",
        )


def _taints(situation: Situation) -> Iterator[Failure]:
    taints = as_list(situation.inputs.get("taints"))
    if len(taints) > MAX_TAINTS:
        yield Failure(
            "taints", f"a node group takes at most {MAX_TAINTS} taints, has {len(taints)}"
        )
    for index, taint in enumerate(taints):
        effect = as_text(as_map(taint).get("effect"))
        if effect and effect not in TAINT_EFFECTS:
            yield Failure(
                f"taints[{index}].effect",
                f"{effect!r} must be spelled as EKS does: {', '.join(TAINT_EFFECTS)}",
            )


def node_group_usage(situation: Situation) -> Usage:
    """Return the nodes that a node group takes, of its first machine type."""
    name = next(
        (as_text(item) for item in as_list(situation.inputs.get("instanceTypes"))), "t3.medium"
    )
    nodes = as_int(as_map(situation.inputs.get("scalingConfig")).get("desiredSize"))
    return _usage(
        name, nodes, CAPACITY_MARKETS.get(situation.text("capacityType", "ON_DEMAND"), ON_DEMAND)
    )


def reservation(situation: Situation) -> Iterator[Failure]:
    """Check a capacity reservation's machine type, zone and count."""
    name = situation.text("instanceType")
    reason = name and refusal("aws", name=name, region=situation.region, market=ON_DEMAND)
    if reason:
        yield Failure("instanceType", reason)
    zone = situation.text("availabilityZone")
    if zone and zone not in zones(situation.region):
        yield Failure("availabilityZone", f"{zone!r} is no zone of {situation.region}")
    if as_int(situation.inputs.get("instanceCount"), 1) < 1:
        yield Failure("instanceCount", "must be at least 1")


def reservation_usage(situation: Situation) -> Usage:
    """Return the instances that a reservation holds."""
    return _usage(
        situation.text("instanceType"), as_int(situation.inputs.get("instanceCount")), ON_DEMAND
    )


def _usage(name: str, nodes: int, market: str) -> Usage:
    machine = machines("aws").get(name)
    vcpus, gpus = (machine.vcpus, machine.gpus) if machine else (0, 0)
    return Usage(sku=name, market=market, nodes=nodes, vcpus=nodes * vcpus, gpus=nodes * gpus)


def bucket(situation: Situation) -> Iterator[Failure]:
    """Check an S3 bucket's name."""
    name = situation.text("bucket")
    if name and not BUCKET_NAME.fullmatch(name):
        yield Failure(
            "bucket", f"{name!r} is no bucket name: 3 to 63 lower-case letters, digits, - and ."
        )


def launch_template(situation: Situation) -> Iterator[Failure]:
    """Check a launch template's machine type, where it names one."""
    name = situation.text("instanceType")
    reason = name and refusal("aws", name=name, region=situation.region, market=ON_DEMAND)
    if reason and "not sold on-demand" not in reason:
        yield Failure("instanceType", reason)
