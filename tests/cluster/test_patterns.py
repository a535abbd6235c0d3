"""The pods of every pattern find their nodes, devices and neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from outlay.catalog.providers import PROVIDER_NAMES
from outlay.planning.plan import Cluster
from tests.cluster.api import Body
from tests.cluster.nodes import nodes
from tests.cluster.test_placement import NOT_NEEDED, change_pods, engines, replicas, settle, waiting
from tests.cluster.world import World, by_pool
from tests.serving import patterns

pytestmark = pytest.mark.cluster
ZONE = "topology.kubernetes.io/zone"
UNSCHEDULED = NOT_NEEDED | {
    "PrometheusRule",
    "Gateway",
    "HTTPRoute",
    "DestinationRule",
    "HealthCheckPolicy",
    "GCPBackendPolicy",
    "InferenceObjective",
    "ScaledObject",
}
CLAIMED = {"nvidia.com/gpu": 0}


def case(name: str, provider: str) -> tuple[Cluster, list[Body]]:
    """Return a pattern's cluster and the objects that make pods."""
    made = patterns.pattern(name, provider)
    bodies = [item.body() for item in made.render().objects if item.kind not in UNSCHEDULED]
    return made.plan.clusters[0], bodies


def in_one_zone(made: Sequence[Body]) -> list[Body]:
    """Return the nodes with the same zone."""
    for node in made:
        node["metadata"]["labels"][ZONE] = "one"
    return list(made)


@pytest.mark.parametrize("provider", PROVIDER_NAMES)
@pytest.mark.parametrize("name", ["split", "two-models", "precise", "offload", "node-cache"])
def test_a_pattern_fits_its_nodes(world: World, name: str, provider: str) -> None:
    """The split pattern fills two nodes of eight GPUs to the last one."""
    cluster, bodies = case(name, provider)
    world.add_nodes(nodes(cluster))
    found = settle(world, "llm-d", bodies)
    assert waiting(found) == {}


@pytest.mark.parametrize(
    ("provider", "devices"),
    [("aws", {"vpc.amazonaws.com/efa": 32}), ("coreweave", {"rdma/ib": 16})],
)
def test_split_replicas_get_their_network_devices(
    world: World, provider: str, devices: dict[str, int]
) -> None:
    """Ten pods on two nodes; with one device less on each, some wait for it."""
    cluster, bodies = case("split-fabric", provider)
    world.add_nodes(in_one_zone(nodes(cluster, devices=devices)))
    assert waiting(settle(world, "llm-d", bodies)) == {}


def test_split_replicas_wait_for_network_devices_that_are_not_there(world: World) -> None:
    cluster, bodies = case("split-fabric", "aws")
    world.add_nodes(in_one_zone(nodes(cluster)))
    found = settle(world, "llm-d", bodies)
    assert set(waiting(found)) == {body["metadata"]["name"] for body in engines(bodies)}
    assert all("Insufficient vpc.amazonaws.com/efa" in pod.reason for pod in found if not pod.node)


def test_split_replicas_with_a_fabric_stay_in_one_zone(world: World) -> None:
    """With nodes in two zones those that find no room beside the first wait, rather than cross."""
    cluster, bodies = case("split-fabric", "aws")
    made = nodes(cluster, devices={"vpc.amazonaws.com/efa": 32})
    zone = {node["metadata"]["name"]: node["metadata"]["labels"][ZONE] for node in made}
    world.add_nodes(made)
    found = settle(world, "llm-d", bodies)
    zones = {zone[pod.node] for pod in found if pod.node and not pod.owner.endswith("-epp")}
    assert len(zones) == 1
    assert waiting(found)


def dra(node: Body) -> Iterator[Body]:
    """Yield what the drivers of GPUs and network cards publish of a node: eight of each, in pairs."""
    name = node["metadata"]["name"]
    for driver, device in (("gpu.nvidia.com", "gpu"), ("dra.net", "nic")):
        devices = [
            {
                "name": f"{device}-{index}",
                "attributes": {
                    "resource.kubernetes.io/pcieRoot": {"string": f"pci0000:{index:02}"}
                },
            }
            for index in range(8)
        ]
        pool = {"name": f"{name}-{driver}", "generation": 1, "resourceSliceCount": 1}
        yield {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceSlice",
            "metadata": {"name": f"{name}-{driver}"},
            "spec": {"driver": driver, "nodeName": name, "pool": pool, "devices": devices},
        }


def device_class(name: str, driver: str) -> Body:
    """Return the class of a driver's devices."""
    selector = {"cel": {"expression": f"device.driver == '{driver}'"}}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceClass",
        "metadata": {"name": name},
        "spec": {"selectors": [selector]},
    }


CLASSES = (
    device_class("gpu.nvidia.com", "gpu.nvidia.com"),
    device_class("mrdma.google.com", "dra.net"),
)


def test_claims_pair_each_gpu_with_the_card_beside_it(world: World) -> None:
    """GKE's way: GPU and network card of one PCIe root, by a resource claim; sixteen pairs, all taken."""
    cluster, bodies = case("split-fabric", "gcp")
    made = in_one_zone(nodes(cluster, devices=CLAIMED))
    world.add_nodes(made)
    gpu_nodes = [n for n in made if n["metadata"]["name"].startswith("h100")]
    world.apply([*CLASSES, *(piece for node in gpu_nodes for piece in dra(node))])
    found = settle(world, "llm-d", bodies)
    assert waiting(found) == {}
    claims = world.api.items("/apis/resource.k8s.io/v1/namespaces/llm-d/resourceclaims")
    pairs: Counter[tuple[str, str]] = Counter()
    for claim in claims:
        for gpu, card in allocated(claim):
            assert gpu.rpartition("-")[2] == card.rpartition("-")[2]
            pairs[claim["metadata"]["name"], gpu] += 1
    assert sum(pairs.values()) == 16
    world.api.delete("/apis/resource.k8s.io/v1/resourceslices")
    world.api.delete("/apis/resource.k8s.io/v1/deviceclasses")


def allocated(claim: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of devices that a claim got."""
    results = claim["status"]["allocation"]["devices"]["results"]
    by_request = {result["request"]: result["device"] for result in results}
    return [
        (device, by_request[f"nic-{request.partition('-')[2]}"])
        for request, device in by_request.items()
        if request.startswith("gpu-")
    ]


def test_spot_replicas_prefer_spot_and_fall_back_when_it_is_gone(world: World) -> None:
    """First every replica is at home; then the spot node goes, and free on-demand GPUs take them."""
    cluster, bodies = case("fallback", "aws")
    world.add_nodes(nodes(cluster))
    found = settle(world, "llm-d", bodies)
    assert waiting(found) == {}
    wanted = {(b["metadata"]["name"], home): 0 for b, home in homes(bodies)}
    for body, home in homes(bodies):
        wanted[body["metadata"]["name"], home] = body["spec"]["replicas"]
    got = by_pool(found)
    assert {key: got[key] for key in wanted} == wanted
    world.reclaim("llm-d", node="h100x8-spot-0")
    moved = world.settled("llm-d", pods=len(found))
    assert waiting(moved) == {}
    assert {pod.node.rpartition("-")[0] for pod in moved if "spot" in pod.owner} == {
        "h100x8-on-demand"
    }


def homes(bodies: Sequence[Body]) -> Iterator[tuple[Body, str]]:
    """Yield model servers with the pool that they prefer."""
    for body in engines(bodies):
        spot = "spot" in body["metadata"]["name"]
        yield body, "h100x8-spot" if spot else "h100x8-on-demand"


def test_replicas_at_home_get_their_gpus_back(world: World) -> None:
    """A guest from a lost spot node never keeps an on-demand replica waiting."""
    cluster, bodies = case("fallback", "aws")
    one = [
        n
        for n in nodes(cluster)
        if n["metadata"]["name"] not in ("h100x8-spot-0", "h100x8-on-demand-1")
    ]
    world.add_nodes(one)
    found = settle(world, "llm-d", bodies)
    on_demand = next(b["metadata"]["name"] for b, home in homes(bodies) if home != "h100x8-spot")
    assert on_demand not in waiting(found)
    assert sum(waiting(found).values()) == 4


def test_the_nodes_of_a_wide_replica_hold_its_pods(world: World) -> None:
    """LeaderWorkerSet's controller is not there: the pods that it would make are made by hand."""
    cluster, bodies = case("wide", "aws")
    world.add_nodes(nodes(cluster))
    (group,) = [body for body in bodies if body["kind"] == "LeaderWorkerSet"]
    template = group["spec"]["leaderWorkerTemplate"]
    world.apply(body for body in bodies if body["kind"] != "LeaderWorkerSet")
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": template["workerTemplate"]["metadata"]
            | {"name": f"{group['metadata']['name']}-{index}", "namespace": "llm-d"},
            "spec": template["workerTemplate"]["spec"],
        }
        for index in range(group["spec"]["replicas"] * template["size"])
    ]
    world.apply(pods)
    found = world.settled("llm-d", pods=len(pods) + sum(replicas(bodies).values()))
    assert waiting(found) == {}
    assert len({pod.node for pod in found if not pod.owner.endswith("-epp")}) == 2


def test_a_price_of_two_dollars_as_a_fraction_breaks_the_scheduler(world: World) -> None:
    """Why there is a lint for whole numbers: the API server takes `Lt "2.0"`, the scheduler fails at it.

    Only when it scores: a pod with one node that fits is placed all the same, so two are offered.
    """
    cluster, bodies = case("priorities", "aws")
    world.add_nodes(nodes(cluster))
    term = {"key": "outlay/price-milliusd-per-hour", "operator": "Lt", "values": ["2.0"]}
    preference = [{"weight": 60, "preference": {"matchExpressions": [term]}}]
    change_pods(
        bodies,
        lambda pod: pod.update(
            affinity={
                "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preference}
            }
        ),
    )
    world.apply(bodies)
    with pytest.raises(TimeoutError):
        world.settled("llm-d", pods=sum(replicas(bodies).values()), timeout_s=4)
    term["values"] = ["2000"]
    change_pods(
        bodies,
        lambda pod: pod.update(
            affinity={
                "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preference}
            }
        ),
    )
    assert waiting(settle(world, "llm-d", bodies)) == {}
