"""One AKS agent pool for each node pool.

Nodes get managed disks of the plan's size: local disks are smaller than a checkpoint on many of
Azure's GPU machines. On all machines of the catalogue such a disk is a Premium SSD.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from outlay.catalog.labels import AZURE_SPOT_TAINT, Taint
from outlay.clouds.names import HASH_CHARACTERS, short_hash
from outlay.clouds.nodes import NodePool
from outlay.clouds.slim import SlimResource

# Source: AKS, "Node pool limitations": lower-case letters and digits, from a letter.
NAME_LIMIT = 12
# Up to the on-demand price, so that a node is only lost for want of capacity.
NO_MAX_PRICE = -1
IMAGE = "Ubuntu"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPoolArgs:
    """A node pool and where it goes. No zones leave the choice to Azure."""

    pool: NodePool
    resource_group: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    zones: tuple[str, ...]
    reservation_group: str | None
    tags: Mapping[str, str]


def agent_pool(name: str, args: AgentPoolArgs, opts: pulumi.ResourceOptions) -> SlimResource:
    """Declare the agent pool of a GPU pool.

    The Plan sets the number of nodes on each update; between updates an autoscaler may move it.
    """
    properties = {
        "resourceGroupName": args.resource_group,
        "resourceName": args.cluster_name,
        "agentPoolName": cloud_name(args.pool, zones=args.zones, reserved=args.reservation_group),
        "mode": "User",
        "availabilityZones": list(args.zones) or None,
        "gpuProfile": {"driver": "Install"},
        **pool_properties(args.pool, subnet_id=args.subnet_id, tags=args.tags),
        **_market(args.pool, args.reservation_group),
    }
    return SlimResource("azure-native:containerservice:AgentPool", name, properties, opts=opts)


def pool_properties(
    pool: NodePool, *, subnet_id: pulumi.Input[str], tags: Mapping[str, str]
) -> dict[str, Any]:
    """Return what agent pools have in common, those inside a cluster's own declaration too."""
    sizes = {"minCount": pool.min_nodes, "maxCount": pool.max_nodes} if pool.is_elastic else {}
    return {
        "type": "VirtualMachineScaleSets",
        "vmSize": pool.instance_type,
        "count": pool.nodes,
        "enableAutoScaling": pool.is_elastic,
        **sizes,
        "osType": "Linux",
        "osSKU": IMAGE,
        "osDiskType": "Managed",
        "osDiskSizeGB": pool.disk_gib,
        "vnetSubnetID": subnet_id,
        "nodeLabels": node_labels(pool),
        "nodeTaints": [_taint(taint) for taint in node_taints(pool)],
        "tags": dict(tags),
    }


def node_labels(pool: NodePool) -> dict[str, str]:
    """Return the labels, with the one that AKS itself puts on spot nodes: unsaid it would be drift."""
    own = {AZURE_SPOT_TAINT.key: AZURE_SPOT_TAINT.value} if pool.is_spot else {}
    return {**pool.labels, **own}


def node_taints(pool: NodePool) -> tuple[Taint, ...]:
    """Return the taints, with the one that AKS itself puts on spot nodes: unsaid it would be drift."""
    return (*pool.taints, AZURE_SPOT_TAINT) if pool.is_spot else pool.taints


def cloud_name(pool: NodePool, *, zones: tuple[str, ...], reserved: str | None) -> str:
    """Return the agent pool's name, which changes with whatever forces a new pool."""
    forced_by = (pool.instance_type, pool.market, pool.disk_gib, zones, reserved)
    head = re.sub(r"^standard|[^a-z0-9]", "", pool.name.lower())
    letters = re.sub(r"^[^a-z]+", "", head)[: NAME_LIMIT - HASH_CHARACTERS] or "p"
    return letters + short_hash(pool.name, *forced_by)


def _market(pool: NodePool, reservation_group: str | None) -> dict[str, Any]:
    if pool.is_spot:
        # No upgrade settings: AKS takes none for spot pools. Deleted, not deallocated: a stopped
        # node still costs its disk and counts against quota.
        return {
            "scaleSetPriority": "Spot",
            "scaleSetEvictionPolicy": "Delete",
            "spotMaxPrice": NO_MAX_PRICE,
        }
    return {
        "scaleSetPriority": "Regular",
        "capacityReservationGroupID": reservation_group,
        # A spare GPU node may be neither to be had nor in the budget: upgrade in place.
        "upgradeSettings": {"maxSurge": "0", "maxUnavailable": "1"},
    }


def _taint(taint: Taint) -> str:
    return f"{taint.key}={taint.value}:{taint.effect}"
