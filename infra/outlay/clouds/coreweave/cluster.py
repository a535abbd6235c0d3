"""A CKS cluster with its VPC and node pools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from outlay.clouds.base import connect, fixed_name
from outlay.clouds.coreweave.pools import NodePoolArgs, node_pool
from outlay.clouds.kubeconfig import TokenCommand, secret_kubeconfig
from outlay.clouds.names import shortened
from outlay.clouds.nodes import NodePool
from outlay.clouds.slim import SlimResource, slim_provider

# Of the VPC and of the cluster. Source: the fields' own descriptions in the SDK.
NAME_LIMIT = 30
HOSTS_CIDR = "10.16.192.0/18"
CIDRS = {"pods": "10.0.0.0/13", "services": "10.16.0.0/22", "internal-lb": "10.32.4.0/22"}
TOKEN_VARIABLE = "COREWEAVE_API_TOKEN"  # noqa: S105 - the name of a variable, no token
CREDENTIAL = (
    '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential",'
    '"status":{"token":"%s"}}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CksClusterArgs:
    """What to build, and whose money it spends."""

    zone: str
    kubernetes_version: str
    protected: bool
    project: str
    stack: str
    gpu_pools: tuple[NodePool, ...]


class CksCluster(pulumi.ComponentResource):
    """One cluster in one zone. The provider takes its token from the environment, never from the state."""

    kubeconfig: pulumi.Output[str]
    pools: dict[str, pulumi.Resource]

    def __init__(self, name: str, args: CksClusterArgs) -> None:
        super().__init__("outlay:coreweave:Cluster", name)
        self._name = name
        self._args = args
        self._provider = slim_provider(
            "coreweave", name, {}, opts=pulumi.ResourceOptions(parent=self)
        )
        self._cluster = self._control_plane(self._vpc())
        self.kubeconfig = self._kubeconfig()
        self.kubernetes = connect(name, self.kubeconfig, parent=self, depends_on=[])
        self.pools = self._pools()
        self.register_outputs({"kubeconfig": self.kubeconfig})

    def _make(self, kind: str, properties: dict[str, Any], *reads: str) -> SlimResource:
        own = pulumi.ResourceOptions(provider=self._provider, protect=self._args.protected)
        named = {"name": shortened(self._name, limit=NAME_LIMIT), "zone": self._args.zone}
        return SlimResource(
            f"coreweave:index/{kind}",
            self._name,
            {**named, **properties},
            reads=reads,
            opts=pulumi.ResourceOptions.merge(fixed_name(self), own),
        )

    def _vpc(self) -> SlimResource:
        prefixes = [{"name": name, "value": cidr} for name, cidr in CIDRS.items()]
        hosts = [{"name": "hosts", "type": "PRIMARY", "prefixes": [HOSTS_CIDR]}]
        return self._make(
            "networkingVpc:NetworkingVpc", {"hostPrefixes": hosts, "vpcPrefixes": prefixes}
        )

    def _control_plane(self, vpc: SlimResource) -> SlimResource:
        return self._make(
            "cksCluster:CksCluster",
            {
                "version": f"v{self._args.kubernetes_version}",
                "vpcId": vpc.id,
                "public": True,
                "podCidrName": "pods",
                "serviceCidrName": "services",
                "internalLbCidrNames": ["internal-lb"],
            },
            "apiServerEndpoint",
        )

    def _pools(self) -> dict[str, pulumi.Resource]:
        opts = pulumi.ResourceOptions(parent=self, provider=self.kubernetes)
        args = self._args
        return {
            pool.name: node_pool(
                f"{self._name}-{pool.name}",
                NodePoolArgs(pool=pool, project=args.project, stack=args.stack),
                opts,
            )
            for pool in args.gpu_pools
        }

    def _kubeconfig(self) -> pulumi.Output[str]:
        endpoint = self._cluster.output("apiServerEndpoint")
        return secret_kubeconfig(
            self._name,
            server=endpoint.apply(lambda host: f"https://{host.removeprefix('https://')}"),
            # Signed by a public authority.
            certificate=None,
            token=TokenCommand(
                command="sh",
                arguments=("-c", f"printf '{CREDENTIAL}' \"${TOKEN_VARIABLE}\""),
                install_hint=f"set {TOKEN_VARIABLE} to an API access token of CoreWeave's console",
            ),
        )
