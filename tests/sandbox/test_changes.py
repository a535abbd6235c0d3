"""Which changes are seen, and which of them force a new resource."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2

from sandbox.diff import Kind, diff
from sandbox.protocol import to_struct
from sandbox.values import UNKNOWN, mask, merge
from tests.sandbox import stacks
from tests.sandbox.client import Made, Plugin
from tests.sandbox.stacks import node_config, node_group, node_pool

PropertyDiff = provider_pb2.PropertyDiff
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
)
PROPS = st.dictionaries(st.sampled_from("abc"), VALUES)


def made(token: str, inputs: dict[str, Any]) -> Made:
    """Return a resource as a state would hold it."""
    return Made(token, "it", "some-id", inputs, inputs)


@pytest.mark.parametrize(
    ("changes", "path", "kind"),
    [
        (
            {"scalingConfig": {"desiredSize": 3, "minSize": 1, "maxSize": 4}},
            "scalingConfig.desiredSize",
            "UPDATE",
        ),
        ({"labels": {"outlay/pool": "other"}}, "labels.outlay/pool", "UPDATE"),
        ({"taints": []}, "taints[0]", "DELETE"),
        ({"version": "1.35"}, "version", "ADD"),
        ({"instanceTypes": ["g6.4xlarge"]}, "instanceTypes[0]", "UPDATE_REPLACE"),
        ({"capacityType": "ON_DEMAND"}, "capacityType", "UPDATE_REPLACE"),
        ({"diskSize": 200}, "diskSize", "ADD_REPLACE"),
        ({"amiType": None}, "amiType", "DELETE_REPLACE"),
        ({"launchTemplate": {"id": "lt", "version": "1"}}, "launchTemplate", "ADD_REPLACE"),
        ({"launchTemplate": {"version": "1"}}, "launchTemplate", "ADD"),
    ],
)
def test_eks_node_group(aws_checks: Plugin, changes: dict[str, Any], path: str, kind: str) -> None:
    response = aws_checks.diff(made(stacks.NODE_GROUP, node_group()), node_group(**changes))
    assert response.hasDetailedDiff
    assert {
        key: PropertyDiff.Kind.Name(row.kind) for key, row in response.detailedDiff.items()
    } == {path: kind}
    top = path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]
    assert list(response.diffs) == [top]
    assert list(response.replaces) == ([top] if kind.endswith("REPLACE") else [])


@pytest.mark.parametrize(
    ("config", "replaces"),
    [
        ({"spot": False}, True),
        ({"guestAccelerators": [{"type": "nvidia-l4", "count": 2}]}, True),
        ({"serviceAccount": "x"}, True),
        ({"labels": {"outlay/pool": "other"}}, False),
        ({"taints": []}, False),
        ({"diskSizeGb": 300}, False),
    ],
)
def test_gke_node_pool(gcp_checks: Plugin, config: dict[str, Any], replaces: bool) -> None:
    changed = node_pool(nodeConfig=node_config(**config))
    response = gcp_checks.diff(made(stacks.NODE_POOL, node_pool()), changed)
    assert list(response.replaces) == (["nodeConfig"] if replaces else [])


def test_a_kept_name_is_freed_before_it_is_taken_again(aws_checks: Plugin) -> None:
    changed = node_group(diskSize=200)
    old = made(stacks.NODE_GROUP, node_group())
    assert aws_checks.diff(old, changed).deleteBeforeReplace
    assert not aws_checks.diff(old, {**changed, "nodeGroupName": "l4-spot-2"}).deleteBeforeReplace


def test_ignored_changes_are_none(aws_checks: Plugin) -> None:
    changed = node_group(scalingConfig={"desiredSize": 3, "minSize": 1, "maxSize": 4})
    response = aws_checks.diff(
        made(stacks.NODE_GROUP, node_group()), changed, ignore=("scalingConfig.desiredSize",)
    )
    assert response.changes == response.DIFF_NONE


def test_another_region_of_the_provider_replaces_everything(aws_checks: Plugin) -> None:
    request = provider_pb2.DiffRequest(
        old_inputs=to_struct({"region": "us-west-2", "version": "7.0.0"}),
        news=to_struct({"region": "us-east-1", "version": "7.51.1"}),
    )
    response = aws_checks.call("DiffConfig", request)
    assert list(response.replaces) == ["region"]
    assert list(response.diffs) == ["region"]


@given(PROPS)
def test_nothing_differs_from_itself(props: dict[str, Any]) -> None:
    assert diff(props, props) == ()


@given(PROPS, PROPS)
def test_a_difference_reads_the_other_way_round(old: dict[str, Any], new: dict[str, Any]) -> None:
    mirror = {Kind.ADD: Kind.DELETE, Kind.DELETE: Kind.ADD, Kind.UPDATE: Kind.UPDATE}
    there = {(change.path, mirror[change.kind]) for change in diff(old, new)}
    back = {(change.path, change.kind) for change in diff(new, old)}
    assert there == back


@given(PROPS, PROPS)
def test_merging_keeps_what_the_first_says(first: dict[str, Any], second: dict[str, Any]) -> None:
    merged = merge(first, second)
    for key, value in first.items():
        if not isinstance(value, (dict, list)) and value is not None:
            assert merged[key] == value
    assert set(merged) == {*first, *second}


@given(PROPS)
def test_masking_by_itself_hides_nothing(props: dict[str, Any]) -> None:
    assert mask(props, props) == props


def test_an_unknown_value_counts_as_a_change() -> None:
    (change,) = diff({"a": "x"}, {"a": UNKNOWN}, replace=["a"])
    assert (change.path, change.kind, change.replaces) == ("a", Kind.UPDATE, True)
