"""Declare rendered objects as Pulumi resources, one each, so that a preview shows every field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from outlay.serving.objects import ClusterManifests, KubeObject
from outlay.serving.versions import PULUMI_KUBERNETES

# New nodes, a large image and the weights come before the first answer; the startup probe allows an hour.
ROLLOUT_TIMEOUT = "70m"
_SLOW_KINDS = frozenset({"Deployment", "DaemonSet"})


class Manifest(pulumi.CustomResource):
    """One Kubernetes object, of whatever kind, applied by the Kubernetes provider."""

    def __init__(self, name: str, item: KubeObject, opts: pulumi.ResourceOptions) -> None:
        own = pulumi.ResourceOptions(version=PULUMI_KUBERNETES, custom_timeouts=_timeouts(item))
        super().__init__(
            type_token(item), name, item.body(), pulumi.ResourceOptions.merge(own, opts)
        )


@dataclass(frozen=True, slots=True)
class Declared:
    """The resources of one cluster: what others depend on, and the rest."""

    base: tuple[Manifest, ...]
    rest: tuple[Manifest, ...]


def type_token(item: KubeObject) -> str:
    """Return the type under which the Kubernetes provider knows the object's kind."""
    group_version = "core/v1" if item.api_version == "v1" else item.api_version
    return f"kubernetes:{group_version}:{item.kind}"


def resource_name(cluster: str, item: KubeObject) -> str:
    """Return `<cluster>/<kind>/<namespace>/<name>`, unique in a program, `-` for no namespace."""
    return f"{cluster}/{item.kind}/{item.namespace or '-'}/{item.name}".lower()


def declare(
    manifests: ClusterManifests,
    *,
    provider: pulumi.ProviderResource,
    parent: pulumi.Resource | None = None,
    depends_on: Sequence[pulumi.Resource] = (),
) -> Declared:
    """Declare all objects of a cluster; namespaces, definitions and priority classes come first.

    `depends_on` names what the cluster needs before any of them, such as its node pools; never the
    parent, which would wait for its own children.
    """

    def made(item: KubeObject, *, after: Sequence[pulumi.Resource]) -> Manifest:
        options = pulumi.ResourceOptions(provider=provider, parent=parent, depends_on=[*after])
        return Manifest(resource_name(manifests.cluster, item), item, options)

    base = tuple(made(item, after=depends_on) for item in manifests.objects if item.is_base)
    after = (*depends_on, *base)
    rest = tuple(made(item, after=after) for item in manifests.objects if not item.is_base)
    return Declared(base, rest)


def _timeouts(item: KubeObject) -> pulumi.CustomTimeouts | None:
    if item.kind not in _SLOW_KINDS:
        return None
    return pulumi.CustomTimeouts(create=ROLLOUT_TIMEOUT, update=ROLLOUT_TIMEOUT)
