"""Azure: an AKS cluster with agent pools in a resource group and a network of its own."""

from __future__ import annotations

from collections.abc import Callable

from outlay.clouds.azure.cluster import AksCluster, AksClusterArgs
from outlay.clouds.azure.tags import azure_tags
from outlay.clouds.base import ProvisionedCluster
from outlay.clouds.nodes import NodePool, cpu_nodes, gpu_nodes
from outlay.clouds.options import CloudOptions
from outlay.clouds.tags import cost_tags
from outlay.errors import InputError
from outlay.planning.plan import Cluster, CpuPool, Plan

__all__ = ["prepare"]

# Azure numbers the zones of a region, differently in each subscription.
ZONES = ("1", "2", "3")


def prepare(
    cluster: Cluster, *, plan: Plan, options: CloudOptions
) -> Callable[[], ProvisionedCluster]:
    """Return what declares the cluster, once everything that it needs is known.

    Raises:
        InputError: nobody is named as the cluster's administrator, the cluster has no CPU pool, or
            a chosen zone does not exist.
    """
    pools = tuple(gpu_nodes(pool) for pool in cluster.pools)
    args = AksClusterArgs(
        region=cluster.region,
        kubernetes_version=options.kubernetes_version,
        protected=options.protected,
        api_cidrs=options.api_cidrs,
        admin_object_id=_admin(cluster, options),
        tags=azure_tags(cost_tags(plan)),
        cpu_pool=cpu_nodes(_cpu_pool(cluster)),
        gpu_pools=pools,
        gpu_pool_zones={pool.name: _zones(cluster, pool, options) for pool in pools},
        reservation_groups={
            pool.name: options.azure_reservation_groups.get(
                f"{cluster.region}/{pool.instance_type}"
            )
            for pool in pools
        },
    )
    return lambda: ProvisionedCluster.of(cluster, AksCluster(cluster.name, args))


def _cpu_pool(cluster: Cluster) -> CpuPool:
    if cluster.cpu_pool is None:
        raise InputError(f"cluster {cluster.name!r} has no CPU pool, and AKS runs only with one")
    return cluster.cpu_pool


def _admin(cluster: Cluster, options: CloudOptions) -> str:
    if not options.azure_admin_object_id:
        raise InputError(
            f"cluster {cluster.name!r} is on Azure, but nobody is named who may administer it;"
            " run `pulumi config set azure:adminObjectId $(az ad signed-in-user show --query id -o tsv)`,"
            " or give the object id of the group or service principal that runs pulumi"
        )
    return options.azure_admin_object_id


def _zones(cluster: Cluster, pool: NodePool, options: CloudOptions) -> tuple[str, ...]:
    """Return the zones chosen for a pool; none leaves the choice to Azure."""
    chosen = options.zones_of(region=cluster.region, instance_type=pool.instance_type)
    unknown = [zone for zone in chosen if zone not in ZONES]
    if unknown:
        raise InputError(
            f"gpuZones: {', '.join(unknown)} is no zone of {cluster.region};"
            f" Azure's zones are {', '.join(ZONES)}"
        )
    return chosen
