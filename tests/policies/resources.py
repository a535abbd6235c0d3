"""Resources as the engine hands them to policies, unknowns included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pulumi_policy import (
    Policy,
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import unknown_checking_proxy

from policies.build import policies
from policies.report import WAY_OUT
from policies.rule import Rule

OUTLAY = "outlay"
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
    config: Mapping[str, object] | None = None,
    tags: Mapping[str, str] | None = None,
) -> ResourceValidationArgs:
    """Return what a rule on one resource gets: its inputs."""
    props = unknown_checking_proxy(dict(inputs))
    return ResourceValidationArgs(
        resource_type, props, f"urn:{resource_type}::{name}", name, OPTIONS, by, config, tags
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


TAGS = {"outlay:project": "shop", "outlay:stack": "main"}


def kubernetes(kind: str, name: str, **inputs: object) -> ResourceValidationArgs:
    """Return a Kubernetes object of a cluster that is still to be made, such as `apps/v1:Deployment`."""
    by = provider(kubeconfig="04da6b54-80e4-46f7-96ec-b56ff0331ba9")
    return declared(f"kubernetes:{kind}", name, {"metadata": {"name": name}, **inputs}, by=by)


class Resting(list[tuple[str, str | None]]):
    """What a rule complained of; `reason` says why it did not look, if it did not.

    `ways_out` are the last lines of the complaints, which say what to do.
    """

    reason: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.ways_out: list[str] = []

    def __call__(self, message: str, urn: str | None = None) -> None:
        """Remember one complaint."""
        text, _, way_out = message.partition(f"\n{WAY_OUT}")
        self.append((text, urn))
        self.ways_out.append(way_out)

    @property
    def messages(self) -> list[str]:
        """The complaints without their resources."""
        return [message for message, _ in self]


def ask(
    rule: Rule,
    resources: Iterable[ResourceValidationArgs | PolicyResource],
    *,
    config: Mapping[str, object] | None = None,
    environment: str = "prod",
    tags: Mapping[str, str] | None = None,
) -> Resting:
    """Ask one rule about a stack, as the engine would: each resource, then the whole."""
    (policy,) = policies([rule], environment=environment)
    return ask_policy(policy, resources, config=config, tags=tags)


def ask_policy(
    policy: Policy,
    resources: Iterable[ResourceValidationArgs | PolicyResource],
    *,
    config: Mapping[str, object] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Resting:
    """Ask a policy that was built before, whose memory may hold resources."""
    reports = Resting()
    try:
        if isinstance(policy, ResourceValidationPolicy):
            for each in resources:
                assert isinstance(each, ResourceValidationArgs)
                policy.validate(_configured(each, config, tags), reports)
        else:
            assert isinstance(policy, StackValidationPolicy)
            seen = [_resulting(each) for each in resources]
            policy.validate(StackValidationArgs(seen, config, tags), reports)
    except _NotApplicableError as rests:
        reports.reason = rests.reason
    return reports


def _configured(
    args: ResourceValidationArgs,
    config: Mapping[str, object] | None,
    tags: Mapping[str, str] | None,
) -> ResourceValidationArgs:
    return ResourceValidationArgs(
        args.resource_type, args.props, args.urn, args.name, args.opts, args.provider, config, tags
    )


def _resulting(each: ResourceValidationArgs | PolicyResource) -> PolicyResource:
    if isinstance(each, PolicyResource):
        return each
    return PolicyResource(
        each.resource_type,
        each.props,
        each.urn,
        each.name,
        OPTIONS,
        each.provider,
        None,
        [],
        {},
    )
