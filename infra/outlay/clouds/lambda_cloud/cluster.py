"""A k3s cluster on Lambda's instances.

Lambda has no Kubernetes of its own: the first node of the first pool is the cluster's server as well,
and with it goes the cluster.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pulumi

from outlay.catalog.labels import GPU_TAINT, Taint
from outlay.clouds.base import connect, fixed_name
from outlay.clouds.lambda_cloud.cloud_init import Node, Secrets, agent, server
from outlay.clouds.lambda_cloud.credentials import as_base64
from outlay.clouds.lambda_cloud.instances import NAME_LIMIT
from outlay.clouds.lambda_cloud.resources import Credentials, FirewallRuleset, Instance
from outlay.clouds.names import shortened
from outlay.clouds.nodes import NodePool

API_PORT = 6443
# Lambda's instances of a region reach each other on private addresses.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
NODE_PORTS = (("tcp", API_PORT), ("tcp", 10250), ("udp", 8472))


@dataclass(frozen=True, slots=True, kw_only=True)
class K3sClusterArgs:
    """What to build. `region` is one of Lambda's own; the price book knows only one for all."""

    region: str
    ssh_key: str
    kubernetes_version: str
    protected: bool
    api_cidrs: tuple[str, ...]
    project: str
    stack: str
    gpu_pools: tuple[NodePool, ...]


class Pool(pulumi.ComponentResource):
    """The instances of one node pool."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("outlay:lambda:Pool", name, None, opts)
        self.register_outputs({})


class K3sCluster(pulumi.ComponentResource):
    """One cluster in one region."""

    kubeconfig: pulumi.Output[str]
    pools: dict[str, pulumi.Resource]

    def __init__(self, name: str, args: K3sClusterArgs) -> None:
        super().__init__("outlay:lambda:Cluster", name)
        self._name = name
        self._args = args
        self._firewall = self._rules()
        self._credentials = Credentials(name, name, self._guarded(self))
        self.pools = {
            pool.name: Pool(f"{name}-{pool.name}", pulumi.ResourceOptions(parent=self))
            for pool in args.gpu_pools
        }
        self._server = self._instances()
        self.kubeconfig = self._kubeconfig()
        self.kubernetes = connect(name, self.kubeconfig, parent=self, depends_on=[self._server])
        self.register_outputs({"kubeconfig": self.kubeconfig})

    def _guarded(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Return the options of what the cluster is lost with."""
        own = pulumi.ResourceOptions(protect=self._args.protected)
        return pulumi.ResourceOptions.merge(fixed_name(parent), own)

    def _rules(self) -> FirewallRuleset:
        outside = (_rule("tcp", API_PORT, cidr) for cidr in self._args.api_cidrs)
        inside = (_rule(kind, port, cidr) for cidr in PRIVATE for kind, port in NODE_PORTS)
        props = {
            "name": shortened(self._name, limit=NAME_LIMIT),
            "region": self._args.region,
            "rules": [*outside, *inside],
        }
        return FirewallRuleset(self._name, props, fixed_name(self))

    def _instances(self) -> Instance:
        """Declare the server, then the nodes that join it; return the server."""
        (first_pool, first), *others = self._nodes()
        made = self._instance(
            first_pool,
            first,
            self._server_data(first_pool),
            self._guarded(self.pools[first_pool.name]),
        )
        for pool, name in others:
            opts = fixed_name(self.pools[pool.name])
            self._instance(pool, name, self._agent_data(pool, made), opts)
        return made

    def _nodes(self) -> Iterator[tuple[NodePool, str]]:
        for pool in self._args.gpu_pools:
            for number in range(pool.nodes):
                name = shortened(f"{self._name}-{pool.name}", limit=NAME_LIMIT - 4)
                yield pool, f"{name}-{number}"

    def _instance(
        self, pool: NodePool, name: str, data: pulumi.Output[str], opts: pulumi.ResourceOptions
    ) -> Instance:
        args = self._args
        props: dict[str, Any] = {
            "region_name": args.region,
            "instance_type_name": pool.instance_type,
            "name": name,
            "ssh_key_names": [args.ssh_key],
            "firewall_rulesets": [{"id": self._firewall.id}],
            "tags": [
                {"key": "outlay-project", "value": args.project},
                {"key": "outlay-stack", "value": args.stack},
            ],
            # Lambda knows nothing of these: they stand here for policies, which cannot read user data.
            "node_labels": dict(pool.labels),
            "node_taints": [asdict(taint) for taint in _taints(pool)],
            "user_data": data,
        }
        return Instance(name, props, opts)

    def _node(self, pool: NodePool) -> Node:
        return Node(
            kubernetes_version=self._args.kubernetes_version,
            labels=pool.labels,
            taints=_taints(pool),
        )

    def _server_data(self, pool: NodePool) -> pulumi.Output[str]:
        own = self._credentials
        known = pulumi.Output.all(
            authority_certificate=own.authority_certificate,
            authority_key=own.authority_key,
            join_token=own.join_token,
            admin_token=own.admin_token,
        )
        node = self._node(pool)
        text = known.apply(lambda found: server(node, Secrets(**found), name=self._name))
        return pulumi.Output.secret(text)

    def _agent_data(self, pool: NodePool, first: Instance) -> pulumi.Output[str]:
        node = self._node(pool)
        known = pulumi.Output.all(first.private_ip, self._credentials.join_token)
        text = known.apply(lambda k: agent(node, server_address=k[0], join_token=k[1]))
        return pulumi.Output.secret(text)

    def _kubeconfig(self) -> pulumi.Output[str]:
        own = self._credentials
        known = pulumi.Output.all(self._server.ip, own.authority_certificate, own.admin_token)
        text = known.apply(lambda k: render(self._name, address=k[0], certificate=k[1], token=k[2]))
        return pulumi.Output.secret(text)


def _taints(pool: NodePool) -> list[Taint]:
    """Return the taints but the one of GPUs: there are no other nodes that cluster DNS could run on."""
    return [taint for taint in pool.taints if taint != GPU_TAINT]


def render(name: str, *, address: str, certificate: str, token: str) -> str:
    """Return a kubeconfig with the cluster's own token: there is no cloud login to ask for one."""
    cluster = {
        "server": f"https://{address}:{API_PORT}",
        # The address is known after the boot only; the certificate is good for the name.
        "tls-server-name": name,
        "certificate-authority-data": as_base64(certificate),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
    }
    return json.dumps(document, indent=2)


def _rule(protocol: str, port: int, source: str) -> dict[str, Any]:
    return {
        "protocol": protocol,
        "port_range": [port, port],
        "source_network": source,
        "description": "outlay",
    }
