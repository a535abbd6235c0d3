"""One GKE node pool for each node pool of the Plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp.container import (
    NodePool as GkeNodePool,
)
from pulumi_gcp.container import (
    NodePoolAutoscalingArgs,
    NodePoolManagementArgs,
    NodePoolNodeConfigArgs,
    NodePoolNodeConfigGcfsConfigArgs,
    NodePoolNodeConfigGuestAcceleratorArgs,
    NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs,
    NodePoolNodeConfigTaintArgs,
    NodePoolNodeConfigWorkloadMetadataConfigArgs,
    NodePoolUpgradeSettingsArgs,
)

from outlay.clouds.gcp.machines import Machine, machine
from outlay.clouds.gcp.zones import evenly
from outlay.clouds.names import replaceable
from outlay.clouds.nodes import CLOUD_EFFECTS, NodePool

NAME_LIMIT = 40
# vLLM's images need a newer driver than GKE's default on some versions.
DRIVER = "LATEST"
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePoolArgs:
    """A node pool and where it goes. `zones` are those it may spread over."""

    pool: NodePool
    project: str
    region: str
    zones: tuple[str, ...]
    cluster_name: pulumi.Input[str]
    service_account: pulumi.Input[str]
    labels: Mapping[str, str]


def node_pool(name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions) -> GkeNodePool:
    """Declare the GKE node pool of a pool.

    The Plan sets the number of nodes on each update; between updates an autoscaler may move it.

    Raises:
        DataError: the instance type's accelerator is not known.
    """
    pool = args.pool
    zones = evenly(args.zones, pool.nodes, pool.min_nodes, pool.max_nodes)
    what = machine(pool.instance_type, gpus=pool.gpus_per_node)
    return GkeNodePool(
        name,
        name=cloud_name(pool, zones),
        project=args.project,
        cluster=args.cluster_name,
        location=args.region,
        node_locations=list(zones),
        node_count=pool.nodes // len(zones),
        ignore_node_count_changes=True if pool.is_elastic else None,
        autoscaling=_autoscaling(pool, len(zones)),
        management=NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
        upgrade_settings=_upgrades(pool),
        node_config=_nodes(args, what),
        opts=opts,
    )


def cloud_name(pool: NodePool, zones: tuple[str, ...]) -> str:
    """Return the node pool's name, which changes with whatever asks for other machines."""
    forced_by = (pool.instance_type, pool.market, pool.disk_gib, zones)
    return replaceable(pool.name, limit=NAME_LIMIT, forced_by=forced_by)


def _autoscaling(pool: NodePool, zones: int) -> NodePoolAutoscalingArgs | None:
    if not pool.is_elastic:
        return None
    return NodePoolAutoscalingArgs(
        min_node_count=pool.min_nodes // zones, max_node_count=pool.max_nodes // zones
    )


def _upgrades(pool: NodePool) -> NodePoolUpgradeSettingsArgs:
    # A spare GPU node may be neither to be had nor in the budget: upgrade in place, one at a time.
    surge, unavailable = (0, 1) if pool.is_gpu else (1, 0)
    return NodePoolUpgradeSettingsArgs(
        strategy="SURGE", max_surge=surge, max_unavailable=unavailable
    )


def _nodes(args: NodePoolArgs, what: Machine) -> NodePoolNodeConfigArgs:
    pool = args.pool
    return NodePoolNodeConfigArgs(
        machine_type=what.machine_type,
        guest_accelerators=_accelerators(what),
        spot=pool.is_spot,
        disk_size_gb=pool.disk_gib,
        disk_type=what.disk_type,
        # Image streaming serves Artifact Registry only; llm-d's images come from elsewhere.
        gcfs_config=NodePoolNodeConfigGcfsConfigArgs(enabled=False),
        service_account=args.service_account,
        oauth_scopes=list(SCOPES),
        workload_metadata_config=NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        labels=dict(pool.labels),
        resource_labels=dict(args.labels),
        taints=[
            NodePoolNodeConfigTaintArgs(
                key=taint.key, value=taint.value, effect=CLOUD_EFFECTS[taint.effect]
            )
            for taint in pool.taints
        ],
    )


def _accelerators(what: Machine) -> list[NodePoolNodeConfigGuestAcceleratorArgs] | None:
    if what.accelerator is None:
        return None
    driver = NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
        gpu_driver_version=DRIVER
    )
    return [
        NodePoolNodeConfigGuestAcceleratorArgs(
            type=what.accelerator, count=what.accelerators, gpu_driver_installation_config=driver
        )
    ]
