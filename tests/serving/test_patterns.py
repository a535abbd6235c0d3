"""What a pattern cannot do together, or not on the plan's hardware, is refused before anything is rendered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from outlay.errors import RenderError, SettingsError
from outlay.planning.plan import Plan, Role
from outlay.serving.render import render
from outlay.settings.serving import ServingSettings
from tests.serving import builders, find, patterns
from tests.settings.builders import with_


def serving(**values: object) -> ServingSettings:
    """Return settings from keys as they are written."""
    return ServingSettings.model_validate(values)


def split_over_two_clusters() -> Plan:
    """Return prefill in one cluster and decode in another."""
    made = []
    for provider, role in (("aws", Role.PREFILL), ("azure", Role.DECODE)):
        made.append(patterns.cluster(provider, placements=(patterns.llama(provider, role=role),)))
    return builders.plan(clusters=tuple(made))


SPLIT = patterns.pattern("split", "aws").plan
WIDE = patterns.pattern("wide", "aws").plan
PLAIN = patterns.pattern("plain", "aws").plan
REFUSED: dict[str, tuple[Plan, ServingSettings, str]] = {
    "prefill and decode in two clusters": (
        split_over_two_clusters(),
        serving(),
        "must stand in one cluster",
    ),
    "split and precise": (SPLIT, serving(routing="precise"), "cannot be combined in one engine"),
    "split and offload": (SPLIT, serving(kvOffloadShare=0.5), "cannot be combined in one engine"),
    "precise and offload": (
        PLAIN,
        serving(routing="precise", kvOffloadShare=0.5),
        "precise routing and kvOffloadShare cannot be combined",
    ),
    "threshold without a prefill pool": (
        PLAIN,
        serving(leastSplitTokens=9),
        "the plan has no prefill pool",
    ),
    "fabric without exchange": (PLAIN, serving(kvFabric="efa"), "the plan has none"),
    "fabric of another cloud": (
        SPLIT,
        serving(kvFabric="infiniband"),
        "kvFabric infiniband is offered by coreweave, not aws",
    ),
    "fabric without an image": (
        SPLIT,
        serving(kvFabric="efa", line="v0.10"),
        "no engine image with EFA is known for llm-d v0.10",
    ),
    "GKE's gateway elsewhere": (PLAIN, serving(router="gke"), "router gke exists on GCP only"),
    "experts of a dense model": (
        PLAIN,
        serving(expertParallelNodes=2),
        "Llama-3.1-8B has no experts",
    ),
    "nodes that do not come out even": (
        WIDE,
        serving(expertParallelNodes=3),
        "it needs whole nodes, a multiple of 3",
    ),
    "KServe over nodes": (
        WIDE,
        serving(expertParallelNodes=2, target="kserve"),
        "target kserve is not rendered over several nodes",
    ),
}


@pytest.mark.parametrize(("plan", "settings", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_go_together(plan: Plan, settings: ServingSettings, why: str) -> None:
    with pytest.raises(RenderError) as caught:
        render(plan, serving=settings)
    assert why in str(caught.value)
    assert str(caught.value).startswith(("cluster ", "llama", "deepseek"))


BAD_SETTINGS: dict[str, tuple[dict[str, object], str]] = {
    "unknown line": ({"line": "v0.11"}, "serving.line: must be one of v0.9, v0.10"),
    "unknown router": ({"router": "nginx"}, "serving.router: must be one of standalone, istio"),
    "unknown key": ({"rooter": "gke"}, "serving.rooter: is no setting"),
    "share of everything": ({"kvOffloadShare": 1}, "serving.kvOffloadShare: must be below 1"),
    "zero without a scaler": ({"scaleToZero": True}, "scaleToZero needs autoscaling"),
    "KServe behind a gateway": (
        {"target": "kserve", "router": "istio"},
        "target kserve makes its own gateway",
    ),
    "KServe with KEDA": (
        {"target": "kserve", "autoscaling": True},
        "target kserve is not scaled by outlay's KEDA objects",
    ),
    "a window of days": (
        {"autoscaling": True, "scaleUpWindowS": 90_000},
        "serving.scaleUpWindowS: must be at most 3,600",
    ),
}


@pytest.mark.parametrize(("keys", "why"), BAD_SETTINGS.values(), ids=BAD_SETTINGS.keys())
def test_bad_settings(keys: dict[str, object], why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        with_(serving=keys)
    assert why in str(caught.value)


# --- what the patterns set -------------------------------------------------------------------------


def test_scalers_share_one_metric_by_the_plan_s_replicas() -> None:
    """At the planned load each placement wants exactly its planned replicas."""
    manifests = render(builders.two_cloud_plan(), serving=serving(autoscaling=True))[:1]
    scalers = {b["metadata"]["name"]: b["spec"] for b in find.bodies(manifests, "ScaledObject")}
    planned = {"l4-on-demand": 2, "l4x4-spot": 4}
    running = {name: int(s["triggers"][0]["metadata"]["threshold"]) for name, s in scalers.items()}
    totals = {
        name: threshold * next(n for pool, n in planned.items() if pool in name)
        for name, threshold in running.items()
    }
    assert len(set(totals.values())) == 1
    (cluster, *_) = builders.two_cloud_plan().clusters
    bounds = {(p.min_replicas, p.max_replicas) for p in cluster.placements}
    found = {(s["minReplicaCount"], s["maxReplicaCount"]) for s in scalers.values()}
    assert found == bounds


def test_never_two_scalers_on_one_target_and_no_replicas_beside_one() -> None:
    for name in ("scaled", "split-scaled"):
        manifests = [patterns.pattern(name, "aws").render()]
        targets = [
            b["spec"]["scaleTargetRef"]["name"] for b in find.bodies(manifests, "ScaledObject")
        ]
        assert len(targets) == len(set(targets))
        servers = {b["metadata"]["name"]: b["spec"] for b in find.model_servers(manifests)}
        assert set(targets) == set(servers)
        assert not [s for s in servers.values() if "replicas" in s]


def test_only_spot_replicas_with_the_same_gpu_on_demand_may_move() -> None:
    base = patterns.pattern("fallback", "aws").plan
    (cluster,) = base.clusters
    other = replace(cluster.pools[0], gpu="H200")
    plan = builders.plan(clusters=(replace(cluster, pools=(other, cluster.pools[1])),))
    for body in find.model_servers(render(plan)):
        assert "outlay/pool" in find.pod(body)["nodeSelector"]


def test_long_names_stay_distinct_and_legal() -> None:
    """Shortened with a hash of the whole name: stable, and never two alike."""
    names = ["m" * 62 + end for end in "ab"]
    placements = tuple(patterns.llama("aws", workload=name, replicas=1) for name in names)
    plan = builders.plan(
        workloads=tuple(builders.workload(name=name) for name in names),
        clusters=(patterns.cluster("aws", placements=placements),),
    )
    first, second = render(plan), render(plan)
    assert first == second
    made = [b["metadata"]["name"] for b in find.bodies(first, "InferencePool")]
    assert len(set(made)) == 2
    assert all(len(item.name) <= 63 for _, item in find.every(first) if item.kind == "Deployment")
