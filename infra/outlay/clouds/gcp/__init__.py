"""GCP: a GKE Standard cluster with node pools in a network of its own."""

from __future__ import annotations

from collections.abc import Callable

from outlay.catalog.google_labels import cost_labels
from outlay.clouds.base import ProvisionedCluster
from outlay.clouds.gcp.cluster import GkeCluster, GkeClusterArgs
from outlay.clouds.gcp.machines import machine
from outlay.clouds.gcp.zones import gpu_pool_zones, zones
from outlay.clouds.nodes import NodePool, cpu_nodes, gpu_nodes
from outlay.clouds.options import CloudOptions
from outlay.clouds.tags import cost_tags
from outlay.errors import InputError
from outlay.planning.plan import Cluster, Plan

__all__ = ["prepare"]


def prepare(
    cluster: Cluster, *, plan: Plan, options: CloudOptions
) -> Callable[[], ProvisionedCluster]:
    """Return what declares the cluster, once everything that it needs is known.

    Raises:
        InputError: no project is set, or the region or a chosen zone is not in the table of zones.
        DataError: an instance type's accelerator is not known.
    """
    pools = tuple(gpu_nodes(pool) for pool in cluster.pools)
    args = GkeClusterArgs(
        project=_project(cluster, options),
        region=cluster.region,
        zones=zones(cluster.region),
        kubernetes_version=options.kubernetes_version,
        protected=options.protected,
        api_cidrs=options.api_cidrs,
        labels=cost_labels(cost_tags(plan)),
        cpu_pool=cpu_nodes(cluster.cpu_pool) if cluster.cpu_pool else None,
        gpu_pools=pools,
        gpu_pool_zones={pool.name: _chosen(cluster, pool, options) for pool in pools},
    )
    for pool in pools:
        machine(pool.instance_type, gpus=pool.gpus_per_node)
    return lambda: ProvisionedCluster.of(cluster, GkeCluster(cluster.name, args))


def _chosen(cluster: Cluster, pool: NodePool, options: CloudOptions) -> tuple[str, ...]:
    chosen = options.zones_of(region=cluster.region, instance_type=pool.instance_type)
    return gpu_pool_zones(cluster.region, chosen)


def _project(cluster: Cluster, options: CloudOptions) -> str:
    if not options.gcp_project:
        raise InputError(
            f"cluster {cluster.name!r} is on GCP, but no GCP project is set;"
            " run `pulumi config set gcp:project <project id>`"
        )
    return options.gcp_project
