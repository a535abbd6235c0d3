"""CoreWeave: a CKS cluster with node pools in a VPC of its own."""

from __future__ import annotations

from collections.abc import Callable

from outlay.clouds.base import ProvisionedCluster
from outlay.clouds.coreweave.cluster import CksCluster, CksClusterArgs
from outlay.clouds.coreweave.pools import NODES_PER_RACK, in_racks
from outlay.clouds.nodes import NodePool, gpu_nodes
from outlay.clouds.options import ANY_ADDRESS, CloudOptions
from outlay.errors import InputError
from outlay.planning.plan import Cluster, Plan

__all__ = ["prepare"]


def prepare(
    cluster: Cluster, *, plan: Plan, options: CloudOptions
) -> Callable[[], ProvisionedCluster]:
    """Return what declares the cluster, once everything that it needs is known.

    Raises:
        InputError: the API's addresses are narrowed, which CoreWeave cannot do, or a pool of racks
            is no whole number of them.
    """
    pools = tuple(gpu_nodes(pool) for pool in cluster.pools)
    for pool in pools:
        _check_racks(cluster, pool)
    if ANY_ADDRESS not in options.api_cidrs:
        raise InputError(
            f"cluster {cluster.name!r} is on CoreWeave, whose Kubernetes API answers every address;"
            " leave `apiCidrs` out, or leave CoreWeave out of `providers`"
        )
    args = CksClusterArgs(
        zone=cluster.region,
        kubernetes_version=options.kubernetes_version,
        protected=options.protected,
        project=plan.project,
        stack=plan.stack,
        gpu_pools=pools,
    )
    return lambda: ProvisionedCluster.of(cluster, CksCluster(cluster.name, args))


def _check_racks(cluster: Cluster, pool: NodePool) -> None:
    if not in_racks(pool.instance_type):
        return
    if pool.is_elastic or pool.nodes % NODES_PER_RACK:
        raise InputError(
            f"cluster {cluster.name!r}: CoreWeave sells {pool.instance_type} by the rack of"
            f" {NODES_PER_RACK} nodes and of fixed size, not {pool.nodes} nodes between"
            f" {pool.min_nodes} and {pool.max_nodes}; choose other `gpus`"
        )
