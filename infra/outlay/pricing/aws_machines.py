"""Prices of AWS machines: instances, EKS node groups, Auto Scaling groups, reservations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outlay.catalog import Market
from outlay.pricing.aws_sites import ADDRESS, PROVIDER, region
from outlay.pricing.aws_templates import (
    check_shared,
    ebs,
    has_address,
    launch_template,
    market,
    template_disks,
)
from outlay.pricing.disks import Disk
from outlay.pricing.inputs import Inputs, NoPriceError
from outlay.pricing.rules import (
    Nodes,
    NodeType,
    Request,
    Rule,
    free,
    pool_cost,
    reserved_cost,
    times,
    together,
)
from outlay.pricing.types import Cost

MARKETS = {"ON_DEMAND": Market.ON_DEMAND, "SPOT": Market.SPOT}
# Source: Amazon EKS CreateNodegroup, diskSize. The volumes are gp3.
DEFAULT_DISK_GIB = 20
HUNDRED = 100


def node_group(request: Request) -> Cost:
    """Price a managed node group with its disks, between its minimum and maximum size."""
    inputs = request.inputs
    inputs.refuse({"warmPoolConfig": "warm nodes have no price rule"})
    image = inputs.optional_text("amiType") or ""
    if image.startswith("WINDOWS"):
        raise NoPriceError(f"amiType {image}: the licence of Windows has no price")
    template = None
    if inputs.given("launchTemplate"):
        template = launch_template(request, inputs.child("launchTemplate"))
    types = inputs.texts("instanceTypes")
    if not types and template is not None:
        types = (template.text("instanceType"),)
    if not types:
        raise NoPriceError("instanceTypes is missing")
    node = NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=types,
        market=_capacity_market(inputs),
        disks=_group_disks(inputs) if template is None else template_disks(template),
    )
    nodes = _scaling(inputs.child("scalingConfig"))
    public = template is not None and has_address(template)
    return _with_addresses(request, node, nodes, public=public)


def _capacity_market(inputs: Inputs) -> Market:
    capacity = inputs.optional_text("capacityType") or "ON_DEMAND"
    if capacity not in MARKETS:
        raise NoPriceError(f"capacityType {capacity} has no price rule")
    return MARKETS[capacity]


def _group_disks(inputs: Inputs) -> tuple[Disk, ...]:
    gib = inputs.optional_count("diskSize") or DEFAULT_DISK_GIB
    return (Disk(provider=PROVIDER, kind="gp3", gib=gib),)


def _scaling(scaling: Inputs) -> Nodes:
    return Nodes.between(
        scaling.count("minSize"), scaling.count("maxSize"), declared=scaling.count("desiredSize")
    )


def _with_addresses(request: Request, node: NodeType, nodes: Nodes, *, public: bool) -> Cost:
    machines = pool_cost(request.rates, node, nodes)
    if not public:
        return machines
    return together((machines, times(ADDRESS.line(request.rates, region=node.region), nodes)))


def instance(request: Request) -> Cost:
    """Price an instance with its disks; a public address that only the subnet decides is left out."""
    inputs = request.inputs
    check_shared(inputs)
    template = Inputs({})
    if inputs.given("launchTemplate"):
        template = launch_template(request, inputs.child("launchTemplate"))
    own = inputs.given("instanceType")
    node = NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=((inputs if own else template).text("instanceType"),),
        market=market(inputs if inputs.given("instanceMarketOptions") else template),
        disks=_instance_disks(inputs, template),
    )
    public = inputs.flag("associatePublicIpAddress") or has_address(template)
    return _with_addresses(request, node, Nodes.exactly(1), public=public)


def _instance_disks(inputs: Inputs, template: Inputs) -> tuple[Disk, ...]:
    root = inputs.child("rootBlockDevice")
    if template.given("blockDeviceMappings"):
        if inputs.given("rootBlockDevice"):
            raise NoPriceError(
                "rootBlockDevice: which disk of the launch template it replaces is not known"
            )
        return (*template_disks(template), *_more(inputs))
    # Without volumeSize the root disk's size comes from the image, which nobody here can see.
    return (ebs(root, size="volumeSize", kind="volumeType"), *_more(inputs))


def _more(inputs: Inputs) -> tuple[Disk, ...]:
    return tuple(
        ebs(disk, size="volumeSize", kind="volumeType")
        for disk in inputs.children("ebsBlockDevices")
    )


def capacity_reservation(request: Request) -> Cost:
    """Price reserved instances at the rate of running ones, whether or not anything runs on them."""
    inputs = request.inputs
    inputs.refuse({"outpostArn": "Outposts have no price rule"})
    check_shared(inputs)
    if inputs.text("instancePlatform") != "Linux/UNIX":
        raise NoPriceError("instancePlatform: only Linux/UNIX has a price")
    node = NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=(inputs.text("instanceType"),),
        market=Market.ON_DEMAND,
    )
    return reserved_cost(request.rates, node, inputs.count("instanceCount"))


def capacity_block(_request: Request) -> Cost:
    """Refuse a capacity block: it is paid in advance, at a price that only its offering tells."""
    raise NoPriceError(
        "a capacity block is paid in advance, at a price that only its offering tells"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mix:
    """How a group divides its machines. Source: Amazon EC2 Auto Scaling, InstancesDistribution."""

    on_demand_base: int
    on_demand_percent: int

    def on_demand(self, nodes: int) -> int:
        """Return how many of so many machines are on demand; parts round up."""
        base = min(self.on_demand_base, nodes)
        return base + -(-(nodes - base) * self.on_demand_percent // HUNDRED)

    def split(self, nodes: Nodes) -> tuple[Nodes, Nodes]:
        """Return the on-demand and the spot machines."""
        demand = Nodes(
            low=self.on_demand(nodes.low),
            expected=self.on_demand(nodes.expected),
            high=self.on_demand(nodes.high),
        )
        spot = Nodes(
            low=nodes.low - demand.low,
            expected=nodes.expected - demand.expected,
            high=nodes.high - demand.high,
        )
        return demand, spot


def autoscaling_group(request: Request) -> Cost:
    """Price an Auto Scaling group by its launch template, between its minimum and maximum size."""
    inputs = request.inputs
    inputs.refuse(
        {
            "launchConfiguration": "use a launch template, which has a price rule",
            "warmPool": "warm machines have no price rule",
        }
    )
    low, high = inputs.count("minSize"), inputs.count("maxSize")
    nodes = Nodes.between(low, high, declared=inputs.optional_count("desiredCapacity"))
    if inputs.given("mixedInstancesPolicy"):
        return _mixed(request, inputs.child("mixedInstancesPolicy"), nodes)
    template = launch_template(request, inputs.child("launchTemplate"))
    return _started(request, template, (template.text("instanceType"),), market(template), nodes)


def _mixed(request: Request, policy: Inputs, nodes: Nodes) -> Cost:
    holder = policy.child("launchTemplate")
    fields = ("launchTemplateId", "launchTemplateName")
    template = launch_template(request, holder.child("launchTemplateSpecification"), fields=fields)
    types = tuple(_override(each) for each in holder.children("overrides"))
    mix = _mix(policy.child("instancesDistribution"))
    parts = zip((Market.ON_DEMAND, Market.SPOT), mix.split(nodes), strict=True)
    return together(
        [
            _started(request, template, types or (template.text("instanceType"),), where, part)
            for where, part in parts
            if part.high
        ]
    )


def _mix(distribution: Inputs) -> _Mix:
    percent = distribution.optional_count("onDemandPercentageAboveBaseCapacity")
    return _Mix(
        on_demand_base=distribution.optional_count("onDemandBaseCapacity") or 0,
        on_demand_percent=HUNDRED if percent is None else min(percent, HUNDRED),
    )


def _override(override: Inputs) -> str:
    override.refuse(
        {
            "instanceRequirements": "attributes leave the instance type open; name it",
            "launchTemplateSpecification": "a template of its own has no price rule",
        }
    )
    if (override.optional("weightedCapacity") or "1") not in ("1", 1):
        raise NoPriceError(
            f"{override.where('weightedCapacity')}: weights leave the number of machines open"
        )
    return override.text("instanceType")


def _started(
    request: Request, template: Inputs, types: Sequence[str], where: Market, nodes: Nodes
) -> Cost:
    node = NodeType(
        provider=PROVIDER,
        region=region(request),
        instance_types=types,
        market=where,
        disks=template_disks(template),
    )
    return _with_addresses(request, node, nodes, public=has_address(template))


RULES: dict[str, Rule] = {
    "aws:autoscaling/group": autoscaling_group,
    "aws:ec2/capacityBlockReservation": capacity_block,
    "aws:ec2/capacityReservation": capacity_reservation,
    "aws:ec2/instance": instance,
    "aws:ec2/launchTemplate": free("a template; what is started from it is priced"),
    "aws:eks/nodeGroup": node_group,
}
