"""The API server takes every rendered object, with strict field validation and server-side apply."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from outlay.catalog.providers import PROVIDER_NAMES
from outlay.serving.objects import ClusterManifests, KubeObject
from outlay.serving.render import render
from tests.cluster import cases
from tests.cluster.api import MANAGER, Api, Body, condition, refusals, wait_until
from tests.cluster.world import World

pytestmark = pytest.mark.cluster


def manifests(provider: str, kind: str) -> tuple[ClusterManifests, ...]:
    """Return what a case's plan renders to."""
    return render(cases.case(provider, kind), hf_token=True)


def establish(api: Api, items: Iterable[KubeObject]) -> None:
    """Apply definitions and wait until their kinds are served."""
    bodies = [item.body() for item in items if item.kind == "CustomResourceDefinition"]
    assert not list(refusals(api, bodies, dry_run=False))

    def served() -> bool:
        conditions = [condition(api.get(body).body, "Established") for body in bodies]
        return all(found.get("status") == "True" for found in conditions)

    wait_until(served, what="definitions", timeout_s=60)


def meaning(body: Body) -> Any:
    """Return what an apply could have changed: no status, and of the managers only ours."""
    metadata = dict(body["metadata"])
    metadata.pop("resourceVersion", None)
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
        establish(world.api, cluster.objects)
        bodies = [item.body() for item in cluster.objects]
        world.apply(bodies)
        before = [meaning(world.api.get(body).body) for body in bodies]
        world.apply(bodies)
        after = [meaning(world.api.get(body).body) for body in bodies]
        for first, second in zip(before, after, strict=True):
            assert first == second


def test_an_unknown_field_is_refused(world: World) -> None:
    """The test above can fail: the server is as strict as it says."""
    (cluster, *_) = manifests("aws", "small")
    (deployment, *_) = [item.body() for item in cluster.objects if item.kind == "Deployment"]
    world.apply(item.body() for item in cluster.objects if item.kind == "Namespace")
    deployment["spec"]["replicaz"] = 2
    (refused,) = refusals(world.api, [deployment], dry_run=True)
    assert ".spec.replicaz: field not declared in schema" in refused
