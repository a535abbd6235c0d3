"""What a node of each cloud lets pods use, by the vendors' published rules; not taken from the planner.

Reservations are those of cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes, of the
kubelet flags that EKS's images set, and of learn.microsoft.com/azure/aks/node-resource-reservations.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB_PER_GIB = 1024
# Nominal memory that the kernel keeps, at the upper end of the 1 to 3 % seen; an assumption.
KERNEL_SHARE = 0.03
EKS_MAX_PODS = 58
AKS_MAX_PODS = 30
EVICTION_MIB = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """CPU and memory that the kubelet offers."""

    cpu_millis: int
    memory_mib: int


def room(provider: str, *, vcpus: int, memory_gib: float) -> Room:
    """Return what a node of that size offers to pods, system pods included."""
    visible_mib = memory_gib * MIB_PER_GIB * (1 - KERNEL_SHARE)
    return Room(
        cpu_millis=vcpus * 1000 - _reserved_millis(vcpus),
        memory_mib=int(visible_mib - _reserved_mib(provider, memory_gib)),
    )


def _reserved_millis(vcpus: int) -> int:
    """GKE's table: 60 m of the first core, 10 m of the second, 5 m of the next two, 2.5 m beyond."""
    steps = [60, 10, 5, 5]
    return round(sum(steps[:vcpus]) + 2.5 * max(0, vcpus - len(steps)))


def _reserved_mib(provider: str, memory_gib: float) -> float:
    if provider == "gcp":
        bands = ((4, 0.25), (8, 0.20), (16, 0.10), (128, 0.06), (float("inf"), 0.02))
        low, total = 0.0, 0.0
        for high, share in bands:
            total += max(0.0, min(memory_gib, high) - low) * share
            low = high
        return total * MIB_PER_GIB + EVICTION_MIB
    if provider == "azure":
        return min(20 * AKS_MAX_PODS + 50, 0.25 * memory_gib * MIB_PER_GIB) + EVICTION_MIB
    return 255 + 11 * EKS_MAX_PODS + EVICTION_MIB
