"""What the engine writes, for a handful of resources with the round prices of `book`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from outlay.pricing.diff import Labels, StackDiff, diff_stack
from outlay.pricing.events import Preview, read_events
from outlay.pricing.rates import Rates
from tests.pricing.book import RATES

Json = dict[str, Any]
STACK = "urn:pulumi:dev::shop::"
PROVIDER = f"{STACK}pulumi:providers:aws::here"
POOL_TYPE = "aws:eks/nodeGroup:NodeGroup"
LABELS = Labels(project="shop", stack="dev", base_name="main (0123456789ab)")


def urn(kind: str, name: str) -> str:
    """Return a resource's name in the stack."""
    return f"{STACK}{kind}::{name}"


def state(kind: str, name: str, inputs: Mapping[str, object] | None = None, **more: object) -> Json:
    """Return a resource as a state or an event holds it."""
    is_provider = kind.startswith("pulumi:providers:")
    return {
        "urn": urn(kind, name),
        "type": kind,
        "custom": True,
        "id": name,
        "inputs": dict(inputs or {}),
        "outputs": {},
        "provider": "" if is_provider else f"{PROVIDER}::1234",
    } | more


def provider(region: str = "us-east-1") -> Json:
    """Return the provider of everything here."""
    return state("pulumi:providers:aws", "here", {"region": region})


def pool(name: str = "gpu", nodes: object = 2, **more: object) -> Json:
    """Return a node group of g6.xlarge with a 100 GiB disk: 0.90 an hour and node, on demand."""
    scaling = {"minSize": 0, "desiredSize": nodes, "maxSize": 10}
    inputs = {"instanceTypes": ["g6.xlarge"], "diskSize": 100, "scalingConfig": scaling} | more
    return state(POOL_TYPE, name, inputs)


def steady(name: str = "gpu", nodes: int = 2, **more: object) -> Json:
    """Return a node group that no autoscaler changes."""
    scaling = {"minSize": nodes, "desiredSize": nodes, "maxSize": nodes}
    return pool(name, nodes, scalingConfig=scaling, **more)


def queue(name: str = "jobs") -> Json:
    """Return something that nobody here can price."""
    return state("aws:sqs/queue:Queue", name, {"name": name})


def step(
    op: str, *, old: Json | None = None, new: Json | None = None, logical: bool = True
) -> Json:
    """Return one resource step as an event."""
    one = new or old
    assert one is not None
    metadata = {
        "op": op,
        "urn": one["urn"],
        "type": one["type"],
        "old": old,
        "new": new,
        "logical": logical,
    }
    return {"resourcePreEvent": {"metadata": metadata, "planning": True}}


def same(*states: Json) -> list[Json]:
    """Return steps that change nothing."""
    return [step("same", old=one, new=one) for one in states]


def create(*states: Json) -> list[Json]:
    """Return steps that make something."""
    return [step("create", new=one) for one in states]


def policy(name: str, message: str, *, level: str = "mandatory", on: str = "gpu") -> Json:
    """Return a complaint of a policy."""
    return {
        "policyEvent": {
            "resourceUrn": urn(POOL_TYPE, on),
            "message": f"{message}\n",
            "policyName": name,
            "policyPackName": "outlay",
            "policyPackVersion": "0.1.0",
            "enforcementLevel": level,
            "severity": "high",
        }
    }


def checked(*names: str) -> Json:
    """Return the summary of policies that passed on one resource."""
    return {"policyAnalyzeSummaryEvent": {"policyPackName": "outlay", "passed": list(names)}}


def error(message: str) -> Json:
    """Return an error that the program or the engine reported."""
    return {"diagnosticEvent": {"severity": "error", "message": f"{message}\n"}}


def log(
    events: Sequence[Json], *, config: Mapping[str, str] | None = None, whole: bool = True
) -> str:
    """Return an event log as the engine writes it, one event a line."""
    first: Json = {"preludeEvent": {"config": dict(config or {})}}
    last: list[Json] = [{"summaryEvent": {"resourceChanges": {}}}] if whole else []
    numbered = enumerate([first, *events, *last])
    return "".join(
        json.dumps({"sequence": n, "timestamp": 1, **each}) + "\n" for n, each in numbered
    )


def preview(*events: Json, config: Mapping[str, str] | None = None) -> Preview:
    """Return a finished preview."""
    return read_events(log(events, config=config), source="events.ndjson")


def diff(
    head: Sequence[Json],
    base: Sequence[Json] | None,
    *,
    base_rates: Rates = RATES,
    labels: Labels = LABELS,
) -> StackDiff:
    """Return the diff of two previews of the same state; base None makes the stack new."""
    before = None if base is None else preview(*same(provider()), *base)
    after = preview(*same(provider()), *head)
    return diff_stack(after, before, head_rates=RATES, base_rates=base_rates, labels=labels)


def export(*states: Json, pending: Sequence[Json] = ()) -> str:
    """Return a stack's export."""
    deployment = {"resources": [provider(), *states], "pending_operations": list(pending)}
    return json.dumps({"version": 3, "deployment": deployment})
