"""Rules: nothing is open to the world without keys, and nothing is stored or sent in clear."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from outlay.pricing.inputs import is_unknown
from policies.declared import Declared, at, listed, mapped
from policies.options import TEXTS, Option
from policies.rule import (
    MANDATORY,
    STRICT_IN_PROD,
    Finding,
    ResourceRule,
    Situation,
    StackRule,
)
from policies.stack import Stack

KEYS = "outlay/keys-secret"
KEYS_TAG = "outlay-keys-secret"
TRUSTED = "trusted"
PUBLIC_SERVICES = frozenset({"LoadBalancer", "NodePort"})
# Annotations by which the clouds keep a Service's load balancer inside the network.
INTERNAL = {
    "cloud.google.com/load-balancer-type": "internal",
    "networking.gke.io/load-balancer-type": "internal",
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
}
DOORS = {
    "kubernetes:networking.k8s.io/v1:Ingress": "an Ingress",
    "kubernetes:gateway.networking.k8s.io/v1:Gateway": "a Gateway",
    "kubernetes:gateway.networking.k8s.io/v1beta1:Gateway": "a Gateway",
}
BALANCERS = frozenset({"aws:lb/loadBalancer:LoadBalancer", "aws:alb/loadBalancer:LoadBalancer"})
GOOGLE_RULES = frozenset(
    {
        "gcp:compute/forwardingRule:ForwardingRule",
        "gcp:compute/globalForwardingRule:GlobalForwardingRule",
    }
)


def _open(stack: Stack, situation: Situation) -> Iterable[Finding]:
    secrets = {*_secrets(stack), *situation.options.texts(TRUSTED)}
    for each in stack.resources:
        what, keys = _door(each), _keys(each)
        if what is not None and keys not in secrets:
            yield Finding(_open_message(what, keys), each.urn)


def _open_message(what: str, keys: str | None) -> str:
    if keys is not None:
        return f"{what} names the keys of Secret {keys!r}, which the stack does not declare."
    return f"{what} lets the whole internet in, and nothing says that keys are asked for."


def _secrets(stack: Stack) -> Iterator[object]:
    for each in stack.resources:
        if each.resource_type == "kubernetes:core/v1:Secret":
            yield at(each.inputs, "metadata", "name")


def _door(declared: Declared) -> str | None:
    kind, inputs = declared.resource_type, declared.inputs
    if kind in DOORS:
        return DOORS[kind]
    if kind == "kubernetes:core/v1:Service":
        return _service_door(declared)
    if kind in BALANCERS and inputs.get("internal") is not True:
        return "an internet-facing load balancer"
    scheme = inputs.get("loadBalancingScheme") or "EXTERNAL"
    if kind in GOOGLE_RULES and not str(scheme).startswith("INTERNAL"):
        return "an external forwarding rule"
    return None


def _service_door(declared: Declared) -> str | None:
    kind = at(declared.inputs, "spec", "type")
    annotations = _annotations(declared)
    inside = any(str(annotations.get(key)).lower() == value for key, value in INTERNAL.items())
    if isinstance(kind, str) and kind in PUBLIC_SERVICES and not inside:
        return f"a Service of type {kind}"
    return "a Service with external IPs" if at(declared.inputs, "spec", "externalIPs") else None


def _annotations(declared: Declared) -> dict[str, object]:
    return dict(mapped(at(declared.inputs, "metadata", "annotations")))


def _keys(declared: Declared) -> str | None:
    named = _annotations(declared).get(KEYS)
    for field in ("tags", "labels"):
        named = named or mapped(declared.inputs.get(field)).get(KEYS_TAG)
    return named if isinstance(named, str) and named else None


NO_OPEN_ENDPOINT = StackRule(
    name="no-endpoint-without-keys",
    holds="Nothing that the internet reaches answers without a key.",
    reason="Found endpoints serve strangers within hours, on GPUs that somebody else pays.",
    remedy=f"Keep it internal, or put the gateway in front and name the Secret with its keys in the"
    f" annotation {KEYS} (or the tag {KEYS_TAG}).",
    severity=Severity.CRITICAL,
    levels=MANDATORY,
    options={TRUSTED: Option(kind=TEXTS, meaning="Names of key Secrets that other stacks declare")},
    check=_open,
)


def _in_clear(declared: Declared, situation: Situation) -> Iterable[str]:
    for fault, value in _encryption(declared):
        if is_unknown(value) and situation.previewing:
            continue
        yield fault


def _encryption(declared: Declared) -> Iterator[tuple[str, object]]:
    """Yield what is not encrypted, with the value that says so."""
    kind, inputs = declared.resource_type, declared.inputs
    if (
        kind in ("aws:ebs/volume:Volume", "aws:efs/fileSystem:FileSystem")
        and inputs.get("encrypted") is not True
    ):
        yield (
            "encrypted is not true: whoever gets the volume or its snapshot reads it.",
            inputs.get("encrypted"),
        )
    if kind == "aws:ec2/instance:Instance":
        yield from _disks(inputs.get("rootBlockDevice"), "rootBlockDevice")
        for index, disk in enumerate(listed(inputs.get("ebsBlockDevices"))):
            yield from _disks(disk, f"ebsBlockDevices[{index}]")
    if kind == "aws:lb/listener:Listener" and inputs.get("protocol") in ("HTTP", "TCP", "UDP"):
        actions = [at(each, "type") for each in listed(inputs.get("defaultActions"))]
        if actions != ["redirect"]:
            yield (
                f"the listener speaks {inputs.get('protocol')}: requests and keys pass in clear.",
                None,
            )


def _disks(disk: object, where: str) -> Iterator[tuple[str, object]]:
    value = at(disk, "encrypted")
    if value is not True:
        yield f"{where}.encrypted is not true: whoever gets the disk's snapshot reads it.", value


ENCRYPTION = ResourceRule(
    name="encryption-on",
    holds="Disks are encrypted, and listeners speak TLS.",
    reason="Prompts and weights lie on these disks, and keys pass these listeners.",
    remedy="Set encrypted to true; use HTTPS or TLS listeners, HTTP only to redirect.",
    severity=Severity.HIGH,
    levels=STRICT_IN_PROD,
    check=_in_clear,
)

RULES = (NO_OPEN_ENDPOINT, ENCRYPTION)
