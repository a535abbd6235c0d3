"""A GKE cluster with its network, node identity and node pools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp.container import (
    Cluster,
    ClusterIpAllocationPolicyArgs,
    ClusterLoggingConfigArgs,
    ClusterMasterAuthorizedNetworksConfigArgs,
    ClusterMasterAuthorizedNetworksConfigCidrBlockArgs,
    ClusterMonitoringConfigArgs,
    ClusterMonitoringConfigManagedPrometheusArgs,
    ClusterNodeConfigArgs,
    ClusterPrivateClusterConfigArgs,
    ClusterReleaseChannelArgs,
    ClusterWorkloadIdentityConfigArgs,
)
from pulumi_gcp.container import NodePool as GkeNodePool
from pulumi_gcp.provider import Provider

from outlay.clouds.base import connect, fixed_name
from outlay.clouds.gcp.identity import NodeIdentity, NodeIdentityArgs
from outlay.clouds.gcp.network import PODS_RANGE, SERVICES_RANGE, Network, NetworkArgs
from outlay.clouds.gcp.pools import SCOPES, NodePoolArgs, node_pool
from outlay.clouds.kubeconfig import TokenCommand, secret_kubeconfig
from outlay.clouds.names import shortened
from outlay.clouds.nodes import NodePool

NAME_LIMIT = 40
RELEASE_CHANNEL = "REGULAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class GkeClusterArgs:
    """What to build. `gpu_pool_zones` is by pool name."""

    project: str
    region: str
    zones: tuple[str, ...]
    kubernetes_version: str
    protected: bool
    api_cidrs: tuple[str, ...]
    labels: Mapping[str, str]
    cpu_pool: NodePool | None
    gpu_pools: tuple[NodePool, ...]
    gpu_pool_zones: Mapping[str, tuple[str, ...]]


class GkeCluster(pulumi.ComponentResource):
    """One regional cluster, through a provider of that project and region."""

    kubeconfig: pulumi.Output[str]
    pools: dict[str, GkeNodePool]

    def __init__(self, name: str, args: GkeClusterArgs) -> None:
        super().__init__("outlay:gcp:Cluster", name)
        self._name = name
        self._args = args
        provider = Provider(
            name,
            project=args.project,
            region=args.region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        below = pulumi.ResourceOptions(parent=self, providers=[provider])
        self._network = Network(
            name,
            NetworkArgs(project=args.project, region=args.region, labels=args.labels),
            below,
        )
        self._identity = NodeIdentity(name, NodeIdentityArgs(project=args.project), below)
        self._cluster = self._control_plane(provider)
        self.pools = self._pools(provider)
        self.kubeconfig = self._kubeconfig()
        cpu_pools = [self.pools[args.cpu_pool.name]] if args.cpu_pool else []
        self.kubernetes = connect(name, self.kubeconfig, parent=self, depends_on=cpu_pools)
        self.register_outputs({"kubeconfig": self.kubeconfig})

    def _control_plane(self, provider: Provider) -> Cluster:
        args = self._args
        return Cluster(
            self._name,
            name=shortened(self._name, limit=NAME_LIMIT),
            project=args.project,
            location=args.region,
            node_locations=list(args.zones),
            min_master_version=args.kubernetes_version,
            release_channel=ClusterReleaseChannelArgs(channel=RELEASE_CHANNEL),
            network=self._network.network,
            subnetwork=self._network.subnetwork,
            networking_mode="VPC_NATIVE",
            datapath_provider="ADVANCED_DATAPATH",
            ip_allocation_policy=ClusterIpAllocationPolicyArgs(
                cluster_secondary_range_name=PODS_RANGE,
                services_secondary_range_name=SERVICES_RANGE,
            ),
            private_cluster_config=ClusterPrivateClusterConfigArgs(
                enable_private_nodes=True, enable_private_endpoint=False
            ),
            master_authorized_networks_config=_authorized(args.api_cidrs),
            workload_identity_config=ClusterWorkloadIdentityConfigArgs(
                workload_pool=f"{args.project}.svc.id.goog"
            ),
            # Both are billed by volume beyond this, and the Plan counts none of it.
            logging_config=ClusterLoggingConfigArgs(enable_components=["SYSTEM_COMPONENTS"]),
            monitoring_config=ClusterMonitoringConfigArgs(
                enable_components=["SYSTEM_COMPONENTS"],
                managed_prometheus=ClusterMonitoringConfigManagedPrometheusArgs(enabled=False),
            ),
            # GKE makes no cluster without a first pool; ours replace it within minutes.
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config=ClusterNodeConfigArgs(
                service_account=self._identity.email, oauth_scopes=list(SCOPES)
            ),
            deletion_protection=args.protected,
            resource_labels=dict(args.labels),
            opts=self._cluster_options(provider),
        )

    def _cluster_options(self, provider: Provider) -> pulumi.ResourceOptions:
        options = pulumi.ResourceOptions(
            provider=provider,
            # It described the first pool, which is gone: GKE then reports another pool's.
            ignore_changes=["nodeConfig"],
            additional_secret_outputs=["masterAuth"],
        )
        base = fixed_name(self, depends_on=[self._network, self._identity])
        return pulumi.ResourceOptions.merge(base, options)

    def _pools(self, provider: Provider) -> dict[str, GkeNodePool]:
        """Declare the CPU pool, then the GPU pools: GKE's own pods must find untainted nodes first."""
        args = self._args
        made: dict[str, GkeNodePool] = {}
        for pool in (*([args.cpu_pool] if args.cpu_pool else []), *args.gpu_pools):
            opts = pulumi.ResourceOptions(
                parent=self,
                provider=provider,
                depends_on=[self._network, self._identity, *list(made.values())[:1]],
            )
            made[pool.name] = node_pool(f"{self._name}-{pool.name}", self._node_pool(pool), opts)
        return made

    def _node_pool(self, pool: NodePool) -> NodePoolArgs:
        args = self._args
        return NodePoolArgs(
            pool=pool,
            project=args.project,
            region=args.region,
            zones=args.gpu_pool_zones.get(pool.name, args.zones),
            cluster_name=self._cluster.name,
            service_account=self._identity.email,
            labels=args.labels,
        )

    def _kubeconfig(self) -> pulumi.Output[str]:
        return secret_kubeconfig(
            self._name,
            server=self._cluster.endpoint.apply(lambda host: f"https://{host}"),
            certificate=self._cluster.master_auth.apply(
                lambda auth: auth.cluster_ca_certificate or ""
            ),
            token=TokenCommand(
                command="gke-gcloud-auth-plugin",
                arguments=(),
                install_hint="run `gcloud components install gke-gcloud-auth-plugin` and log in",
            ),
        )


def _authorized(cidrs: tuple[str, ...]) -> ClusterMasterAuthorizedNetworksConfigArgs:
    return ClusterMasterAuthorizedNetworksConfigArgs(
        cidr_blocks=[
            ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(cidr_block=cidr) for cidr in cidrs
        ]
    )
