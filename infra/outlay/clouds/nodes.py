"""The node pools of a cluster in words that both EKS and GKE understand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from outlay.catalog import Market
from outlay.catalog.labels import Taint, cpu_node_labels, gpu_node_labels, gpu_node_taints
from outlay.planning.plan import CpuPool, Pool

# EKS and GKE spell the effects alike, and unlike Kubernetes.
CLOUD_EFFECTS = MappingProxyType(
    {
        "NoSchedule": "NO_SCHEDULE",
        "PreferNoSchedule": "PREFER_NO_SCHEDULE",
        "NoExecute": "NO_EXECUTE",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePool:
    """One pool of like nodes, with or without GPUs. Disk in GiB."""

    name: str
    instance_type: str
    market: Market
    gpus_per_node: int
    nodes: int
    min_nodes: int
    max_nodes: int
    disk_gib: int
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]

    @property
    def is_gpu(self) -> bool:
        """Whether its nodes carry GPUs."""
        return self.gpus_per_node > 0

    @property
    def is_spot(self) -> bool:
        """Whether the cloud may take its nodes back."""
        return self.market is Market.SPOT

    @property
    def is_elastic(self) -> bool:
        """Whether an autoscaler may change the number of nodes."""
        return self.min_nodes < self.max_nodes


def gpu_nodes(pool: Pool) -> NodePool:
    """Return a GPU pool of the Plan as a node pool."""
    return NodePool(
        name=pool.name,
        instance_type=pool.instance_type,
        market=pool.market,
        gpus_per_node=pool.gpus_per_node,
        nodes=pool.nodes,
        min_nodes=pool.min_nodes,
        max_nodes=pool.max_nodes,
        disk_gib=pool.disk_gib,
        labels=gpu_node_labels(pool=pool.name, market=pool.market, gpu=pool.gpu),
        taints=gpu_node_taints(pool.market),
    )


def cpu_nodes(pool: CpuPool) -> NodePool:
    """Return the CPU pool of the Plan as a node pool: on demand, of fixed size, without taints."""
    return NodePool(
        name=pool.name,
        instance_type=pool.instance_type,
        market=Market.ON_DEMAND,
        gpus_per_node=0,
        nodes=pool.nodes,
        min_nodes=pool.nodes,
        max_nodes=pool.nodes,
        disk_gib=pool.disk_gib,
        labels=cpu_node_labels(),
        taints=(),
    )
