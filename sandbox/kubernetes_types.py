"""What the sandbox knows of Kubernetes kinds beyond their schemas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from sandbox import coreweave
from sandbox.aws_rules import labels
from sandbox.cloud import stable_hex
from sandbox.rules import Reference, ResourceType, Situation, always
from sandbox.schema import Failure
from sandbox.values import Props, as_int, as_map, as_text, find

CLUSTER_SCOPED = frozenset(
    {
        "APIService", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "ClusterTrustBundle",
        "CSIDriver", "CSINode", "CustomResourceDefinition", "DeviceClass", "FlowSchema", "IngressClass",
        "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "Namespace",
        "Node", "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration", "ResourceSlice",
        "RuntimeClass", "StorageClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass",
    }
)  # fmt: skip
_CONTROLLER = frozenset({"spec.selector"})
# What the Kubernetes provider answers with a new object. Source: pulumi-kubernetes, provider/pkg/provider/diff.go.
REPLACES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "ConfigMap": frozenset({"data", "binaryData"}),
        "Secret": frozenset({"data", "stringData", "type"}),
        "Deployment": _CONTROLLER,
        "DaemonSet": _CONTROLLER,
        "StatefulSet": _CONTROLLER
        | {
            "spec.podManagementPolicy",
            "spec.revisionHistoryLimit",
            "spec.serviceName",
            "spec.volumeClaimTemplates",
        },
        "Job": frozenset(
            {"spec.completions", "spec.parallelism", "spec.selector", "spec.template"}
        ),
        "RoleBinding": frozenset({"roleRef"}),
        "ClusterRoleBinding": frozenset({"roleRef"}),
        "StorageClass": frozenset({"parameters", "provisioner"}),
        "PersistentVolumeClaim": frozenset({"spec"}),
        "ResourceQuota": frozenset({"spec.scopes"}),
        "Service": frozenset({"spec.clusterIP"}),
        "Pod": frozenset({"spec"}),
    }
)
IDENTITY = frozenset({"metadata.name", "metadata.namespace"})
# Kinds whose names are DNS labels (≤ 63); all others are DNS subdomains (≤ 253).
SHORT_NAMES = frozenset({"Namespace", "Service"})
SHORT = re.compile(r"(?=.{1,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
LONG = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
# RBAC names may hold any path segment, such as system:auth-delegator.
FREE_NAMES = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})
BUILT_IN_NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
NAMESPACE = "kubernetes:core/v1:Namespace"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"


def api_version(token: str) -> str:
    """Return the API version that a type token stands for."""
    version = token.split(":")[1]
    return "v1" if version == "core/v1" else version


def kind_of(token: str) -> str:
    """Return the kind that a type token stands for."""
    return token.rsplit(":", 1)[1]


def resource_type(token: str, *, namespaced: bool, mutable: frozenset[str]) -> ResourceType:
    """Return the behaviour of a kind; kinds in `mutable` change in place (the provider's enable…Mutable)."""
    if token == coreweave.NODE_POOL:
        return _NODE_POOL
    kind = kind_of(token)
    inside = Reference(path="metadata.namespace", token=NAMESPACE, blocks=False)
    return ResourceType(
        token=token,
        id=object_id if namespaced else lambda situation: situation.text("metadata.name"),
        name="metadata.name",
        scope=(lambda situation: f"{situation.region}/{namespace(situation.inputs)}")
        if namespaced
        else (lambda situation: situation.region),
        rules=names_and_labels,
        replace=IDENTITY | (frozenset() if kind in mutable else REPLACES.get(kind, frozenset())),
        computed=server_fields if not namespaced else namespaced_fields,
        references=(inside,) if namespaced else (),
    )


def namespace(inputs: Props) -> str:
    """Return the namespace of an object."""
    return as_text(find(inputs, "metadata.namespace"), "default")


def object_id(situation: Situation) -> str:
    """Return namespace/name, the provider's id of a namespaced object."""
    return f"{namespace(situation.inputs)}/{situation.text('metadata.name')}"


def names_and_labels(situation: Situation) -> Iterator[Failure]:
    """Check what the API server checks beyond the schemas: names, labels, selectors that match."""
    kind, name = kind_of(situation.token), situation.text("metadata.name")
    pattern, most = (SHORT, 63) if kind in SHORT_NAMES else (LONG, 253)
    if name and kind not in FREE_NAMES and not pattern.fullmatch(name):
        yield Failure(
            "metadata.name",
            f"{name!r} must be ≤ {most} lower-case letters, digits, - or ., between letters or digits",
        )
    yield from labels(find(situation.inputs, "metadata.labels"), "metadata.labels")
    template = find(situation.inputs, "spec.template.metadata.labels")
    if template is not None:
        yield from labels(template, "spec.template.metadata.labels")
        yield from _selector(situation, as_map(template))


def _selector(situation: Situation, template: Props) -> Iterator[Failure]:
    selector = as_map(find(situation.inputs, "spec.selector.matchLabels"))
    for key, value in selector.items():
        if template.get(key) != value:
            yield Failure(
                "spec.selector.matchLabels",
                f"{key}={value} does not match the labels of spec.template: the API server refuses it",
            )


def server_fields(situation: Situation) -> Props:
    """Return what the API server adds to an object, and the status of one that is up."""
    digits = stable_hex(situation.region + situation.token + situation.id, 32)
    fields: Props = {
        "apiVersion": api_version(situation.token),
        "kind": kind_of(situation.token),
        "metadata": {
            "creationTimestamp": situation.created_at,
            "generation": situation.revision,
            "resourceVersion": str(situation.revision),
            "uid": f"sandbox-{digits}",
        },
    }
    more = STATUS.get(kind_of(situation.token))
    return fields | (more(situation) if more else {})


def namespaced_fields(situation: Situation) -> Props:
    """Return what the API server adds to a namespaced object."""
    fields = server_fields(situation)
    fields["metadata"] = {**fields["metadata"], "namespace": namespace(situation.inputs)}
    return fields


def _replicated(situation: Situation) -> Props:
    replicas = as_int(find(situation.inputs, "spec.replicas"), 1)
    counts = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas")
    return {"status": {**dict.fromkeys(counts, replicas), "observedGeneration": situation.revision}}


def _service(situation: Situation) -> Props:
    digits = stable_hex(situation.region + situation.id, 4)
    address = f"172.20.{bytes.fromhex(digits)[0]}.{bytes.fromhex(digits)[1]}"
    balanced = situation.text("spec.type") == "LoadBalancer"
    host = f"lb-{stable_hex(situation.id, 12)}.sandbox.invalid"
    ingress = {"ingress": [{"hostname": host}]} if balanced else {}
    spec = {
        "clusterIP": address,
        "clusterIPs": [address],
        "type": "ClusterIP",
        "sessionAffinity": "None",
    }
    return {"spec": spec, "status": {"loadBalancer": ingress}}


STATUS: Mapping[str, Callable[[Situation], Props]] = MappingProxyType(
    {
        "Deployment": _replicated,
        "StatefulSet": _replicated,
        "Service": _service,
        "Namespace": lambda _: {"status": {"phase": "Active"}},
        "PersistentVolumeClaim": lambda _: {"status": {"phase": "Bound"}},
    }
)
_NODE_POOL = ResourceType(
    token=coreweave.NODE_POOL,
    id=lambda situation: situation.text("metadata.name"),
    name="metadata.name",
    paid=always,
    scope=lambda situation: situation.region,
    rules=names_and_labels,
    replace=IDENTITY | {"spec.instanceType", "spec.computeClass"},
    computed=lambda situation: server_fields(situation) | coreweave.node_pool_status(situation),
    usage=coreweave.node_pool_usage,
)
