"""AWS: an EKS cluster with managed node groups in a network of its own."""

from __future__ import annotations

from collections.abc import Callable

from outlay.clouds.aws.cluster import EksCluster, EksClusterArgs
from outlay.clouds.aws.zones import pool_zones, subnet_zones
from outlay.clouds.base import ProvisionedCluster
from outlay.clouds.nodes import NodePool, cpu_nodes, gpu_nodes
from outlay.clouds.options import CloudOptions
from outlay.clouds.tags import cost_tags
from outlay.planning.plan import Cluster, Plan

__all__ = ["prepare"]


def prepare(
    cluster: Cluster, *, plan: Plan, options: CloudOptions
) -> Callable[[], ProvisionedCluster]:
    """Return what declares the cluster, once everything that it needs is known.

    Raises:
        InputError: the region or a chosen zone is not in the table of zones.
    """
    pools = tuple(gpu_nodes(pool) for pool in cluster.pools)
    chosen = {pool.name: _chosen(cluster, pool, options) for pool in pools}
    args = EksClusterArgs(
        region=cluster.region,
        zone_ids=subnet_zones(cluster.region, needed=chosen.values()),
        kubernetes_version=options.kubernetes_version,
        protected=options.protected,
        api_cidrs=options.api_cidrs,
        tags=cost_tags(plan),
        cpu_pool=cpu_nodes(cluster.cpu_pool) if cluster.cpu_pool else None,
        gpu_pools=pools,
        gpu_pool_zone_ids=chosen,
    )
    return lambda: ProvisionedCluster.of(cluster, EksCluster(cluster.name, args))


def _chosen(cluster: Cluster, pool: NodePool, options: CloudOptions) -> tuple[str, ...]:
    zones = options.zones_of(region=cluster.region, instance_type=pool.instance_type)
    return pool_zones(cluster.region, zones)
