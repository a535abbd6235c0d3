"""Prices of Karpenter's NodePools on AWS: what they may buy within their limits.

A NodePool declares no size, so its limits are what counts, at the dearest instance type that it may
choose. Source: Karpenter documentation, "NodePools" and "NodeClasses".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from outlay.catalog import CpuOffer, Market, Offer
from outlay.pricing.aws_sites import PROVIDER, ZONE
from outlay.pricing.beside import NODE_CLASS
from outlay.pricing.disks import Disk
from outlay.pricing.inputs import Inputs, NoPriceError
from outlay.pricing.rates import Rates
from outlay.pricing.rules import Nodes, NodeType, Request, pool_cost
from outlay.pricing.types import Cost

GROUP, NODE_CLASS_GROUP, AUTO_MODE = "karpenter.sh", "karpenter.k8s.aws", "eks.amazonaws.com"
INSTANCE_TYPE, CAPACITY_TYPE = "node.kubernetes.io/instance-type", "karpenter.sh/capacity-type"
REGION, ZONE_LABEL = "topology.kubernetes.io/region", "topology.kubernetes.io/zone"
# Reserved capacity is paid for as on-demand capacity is.
MARKETS = {"on-demand": Market.ON_DEMAND, "spot": Market.SPOT, "reserved": Market.ON_DEMAND}
# What AL2023 and Bottlerocket get when the class names no disk.
DEFAULT_DISK = Disk(provider=PROVIDER, kind="gp3", gib=20)
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|[kMGTP]i?|Ki)?")
FACTORS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** n for n, unit in enumerate("kMGTP", start=1)},
    **{f"{unit}i": Decimal(1024) ** n for n, unit in enumerate("KMGTP", start=1)},
}
GIB = Decimal(1024) ** 3


def node_pool(request: Request) -> Cost:
    """Price a NodePool: nothing at least; expected and at most the dearest that its limits allow."""
    spec = request.inputs.child("spec")
    template = spec.child("template").child("spec")
    asked = {each.text("key"): each for each in template.children("requirements")}
    region = _region(request, asked)
    disks = _disks(request, template.child("nodeClassRef"))
    costs = [
        _cost(request, spec, _node(name, region=region, market=market, disks=disks))
        for name in _chosen(asked, INSTANCE_TYPE)
        for market in _markets(asked)
    ]
    dearest = max(costs, key=lambda cost: cost.high)
    return dearest if spec.given("replicas") else replace(dearest, low=Decimal(0))


def _node(name: str, *, region: str, market: Market, disks: tuple[Disk, ...]) -> NodeType:
    return NodeType(
        provider=PROVIDER, region=region, instance_types=(name,), market=market, disks=disks
    )


def _cost(request: Request, spec: Inputs, node: NodeType) -> Cost:
    if spec.given("replicas"):
        nodes = Nodes.exactly(spec.count("replicas"))
    else:
        most = _within(spec, _size(request.rates, node))
        nodes = Nodes(low=0, expected=most, high=most)
    return pool_cost(request.rates, node, nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """What one node takes of a limit."""

    cpu: Decimal
    memory: Decimal
    gpus: Decimal


def _size(rates: Rates, node: NodeType) -> _Size:
    name = node.instance_types[0]
    found = _offer(rates, node, name)
    if found is None:
        raise NoPriceError(f"no {node.market} price for {PROVIDER} {name} in {node.region}")
    gpus = found.gpus_per_node if isinstance(found, Offer) else 0
    return _Size(
        cpu=Decimal(found.vcpus), memory=Decimal(found.host_memory_gib) * GIB, gpus=Decimal(gpus)
    )


def _offer(rates: Rates, node: NodeType, name: str) -> Offer | CpuOffer | None:
    gpu = rates.gpu_offer(
        provider=PROVIDER, region=node.region, instance_type=name, market=node.market
    )
    sold = rates.cpu_offers(provider=PROVIDER, region=node.region)
    return gpu or next((cpu for cpu in sold if cpu.instance_type == name), None)


def _within(spec: Inputs, size: _Size) -> int:
    """Return how many such nodes the limits allow."""
    limits = spec.child("limits")
    takes = {
        "cpu": size.cpu,
        "memory": size.memory,
        "nvidia.com/gpu": size.gpus,
        "nodes": Decimal(1),
    }
    allowed = [
        int(_quantity(limits, key) // per_node)
        for key, per_node in takes.items()
        if per_node and limits.optional(key) is not None
    ]
    if not allowed:
        raise NoPriceError(
            f"{limits.path} bounds no such node: Karpenter would buy without end;"
            " limit cpu, memory, nodes or nvidia.com/gpu"
        )
    return min(allowed)


def _quantity(holder: Inputs, key: str) -> Decimal:
    value = holder.optional(key)
    found = None if isinstance(value, bool) else QUANTITY.fullmatch(str(value))
    if found is None:
        raise NoPriceError(
            f"{holder.where(key)} must be a quantity such as 64 or 512Gi, got {value!r}"
        )
    return Decimal(found[1]) * FACTORS[found[2] or ""]


def _region(request: Request, asked: Mapping[str, Inputs]) -> str:
    named = {
        zone[1] if (zone := ZONE.fullmatch(value)) else value
        for key in (REGION, ZONE_LABEL)
        if key in asked
        for value in _values(asked[key])
    }
    if not named and request.region is not None:
        return request.region
    if len(named) != 1:
        raise NoPriceError(f"require one region by {REGION}: prices differ between regions")
    return named.pop()


def _markets(asked: Mapping[str, Inputs]) -> Iterator[Market]:
    # Without a requirement Karpenter starts on-demand nodes.
    kinds = _values(asked[CAPACITY_TYPE]) if CAPACITY_TYPE in asked else ("on-demand",)
    for kind in kinds:
        if kind not in MARKETS:
            raise NoPriceError(f"{CAPACITY_TYPE} {kind} has no price rule")
        yield MARKETS[kind]


def _chosen(asked: Mapping[str, Inputs], key: str) -> tuple[str, ...]:
    if key not in asked:
        raise NoPriceError(
            f"require {key} In a list of types: which of AWS's Karpenter would choose is not known"
        )
    return _values(asked[key])


def _values(requirement: Inputs) -> tuple[str, ...]:
    if requirement.text("operator") != "In" or not requirement.texts("values"):
        raise NoPriceError(f"{requirement.path}: only operator In with values has a price rule")
    return requirement.texts("values")


def _disks(request: Request, reference: Inputs) -> tuple[Disk, ...]:
    group = reference.optional_text("group")
    if group == AUTO_MODE:
        raise NoPriceError(f"{reference.path}: EKS Auto Mode adds a fee to each node")
    if group != NODE_CLASS_GROUP:
        raise NoPriceError(
            f"{reference.path}: only classes of {NODE_CLASS_GROUP} have a price rule"
        )
    if request.beside is None:
        raise NoPriceError(
            f"{reference.path}: a class is read only where the whole stack is seen, as by `outlay cost`"
        )
    found = request.beside.named(NODE_CLASS, reference, ("name",), what="class")
    mapped = Inputs(found.inputs).child("spec").children("blockDeviceMappings")
    return tuple(_disk(each.child("ebs")) for each in mapped) or (DEFAULT_DISK,)


def _disk(ebs: Inputs) -> Disk:
    return Disk(
        provider=PROVIDER,
        kind=ebs.optional_text("volumeType") or DEFAULT_DISK.kind,
        gib=-int(-_quantity(ebs, "volumeSize") // GIB),
        iops=ebs.optional_count("iops"),
        mib_per_s=ebs.optional_count("throughput"),
    )
