"""An AKS cluster with its resource group, network, identity and agent pools."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import yaml

from outlay.clouds.azure.group import Group
from outlay.clouds.azure.identity import grant, identity
from outlay.clouds.azure.network import Network, NetworkArgs
from outlay.clouds.azure.pools import AgentPoolArgs, agent_pool, pool_properties
from outlay.clouds.base import connect, fixed_name
from outlay.clouds.kubeconfig import TokenCommand, secret_kubeconfig
from outlay.clouds.names import shortened
from outlay.clouds.nodes import NodePool
from outlay.clouds.options import ANY_ADDRESS
from outlay.clouds.slim import SlimResource, sdk_version, slim_provider

PACKAGE = "azure-native"
NAME_LIMIT = 63
DNS_PREFIX_LIMIT = 54
# With this tier the control plane has an uptime promise, and its price in the Plan.
TIER = "Standard"
# Addresses that no other network sees; neither may overlap the nodes' own.
PODS_CIDR = "10.244.0.0/16"
SERVICES_CIDR = "10.128.0.0/20"
DNS_ADDRESS = "10.128.0.10"
# The application that stands for AKS's API servers in every tenant. Source: kubelogin.
AKS_SERVER_ID = "6dae42f8-4368-4678-94ff-3960e28e3630"


@dataclass(frozen=True, slots=True, kw_only=True)
class AksClusterArgs:
    """What to build. `gpu_pool_zones` and `reservation_groups` are by pool name."""

    region: str
    kubernetes_version: str
    protected: bool
    api_cidrs: tuple[str, ...]
    admin_object_id: str
    tags: Mapping[str, str]
    cpu_pool: NodePool
    gpu_pools: tuple[NodePool, ...]
    gpu_pool_zones: Mapping[str, tuple[str, ...]]
    reservation_groups: Mapping[str, str | None]


class AksCluster(pulumi.ComponentResource):
    """One cluster in one region, through a provider of that region.

    AKS makes no cluster without a system pool, so the CPU pool is part of the cluster's own
    declaration: the cluster stands for it wherever something waits for nodes.
    """

    kubeconfig: pulumi.Output[str]
    pools: dict[str, pulumi.Resource]

    def __init__(self, name: str, args: AksClusterArgs) -> None:
        super().__init__("outlay:azure:Cluster", name)
        self._name = name
        self._args = args
        own = pulumi.ResourceOptions(parent=self)
        self._provider = slim_provider(PACKAGE, name, {"location": args.region}, opts=own)
        below = pulumi.ResourceOptions(parent=self, providers=[self._provider])
        self._group = Group.declare(name, region=args.region, tags=args.tags, opts=self._guarded())
        self._network = Network(name, NetworkArgs(group=self._group), below)
        self._cluster = self._control_plane()
        admin = grant(
            f"{name}-admin",
            "Azure Kubernetes Service RBAC Cluster Admin",
            to=args.admin_object_id,
            scope=self._cluster.id,
            opts=self._fixed(),
        )
        self.pools = {args.cpu_pool.name: self._cluster, **self._gpu_pools()}
        self.kubeconfig = self._kubeconfig()
        self.kubernetes = connect(name, self.kubeconfig, parent=self, depends_on=[admin])
        self.register_outputs({"kubeconfig": self.kubeconfig})

    def _fixed(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        own = pulumi.ResourceOptions(provider=self._provider)
        return pulumi.ResourceOptions.merge(fixed_name(self, depends_on=depends_on), own)

    def _guarded(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        """Return the options of what holds everything: Azure has no switch against deletion, Pulumi has."""
        own = pulumi.ResourceOptions(protect=self._args.protected)
        return pulumi.ResourceOptions.merge(self._fixed(*depends_on), own)

    def _control_plane(self) -> SlimResource:
        who = identity(self._name, self._group, self._fixed())
        joins = grant(
            f"{self._name}-network",
            "Network Contributor",
            to=who.output("principalId"),
            scope=self._network.subnet_id,
            opts=self._fixed(),
        )
        return self._group.make(
            "containerservice:ManagedCluster",
            self._name,
            self._cluster_properties(who),
            reads=("name", "fqdn"),
            opts=self._guarded(self._network, joins),
        )

    def _cluster_properties(self, who: SlimResource) -> dict[str, Any]:
        args = self._args
        return {
            "resourceName": shortened(self._name, limit=NAME_LIMIT),
            "dnsPrefix": shortened(self._name, limit=DNS_PREFIX_LIMIT),
            "nodeResourceGroup": shortened(f"{self._name}-nodes", limit=80),
            "kubernetesVersion": args.kubernetes_version,
            "sku": {"name": "Base", "tier": TIER},
            "identity": {"type": "UserAssigned", "userAssignedIdentities": [who.id]},
            # Entra alone lets people in, so that no credential exists that could be lost.
            "enableRBAC": True,
            "disableLocalAccounts": True,
            "aadProfile": {"managed": True, "enableAzureRBAC": True},
            "apiServerAccessProfile": self._allowed(),
            "networkProfile": {
                "networkPlugin": "azure",
                "networkPluginMode": "overlay",
                "podCidr": PODS_CIDR,
                "serviceCidr": SERVICES_CIDR,
                "dnsServiceIP": DNS_ADDRESS,
                "loadBalancerSku": "standard",
                "outboundType": "userAssignedNATGateway",
            },
            "autoUpgradeProfile": {"upgradeChannel": "patch"},
            "oidcIssuerProfile": {"enabled": True},
            "agentPoolProfiles": [self._system_pool()],
        }

    def _allowed(self) -> dict[str, Any] | None:
        """Return who reaches the API: nodes come through their NAT's address and must stay able to."""
        if ANY_ADDRESS in self._args.api_cidrs:
            return None
        nat = self._network.address.apply(lambda address: f"{address}/32")
        return {"authorizedIPRanges": [*self._args.api_cidrs, nat]}

    def _system_pool(self) -> dict[str, Any]:
        pool = self._args.cpu_pool
        common = pool_properties(pool, subnet_id=self._network.subnet_id, tags=self._args.tags)
        return {"name": pool.name, "mode": "System", **common}

    def _gpu_pools(self) -> dict[str, SlimResource]:
        opts = pulumi.ResourceOptions(parent=self, provider=self._provider)
        args = self._args
        return {
            pool.name: agent_pool(
                f"{self._name}-{pool.name}",
                AgentPoolArgs(
                    pool=pool,
                    resource_group=self._group.name,
                    cluster_name=self._cluster.output("name"),
                    subnet_id=self._network.subnet_id,
                    zones=args.gpu_pool_zones.get(pool.name, ()),
                    reservation_group=args.reservation_groups.get(pool.name),
                    tags=args.tags,
                ),
                opts,
            )
            for pool in args.gpu_pools
        }

    def _kubeconfig(self) -> pulumi.Output[str]:
        return secret_kubeconfig(
            self._name,
            server=self._cluster.output("fqdn").apply(lambda host: f"https://{host}:443"),
            certificate=self._certificate(),
            token=TokenCommand(
                command="kubelogin",
                arguments=("get-token", "--login", "azurecli", "--server-id", AKS_SERVER_ID),
                install_hint="run `az aks install-cli`, which brings kubelogin, and `az login`",
            ),
        )

    def _certificate(self) -> pulumi.Output[str]:
        """Ask AKS for the cluster's certificate: the cluster's own outputs do not have it."""
        answer = pulumi.runtime.invoke_output(
            f"{PACKAGE}:containerservice:listManagedClusterUserCredentials",
            {"resourceGroupName": self._group.name, "resourceName": self._cluster.output("name")},
            pulumi.InvokeOutputOptions(
                provider=self._provider, version=sdk_version(PACKAGE), depends_on=[self._cluster]
            ),
        )
        return answer.apply(lambda found: certificate_of(found["kubeconfigs"][0]["value"]))


def certificate_of(kubeconfig: str) -> str:
    """Return the certificate of the first cluster of a kubeconfig, which comes in base64."""
    document = yaml.safe_load(base64.b64decode(kubeconfig))
    return str(document["clusters"][0]["cluster"]["certificate-authority-data"])
