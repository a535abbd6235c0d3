"""AWS resources cost what the price book says, to the last digit, or say why they have no price."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from outlay.catalog import load_catalog
from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.types import Category, Cost, Free, Price, Unpriced
from tests.pricing.book import RATES, cost, line

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
INSTANCE = "aws:ec2/instance:Instance"
LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
POOL: dict[str, object] = {
    "instanceTypes": ["g6.xlarge"],
    "scalingConfig": {"minSize": 1.0, "desiredSize": 2.0, "maxSize": 4.0},
    "diskSize": 100.0,
}
MACHINE: dict[str, object] = {
    "instanceType": "g6.xlarge",
    "rootBlockDevice": {"volumeSize": 50.0, "volumeType": "gp3"},
}


def aws(resource_type: str, inputs: dict[str, object], region: str | None = "us-east-1") -> Price:
    return price(resource_type, inputs, rates=RATES, region=region)


def test_a_node_group_costs_nodes_and_disks_from_min_to_max() -> None:
    assert aws(NODE_GROUP, POOL) == cost(
        "0.9",
        "1.8",
        "3.6",
        line("nodes: 2 g6.xlarge on-demand", Category.GPU, "1.6"),
        line("disks: 2 of 100 GiB", Category.STORAGE, "0.2"),
    )


def test_several_instance_types_widen_the_range() -> None:
    """The first type is expected; the cheapest makes the low end, the dearest the high end."""
    found = aws(NODE_GROUP, POOL | {"instanceTypes": ["g6.2xlarge", "g6.xlarge"]})
    assert isinstance(found, Cost)
    assert (found.low, found.expected, found.high) == (
        Decimal("0.9"),
        Decimal("2.2"),
        Decimal("4.4"),
    )


def test_spot_nodes_cost_the_spot_price() -> None:
    found = aws(NODE_GROUP, POOL | {"capacityType": "SPOT"})
    assert isinstance(found, Cost)
    assert found.expected == Decimal("0.8")
    assert found.lines[0].what == "nodes: 2 g6.xlarge spot"


def test_the_disk_defaults_to_what_eks_gives() -> None:
    """20 GiB."""
    inputs = {key: value for key, value in POOL.items() if key != "diskSize"}
    found = aws(NODE_GROUP, inputs)
    assert isinstance(found, Cost)
    assert found.expected == Decimal("1.64")


def test_windows_is_not_sold_at_the_price_of_linux() -> None:
    found = aws(NODE_GROUP, POOL | {"amiType": "WINDOWS_CORE_2022_x86_64"})
    assert found == Unpriced(
        reason="amiType WINDOWS_CORE_2022_x86_64: the licence of Windows has no price"
    )


def test_cpu_nodes_are_told_from_gpu_nodes() -> None:
    found = aws(NODE_GROUP, POOL | {"instanceTypes": ["m6i.2xlarge"]})
    assert isinstance(found, Cost)
    assert found.lines[0] == line("nodes: 2 m6i.2xlarge on-demand", Category.CPU, "0.8")


def test_a_group_declared_outside_its_own_limits_widens_them() -> None:
    """A desired size above the maximum is not hidden by the maximum."""
    scaling = {"minSize": 0, "desiredSize": 5, "maxSize": 3}
    found = aws(NODE_GROUP, POOL | {"scalingConfig": scaling})
    assert isinstance(found, Cost)
    assert (found.low, found.expected, found.high) == (Decimal(0), Decimal("4.5"), Decimal("4.5"))


def test_the_region_of_the_resource_goes_before_that_of_its_provider() -> None:
    inputs = POOL | {"region": "eu-west-1"}
    found = aws(NODE_GROUP, inputs, region="us-east-1")
    assert isinstance(found, Cost)
    assert found.lines[0].usd_per_hour == Decimal("1.8")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"instanceTypes": None}, "instanceTypes is missing"),
        ({"instanceTypes": []}, "instanceTypes is missing"),
        ({"instanceTypes": UNKNOWN}, "instanceTypes is not known before the update"),
        (
            {"instanceTypes": ["g6.xlarge", UNKNOWN]},
            "instanceTypes[1] is not known before the update",
        ),
        ({"instanceTypes": ["z9.huge"]}, "no on-demand price for aws z9.huge in us-east-1"),
        (
            {"instanceTypes": ["g6.2xlarge"], "capacityType": "SPOT"},
            "no spot price for aws g6.2xlarge in us-east-1",
        ),
        ({"capacityType": "CAPACITY_BLOCK"}, "capacityType CAPACITY_BLOCK has no price rule"),
        ({"scalingConfig": {"minSize": 1, "maxSize": 2}}, "scalingConfig.desiredSize is missing"),
        (
            {"scalingConfig": {"minSize": 1, "desiredSize": UNKNOWN, "maxSize": 2}},
            "scalingConfig.desiredSize is not known before the update",
        ),
        (
            {"scalingConfig": {"minSize": 1, "desiredSize": -1, "maxSize": 2}},
            "scalingConfig.desiredSize must be a whole number of 0 or more, got -1",
        ),
        ({"diskSize": UNKNOWN}, "diskSize is not known before the update"),
        ({"region": UNKNOWN}, "region is not known before the update"),
        ({"warmPoolConfig": {"minSize": 1}}, "warmPoolConfig: warm nodes have no price rule"),
    ],
)
def test_a_node_group_whose_price_is_open_is_unpriced(
    change: dict[str, object], reason: str
) -> None:
    assert aws(NODE_GROUP, POOL | change) == Unpriced(reason=reason)


def test_a_launch_template_hides_the_price() -> None:
    """It sets the disks, and may set the instance type, of which the group's inputs say nothing."""
    found = aws(NODE_GROUP, POOL | {"launchTemplate": {"id": UNKNOWN, "version": "1"}})
    assert isinstance(found, Unpriced)
    assert found.reason.startswith("launchTemplate: ")


def test_without_any_region_there_is_no_price() -> None:
    assert aws(NODE_GROUP, POOL, region=None) == Unpriced(
        reason="no region: neither region nor availabilityZone nor the provider names one"
    )


def test_empty_properties_never_cost_zero() -> None:
    """What the engine sends of a resource behind an unknown provider."""
    assert aws(NODE_GROUP, {}) == Unpriced(reason="instanceTypes is missing")


@pytest.mark.parametrize(
    ("resource_type", "what", "category", "usd_per_hour"),
    [
        ("aws:eks/cluster:Cluster", "EKS control plane", Category.MANAGEMENT, "0.10"),
        ("aws:ec2/natGateway:NatGateway", "NAT gateway", Category.NETWORK, "0.04"),
        ("aws:ec2/eip:Eip", "public IPv4 address", Category.NETWORK, "0.005"),
    ],
)
def test_standing_services(
    resource_type: str, what: str, category: Category, usd_per_hour: str
) -> None:
    expected = cost(usd_per_hour, usd_per_hour, usd_per_hour, line(what, category, usd_per_hour))
    assert aws(resource_type, {"name": "x"}) == expected


CLUSTER = "aws:eks/cluster:Cluster"


@pytest.mark.parametrize(
    ("inputs", "is_extended"),
    [
        ({"version": "1.33"}, True),
        ({"version": "1.22"}, True),
        ({"version": "1.33", "upgradePolicy": {"supportType": "EXTENDED"}}, True),
        ({"version": "1.33", "upgradePolicy": {"supportType": "STANDARD"}}, False),
        ({"version": "1.34"}, False),
        ({"version": "1.99"}, False),
        ({}, False),
    ],
)
def test_a_version_past_standard_support_costs_more(
    inputs: dict[str, object], is_extended: bool
) -> None:
    """On the price book's day, 2026-10-13 or later; AWS upgrades what keeps to standard support."""
    catalog = load_catalog()
    book = replace(catalog.price_book, date="2026-10-13")
    found = price(
        CLUSTER, inputs, rates=Rates(replace(catalog, price_book=book)), region="us-east-1"
    )
    assert isinstance(found, Cost)
    assert found.expected == Decimal("0.60" if is_extended else "0.10")


@pytest.mark.parametrize("version", [UNKNOWN, "newest"])
def test_a_version_that_cannot_be_read_has_no_price(version: str) -> None:
    assert isinstance(aws(CLUSTER, {"version": version}), Unpriced)


def test_a_classic_load_balancer_has_a_price_of_its_own() -> None:
    found = price(
        "aws:elb/loadBalancer:LoadBalancer",
        {"subnets": ["a", "b"]},
        rates=Rates(load_catalog()),
        region="us-east-1",
    )
    assert isinstance(found, Cost)
    assert found.expected == Decimal("0.035")


def test_auto_mode_has_no_price() -> None:
    """It starts nodes that nobody declares."""
    found = aws("aws:eks/cluster:Cluster", {"computeConfig": {"enabled": True}})
    assert isinstance(found, Unpriced)
    assert found.reason.startswith("computeConfig.enabled: ")


def test_an_instance_costs_machine_disks_and_address() -> None:
    inputs = MACHINE | {
        "ebsBlockDevices": [{"deviceName": "/dev/sdb", "volumeSize": 150, "volumeType": "gp3"}],
        "associatePublicIpAddress": True,
        "availabilityZone": "us-east-1a",
    }
    assert aws(INSTANCE, inputs, region=None) == cost(
        "1.005",
        "1.005",
        "1.005",
        line("nodes: 1 g6.xlarge on-demand", Category.GPU, "0.8"),
        line("disks: 1 of 200 GiB", Category.STORAGE, "0.2"),
        line("public IPv4 address", Category.NETWORK, "0.005"),
    )


def test_a_spot_instance_costs_the_spot_price() -> None:
    found = aws(INSTANCE, MACHINE | {"instanceMarketOptions": {"marketType": "spot"}})
    assert isinstance(found, Cost)
    assert found.expected == Decimal("0.35")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"instanceType": None}, "instanceType is missing"),
        ({"rootBlockDevice": {"volumeType": "gp3"}}, "rootBlockDevice.volumeSize is missing"),
        ({"rootBlockDevice": {"volumeSize": 8}}, "rootBlockDevice.volumeType is missing"),
        (
            {"rootBlockDevice": {"volumeSize": 8, "volumeType": "io2"}},
            "no price for disk_io2 at aws in us-east-1",
        ),
        (
            {"rootBlockDevice": {"volumeSize": 8, "volumeType": "standard"}},
            "no price for disks of kind standard",
        ),
        (
            {"rootBlockDevice": {"volumeSize": 8, "volumeType": "gp3", "iops": UNKNOWN}},
            "rootBlockDevice.iops is not known before the update",
        ),
        ({"tenancy": "dedicated"}, "tenancy: only shared hardware (default) has a price rule"),
        ({"hostId": "h-1"}, "hostId: dedicated hosts have no price rule"),
        (
            {"instanceMarketOptions": {"marketType": "capacity-block"}},
            "instanceMarketOptions.marketType capacity-block has no price rule",
        ),
        (
            {"launchTemplate": {"id": "lt-1"}},
            (
                "launchTemplate: a launch template is priced only where the whole stack is seen,"
                " as by `outlay cost`; set the fields here instead"
            ),
        ),
    ],
)
def test_an_instance_whose_price_is_open_is_unpriced(
    change: dict[str, object], reason: str
) -> None:
    assert aws(INSTANCE, MACHINE | change) == Unpriced(reason=reason)


def test_a_volume_costs_its_size() -> None:
    assert aws("aws:ebs/volume:Volume", {"size": 500, "type": "gp3"}) == cost(
        "0.5", "0.5", "0.5", line("disks: 1 of 500 GiB", Category.STORAGE, "0.5")
    )


def test_a_volume_of_the_default_type_is_gp2() -> None:
    """Whose price this book lacks."""
    assert aws("aws:ebs/volume:Volume", {"size": 500}) == Unpriced(
        reason="no price for disk_gp2 at aws in us-east-1"
    )


def test_an_internet_facing_load_balancer_brings_an_address_per_subnet() -> None:
    found = aws(LOAD_BALANCER, {"subnets": [UNKNOWN, UNKNOWN]})
    assert found == cost(
        "0.03",
        "0.03",
        "0.03",
        line("load balancer", Category.NETWORK, "0.02"),
        line("public IPv4 address (2)", Category.NETWORK, "0.01"),
    )


def test_an_internal_load_balancer_needs_no_address() -> None:
    found = aws(LOAD_BALANCER, {"internal": True})
    assert isinstance(found, Cost)
    assert found.expected == Decimal("0.02")


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"loadBalancerType": "gateway"}, "loadBalancerType gateway has no price"),
        ({}, "subnets is missing: each one brings a public IPv4 address"),
        ({"subnets": UNKNOWN}, "subnets is not known before the update"),
    ],
)
def test_a_load_balancer_whose_price_is_open_is_unpriced(
    inputs: dict[str, object], reason: str
) -> None:
    assert aws(LOAD_BALANCER, inputs) == Unpriced(reason=reason)


def test_only_gateway_endpoints_are_free() -> None:
    endpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"
    assert aws(endpoint, {}) == Free(reason="gateway endpoints are not charged")
    assert aws(endpoint, {"vpcEndpointType": "Interface"}) == Unpriced(
        reason="vpcEndpointType Interface has no price"
    )


def test_a_launch_template_is_free_by_itself() -> None:
    found = aws("aws:ec2/launchTemplate:LaunchTemplate", {"instanceType": "p5.48xlarge"})
    assert found == Free(reason="a template; what is started from it is priced")
