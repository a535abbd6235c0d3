"""The labels and taints that node pools carry and pods ask for: what is bought is what is scheduled."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.catalog.types import Market

POOL_LABEL = "outlay/pool"
MARKET_LABEL = "outlay/market"
GPU_LABEL = "outlay/gpu"
# Set on pods, not on nodes: tells the replicas of one placement from their neighbours.
PLACEMENT_LABEL = "outlay/placement"
CPU_POOL = "cpu"
GPU_RESOURCE = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """A node's taint, spelled as Kubernetes does; clouds translate the effect to their own words."""

    key: str
    value: str
    effect: str = "NoSchedule"


# GKE itself adds this very taint to GPU pools of a cluster that also has CPU pools.
GPU_TAINT = Taint(key="nvidia.com/gpu", value="present")
SPOT_TAINT = Taint(key=MARKET_LABEL, value=Market.SPOT.value)
# AKS puts this on every spot pool, asked or not.
AZURE_SPOT_TAINT = Taint(key="kubernetes.azure.com/scalesetpriority", value="spot")


def gpu_node_labels(*, pool: str, market: Market, gpu: str) -> dict[str, str]:
    """Return the labels of a GPU node pool, which are also its pods' node selector."""
    return {POOL_LABEL: pool, MARKET_LABEL: market.value, GPU_LABEL: gpu}


def gpu_node_taints(market: Market) -> tuple[Taint, ...]:
    """Return the taints that outlay puts on a GPU node pool."""
    return (GPU_TAINT, SPOT_TAINT) if market is Market.SPOT else (GPU_TAINT,)


def provider_taints(provider: str, market: Market) -> tuple[Taint, ...]:
    """Return the taints that a provider adds by itself; pods must tolerate them too."""
    return (AZURE_SPOT_TAINT,) if provider == "azure" and market is Market.SPOT else ()


def cpu_node_labels() -> dict[str, str]:
    """Return the labels of a cluster's CPU pool; it carries no taint."""
    return {POOL_LABEL: CPU_POOL}
