"""A kubeconfig without credentials in it: a command asks the cloud for a token when one is due."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi

EXEC_API = "client.authentication.k8s.io/v1beta1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCommand:
    """The command that prints a token, and how to get it when it is missing."""

    command: str
    arguments: tuple[str, ...]
    install_hint: str


def secret_kubeconfig(
    name: str,
    *,
    server: pulumi.Input[str],
    certificate: pulumi.Input[str] | None,
    token: TokenCommand,
) -> pulumi.Output[str]:
    """Return the kubeconfig of a cluster as JSON, which is YAML too, and secret.

    No certificate means one that a public authority has signed.
    """
    text = pulumi.Output.all(server, certificate).apply(
        lambda known: render_kubeconfig(name, server=known[0], certificate=known[1], token=token)
    )
    return pulumi.Output.secret(text)


def render_kubeconfig(
    name: str, *, server: str, certificate: str | None, token: TokenCommand
) -> str:
    """Return a kubeconfig with one context; the certificate is base64 as the clouds give it."""
    trust = {"certificate-authority-data": certificate} if certificate else {}
    execute = {
        "apiVersion": EXEC_API,
        "command": token.command,
        "args": list(token.arguments),
        "installHint": token.install_hint,
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": True,
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": server, **trust}}],
        "users": [{"name": name, "user": {"exec": execute}}],
    }
    return json.dumps(document, indent=2)
