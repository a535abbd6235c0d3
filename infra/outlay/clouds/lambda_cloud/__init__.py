"""Lambda: a k3s cluster on instances, since Lambda has no Kubernetes of its own."""

from __future__ import annotations

from collections.abc import Callable

from outlay.clouds.base import ProvisionedCluster
from outlay.clouds.lambda_cloud.cluster import K3sCluster, K3sClusterArgs
from outlay.clouds.lambda_cloud.instances import REGION
from outlay.clouds.nodes import gpu_nodes
from outlay.clouds.options import CloudOptions
from outlay.errors import InputError
from outlay.planning.plan import Cluster, Plan

__all__ = ["prepare"]

# Lambda's firewall does not cover this region. Source: Lambda documentation, firewalls.
WITHOUT_FIREWALL = frozenset({"us-south-1"})


def prepare(
    cluster: Cluster, *, plan: Plan, options: CloudOptions
) -> Callable[[], ProvisionedCluster]:
    """Return what declares the cluster, once everything that it needs is known.

    Raises:
        InputError: no region or no SSH key is set, or the region has no firewall.
    """
    args = K3sClusterArgs(
        region=_region(cluster, options),
        ssh_key=_ssh_key(cluster, options),
        kubernetes_version=options.kubernetes_version,
        protected=options.protected,
        api_cidrs=options.api_cidrs,
        project=plan.project,
        stack=plan.stack,
        gpu_pools=tuple(gpu_nodes(pool) for pool in cluster.pools),
    )
    return lambda: ProvisionedCluster.of(cluster, K3sCluster(cluster.name, args))


def _region(cluster: Cluster, options: CloudOptions) -> str:
    region = options.lambda_region or ""
    if not REGION.fullmatch(region):
        raise InputError(
            f"cluster {cluster.name!r} is on Lambda, whose prices are the same everywhere, but its machines"
            f" are not; lambda:region is {region!r}: run `pulumi config set lambda:region us-west-1`"
            " or another that has them"
        )
    if region in WITHOUT_FIREWALL:
        raise InputError(
            f"lambda:region: Lambda's firewall does not cover {region}; choose another"
        )
    return region


def _ssh_key(cluster: Cluster, options: CloudOptions) -> str:
    if not options.lambda_ssh_key:
        raise InputError(
            f"cluster {cluster.name!r} is on Lambda, which launches nothing without an SSH key; add one in its"
            " console and run `pulumi config set lambda:sshKeyName <its name>`"
        )
    return options.lambda_ssh_key
