"""What holds for every type: nothing is free by omission, and no input makes a price wrong."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.pricing import aws, azure, coreweave, free, gcp, metered, price
from outlay.pricing.inputs import UNKNOWN
from outlay.pricing.types import Cost, Free, Unpriced
from tests.pricing.book import RATES

POOLS: dict[str, dict[str, object]] = {
    "aws:eks/nodeGroup:NodeGroup": {
        "instanceTypes": ["g6.xlarge", "g6.2xlarge"],
        "capacityType": "ON_DEMAND",
        "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 4},
        "diskSize": 100,
        "region": "us-east-1",
        "labels": {"team": "search"},
    },
    "gcp:container/nodePool:NodePool": {
        "location": "us-central1",
        "nodeLocations": ["us-central1-a", "us-central1-b"],
        "initialNodeCount": 1,
        "autoscaling": {"minNodeCount": 1, "maxNodeCount": 3},
        "nodeConfig": {"machineType": "g2-standard-4", "spot": True, "diskSizeGb": 100},
        "name": "gpu",
    },
    "azure-native:containerservice:AgentPool": {
        "location": "eastus",
        "vmSize": "Standard_ND96isr_H100_v5",
        "scaleSetPriority": "Spot",
        "osDiskType": "Ephemeral",
        "enableAutoScaling": True,
        "count": 1,
        "minCount": 1,
        "maxCount": 3,
    },
    "kubernetes:compute.coreweave.com/v1alpha1:NodePool": {
        "spec": {
            "instanceType": "gd-8xh100ib-i128",
            "computeClass": "default",
            "autoscaling": True,
            "targetNodes": 2,
            "minNodes": 1,
            "maxNodes": 3,
        },
    },
}
RULED = {
    **aws.RULES,
    **gcp.RULES,
    **azure.RULES,
    **coreweave.RULES,
}
FIELDS = sorted(
    {
        "instanceTypes", "scalingConfig", "minSize", "maxSize", "desiredSize", "diskSize", "region",
        "location", "nodeConfig", "machineType", "nodeCount", "nodeLocations", "autoscaling", "spec",
        "targetNodes", "instanceType", "vmSize", "count", "agentPoolProfiles", "sku", "tier", "size",
        "type", "guestAccelerators", "bootDisk", "networkInterfaces", "accessConfigs", "subnets",
    }
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([UNKNOWN, "g6.xlarge", "g2-standard-4", "us-central1-a", "pd-balanced"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5)
    ),
    max_leaves=12,
)


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every field, nested ones included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from leaves(inner, (*path, key))


def changed(inputs: dict[str, object], path: tuple[str, ...], value: object) -> dict[str, object]:
    """Copy the inputs with one field changed."""
    head, *rest = path
    inner = inputs[head]
    assert isinstance(inner, dict) or not rest
    return inputs | {
        head: changed(inner, tuple(rest), value) if isinstance(inner, dict) and rest else value
    }


@pytest.mark.parametrize(
    ("resource_type", "path"),
    [(kind, path) for kind, inputs in POOLS.items() for path in leaves(inputs)],
    ids=lambda value: value if isinstance(value, str) else ".".join(value),
)
def test_a_field_that_becomes_unknown_makes_the_price_open_or_does_not_matter(
    resource_type: str, path: tuple[str, ...]
) -> None:
    """There is no third way: an unknown neither lowers a price nor raises it."""
    before = price.price(resource_type, POOLS[resource_type], rates=RATES)
    after = price.price(resource_type, changed(POOLS[resource_type], path, UNKNOWN), rates=RATES)
    assert isinstance(before, Cost)
    assert after == before or isinstance(after, Unpriced)


@given(
    resource_type=st.sampled_from(sorted(RULED)),
    inputs=st.dictionaries(st.sampled_from(FIELDS), VALUES),
)
def test_no_input_breaks_a_rule_or_makes_a_price_negative(
    resource_type: str, inputs: dict[str, object]
) -> None:
    found = price.price(f"{resource_type}:X", inputs, rates=RATES, region="us-east-1")
    if isinstance(found, Cost):
        assert 0 <= found.low <= found.expected <= found.high
        assert found.expected == sum((line.usd_per_hour for line in found.lines), Decimal(0))


@given(sizes=st.lists(st.integers(0, 10_000), min_size=3, max_size=3), gib=st.integers(1, 2_000))
def test_low_expected_and_high_keep_their_order(sizes: list[int], gib: int) -> None:
    """In whatever order the sizes are declared."""
    low, desired, high = sizes
    inputs = POOLS["aws:eks/nodeGroup:NodeGroup"] | {
        "diskSize": gib,
        "scalingConfig": {"minSize": low, "desiredSize": desired, "maxSize": high},
    }
    found = price.price("aws:eks/nodeGroup:NodeGroup", inputs, rates=RATES)
    assert isinstance(found, Cost)
    assert 0 <= found.low <= found.expected <= found.high


@given(counts=st.lists(st.integers(0, 10_000), min_size=2))
def test_more_nodes_never_cost_less(counts: list[int]) -> None:
    pool = POOLS["azure-native:containerservice:AgentPool"] | {"enableAutoScaling": False}
    found = [
        price.price("azure-native:containerservice:AgentPool", pool | {"count": count}, rates=RATES)
        for count in sorted(counts)
    ]
    amounts = [each.expected for each in found if isinstance(each, Cost)]
    assert len(amounts) == len(counts)
    assert all(less <= more for less, more in pairwise(amounts))


@pytest.mark.parametrize(
    "resource_type",
    [
        "aws:rds/instance:Instance",
        "gcp:sql/databaseInstance:DatabaseInstance",
        "azure-native:compute:DedicatedHost",
        "pulumi-python:dynamic:Resource",
        "pulumi-python:dynamic/outlay/lambda:Other",
        "aws:ec2/spotFleetRequest:SpotFleetRequest",
        "command:local:Command",
        "outlay:clouds:Pool",
        "kubernetes:odd",
        "nonsense",
        "",
    ],
)
def test_a_type_without_a_rule_is_unpriced(resource_type: str) -> None:
    found = price.price(resource_type, {"name": "x"}, rates=RATES, region="us-east-1")
    assert found == Unpriced(reason=f"no price rule for {resource_type}")


@pytest.mark.parametrize(
    ("resource_type", "reason"),
    [
        ("pulumi:pulumi:Stack", free.LOGICAL),
        ("pulumi:pulumi:StackReference", free.LOGICAL),
        ("pulumi:providers:aws", free.LOGICAL),
        ("random:index/randomPassword:RandomPassword", free.LOGICAL),
        ("aws:ec2/vpc:Vpc", free.NETWORK),
        ("aws:iam/role:Role", free.IDENTITY),
        ("aws:s3/bucket:Bucket", metered.BY_USE),
        ("aws:eks/addon:Addon", free.SETTING),
        ("gcp:projects/iAMMember:IAMMember", free.IDENTITY),
        ("gcp:storage/bucket:Bucket", metered.BY_USE),
        ("azure-native:resources:ResourceGroup", free.SETTING),
        ("azure-native:network/v20230901:VirtualNetwork", free.NETWORK),
        ("coreweave:index/cksCluster:CksCluster", "included in the price of the nodes"),
    ],
)
def test_free_types_say_why(resource_type: str, reason: str) -> None:
    assert price.price(resource_type, {}, rates=RATES) == Free(reason=reason)


def test_no_type_is_both_free_and_priced() -> None:
    assert not free.RULES.keys() & RULED.keys()
    assert not [kind for kind in RULED if kind.startswith(tuple(free.PREFIXES))]


def test_every_type_of_the_sandbox_has_a_rule() -> None:
    """Reservations alone have none yet: their nodes would be counted twice."""
    from sandbox import generate_schemas

    kinds = {kind for types in generate_schemas.TYPES.values() for kind in types}
    found = {kind: price.price(kind, {}, rates=RATES) for kind in kinds}
    unruled = {
        kind
        for kind, each in found.items()
        if isinstance(each, Unpriced) and each.reason.startswith("no price rule")
    }
    assert unruled == set()
