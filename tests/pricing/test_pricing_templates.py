"""Launch templates are read where a group or an instance names them, or the price is open."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from outlay.pricing.beside import LAUNCH_TEMPLATE, Beside, Neighbour
from outlay.pricing.documents import parse_document
from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.price import price
from outlay.pricing.statement import Statement, state_costs
from outlay.pricing.types import Category, Cost, Price, Unpriced
from tests.pricing.book import RATES, cost, line
from tests.pricing.written import create, export, log, provider, same, state

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ASG = "aws:autoscaling/group:Group"
INSTANCE = "aws:ec2/instance:Instance"
TEMPLATE: dict[str, Any] = {
    "name": "gpu",
    "instanceType": "g6.xlarge",
    "blockDeviceMappings": [{"ebs": {"volumeSize": 100, "volumeType": "gp3"}}],
}
GROUP: dict[str, Any] = {
    "launchTemplate": {"name": "gpu", "version": "$Latest"},
    "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 4},
}
SIZES: dict[str, Any] = {"minSize": 0, "desiredCapacity": 5, "maxSize": 10}


def beside(template: dict[str, Any] | None = None, **outputs: Any) -> Beside:
    kept = Neighbour(
        type=LAUNCH_TEMPLATE,
        id="lt-1" if outputs else None,
        inputs=TEMPLATE if template is None else template,
        outputs=outputs,
    )
    return Beside.of([kept])


def aws(kind: str, inputs: dict[str, Any], around: Beside | None = None) -> Price:
    around = beside() if around is None else around
    return price(kind, inputs, rates=RATES, region="us-east-1", beside=around)


def reason(found: Price) -> str:
    assert isinstance(found, Unpriced), found
    return found.reason


def test_a_node_group_takes_type_and_disk_from_its_template() -> None:
    assert aws(NODE_GROUP, GROUP) == cost(
        "0.9",
        "1.8",
        "3.6",
        line("nodes: 2 g6.xlarge on-demand", Category.GPU, "1.6"),
        line("disks: 2 of 100 GiB", Category.STORAGE, "0.2"),
    )


def test_a_template_s_public_address_is_one_for_each_node() -> None:
    public = TEMPLATE | {"networkInterfaces": [{"associatePublicIpAddress": "true"}]}
    found = aws(NODE_GROUP, GROUP, beside(public))
    assert isinstance(found, Cost)
    assert (found.low, found.expected, found.high) == tuple(n * Decimal("0.905") for n in (1, 2, 4))


@pytest.mark.parametrize("key", [{"id": "lt-1"}, {"name": "gpu"}])
@pytest.mark.parametrize("version", ["$Latest", "3", 3.0, UNKNOWN])
def test_a_template_of_the_state_is_found_by_id_and_by_name(
    key: dict[str, str], version: object
) -> None:
    found = aws(
        NODE_GROUP,
        GROUP | {"launchTemplate": key | {"version": version}},
        beside(latestVersion=3.0),
    )
    assert isinstance(found, Cost)


@pytest.mark.parametrize(
    ("holder", "said"),
    [
        ({"id": UNKNOWN, "version": "$Latest"}, "refer to the launch template by its name"),
        ({"name": "other", "version": "$Latest"}, "none of that name is declared here"),
        ({"version": "$Latest"}, "launchTemplate.id or launchTemplate.name is missing"),
        ({"name": "gpu", "version": "2"}, "may be older"),
        ({"name": "gpu"}, "may be older"),
        ({"name": "gpu", "version": "$Default"}, "may be older"),
    ],
)
def test_a_template_that_may_be_another_one_has_no_price(holder: dict[str, str], said: str) -> None:
    """Version 2 of a template at version 3 may start anything."""
    around = beside(latestVersion=3.0, defaultVersion=1.0)
    assert said in reason(aws(NODE_GROUP, GROUP | {"launchTemplate": holder}, around))


def test_a_pinned_version_of_a_template_that_is_being_changed_has_no_price() -> None:
    """The number is that of the old content; the inputs are the new one's."""
    around = beside(latestVersion=UNKNOWN)
    found = aws(NODE_GROUP, GROUP | {"launchTemplate": {"name": "gpu", "version": "3"}}, around)
    assert "may be older" in reason(found)


def test_two_templates_of_one_name_leave_the_price_open() -> None:
    twins = Beside.of(
        Neighbour(type=LAUNCH_TEMPLATE, id=None, inputs=TEMPLATE, outputs={}) for _ in range(2)
    )
    assert "several have that name" in reason(aws(NODE_GROUP, GROUP, twins))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"instanceType": None}, "launchTemplate.instanceType is missing"),
        ({"blockDeviceMappings": None}, "the image decides the disk"),
        ({"instanceRequirements": {"memoryMib": {"min": 1}}}, "attributes leave"),
        ({"placement": {"tenancy": "dedicated"}}, "only shared hardware"),
        ({"placement": {"hostId": "h-1"}}, "dedicated hosts"),
    ],
)
def test_a_template_whose_price_is_open_says_why(change: dict[str, Any], said: str) -> None:
    assert said in reason(aws(NODE_GROUP, GROUP, beside(TEMPLATE | change)))


def test_an_instance_fills_in_what_it_does_not_say_itself() -> None:
    inputs = {"launchTemplate": {"name": "gpu", "version": "$Latest"}}
    small, large = aws(INSTANCE, inputs), aws(INSTANCE, inputs | {"instanceType": "g6.2xlarge"})
    assert isinstance(small, Cost)
    assert isinstance(large, Cost)
    assert (small.expected, large.expected) == (Decimal("0.9"), Decimal("1.1"))


def test_a_group_costs_its_template_from_min_to_max() -> None:
    found = aws(ASG, SIZES | {"launchTemplate": {"name": "gpu", "version": "$Latest"}})
    assert isinstance(found, Cost)
    assert [found.low, found.expected, found.high] == [0, Decimal("4.5"), 9]


def policy(**distribution: int) -> dict[str, Any]:
    specification = {"launchTemplateName": "gpu", "version": "$Latest"}
    holder = {"launchTemplateSpecification": specification}
    return {"launchTemplate": holder, "instancesDistribution": distribution}


def test_a_mixed_group_divides_its_machines_between_the_markets() -> None:
    """Two are on demand, and of the others half, rounded up: 5 are 4 and 1, 10 are 6 and 4."""
    mix = policy(onDemandBaseCapacity=2, onDemandPercentageAboveBaseCapacity=50)
    found = aws(ASG, SIZES | {"mixedInstancesPolicy": mix})
    assert isinstance(found, Cost)
    assert found.expected == 4 * Decimal("0.9") + Decimal("0.4")
    assert found.high == 6 * Decimal("0.9") + 4 * Decimal("0.4")
    assert [(nodes.market, nodes.expected) for nodes in found.nodes] == [
        ("on-demand", 4),
        ("spot", 1),
    ]


def test_overrides_widen_the_range_and_replace_the_template_s_type() -> None:
    mix = policy()
    mix["launchTemplate"]["overrides"] = [
        {"instanceType": "g6.2xlarge"},
        {"instanceType": "g6.xlarge"},
    ]
    found = aws(ASG, SIZES | {"mixedInstancesPolicy": mix})
    assert isinstance(found, Cost)
    assert (found.expected, found.high) == (5 * Decimal("1.1"), 10 * Decimal("1.1"))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ({"instanceType": "g6.xlarge", "weightedCapacity": "4"}, "weights leave"),
        ({"instanceRequirements": {"vcpuCount": {"min": 1}}}, "attributes leave"),
        ({"instanceType": UNKNOWN}, "not known before the update"),
    ],
)
def test_an_override_that_leaves_the_machine_open_has_no_price(
    override: dict[str, Any], said: str
) -> None:
    mix = policy()
    mix["launchTemplate"]["overrides"] = [override]
    assert said in reason(aws(ASG, SIZES | {"mixedInstancesPolicy": mix}))


@pytest.mark.parametrize("field", ["launchConfiguration", "warmPool"])
def test_a_group_of_the_older_kind_has_no_price(field: str) -> None:
    assert reason(aws(ASG, SIZES | {field: "x"})).startswith(f"{field}: ")


def priced(text: str) -> Statement:
    return state_costs(parse_document(text, source="here"), rates=RATES)


TEMPLATE_STATE = state(
    LAUNCH_TEMPLATE, "template", TEMPLATE, id="lt-1", outputs={"latestVersion": 1}
)
GROUP_STATE = state(NODE_GROUP, "group", GROUP | {"launchTemplate": {"id": "lt-1", "version": "1"}})


def test_a_state_and_a_preview_resolve_what_stands_beside() -> None:
    exported = priced(export(TEMPLATE_STATE, GROUP_STATE))
    previewed = priced(log([*same(provider()), *same(TEMPLATE_STATE), *create(GROUP_STATE)]))
    assert exported.unpriced == previewed.unpriced == ()
    assert exported.total.expected == previewed.total.expected == Decimal("1.8")


def test_a_template_that_waits_for_its_deletion_is_not_the_one_that_is_meant() -> None:
    old = TEMPLATE_STATE | {
        "delete": True,
        "id": "lt-0",
        "inputs": TEMPLATE | {"instanceType": "x"},
    }
    assert priced(export(old, TEMPLATE_STATE, GROUP_STATE)).total.expected == Decimal("1.8")
