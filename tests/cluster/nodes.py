"""Node objects of the pools that a Plan buys, as each cloud would register them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from outlay.catalog import Market
from outlay.catalog.labels import AZURE_SPOT_TAINT
from outlay.clouds.nodes import NodePool, cpu_nodes, gpu_nodes
from outlay.planning.plan import Cluster, CpuPool, Pool
from tests.cluster.api import Body
from tests.cluster.machines import Room, room

NO_DEVICES: Mapping[str, int] = MappingProxyType({})
PODS_PER_NODE = "110"
# GPUs of hosts with an Arm CPU.
ARM_GPUS = frozenset({"GB200", "GH200"})
ACCELERATORS = {"L4": "nvidia-l4", "H100": "nvidia-h100-80gb", "A100-80GB": "nvidia-a100-80gb"}


def nodes(cluster: Cluster, *, devices: Mapping[str, int] = NO_DEVICES) -> tuple[Body, ...]:
    """Return one Node a machine that the cluster's pools are planned to have.

    `devices` are extended resources of GPU nodes beside the GPUs; `nvidia.com/gpu: 0` takes these away,
    as where a DRA driver offers them.
    """
    made = [node for pool in cluster.pools for node in gpu_pool_nodes(pool)]
    for node in made:
        for key in ("capacity", "allocatable"):
            own = node["status"][key] | {name: str(count) for name, count in devices.items()}
            node["status"][key] = {name: count for name, count in own.items() if count != "0"}
    if cluster.cpu_pool is not None:
        made += _cpu_pool_nodes(cluster.cpu_pool, provider=cluster.provider, region=cluster.region)
    return tuple(made)


def gpu_pool_nodes(pool: Pool, *, count: int | None = None) -> Iterator[Body]:
    """Yield the nodes of a GPU pool."""
    for index in range(pool.nodes if count is None else count):
        yield _node(
            gpu_nodes(pool),
            index=index,
            provider=pool.provider,
            region=pool.region,
            gpu=pool.gpu,
            offered=room(pool.provider, vcpus=pool.vcpus, memory_gib=pool.host_memory_gib),
        )


def _cpu_pool_nodes(pool: CpuPool, *, provider: str, region: str) -> Iterator[Body]:
    for index in range(pool.nodes):
        yield _node(
            cpu_nodes(pool),
            index=index,
            provider=provider,
            region=region,
            gpu="",
            offered=room(provider, vcpus=pool.vcpus, memory_gib=pool.host_memory_gib),
        )


def _node(
    pool: NodePool, *, index: int, provider: str, region: str, gpu: str, offered: Room
) -> Body:
    name = f"{pool.name}-{index}"
    resources = {
        "cpu": f"{offered.cpu_millis}m",
        "memory": f"{offered.memory_mib}Mi",
        "pods": PODS_PER_NODE,
        "ephemeral-storage": f"{pool.disk_gib}Gi",
    }
    if pool.is_gpu:
        resources["nvidia.com/gpu"] = str(pool.gpus_per_node)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": _common_labels(pool, name=name, region=region, index=index, gpu=gpu)
            | _provider_labels(provider, pool, gpu=gpu)
            | dict(pool.labels),
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "spec": {"providerID": f"kwok://{name}", "taints": _taints(provider, pool)},
        "status": {"capacity": resources, "allocatable": resources},
    }


def _common_labels(
    pool: NodePool, *, name: str, region: str, index: int, gpu: str
) -> dict[str, str]:
    # A pool of several nodes stands in two zones, so that spreading has something to do.
    return {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "arm64" if gpu in ARM_GPUS else "amd64",
        "node.kubernetes.io/instance-type": pool.instance_type.partition("+")[0],
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": f"{region}{'ab'[index % 2]}",
    }


def _provider_labels(provider: str, pool: NodePool, *, gpu: str) -> dict[str, str]:
    spot = pool.market is Market.SPOT
    match provider:
        case "aws":
            return {
                "eks.amazonaws.com/nodegroup": pool.name,
                "eks.amazonaws.com/capacityType": "SPOT" if spot else "ON_DEMAND",
            }
        case "gcp":
            labels = {
                "cloud.google.com/gke-nodepool": pool.name,
                "cloud.google.com/gke-provisioning": "spot" if spot else "standard",
            }
            if spot:
                labels["cloud.google.com/gke-spot"] = "true"
            if gpu in ACCELERATORS:
                labels["cloud.google.com/gke-accelerator"] = ACCELERATORS[gpu]
            return labels
        case "azure":
            labels = {"agentpool": pool.name, "kubernetes.azure.com/mode": "user"}
            if spot:
                labels["kubernetes.azure.com/scalesetpriority"] = "spot"
            return labels
        case "coreweave":
            return {"node.coreweave.cloud/state": "production"}
        case _:
            # k3s calls every machine this, whatever the cloud sells it as.
            return {"node.kubernetes.io/instance-type": "k3s"}


def _taints(provider: str, pool: NodePool) -> list[dict[str, str]]:
    taints = [{"key": t.key, "value": t.value, "effect": t.effect} for t in pool.taints]
    if provider == "azure" and pool.market is Market.SPOT:
        spot = AZURE_SPOT_TAINT
        taints.append({"key": spot.key, "value": spot.value, "effect": spot.effect})
    if provider == "coreweave" and pool.is_gpu:
        taints.append({"key": "is_gpu", "value": "true", "effect": "PreferNoSchedule"})
    return taints
