"""An EKS cluster with its network, roles and node groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws.eks import (
    Cluster,
    ClusterAccessConfigArgs,
    ClusterUpgradePolicyArgs,
    ClusterVpcConfigArgs,
    NodeGroup,
)
from pulumi_aws.provider import Provider

from outlay.clouds.aws.iam import Roles, RolesArgs
from outlay.clouds.aws.network import Network, NetworkArgs
from outlay.clouds.aws.pools import NodeGroupArgs, node_group
from outlay.clouds.aws.zones import home_zones
from outlay.clouds.base import connect, fixed_name
from outlay.clouds.kubeconfig import TokenCommand, secret_kubeconfig
from outlay.clouds.names import shortened
from outlay.clouds.nodes import NodePool

NAME_LIMIT = 100
# Who did what, and who was let in. CloudWatch bills them by the GB; the chattier kinds stay off.
LOG_TYPES = ("audit", "authenticator")


@dataclass(frozen=True, slots=True, kw_only=True)
class EksClusterArgs:
    """What to build. `gpu_pool_zone_ids` is by pool name."""

    region: str
    zone_ids: tuple[str, ...]
    kubernetes_version: str
    protected: bool
    api_cidrs: tuple[str, ...]
    tags: Mapping[str, str]
    cpu_pool: NodePool | None
    gpu_pools: tuple[NodePool, ...]
    gpu_pool_zone_ids: Mapping[str, tuple[str, ...]]


class EksCluster(pulumi.ComponentResource):
    """One cluster in one region, through a provider of that region."""

    kubeconfig: pulumi.Output[str]
    pools: dict[str, NodeGroup]

    def __init__(self, name: str, args: EksClusterArgs) -> None:
        super().__init__("outlay:aws:Cluster", name)
        self._name = name
        self._args = args
        provider = Provider(name, region=args.region, opts=pulumi.ResourceOptions(parent=self))
        below = pulumi.ResourceOptions(parent=self, providers=[provider])
        self._network = Network(
            name, NetworkArgs(region=args.region, zone_ids=args.zone_ids, tags=args.tags), below
        )
        self._roles = Roles(name, RolesArgs(tags=args.tags), below)
        self._cluster = self._control_plane(provider)
        self.pools = self._pools(provider)
        self.kubeconfig = self._kubeconfig()
        cpu_pools = [self.pools[args.cpu_pool.name]] if args.cpu_pool else []
        self.kubernetes = connect(name, self.kubeconfig, parent=self, depends_on=cpu_pools)
        self.register_outputs({"kubeconfig": self.kubeconfig})

    def _options(self, provider: Provider, base: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(base, pulumi.ResourceOptions(provider=provider))

    def _control_plane(self, provider: Provider) -> Cluster:
        args = self._args
        return Cluster(
            self._name,
            name=shortened(self._name, limit=NAME_LIMIT),
            version=args.kubernetes_version,
            role_arn=self._roles.cluster_arn,
            vpc_config=ClusterVpcConfigArgs(
                subnet_ids=self._subnet_ids(home_zones(args.region)),
                endpoint_private_access=True,
                endpoint_public_access=True,
                public_access_cidrs=list(args.api_cidrs),
            ),
            access_config=ClusterAccessConfigArgs(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=True
            ),
            # Past its standard support a version costs six times as much: let AWS upgrade instead.
            upgrade_policy=ClusterUpgradePolicyArgs(support_type="STANDARD"),
            enabled_cluster_log_types=list(LOG_TYPES),
            deletion_protection=args.protected,
            region=args.region,
            tags={**args.tags, "Name": self._name},
            opts=self._options(provider, fixed_name(self, depends_on=[self._roles])),
        )

    def _pools(self, provider: Provider) -> dict[str, NodeGroup]:
        """Declare the CPU pool, then the GPU pools; nodes need the way out and their role's rights."""
        args = self._args
        opts = self._options(
            provider,
            pulumi.ResourceOptions(parent=self, depends_on=[self._network, self._roles]),
        )
        made = {}
        for pool in (*([args.cpu_pool] if args.cpu_pool else []), *args.gpu_pools):
            zones = args.gpu_pool_zone_ids.get(pool.name, home_zones(args.region))
            made[pool.name] = node_group(
                f"{self._name}-{pool.name}", self._group(pool, zones), opts
            )
        return made

    def _subnet_ids(self, zone_ids: tuple[str, ...]) -> list[pulumi.Output[str]]:
        return [self._network.subnet_ids[zone] for zone in zone_ids]

    def _group(self, pool: NodePool, zone_ids: tuple[str, ...]) -> NodeGroupArgs:
        return NodeGroupArgs(
            pool=pool,
            region=self._args.region,
            cluster_name=self._cluster.name,
            node_role_arn=self._roles.node_arn,
            zone_ids=zone_ids,
            subnet_ids=self._subnet_ids(zone_ids),
            tags=self._args.tags,
        )

    def _kubeconfig(self) -> pulumi.Output[str]:
        name = shortened(self._name, limit=NAME_LIMIT)
        return secret_kubeconfig(
            self._name,
            server=self._cluster.endpoint,
            certificate=self._cluster.certificate_authority.apply(lambda ca: ca.data or ""),
            token=TokenCommand(
                command="aws",
                arguments=(
                    "--region", self._args.region,
                    "eks", "get-token", "--cluster-name", name, "--output", "json",
                ),
                install_hint="install the AWS CLI, version 2, and log in",
            ),
        )  # fmt: skip
