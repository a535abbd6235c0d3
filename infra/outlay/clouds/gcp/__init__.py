"""GCP: a GKE Standard cluster with node pools in a network of its own."""

from __future__ import annotations

from outlay.clouds.base import ProvisionedCluster
from outlay.clouds.gcp.cluster import GkeCluster, GkeClusterArgs
from outlay.clouds.gcp.labels import cost_labels
from outlay.clouds.gcp.zones import gpu_pool_zones, zones
from outlay.clouds.nodes import cpu_nodes, gpu_nodes
from outlay.clouds.options import CloudOptions
from outlay.clouds.tags import cost_tags
from outlay.errors import InputError
from outlay.planning.plan import Cluster, Plan

__all__ = ["provision"]


def provision(cluster: Cluster, *, plan: Plan, options: CloudOptions) -> ProvisionedCluster:
    """Declare the cluster.

    Raises:
        InputError: no project is set, or the region or a chosen zone is not in the table of zones.
    """
    pools = tuple(gpu_nodes(pool) for pool in cluster.pools)
    made = GkeCluster(
        cluster.name,
        GkeClusterArgs(
            project=_project(cluster, options),
            region=cluster.region,
            zones=zones(cluster.region),
            kubernetes_version=options.kubernetes_version,
            protected=options.protected,
            api_cidrs=options.api_cidrs,
            labels=cost_labels(cost_tags(plan)),
            cpu_pool=cpu_nodes(cluster.cpu_pool) if cluster.cpu_pool else None,
            gpu_pools=pools,
            gpu_pool_zones={
                pool.name: gpu_pool_zones(
                    cluster.region,
                    options.zones_of(region=cluster.region, instance_type=pool.instance_type),
                )
                for pool in pools
            },
        ),
    )
    return ProvisionedCluster(
        name=cluster.name,
        provider=cluster.provider,
        region=cluster.region,
        kubeconfig=made.kubeconfig,
        kubernetes=made.kubernetes,
        pools=made.pools,
    )


def _project(cluster: Cluster, options: CloudOptions) -> str:
    if not options.gcp_project:
        raise InputError(
            f"cluster {cluster.name!r} is on GCP, but no GCP project is set;"
            " run `pulumi config set gcp:project <project id>`"
        )
    return options.gcp_project
