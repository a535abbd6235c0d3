"""Rules on machines: markets, failure domains, places, GPU types, sizes and reservations."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pulumi_policy import ResourceValidationArgs

from policies.machines import (
    ALLOWED_GPUS,
    ALLOWED_PROVIDERS,
    ALLOWED_REGIONS,
    LARGEST_POOL,
    RESERVATION_USE,
    SPOT_SURVIVES,
    SPOT_USE,
)
from tests.policies.resources import NODE_GROUP, ask, declared, kubernetes, pool, provider

GKE = "gcp:container/nodePool:NodePool"
CAPACITY = "aws:ec2/capacityReservation:CapacityReservation"


def aws_pool(
    more: Mapping[str, object] | None = None,
    *,
    name: str = "gpu",
    nodes: float = 2.0,
    most: float = 10.0,
) -> ResourceValidationArgs:
    return declared(NODE_GROUP, name, pool(nodes=nodes, most=most) | dict(more or {}))


def google_pool(name: str = "l4", *, spot: bool = False) -> ResourceValidationArgs:
    config = {"machineType": "g2-standard-4", "spot": spot}
    inputs = {"location": "us-central1-a", "nodeCount": 1.0, "nodeConfig": config}
    return declared(GKE, name, inputs, by=provider(region="us-central1"))


def reservation(count: float, more: Mapping[str, object] | None = None) -> ResourceValidationArgs:
    inputs = {
        "instanceType": "g6.xlarge",
        "instanceCount": count,
        "instancePlatform": "Linux/UNIX",
        "availabilityZone": "us-east-1a",
    }
    return declared(CAPACITY, "r", inputs | dict(more or {}))


SPOT = {"capacityType": "SPOT"}


@pytest.mark.parametrize(
    ("spot", "market", "message"),
    [
        ("forbidden", SPOT, "L4 nodes on spot: the environment 'prod' forbids spot."),
        ("forbidden", {}, None),
        ("required", SPOT, None),
        ("required", {}, "L4 nodes on demand: the environment 'prod' asks for spot."),
        ("required", {"instanceTypes": ["m6i.2xlarge"]}, None),
    ],
)
def test_the_environment_chooses_the_market_of_gpus(
    spot: str, market: dict[str, object], message: str | None
) -> None:
    """CPU nodes may be what they like: routers stay on demand."""
    found = ask(SPOT_USE, [aws_pool(market)], config={"spot": spot}).messages
    assert found == ([] if message is None else [message])


def test_spot_is_allowed_unless_something_else_is_asked() -> None:
    assert ask(SPOT_USE, [aws_pool(SPOT)]).reason == "spot is allowed and not required"
    (message,) = ask(SPOT_USE, [aws_pool()], config={"spot": "never"}).messages
    assert message == "spot must be one of allowed, forbidden, required, got 'never'"


def test_all_on_spot_in_one_domain_is_refused() -> None:
    (message,) = ask(SPOT_SURVIVES, [aws_pool(SPOT)]).messages
    assert message.startswith("all GPU nodes are spot, in 1 failure domain (L4 in aws us-east-1)")


@pytest.mark.parametrize(
    "stack",
    [
        [aws_pool(SPOT), aws_pool(name="safe", nodes=1.0)],
        [aws_pool(SPOT), google_pool(spot=True)],
        [aws_pool(SPOT, nodes=0.0)],
        [aws_pool()],
        [],
    ],
)
def test_nodes_on_demand_or_of_another_domain_survive(stack: list[ResourceValidationArgs]) -> None:
    assert ask(SPOT_SURVIVES, stack) == []


def test_idle_capacity_on_demand_is_no_survivor() -> None:
    """A pool of no node, and a reservation that nothing runs on, serve nobody."""
    stack = [aws_pool(SPOT), aws_pool(name="empty", nodes=0.0), reservation(4.0)]
    assert len(ask(SPOT_SURVIVES, stack)) == 1


def test_more_domains_may_be_asked_for() -> None:
    stack = [aws_pool(SPOT), google_pool(spot=True)]
    assert len(ask(SPOT_SURVIVES, stack, config={"domains": 3.0})) == 1


@pytest.mark.parametrize(
    ("allowed", "resource", "message"),
    [
        (["aws"], aws_pool(), None),
        (["gcp", "azure"], aws_pool(), "it is on aws; allowed are gcp, azure."),
        (["gcp"], declared("aws:ec2/vpc:Vpc", "net", {}), None),
        (
            ["aws"],
            kubernetes(
                "compute.coreweave.com/v1alpha1:NodePool",
                "h",
                spec={"instanceType": "gd-8xh100ib-i128", "targetNodes": 1.0},
            ),
            "it is on coreweave; allowed are aws.",
        ),
    ],
)
def test_money_goes_to_allowed_providers(
    allowed: list[str], resource: ResourceValidationArgs, message: str | None
) -> None:
    found = ask(ALLOWED_PROVIDERS, [resource], config={"providers": allowed}).messages
    assert found == ([] if message is None else [message])


@pytest.mark.parametrize(
    ("patterns", "messages"),
    [
        (["us-*"], []),
        (["aws/us-east-?"], []),
        (["gcp/us-*"], ["it is in aws us-east-1; allowed are gcp/us-*."]),
        (["eu-*"], ["it is in aws us-east-1; allowed are eu-*."]),
    ],
)
def test_money_goes_to_allowed_regions(patterns: list[str], messages: list[str]) -> None:
    assert ask(ALLOWED_REGIONS, [aws_pool()], config={"regions": patterns}).messages == messages


def test_a_region_of_the_resources_own_counts() -> None:
    (message,) = ask(
        ALLOWED_REGIONS, [aws_pool({"region": "eu-west-1"})], config={"regions": ["us-*"]}
    ).messages
    assert message == "it is in aws eu-west-1; allowed are us-*."


@pytest.mark.parametrize("rule", [ALLOWED_PROVIDERS, ALLOWED_REGIONS, ALLOWED_GPUS])
def test_without_a_list_everything_is_allowed(rule: object) -> None:
    found = ask(rule, [aws_pool()])  # type: ignore[arg-type]  # parametrize types its values as object
    assert found == []
    assert found.reason is not None


def test_gpus_are_named_as_anywhere() -> None:
    assert ask(ALLOWED_GPUS, [aws_pool()], config={"gpus": ["l4"]}) == []
    (message,) = ask(ALLOWED_GPUS, [aws_pool()], config={"gpus": ["h100"]}).messages
    assert message == "it has L4 GPUs; allowed are H100."
    (message,) = ask(ALLOWED_GPUS, [aws_pool()], config={"gpus": ["l44"]}).messages
    assert message.startswith("gpus: unknown GPU 'l44'")


@pytest.mark.parametrize(
    ("most", "config", "messages"),
    [
        (64.0, {}, []),
        (65.0, {}, ["the pool may reach 65 nodes; one pool may have 64."]),
        (8.0, {"maxNodes": 7.0}, ["the pool may reach 8 nodes; one pool may have 7."]),
        (8.0, {"maxGpus": 7.0}, ["the pool may reach 8 GPUs; one pool may have 7."]),
        (8.0, {"maxNodes": 0.0}, ["maxNodes must be above 0, got 0.0"]),
        (8.0, {"maxNodes": 7.5}, ["maxNodes must be a whole number, got 7.5"]),
    ],
)
def test_no_pool_may_grow_without_end(
    most: float, config: dict[str, object], messages: list[str]
) -> None:
    assert ask(LARGEST_POOL, [aws_pool(most=most)], config=config).messages == messages


TAG = {"tags": {"outlay-reservation": "steady"}}


def test_what_is_reserved_must_be_used() -> None:
    """Two of four run nothing: 2 x 0.80 x 730."""
    (message,) = ask(RESERVATION_USE, [reservation(4.0, TAG), aws_pool(TAG)]).messages
    assert message.startswith(
        "2 of 4 reserved g6.xlarge in us-east-1 stand idle: $1,168.00/month for nothing."
    )
    assert ask(RESERVATION_USE, [reservation(2.0, TAG), aws_pool(TAG)]) == []


def test_a_claim_needs_its_reservation() -> None:
    (message,) = ask(RESERVATION_USE, [aws_pool(TAG)]).messages
    assert message == "it claims reservation 'steady', which the stack does not declare."
