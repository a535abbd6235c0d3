"""The API server takes every rendered object, with strict field validation and server-side apply."""

from __future__ import annotations

from typing import Any

import pytest

from outlay.catalog.providers import PROVIDER_NAMES
from outlay.serving.objects import ClusterManifests
from outlay.serving.render import render
from tests.cluster import cases
from tests.cluster.api import MANAGER, Api, Body, refusals
from tests.cluster.world import World
from tests.serving import patterns

pytestmark = pytest.mark.cluster


def manifests(provider: str, kind: str) -> tuple[ClusterManifests, ...]:
    """Return what a case's plan renders to."""
    return render(cases.case(provider, kind), hf_token=True)


def meaning(body: Body) -> Any:
    """Return what an apply could have changed: no status, and of the managers only ours."""
    metadata = dict(body["metadata"])
    metadata.pop("resourceVersion", None)
    # Written by the controller of Deployments, at its own time.
    metadata.get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    if not metadata.get("annotations"):
        metadata.pop("annotations", None)
    metadata["managedFields"] = [
        field for field in metadata["managedFields"] if field["manager"] == MANAGER
    ]
    return {key: value for key, value in body.items() if key != "status"} | {"metadata": metadata}


@pytest.mark.parametrize("provider", PROVIDER_NAMES)
def test_every_object_is_accepted_and_a_second_apply_changes_nothing(
    world: World, provider: str
) -> None:
    """Three models: every kind that the provider's clusters get."""
    for cluster in manifests(provider, "three-models"):
        bodies = [item.body() for item in cluster.objects]
        world.apply(bodies)
        before = [meaning(world.api.get(body).body) for body in bodies]
        world.apply(bodies)
        after = [meaning(world.api.get(body).body) for body in bodies]
        for first, second in zip(before, after, strict=True):
            assert first == second


@pytest.mark.parametrize(("name", "provider"), patterns.CASES)
def test_every_pattern_is_accepted(api: Api, name: str, provider: str) -> None:
    """Strictly, by the server itself: unknown fields, types, defaults, rules in CEL."""
    objects = patterns.pattern(name, provider).render().objects
    bodies = [item.body() for item in objects if item.kind != "CustomResourceDefinition"]
    (space,) = [body for body in bodies if body["kind"] == "Namespace"]
    assert api.apply(space).ok
    assert list(refusals(api, bodies, dry_run=True)) == []


@pytest.mark.parametrize("name", patterns.NAMES)
def test_a_second_apply_of_a_pattern_changes_nothing(world: World, name: str) -> None:
    provider = "gcp" if name in ("two-models", "split-fabric") else "aws"
    bodies = [
        item.body()
        for item in patterns.pattern(name, provider).render().objects
        if item.kind != "CustomResourceDefinition"
    ]
    world.apply(bodies)
    before = [meaning(world.api.get(body).body) for body in bodies]
    world.apply(bodies)
    for body, first in zip(bodies, before, strict=True):
        assert meaning(world.api.get(body).body) == first


def test_an_unknown_field_is_refused(world: World) -> None:
    """The test above can fail: the server is as strict as it says."""
    (cluster, *_) = manifests("aws", "small")
    (deployment, *_) = [item.body() for item in cluster.objects if item.kind == "Deployment"]
    world.apply(item.body() for item in cluster.objects if item.kind == "Namespace")
    deployment["spec"]["replicaz"] = 2
    (refused,) = refusals(world.api, [deployment], dry_run=True)
    assert ".spec.replicaz: field not declared in schema" in refused
