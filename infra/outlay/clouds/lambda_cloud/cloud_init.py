"""What an instance does on its first boot: it becomes a node of a k3s cluster.

Lambda's images carry the NVIDIA driver and container runtime; k3s finds the runtime by itself.
Source: k3s documentation, "k3s server", "k3s agent", "k3s certificate" (own authorities).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from outlay.catalog.labels import Taint

INSTALLER = "https://get.k3s.io"
TLS = "/var/lib/rancher/k3s/server/tls"
TOKENS_FILE = "/etc/rancher/k3s/tokens.csv"
RUNTIME = "--default-runtime=nvidia"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What a node is called and carries."""

    kubernetes_version: str
    labels: Mapping[str, str]
    taints: Sequence[Taint]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What a server needs to be the one that the kubeconfig expects. PEM and plain tokens."""

    authority_certificate: str
    authority_key: str
    join_token: str
    admin_token: str


def server(node: Node, secrets: Secrets, *, name: str) -> str:
    """Return the user data of the one server of a cluster; its certificate is good for `name`."""
    flags = (
        "--disable=traefik,servicelb",
        f"--tls-san={name}",
        f"--kube-apiserver-arg=token-auth-file={TOKENS_FILE}",
        *_flags(node),
    )
    files = {
        f"{TLS}/server-ca.crt": secrets.authority_certificate,
        f"{TLS}/server-ca.key": secrets.authority_key,
        TOKENS_FILE: f'{secrets.admin_token},outlay,outlay,"system:masters"\n',
    }
    return _document(files, _install(node, ("server", *flags), {"K3S_TOKEN": secrets.join_token}))


def agent(node: Node, *, server_address: str, join_token: str) -> str:
    """Return the user data of a node that joins the server at an address."""
    where = {"K3S_URL": f"https://{server_address}:6443", "K3S_TOKEN": join_token}
    return _document({}, _install(node, ("agent", *_flags(node)), where))


def _flags(node: Node) -> tuple[str, ...]:
    labels = (f"--node-label={key}={value}" for key, value in node.labels.items())
    taints = (f"--node-taint={t.key}={t.value}:{t.effect}" for t in node.taints)
    return (RUNTIME, *labels, *taints)


def _install(node: Node, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    variables = {"INSTALL_K3S_CHANNEL": f"v{node.kubernetes_version}", **environment}
    settings = " ".join(f"{key}={shlex.quote(value)}" for key, value in variables.items())
    return f"curl -sfL {INSTALLER} | {settings} sh -s - {shlex.join(arguments)}"


def _document(files: Mapping[str, str], command: str) -> str:
    """Return cloud-init's document: JSON is YAML, and quotes what it must."""
    written = [
        {"path": path, "permissions": "0600", "owner": "root:root", "content": content}
        for path, content in files.items()
    ]
    document = {"write_files": written, "runcmd": [["sh", "-c", command]]}
    return f"#cloud-config\n{json.dumps(document, indent=1)}\n"
