"""What every provider's package gives back, and what the packages share to make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi
from pulumi_kubernetes.provider import Provider

from outlay.planning.plan import Cluster


class Connected(Protocol):
    """What the component of a cluster offers, whatever its provider."""

    @property
    def kubeconfig(self) -> pulumi.Output[str]:
        """How to reach it; secret."""
        ...

    @property
    def kubernetes(self) -> Provider:
        """The Kubernetes provider through which its objects are declared."""
        ...

    @property
    def pools(self) -> Mapping[str, pulumi.Resource]:
        """Its node pools by their name in the Plan."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedCluster:
    """A cluster as the engine knows it.

    `kubeconfig` is secret. `pools` holds the node pools by their name in the Plan, the CPU pool
    too, for resources that must wait for nodes. `kubernetes` waits for the CPU pool only, so that
    one GPU pool without capacity does not hold back what runs on the others.
    """

    name: str
    provider: str
    region: str
    kubeconfig: pulumi.Output[str]
    kubernetes: Provider
    pools: Mapping[str, pulumi.Resource]

    @classmethod
    def of(cls, cluster: Cluster, made: Connected) -> ProvisionedCluster:
        """Return a cluster of the Plan with what a provider's package made of it."""
        return cls(
            name=cluster.name,
            provider=cluster.provider,
            region=cluster.region,
            kubeconfig=made.kubeconfig,
            kubernetes=made.kubernetes,
            pools=made.pools,
        )


def connect(
    name: str,
    kubeconfig: pulumi.Output[str],
    *,
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource],
) -> Provider:
    """Return the Kubernetes provider of a cluster; its objects come after `depends_on` and go before."""
    return Provider(
        name,
        kubeconfig=kubeconfig,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on)),
    )


def fixed_name(
    parent: pulumi.Resource, *, depends_on: Sequence[pulumi.Resource] = ()
) -> pulumi.ResourceOptions:
    """Return the options of a resource whose cloud name never changes.

    Two of one name cannot exist, so a replacement deletes first.
    """
    return pulumi.ResourceOptions(
        parent=parent, depends_on=list(depends_on), delete_before_replace=True
    )
