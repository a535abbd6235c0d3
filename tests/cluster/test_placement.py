"""The scheduler puts every pod on the pool that the Plan put it on: what is bought is what is scheduled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from outlay.catalog import Market
from outlay.planning.plan import Cluster, Plan
from outlay.serving.objects import ClusterManifests
from outlay.serving.render import render
from tests.cluster import cases
from tests.cluster.api import Body
from tests.cluster.nodes import nodes
from tests.cluster.world import Placed, World, by_pool, placed
from tests.serving import find

pytestmark = pytest.mark.cluster
# Rendered for Prometheus and the picker; nothing in this cluster would act on them.
NOT_NEEDED = frozenset({"CustomResourceDefinition", "PodMonitor", "InferencePool"})


def objects(manifests: ClusterManifests) -> list[Body]:
    """Return the objects that matter to the scheduler, in their order."""
    return [item.body() for item in manifests.objects if item.kind not in NOT_NEEDED]


def clusters(plan: Plan) -> Iterator[tuple[Cluster, list[Body]]]:
    """Yield each cluster of a plan with its objects."""
    for cluster, manifests in zip(plan.clusters, render(plan), strict=True):
        yield cluster, objects(manifests)


def replicas(bodies: Sequence[Body]) -> dict[str, int]:
    """Return the pods that each Deployment wants."""
    return {
        body["metadata"]["name"]: body["spec"]["replicas"]
        for body in bodies
        if body["kind"] == "Deployment"
    }


def engines(bodies: Sequence[Body]) -> list[Body]:
    """Return the Deployments of model servers."""
    return [b for b in bodies if b["kind"] == "Deployment" and _gpus(b)]


def _gpus(body: Body) -> int:
    containers = body["spec"]["template"]["spec"]["containers"]
    return sum(int(c["resources"].get("limits", {}).get("nvidia.com/gpu", 0)) for c in containers)


def planned(cluster: Cluster, bodies: Sequence[Body]) -> Counter[tuple[str, str]]:
    """Return how many pods of each model server's Deployment the Plan wants on which pool."""
    homes = {b["metadata"]["name"]: find.home(find.pod(b)) for b in engines(bodies)}
    wanted: Counter[tuple[str, str]] = Counter()
    for name, pool in homes.items():
        wanted[name, pool] += replicas(bodies)[name]
    by_plan = Counter(
        {
            pool.name: sum(p.replicas for p in cluster.placements if p.pool == pool.name)
            for pool in cluster.pools
        }
    )
    rendered: Counter[str] = Counter()
    for (_, pool), count in wanted.items():
        rendered[pool] += count
    assert rendered == by_plan
    return wanted


def settle(world: World, namespace: str, bodies: Sequence[Body]) -> list[Placed]:
    """Apply a cluster's objects and wait until each of its pods has a node or a refusal."""
    world.apply(bodies)
    return world.settled(namespace, pods=sum(replicas(bodies).values()))


@pytest.mark.parametrize(("provider", "kind"), cases.NAMES)
def test_every_pod_gets_its_planned_pool(world: World, provider: str, kind: str) -> None:
    """None is Pending, and the routers stand on no node that can be taken away."""
    plan = cases.case(provider, kind)
    for cluster, bodies in clusters(plan):
        world.add_nodes(nodes(cluster))
        found = settle(world, plan.namespace, bodies)
        assert [pod for pod in found if not pod.node] == []
        wanted = planned(cluster, bodies)
        got = by_pool(found)
        assert {key: got[key] for key in wanted} == dict(wanted)
        spot = {pool.name for pool in cluster.pools if pool.market is Market.SPOT}
        routers = [pod for pod in found if pod.owner.endswith("-epp")]
        assert routers
        assert not [pod for pod in routers if pod.node.rpartition("-")[0] in spot]
        world.clear()
        world.prepare()


# --- counter-cases: the same stack must wait when something is missing -----------------------------


def one_cluster(provider: str, kind: str) -> tuple[Plan, Cluster, list[Body]]:
    """Return a plan's first cluster."""
    plan = cases.case(provider, kind)
    cluster, bodies = next(clusters(plan))
    return plan, cluster, bodies


def waiting(found: Sequence[Placed]) -> Counter[str]:
    """Count pods without a node by owner."""
    return Counter(pod.owner for pod in found if not pod.node)


def change_pods(bodies: Sequence[Body], change: Callable[[Body], object]) -> None:
    """Change the pod specification of every model server."""
    for body in engines(bodies):
        change(body["spec"]["template"]["spec"])


def more_gpus(pod: Body) -> None:
    """Ask for one GPU more than the Plan gave."""
    for kind in ("requests", "limits"):
        pod["containers"][0]["resources"][kind]["nvidia.com/gpu"] += 1


DEFECTS: dict[str, tuple[Callable[[Body], object], str]] = {
    "no toleration": (lambda pod: pod.pop("tolerations"), "untolerated taint"),
    "wrong pool": (
        lambda pod: pod["nodeSelector"].update({"outlay/pool": "elsewhere"}),
        "didn't match Pod's node affinity/selector",
    ),
    "one GPU too many": (more_gpus, "Insufficient nvidia.com/gpu"),
    "more memory than the node has": (
        lambda pod: pod["containers"][0]["resources"].update(
            requests=pod["containers"][0]["resources"]["requests"] | {"memory": "9Ti"},
            limits=pod["containers"][0]["resources"]["limits"] | {"memory": "9Ti"},
        ),
        "Insufficient memory",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_leaves_the_model_servers_pending(world: World, defect: str) -> None:
    """With the scheduler's own reason; the routers are not touched by it."""
    plan, cluster, bodies = one_cluster("aws", "small-on-demand")
    change, reason = DEFECTS[defect]
    change_pods(bodies, change)
    world.add_nodes(nodes(cluster))
    found = settle(world, plan.namespace, bodies)
    names = {body["metadata"]["name"] for body in engines(bodies)}
    assert set(waiting(found)) == names
    assert all(reason in pod.reason for pod in found if not pod.node)


@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
def test_without_the_spot_toleration_only_spot_pods_wait(world: World, provider: str) -> None:
    plan, cluster, bodies = one_cluster(provider, "half-spot")
    change_pods(
        bodies,
        lambda pod: pod.update(
            tolerations=[t for t in pod["tolerations"] if t["key"] == "nvidia.com/gpu"]
        ),
    )
    world.add_nodes(nodes(cluster))
    found = settle(world, plan.namespace, bodies)
    spot = {
        body["metadata"]["name"]
        for body in engines(bodies)
        if find.home(find.pod(body)).endswith("spot")
    }
    assert spot
    assert set(waiting(found)) == spot


@pytest.mark.parametrize("provider", ["aws", "azure", "coreweave"])
def test_one_node_short_leaves_exactly_its_replicas_waiting(world: World, provider: str) -> None:
    plan, cluster, bodies = one_cluster(provider, "busy")
    pool = max(cluster.pools, key=lambda p: p.nodes)
    world.add_nodes(n for n in nodes(cluster) if n["metadata"]["name"] != f"{pool.name}-0")
    found = settle(world, plan.namespace, bodies)
    wanted = planned(cluster, bodies)
    here = {owner: count for (owner, where), count in wanted.items() if where == pool.name}
    gpus = {b["metadata"]["name"]: _gpus(b) for b in engines(bodies)}
    left = pool.gpus_per_node * (pool.nodes - 1)
    assert set(waiting(found)) <= set(here)
    assert sum(gpus[owner] * count for owner, count in waiting(found).items()) == (
        sum(gpus[owner] * count for owner, count in here.items()) - left
    )


def test_a_rollout_on_a_full_pool_ends(world: World) -> None:
    """No GPU is free for a surge: the old replica goes first."""
    plan, cluster, bodies = one_cluster("aws", "busy")
    world.add_nodes(nodes(cluster))
    settle(world, plan.namespace, bodies)
    for body in engines(bodies):
        body["spec"]["template"]["metadata"]["annotations"] = {"test/changed": "yes"}
    world.apply(bodies)
    world.roll_out(engines(bodies))


def test_a_rollout_with_a_surge_never_ends(world: World) -> None:
    """Why the templates set maxSurge: 0: Kubernetes' default waits for a GPU that is not there."""
    plan, cluster, bodies = one_cluster("aws", "busy")
    for body in engines(bodies):
        del body["spec"]["strategy"]["rollingUpdate"]
    world.add_nodes(nodes(cluster))
    settle(world, plan.namespace, bodies)
    for body in engines(bodies):
        body["spec"]["template"]["metadata"]["annotations"] = {"test/changed": "yes"}
    world.apply(bodies)
    with pytest.raises(TimeoutError, match="roll-out"):
        world.roll_out(engines(bodies), timeout_s=5)
    surplus = [pod for pod in map(placed, world.pods(plan.namespace)) if not pod.node]
    assert surplus
    assert all("Insufficient nvidia.com/gpu" in pod.reason for pod in surplus)


def test_replicas_of_a_reclaimed_node_wait_for_another(world: World) -> None:
    """Spot machines go without asking; their pods come back when a node does, and others stay."""
    plan, cluster, bodies = one_cluster("azure", "busy")
    spot = next(pool for pool in cluster.pools if pool.nodes > 1)
    world.add_nodes(nodes(cluster))
    before = settle(world, plan.namespace, bodies)
    gone = f"{spot.name}-0"
    world.reclaim(plan.namespace, node=gone)
    found = world.settled(plan.namespace, pods=len(before))
    assert sum(waiting(found).values()) == sum(1 for pod in before if pod.node == gone)
    world.add_nodes(n for n in nodes(cluster) if n["metadata"]["name"] == gone)
    assert not waiting(world.settled(plan.namespace, pods=len(before), all_run=True))
