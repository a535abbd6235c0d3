"""Rules: nothing answers the internet without keys, and nothing is stored or sent in clear."""

from __future__ import annotations

import pytest
from pulumi_policy import ResourceValidationArgs

from outlay.pricing.inputs import UNKNOWN
from policies.exposure import ENCRYPTION, NO_OPEN_ENDPOINT
from tests.policies.resources import ask, declared, kubernetes

SECRET = kubernetes("core/v1:Secret", "gateway-keys")
OPEN = " lets the whole internet in, and nothing says that keys are asked for."


def service(kind: str = "LoadBalancer", **annotations: str) -> ResourceValidationArgs:
    spec: dict[str, object] = {"type": kind}
    metadata = {"name": "front", "annotations": annotations}
    return kubernetes("core/v1:Service", "front", metadata=metadata, spec=spec)


def balancer(**more: object) -> ResourceValidationArgs:
    return declared("aws:lb/loadBalancer:LoadBalancer", "front", more)


@pytest.mark.parametrize(
    ("resource", "what"),
    [
        (service(), "a Service of type LoadBalancer"),
        (service("NodePort"), "a Service of type NodePort"),
        (
            kubernetes("core/v1:Service", "f", spec={"externalIPs": ["1.2.3.4"]}),
            "a Service with external IPs",
        ),
        (kubernetes("networking.k8s.io/v1:Ingress", "i"), "an Ingress"),
        (kubernetes("gateway.networking.k8s.io/v1:Gateway", "g"), "a Gateway"),
        (balancer(), "an internet-facing load balancer"),
        (balancer(internal=UNKNOWN), "an internet-facing load balancer"),
        (
            declared("gcp:compute/forwardingRule:ForwardingRule", "r", {}),
            "an external forwarding rule",
        ),
    ],
)
def test_a_door_without_keys_is_refused(resource: ResourceValidationArgs, what: str) -> None:
    assert ask(NO_OPEN_ENDPOINT, [SECRET, resource]).messages == [what + OPEN]


@pytest.mark.parametrize(
    "resource",
    [
        service("ClusterIP"),
        service(**{"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}),
        service(**{"outlay/keys-secret": "gateway-keys"}),
        balancer(internal=True),
        balancer(tags={"outlay-keys-secret": "gateway-keys"}),
        declared(
            "gcp:compute/forwardingRule:ForwardingRule",
            "r",
            {"loadBalancingScheme": "INTERNAL_MANAGED"},
        ),
    ],
)
def test_what_is_inside_or_asks_for_keys_passes(resource: ResourceValidationArgs) -> None:
    assert ask(NO_OPEN_ENDPOINT, [SECRET, resource]) == []


def test_keys_must_exist() -> None:
    named = service(**{"outlay/keys-secret": "gateway-keys"})
    assert ask(NO_OPEN_ENDPOINT, [named]).messages == [
        (
            "a Service of type LoadBalancer names the keys of Secret 'gateway-keys', which the stack"
            " does not declare."
        )
    ]
    assert ask(NO_OPEN_ENDPOINT, [named], config={"trusted": ["gateway-keys"]}) == []


VOLUME, INSTANCE = "aws:ebs/volume:Volume", "aws:ec2/instance:Instance"
LISTENER = "aws:lb/listener:Listener"


@pytest.mark.parametrize(
    ("kind", "inputs", "says"),
    [
        (VOLUME, {}, "encrypted is not true"),
        (VOLUME, {"encrypted": False}, "encrypted is not true"),
        (VOLUME, {"encrypted": True}, None),
        (INSTANCE, {"rootBlockDevice": {"encrypted": True}}, None),
        (INSTANCE, {"rootBlockDevice": {}}, "rootBlockDevice.encrypted is not true"),
        (
            INSTANCE,
            {"rootBlockDevice": {"encrypted": True}, "ebsBlockDevices": [{}]},
            "ebsBlockDevices[0].encrypted is not true",
        ),
        (LISTENER, {"protocol": "HTTP"}, "the listener speaks HTTP"),
        (LISTENER, {"protocol": "HTTP", "defaultActions": [{"type": "redirect"}]}, None),
        (LISTENER, {"protocol": "HTTPS"}, None),
    ],
)
def test_disks_and_listeners_are_encrypted(
    kind: str, inputs: dict[str, object], says: str | None
) -> None:
    found = ask(ENCRYPTION, [declared(kind, "x", inputs)]).messages
    assert [text[: len(says or "")] for text in found] == ([] if says is None else [says])


def test_what_is_known_later_is_asked_at_the_update() -> None:
    assert ask(ENCRYPTION, [declared(VOLUME, "x", {"encrypted": UNKNOWN})]) == []


@pytest.mark.usefixtures("updating")
def test_at_the_update_it_must_be_known() -> None:
    assert len(ask(ENCRYPTION, [declared(VOLUME, "x", {"encrypted": UNKNOWN})])) == 1
