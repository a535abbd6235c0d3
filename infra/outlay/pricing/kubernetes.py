"""Prices of Kubernetes objects: most run on nodes that are priced elsewhere, some buy something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from outlay.pricing import coreweave, karpenter
from outlay.pricing.inputs import NoPriceError, unwrap
from outlay.pricing.rules import Request, Rule, free
from outlay.pricing.types import Cost, Free

ON_NODES = "runs on nodes that are priced on their own"
DISKS = "volumeClaimTemplate"
DEFINITIONS = "apiextensions.k8s.io"
# Groups of the API server itself have no dot or stand here, as do those whose controllers are known to
# start nothing outside the cluster: of any other group an operator may buy anything.
FREE_GROUPS = frozenset(
    {
        "admissionregistration.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "gateway.networking.k8s.io",
        "inference.networking.k8s.io",
        "metrics.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy.networking.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "snapshot.storage.k8s.io",
        "storage.k8s.io",
        "cert-manager.io",
        "gateway.envoyproxy.io",
        "inference.networking.x-k8s.io",
        "keda.sh",
        "leaderworkerset.x-k8s.io",
        "llm-d.ai",
        "monitoring.coreos.com",
        "networking.istio.io",
        "nvidia.com",
    }
)


def service(request: Request) -> Free:
    """Tell the kinds of Service that stay in the cluster from the one that orders a load balancer."""
    if not request.inputs.given("spec"):
        raise NoPriceError("spec is missing, so it may be of type LoadBalancer")
    kind = request.inputs.child("spec").optional_text("type") or "ClusterIP"
    if kind == "LoadBalancer":
        raise NoPriceError(
            "spec.type LoadBalancer: the price depends on the cloud, which the object does not name"
        )
    return Free(reason=ON_NODES)


def objects(request: Request) -> Free:
    """Tell what only runs on nodes from what orders a disk for each of its pods."""
    for path in _claims(request.inputs.optional("spec"), "spec"):
        raise NoPriceError(f"{path}: a disk for each pod has no price rule")
    return Free(reason=ON_NODES)


def _claims(value: object, path: str) -> Iterator[str]:
    """Yield where disks are ordered, however deep: in a set's claims, a pod's ephemeral volume, an operator's object."""
    value = unwrap(value)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in (DISKS, f"{DISKS}s") and inner:
                yield f"{path}.{key}"
            yield from _claims(inner, f"{path}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, inner in enumerate(value):
            yield from _claims(inner, f"{path}[{index}]")


def _refused(why: str) -> Rule:
    def rule(_request: Request) -> Free:
        raise NoPriceError(why)

    return rule


_VOLUME = _refused("the price of a volume depends on its storage class and cloud")
_LOAD_BALANCER = _refused(
    "its controller may order a load balancer, whose price depends on the cloud"
)
RULES: dict[tuple[str, str], Rule] = {
    ("core", "Service"): service,
    ("core", "PersistentVolumeClaim"): _VOLUME,
    ("core", "PersistentVolume"): _VOLUME,
    ("networking.k8s.io", "Ingress"): _LOAD_BALANCER,
    ("gateway.networking.k8s.io", "Gateway"): _LOAD_BALANCER,
    (coreweave.NODE_POOL, "NodePool"): coreweave.node_pool,
    (karpenter.GROUP, "NodePool"): karpenter.node_pool,
    (karpenter.NODE_CLASS_GROUP, "EC2NodeClass"): free("settings of nodes that NodePools buy"),
}


def rule_for(resource_type: str) -> Rule | None:
    """Return the rule for a type such as `kubernetes:apps/v1:Deployment`, or None."""
    _, module, kind = resource_type.split(":")
    group = module.rpartition("/")[0]
    rule = _rule_for(module, group, kind)
    return None if rule is None else _as_declared(rule, group=group, kind=kind)


def _as_declared(rule: Rule, *, group: str, kind: str) -> Rule:
    """Return the rule for objects that are what their type says.

    The provider applies the object's own apiVersion and kind, whatever type it is registered under.
    """

    def checked(request: Request) -> Cost | Free:
        own = request.inputs.optional_text("kind") or kind
        version = request.inputs.optional_text("apiVersion")
        if own != kind.removesuffix("Patch") and own != kind:
            raise NoPriceError(f"kind {own} differs from the type's, {kind}")
        if version is not None and version.rpartition("/")[0] != _api_group(group):
            raise NoPriceError(f"apiVersion {version} differs from the type's group, {group}")
        return rule(request)

    return checked


def _api_group(group: str) -> str:
    return "" if group == "core" else group


def _rule_for(module: str, group: str, kind: str) -> Rule | None:
    if _is_component(module, kind):
        return free("a component; the objects in it are priced on their own")
    rule = RULES.get((group, kind.removesuffix("Patch")))
    if rule is not None:
        return rule
    if kind.endswith("List"):
        return _refused("a list of objects has no price rule; declare each object")
    if group == DEFINITIONS:
        return free("describes objects and makes none")
    return objects if _is_free(group) else None


def _is_component(module: str, kind: str) -> bool:
    # Pulumi's own wrappers. A helm.sh Release is none of them: the engine sees no object in it.
    return module.startswith(("yaml", "kustomize")) or (
        module.startswith("helm.sh/") and kind == "Chart"
    )


def _is_free(group: str) -> bool:
    return bool(group) and ("." not in group or group in FREE_GROUPS)
