"""One NodePool object for each node pool: CoreWeave's nodes are declared inside the cluster.

CoreWeave installs the driver, the device plugin and the health checks of its nodes by itself.
Source: CoreWeave, "Node Pool reference".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from outlay.clouds.names import replaceable
from outlay.clouds.nodes import NodePool
from outlay.clouds.slim import SlimResource

API_VERSION = "compute.coreweave.com/v1alpha1"
NAME_LIMIT = 63
NODES_PER_RACK = 18
RACK_FAMILIES = ("gb200-", "gb300-")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePoolArgs:
    """A node pool, and whose money it spends."""

    pool: NodePool
    project: str
    stack: str


def node_pool(name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions) -> SlimResource:
    """Declare the NodePool object of a pool.

    The Plan sets the number of nodes on each update; between updates an autoscaler may move it.
    """
    metadata = {
        "name": cloud_name(args.pool),
        "annotations": {"outlay/project": args.project, "outlay/stack": args.stack},
    }
    return SlimResource(
        f"kubernetes:{API_VERSION}:NodePool",
        name,
        {
            "apiVersion": API_VERSION,
            "kind": "NodePool",
            "metadata": metadata,
            "spec": {**_size(args.pool), **_nodes(args.pool)},
        },
        opts=opts,
    )


def cloud_name(pool: NodePool) -> str:
    """Return the object's name, which changes with whatever forces a new pool."""
    return replaceable(pool.name, limit=NAME_LIMIT, forced_by=(pool.instance_type, pool.market))


def in_racks(instance_type: str) -> bool:
    """Whether an instance type is sold by whole racks only."""
    return instance_type.startswith(RACK_FAMILIES)


def _size(pool: NodePool) -> dict[str, Any]:
    if in_racks(pool.instance_type):
        return {"targetRacks": pool.nodes // NODES_PER_RACK}
    limits = {"minNodes": pool.min_nodes, "maxNodes": pool.max_nodes} if pool.is_elastic else {}
    return {"autoscaling": pool.is_elastic, "targetNodes": pool.nodes, **limits}


def _nodes(pool: NodePool) -> dict[str, Any]:
    return {
        "computeClass": "Spot" if pool.is_spot else "default",
        "instanceType": pool.instance_type,
        "nodeLabels": dict(pool.labels),
        "nodeTaints": [
            {"key": taint.key, "value": taint.value, "effect": taint.effect}
            for taint in pool.taints
        ],
    }
