"""Rule: nothing is declared whose price is not known, and an unknown never weakens the rule."""

from __future__ import annotations

import pytest
from pulumi_policy import EnforcementLevel

from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.types import Cost, Free, Unpriced
from policies.prices import Prices
from policies.unpriced import no_unpriced_resources
from tests.policies.conftest import Reports
from tests.policies.resources import NODE_GROUP, declared, pool, provider

AFTER = (
    ".\nWhatever it costs would not count against the budget. Declare what is missing, use a type that"
    " has a price, or make this policy advisory in the pack's configuration."
)


def test_the_rule_is_mandatory_and_says_what_should_hold() -> None:
    policy = no_unpriced_resources(Prices())
    assert policy.name == "no-unpriced-resources"
    assert policy.enforcement_level is EnforcementLevel.MANDATORY
    assert policy.description == "Every resource has a known price or is known to be free."


def test_priced_and_free_resources_pass_and_are_remembered(reports: Reports) -> None:
    prices = Prices()
    policy = no_unpriced_resources(prices)
    policy.validate(declared(NODE_GROUP, "gpu", pool(nodes=2.0)), reports)
    policy.validate(declared("aws:ec2/vpc:Vpc", "net", {}), reports)
    assert reports == []
    assert isinstance(prices.seen[f"urn:{NODE_GROUP}::gpu"], Cost)
    assert isinstance(prices.seen["urn:aws:ec2/vpc:Vpc::net"], Free)


@pytest.mark.parametrize(
    ("resource_type", "inputs", "reason"),
    [
        ("aws:rds/instance:Instance", {}, "no price rule for aws:rds/instance:Instance"),
        (
            NODE_GROUP,
            pool(nodes=UNKNOWN),
            "scalingConfig.desiredSize is not known before the update",
        ),
        (
            NODE_GROUP,
            pool(nodes=1.0) | {"scalingConfig": "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"},
            "scalingConfig is not known before the update",
        ),
        (
            NODE_GROUP,
            pool(nodes=1.0) | {"instanceTypes": [UNKNOWN]},
            "instanceTypes[0] is not known before the update",
        ),
        (NODE_GROUP, {}, "instanceTypes is missing"),
    ],
)
def test_an_open_price_is_reported_and_never_raised(
    resource_type: str, inputs: dict[str, object], reason: str, reports: Reports
) -> None:
    """An UnknownValueError out of the rule would turn it into advice."""
    no_unpriced_resources(Prices()).validate(declared(resource_type, "x", inputs), reports)
    assert reports.messages == [f"no price is known: {reason}{AFTER}"]


def test_unknowns_that_the_price_does_not_need_do_no_harm(reports: Reports) -> None:
    inputs = pool(nodes=1.0) | {
        "nodeRoleArn": UNKNOWN,
        "subnetIds": [UNKNOWN],
        "tags": {"a": UNKNOWN},
    }
    no_unpriced_resources(Prices()).validate(declared(NODE_GROUP, "gpu", inputs), reports)
    assert reports == []


@pytest.mark.parametrize("by", [provider(), provider(region=UNKNOWN)])
def test_a_provider_without_a_known_region_leaves_the_price_open(
    by: object, reports: Reports
) -> None:
    policy = no_unpriced_resources(Prices())
    policy.validate(declared(NODE_GROUP, "gpu", pool(nodes=1.0), by=by), reports)  # type: ignore[arg-type]  # parametrize types its values as object
    assert len(reports) == 1
    assert (
        "no region: neither region nor availabilityZone nor the provider names one"
        in reports.messages[0]
    )


def test_components_are_free_whatever_their_type(reports: Reports) -> None:
    """The engine gives them no provider; what is in them is priced by itself."""
    prices = Prices()
    component = declared("awsx:ec2:Vpc", "net", {}, by=None)
    no_unpriced_resources(prices).validate(component, reports)
    assert reports == []
    assert isinstance(prices.seen[component.urn], Free)


def test_objects_of_a_cluster_that_is_not_there_yet_are_priced_by_their_inputs(
    reports: Reports,
) -> None:
    prices = Prices()
    bought = declared(
        "kubernetes:compute.coreweave.com/v1alpha1:NodePool",
        "h100",
        {"spec": {"instanceType": "gd-8xh100ib-i128", "targetNodes": 1.0}},
        by=provider(kubeconfig=UNKNOWN),
    )
    policy = no_unpriced_resources(prices)
    policy.validate(bought, reports)
    policy.validate(declared("kubernetes:apps/v1:Deployment", "engine", {}), reports)
    assert reports == []
    assert isinstance(prices.seen[bought.urn], Cost)


def test_the_latest_inputs_count(reports: Reports) -> None:
    """A pack that outlives a preview prices the update anew."""
    prices = Prices()
    policy = no_unpriced_resources(prices)
    policy.validate(declared(NODE_GROUP, "gpu", pool(nodes=UNKNOWN)), reports)
    assert isinstance(prices.seen[f"urn:{NODE_GROUP}::gpu"], Unpriced)
    policy.validate(declared(NODE_GROUP, "gpu", pool(nodes=1.0)), reports)
    assert isinstance(prices.seen[f"urn:{NODE_GROUP}::gpu"], Cost)
