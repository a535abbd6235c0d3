"""Reserved capacity costs its price used or not, and the nodes that run on it are not counted twice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Market
from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.reservations import NOTHING, overlap, reservation_named, reservations
from outlay.pricing.types import Category, Cost, Free, NodeSet, Price, Unpriced
from tests.pricing.book import OFFERS, RATES, cost, gpu_offer, line

AWS = "aws:ec2/capacityReservation:CapacityReservation"
RESERVED: dict[str, object] = {
    "instanceType": "g6.xlarge",
    "instanceCount": 4.0,
    "instancePlatform": "Linux/UNIX",
    "availabilityZone": "us-east-1a",
}
LAMBDA = "pulumi-python:dynamic/outlay/lambda:Instance"


def priced(resource_type: str, inputs: dict[str, object], region: str | None = None) -> Price:
    return price(resource_type, inputs, rates=RATES, region=region)


def paid(resource_type: str, inputs: dict[str, object], region: str | None = None) -> Cost:
    found = priced(resource_type, inputs, region)
    assert isinstance(found, Cost), found
    return found


def test_an_aws_reservation_costs_what_its_instances_would() -> None:
    """Four at 0.80 USD per hour; the zone names the region."""
    assert paid(AWS, RESERVED) == cost(
        "3.20", "3.20", "3.20", line("reserved: 4 g6.xlarge", Category.GPU, "3.20")
    )


def test_a_google_reservation_with_attached_gpus_is_priced_as_the_catalogue_names_it() -> None:
    inputs: dict[str, object] = {
        "zone": "us-central1-a",
        "specificReservation": {
            "count": 2.0,
            "instanceProperties": {
                "machineType": "n1-standard-4",
                "guestAccelerators": [
                    {"acceleratorType": "nvidia-tesla-t4", "acceleratorCount": 1.0}
                ],
            },
        },
    }
    assert paid("gcp:compute/reservation:Reservation", inputs).expected == Decimal("1.08")


def test_an_azure_reservation_is_priced_by_its_sku() -> None:
    inputs: dict[str, object] = {
        "location": "East US",
        "sku": {"name": "Standard_ND96isr_H100_v5", "capacity": 2.0},
    }
    found = paid("azure-native:compute:CapacityReservation", inputs)
    assert found.expected == Decimal("196.00")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"instanceCount": UNKNOWN}, "instanceCount is not known before the update"),
        ({"instanceCount": -1.0}, "instanceCount must be a whole number of 0 or more, got -1.0"),
        ({"instanceType": "p9.large"}, "no on-demand price for aws p9.large in us-east-1"),
        ({"tenancy": "dedicated"}, "tenancy: only shared hardware (default) has a price rule"),
        ({"instancePlatform": "Windows"}, "instancePlatform: only Linux/UNIX has a price"),
        ({"outpostArn": "arn:x"}, "outpostArn: Outposts have no price rule"),
    ],
)
def test_a_reservation_whose_price_is_open_is_unpriced(
    changes: dict[str, object], reason: str
) -> None:
    assert priced(AWS, RESERVED | changes) == Unpriced(reason=reason)


@pytest.mark.parametrize(
    "resource_type",
    [
        "aws:ec2/capacityBlockReservation:CapacityBlockReservation",
        "aws:autoscaling/group:Group",
    ],
)
def test_what_chooses_machines_out_of_sight_is_unpriced_with_a_reason(resource_type: str) -> None:
    found = priced(resource_type, {"instanceType": "g6.xlarge"}, "us-east-1")
    assert isinstance(found, Unpriced)
    assert not found.reason.startswith("no price rule")


def test_a_lambda_instance_is_priced_under_the_type_of_its_dynamic_resource() -> None:
    book = replace(
        RATES.catalog, offers=(*OFFERS, gpu_offer("lambda/global", "gpu_8x_h100", "23.92"))
    )
    inputs = {"instance_type_name": "gpu_8x_h100", "region_name": "us-west-1"}
    found = price(LAMBDA, inputs, rates=Rates(book), region=None)
    assert isinstance(found, Cost)
    assert found.expected == Decimal("23.92")


@pytest.mark.parametrize(
    ("sku", "expected"),
    [
        ("Standard", cost("0.02", "0.02", "0.02", line("load balancer", Category.NETWORK, "0.02"))),
        ("Basic", Free(reason="basic load balancers are not charged")),
        ("Gateway", Unpriced(reason="sku.name Gateway has no price")),
    ],
)
def test_an_azure_load_balancer_is_priced_by_its_sku(sku: str, expected: Price) -> None:
    found = priced(
        "azure-native:network:LoadBalancer", {"location": "eastus", "sku": {"name": sku}}
    )
    assert found == expected


def test_many_rules_of_a_load_balancer_are_not_counted_as_five() -> None:
    inputs: dict[str, object] = {
        "location": "eastus",
        "sku": {"name": "Standard"},
        "loadBalancingRules": [{}] * 6,
    }
    assert isinstance(priced("azure-native:network:LoadBalancer", inputs), Unpriced)


def test_an_object_that_is_not_what_its_type_says_is_unpriced() -> None:
    """The provider applies the object's own kind: under a free type it could buy nodes."""
    disguised: dict[str, object] = {
        "apiVersion": "compute.coreweave.com/v1alpha1",
        "kind": "NodePool",
        "spec": {"instanceType": "gd-8xh100ib-i128", "targetNodes": 100.0},
    }
    assert priced("kubernetes:core/v1:ConfigMap", disguised) == Unpriced(
        reason="kind NodePool differs from the type's, ConfigMap"
    )
    assert priced("kubernetes:apps/v1:NodePool", disguised) == Unpriced(
        reason="apiVersion compute.coreweave.com/v1alpha1 differs from the type's group, apps"
    )


def nodes(
    count: int, *, reserved: bool = False, region: str = "us-east-1", market: Market | None = None
) -> Cost:
    """Return nodes at 2 USD per hour, of which an autoscaler may take half or add as many again."""
    low, high = (count, count) if reserved else (count // 2, count * 2)
    one = NodeSet(
        provider="aws",
        region=region,
        instance_types=("g6.xlarge",),
        market=market or Market.ON_DEMAND,
        low=low,
        expected=count,
        high=high,
        usd_per_node_hour=Decimal(2),
        reserved=reserved,
    )
    return Cost(
        low=Decimal(2 * low),
        expected=Decimal(2 * count),
        high=Decimal(2 * high),
        lines=(),
        nodes=(one,),
    )


@given(
    reserved=st.integers(0, 50), pools=st.lists(st.integers(0, 30).map(lambda n: 2 * n), max_size=4)
)
def test_together_they_cost_the_larger_of_reservation_and_use(
    reserved: int, pools: list[int]
) -> None:
    """At each end of the range: a reservation pays for what runs on it, and for itself when idle."""
    named = [("r", nodes(reserved, reserved=True)), *(("r", nodes(count)) for count in pools)]
    both = overlap(named)
    for end, used in (
        ("low", sum(pools) // 2),
        ("expected", sum(pools)),
        ("high", sum(pools) * 2),
    ):
        whole = sum((getattr(each, end) for _, each in named), Decimal(0))
        assert whole - getattr(both, end) == 2 * max(reserved, used)


@pytest.mark.parametrize(
    "user",
    [
        ("other", nodes(4)),
        ("r", nodes(4, region="us-west-2")),
        ("r", nodes(4, market=Market.SPOT)),
        ("r", nodes(4, reserved=True)),
    ],
)
def test_a_false_claim_takes_nothing_off(user: tuple[str, Cost]) -> None:
    assert overlap([("r", nodes(4, reserved=True)), user]) == NOTHING


def test_a_claim_without_a_reservation_takes_nothing_off() -> None:
    assert overlap([("r", nodes(4)), ("r", nodes(2))]) == NOTHING


def test_two_reservations_of_one_name_never_share_a_node() -> None:
    named = [("r", nodes(2, reserved=True)), ("r", nodes(2, reserved=True)), ("r", nodes(2))]
    assert overlap(named).expected == Decimal(4)
    assert [pair.idle for pair in reservations(named)] == [0, 2]


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        ({"tags": {"outlay-reservation": "a"}}, "a"),
        ({"labels": {"outlay-reservation": "a"}}, "a"),
        ({"tags": {"team": "a"}}, None),
        ({"tags": UNKNOWN}, None),
        ({}, None),
    ],
)
def test_tags_name_the_reservation(inputs: dict[str, object], name: str | None) -> None:
    assert reservation_named(inputs) == name
