"""What CoreWeave refuses, in its own API and in the clusters' NodePool objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.coreweave import NODE_POOL
from sandbox.ledger import Ledger, Usage
from tests.sandbox import stacks
from tests.sandbox.client import Made, Plugin, RefusedError, executable, running


@pytest.fixture
def cluster(coreweave: Plugin) -> Made:
    """A CKS cluster in US-EAST-04A."""
    return stacks.cks_cluster(coreweave)


@pytest.fixture
def inside(cluster: Made, plugins: Path, ledger_file: Path) -> Iterator[Plugin]:
    """The Kubernetes plugin, connected to that cluster."""
    kubeconfig = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
        "clusters": [
            {"name": "c", "cluster": {"server": f"https://{cluster.outputs['apiServerEndpoint']}"}}
        ],
    }
    with running(executable(plugins, "kubernetes"), ledger=ledger_file) as plugin:
        plugin.configure(kubeconfig=json.dumps(kubeconfig))
        yield plugin


def node_pool(**spec: Any) -> dict[str, Any]:
    """Return a NodePool object; None takes a field away."""
    fields = {"instanceType": "gd-8xh100ib-i128", "computeClass": "default", "targetNodes": 2}
    joined = {key: value for key, value in {**fields, **spec}.items() if value is not None}
    return {"metadata": {"name": "h100"}, "spec": joined}


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"name": "x" * 31}, "name", "must not be longer than 30 characters"),
        ({"zone": "US-EAST-04B"}, "zone", "no zone 'US-EAST-04B'; did you mean"),
        ({"zone": "US-WEST-01A"}, "vpcId", "the VPC lies in US-EAST-04A"),
        ({"version": "1.34"}, "version", "must be written as v1.34"),
        ({"podCidrName": "pod"}, "podCidrName", "the VPC has no prefix 'pod'"),
        ({"vpcid": "x"}, "vpcid", "no such property"),
    ],
)
def test_a_broken_cluster_is_refused_by_its_property(
    coreweave: Plugin, cluster: Made, changes: dict[str, Any], path: str, reason: str
) -> None:
    failures = coreweave.failures(stacks.CKS, {**cluster.inputs, **changes})
    assert reason in failures[path]


@pytest.mark.parametrize(
    ("spec", "path", "reason"),
    [
        ({"instanceType": "gd-8xh100"}, "spec.instanceType", "no machine type"),
        ({"instanceType": "b200-8x"}, "spec.instanceType", "is not sold in US-EAST-04A"),
        ({"targetNodes": "2"}, "spec.targetNodes", "is not of type 'integer'"),
        ({"targetNodes": None}, "spec.targetNodes", "is required"),
        ({"computeClass": "spot"}, "spec.computeClass", "is not one of"),
        ({"nodes": 2}, "spec", "unexpected"),
        (
            {"autoscaling": True, "minNodes": 3, "maxNodes": 5},
            "spec.targetNodes",
            "must lie between minNodes and maxNodes, are 3 <= 2 <= 5",
        ),
        ({"nodeLabels": {"a b": "c"}}, "spec.nodeLabels", "is no label key"),
        ({"nodeTaints": [{"key": "a", "effect": "Never"}]}, "spec.nodeTaints[0].effect", "not one"),
        ({"instanceType": "gb200-4x"}, "spec.targetRacks", "is required: racks have 18 nodes"),
    ],
)
def test_a_broken_node_pool_is_refused_by_its_property(
    inside: Plugin, spec: dict[str, Any], path: str, reason: str
) -> None:
    failures = inside.failures(NODE_POOL, node_pool(**spec))
    assert path in failures, failures
    assert reason in failures[path]


def test_a_node_pool_is_bought_and_takes_from_its_zone(inside: Plugin, ledger: Ledger) -> None:
    made = inside.create(NODE_POOL, node_pool(), name="h100")
    assert made.outputs["status"]["currentNodes"] == 2
    (record,) = ledger.records(NODE_POOL)
    assert record.usage == Usage("gd-8xh100ib-i128", "on-demand", 2, 256, 16)
    ledger.set_quota(
        package="coreweave", region="US-EAST-04A", market="on-demand", unit="gpus", amount=24
    )
    more = {**node_pool(), "metadata": {"name": "more"}}
    with pytest.raises(RefusedError, match="QuotaExceeded: 16 more on-demand gpus"):
        inside.create(NODE_POOL, more, name="more")


def test_a_zone_without_machines_refuses_the_whole_pool(inside: Plugin, ledger: Ledger) -> None:
    ledger.set_capacity(
        package="coreweave",
        region="US-EAST-04A",
        sku="gd-8xh100ib-i128",
        market="on-demand",
        nodes=1,
    )
    with pytest.raises(RefusedError, match="has 1 free gd-8xh100ib-i128"):
        inside.create(NODE_POOL, node_pool(), name="h100")


def test_the_machine_type_of_a_pool_is_fixed_and_its_size_is_not(inside: Plugin) -> None:
    made = inside.create(NODE_POOL, node_pool(), name="h100")
    other = inside.diff(made, {**made.inputs, "spec": {**made.inputs["spec"], "targetNodes": 3}})
    fixed = inside.diff(
        made, {**made.inputs, "spec": {**made.inputs["spec"], "computeClass": "Spot"}}
    )
    assert (list(other.diffs), list(other.replaces)) == (["spec"], [])
    assert list(fixed.replaces) == ["spec"]


def test_a_cluster_with_pools_is_not_deleted(coreweave: Plugin, inside: Plugin) -> None:
    """Its nodes would go on costing money."""
    pool = inside.create(NODE_POOL, node_pool(), name="h100")
    (cluster,) = (made for made in coreweave.made if made.token == stacks.CKS)
    with pytest.raises(RefusedError, match="still has node pool h100; delete that first"):
        coreweave.delete(cluster)
    inside.delete(pool)
    coreweave.delete(cluster)
