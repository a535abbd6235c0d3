"""Rule: what costs money says whose it is; the pack adds what it knows, and refuses what it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from pulumi_policy import ResourceValidationArgs, ResourceValidationPolicy
from pulumi_policy.proxy import UnknownValueError

from outlay.pricing.inputs import UNKNOWN
from policies.build import policies
from policies.labels import COST_LABELS
from tests.policies.resources import NODE_GROUP, TAGS, ask, declared, pool, provider

Setting = Callable[[str, str], None]
GKE = "gcp:container/nodePool:NodePool"
GOOGLE = provider(region="us-central1")


def gke(**config: object) -> ResourceValidationArgs:
    inputs = {"location": "us-central1-a", "nodeCount": 1.0}
    return declared(
        GKE, "l4", {**inputs, "nodeConfig": {"machineType": "g2-standard-4", **config}}, by=GOOGLE
    )


def group(**more: object) -> ResourceValidationArgs:
    return declared(NODE_GROUP, "gpu", pool(nodes=1.0) | more)


def remedied(resource: ResourceValidationArgs) -> Mapping[str, object] | None:
    """Return the inputs as the pack changes them, None when it changes none."""
    (policy,) = policies([COST_LABELS], environment="prod")
    assert isinstance(policy, ResourceValidationPolicy)
    return policy.remediate(resource)  # type: ignore[return-value]  # the SDK allows an awaitable too


def test_missing_tags_are_named() -> None:
    (message,) = ask(COST_LABELS, [group(tags={"outlay:project": "shop"})]).messages
    assert message.startswith("tags lacks outlay:stack: nobody could tell whose money it is.")


def test_required_tags_are_asked_for() -> None:
    (message,) = ask(COST_LABELS, [group(tags=TAGS)], config={"required": ["team"]}).messages
    assert message.startswith("tags lacks team:")
    tagged = group(tags=TAGS | {"team": "x"})
    assert ask(COST_LABELS, [tagged], config={"required": ["team"]}) == []


def test_google_spells_them_its_own_way() -> None:
    """Labels have no colon; a node pool has them on its nodes."""
    (message,) = ask(COST_LABELS, [gke()]).messages
    assert message.startswith("nodeConfig.resourceLabels lacks outlay-project, outlay-stack:")


@pytest.mark.parametrize(
    "resource",
    [
        declared("aws:ec2/vpc:Vpc", "net", {}),
        declared("azure-native:containerservice:MachinePool", "m", {}),
        declared("gcp:compute/routerNat:RouterNat", "n", {}, by=GOOGLE),
    ],
)
def test_what_is_free_or_takes_no_tags_needs_none(resource: ResourceValidationArgs) -> None:
    assert ask(COST_LABELS, [resource]) == []


@pytest.mark.parametrize(
    "tags", [{"tags": TAGS}, '{"tags": {"outlay:project": "", "outlay:stack": ""}}']
)
def test_tags_of_the_provider_count(tags: object) -> None:
    """The provider gets its own settings as JSON text."""
    by = provider(region="us-east-1", defaultTags=tags)
    assert ask(COST_LABELS, [declared(NODE_GROUP, "gpu", pool(nodes=1.0), by=by)]) == []


def test_the_pack_adds_what_it_knows(setting: Setting) -> None:
    setting("tags", '{"team": "inference"}')
    found = remedied(group(tags={"own": "kept"}))
    assert found is not None
    assert found["tags"] == {"own": "kept", "outlay:project": "shop", "outlay:stack": "main"}
    deep = remedied(gke(labels={"a": "b"}))
    assert deep is not None
    assert deep["nodeConfig"] == {
        "machineType": "g2-standard-4",
        "labels": {"a": "b"},
        "resourceLabels": {"outlay-project": "shop", "outlay-stack": "main"},
    }


def test_what_is_complete_is_not_touched() -> None:
    assert remedied(group(tags=TAGS)) is None


def test_unknown_tags_are_left_to_the_update() -> None:
    """Nothing is written over what only the update will know."""
    resource = group(tags=UNKNOWN)
    assert remedied(resource) is None
    assert ask(COST_LABELS, [resource]) == []


@pytest.mark.usefixtures("updating")
def test_at_the_update_they_must_be_there() -> None:
    assert len(ask(COST_LABELS, [group()])) == 1


def test_unknowns_beside_the_tags_stay_unknown() -> None:
    found = remedied(group(nodeRoleArn=UNKNOWN))
    assert found is not None
    assert found["tags"] == TAGS
    with pytest.raises(UnknownValueError):
        found["nodeRoleArn"]
