"""One EKS managed node group for each node pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws.eks import (
    NodeGroup,
    NodeGroupNodeRepairConfigArgs,
    NodeGroupScalingConfigArgs,
    NodeGroupTaintArgs,
    NodeGroupUpdateConfigArgs,
)

from outlay.clouds.names import replaceable
from outlay.clouds.nodes import CLOUD_EFFECTS, NodePool

NAME_LIMIT = 63
CPU_IMAGE = "AL2023_x86_64_STANDARD"
GPU_IMAGE = "AL2023_x86_64_NVIDIA"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroupArgs:
    """A node pool and where it goes."""

    pool: NodePool
    region: str
    cluster_name: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    zone_ids: tuple[str, ...]
    subnet_ids: Sequence[pulumi.Input[str]]
    tags: Mapping[str, str]


def node_group(name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions) -> NodeGroup:
    """Declare the node group of a pool.

    Its tags do not reach the machines, which carry `eks:cluster-name` and `eks:nodegroup-name` of
    EKS's own: activate those as cost-allocation tags to find the machines on the bill.
    """
    pool = args.pool
    return NodeGroup(
        name,
        cluster_name=args.cluster_name,
        node_group_name=cloud_name(pool, args.zone_ids),
        node_role_arn=args.node_role_arn,
        subnet_ids=args.subnet_ids,
        ami_type=image(pool),
        capacity_type="SPOT" if pool.is_spot else "ON_DEMAND",
        instance_types=[pool.instance_type],
        disk_size=pool.disk_gib,
        scaling_config=NodeGroupScalingConfigArgs(
            min_size=pool.min_nodes, desired_size=pool.nodes, max_size=pool.max_nodes
        ),
        update_config=_updates(pool),
        node_repair_config=NodeGroupNodeRepairConfigArgs(enabled=True),
        labels=dict(pool.labels),
        taints=_taints(pool),
        region=args.region,
        tags={**args.tags, "Name": pool.name},
        opts=opts,
    )


def cloud_name(pool: NodePool, zone_ids: tuple[str, ...]) -> str:
    """Return the node group's name, which changes with whatever forces a new node group."""
    forced_by = (pool.instance_type, pool.market, pool.disk_gib, image(pool), zone_ids)
    return replaceable(pool.name, limit=NAME_LIMIT, forced_by=forced_by)


def image(pool: NodePool) -> str:
    """Return the machine image: Amazon Linux, with NVIDIA's driver where there are GPUs."""
    return GPU_IMAGE if pool.is_gpu else CPU_IMAGE


def _updates(pool: NodePool) -> NodeGroupUpdateConfigArgs:
    # MINIMAL ends an old node before it starts a new one: a spare GPU node may be neither to be had
    # nor in the budget.
    strategy = "MINIMAL" if pool.is_gpu else "DEFAULT"
    return NodeGroupUpdateConfigArgs(max_unavailable=1, update_strategy=strategy)


def _taints(pool: NodePool) -> list[NodeGroupTaintArgs]:
    return [
        NodeGroupTaintArgs(key=taint.key, value=taint.value, effect=CLOUD_EFFECTS[taint.effect])
        for taint in pool.taints
    ]
