"""Resources as the engine hands them to policies, unknowns included."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
)
from pulumi_policy.proxy import unknown_checking_proxy

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
OPTIONS = PolicyResourceOptions(
    protect=False,
    ignore_changes=[],
    delete_before_replace=None,
    aliases=[],
    custom_timeouts=PolicyCustomTimeouts(0, 0, 0),
    additional_secret_outputs=[],
)


def provider(**props: object) -> PolicyProviderResource:
    """Return an AWS provider."""
    kind = "pulumi:providers:aws"
    return PolicyProviderResource(kind, unknown_checking_proxy(props), f"urn:{kind}::x", "x")


AWS = provider(region="us-east-1")


def declared(
    resource_type: str,
    name: str,
    inputs: Mapping[str, object],
    *,
    by: PolicyProviderResource | None = AWS,
) -> ResourceValidationArgs:
    """Return what a rule on one resource gets: its inputs."""
    props = unknown_checking_proxy(dict(inputs))
    return ResourceValidationArgs(
        resource_type, props, f"urn:{resource_type}::{name}", name, OPTIONS, by
    )


def resulting(
    resource_type: str,
    name: str,
    outputs: Mapping[str, object],
    *,
    by: PolicyProviderResource | None = AWS,
) -> PolicyResource:
    """Return what a rule on the stack gets: its outputs."""
    props = unknown_checking_proxy(dict(outputs))
    urn = f"urn:{resource_type}::{name}"
    return PolicyResource(resource_type, props, urn, name, OPTIONS, by, None, [], {})


def pool(*, nodes: object, most: object = 10) -> dict[str, object]:
    """Return a node group's inputs; each node with its disk costs 0.90 USD per hour."""
    return {
        "instanceTypes": ["g6.xlarge"],
        "diskSize": 100.0,
        "scalingConfig": {"minSize": 0.0, "desiredSize": nodes, "maxSize": most},
    }
