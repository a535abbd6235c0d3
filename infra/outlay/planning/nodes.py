"""What pods may use of a node: capacity minus what Kubernetes, the kernel and system pods take."""

from __future__ import annotations

from dataclasses import dataclass

# Taken by CNI, device plugin, log and metrics agents on every node. An assumption, on the safe side.
DAEMON_CPUS = 1.0
DAEMON_MEMORY_GIB = 2.0
# The kernel's own share of the machine's nominal memory is 1 to 3 %; too little would leave pods pending.
KERNEL_SHARE = 0.03
# An engine needs cores for its API server and scheduler, and memory for its process and page cache.
LEAST_CPUS_PER_REPLICA = 2
LEAST_MEMORY_GIB_PER_REPLICA = 8
EKS_PODS_PER_NODE = 58
AKS_PODS_PER_NODE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocatable:
    """Whole CPUs and GiB that our pods may request on one node."""

    cpus: int
    memory_gib: int

    def without(self, *, cpus: int, memory_gib: int) -> Allocatable:
        """Return what is left when other pods of ours take their part first."""
        return Allocatable(
            cpus=max(0, self.cpus - cpus), memory_gib=max(0, self.memory_gib - memory_gib)
        )


def allocatable(*, provider: str, vcpus: int, host_memory_gib: float) -> Allocatable:
    """Return what is left for our pods on a node of that size.

    Source: the providers' published reservation rules (GKE for CPU everywhere, as EKS uses the
    same curve), then DAEMON_* for system pods.
    """
    cpus = vcpus - _reserved_cpus(vcpus) - DAEMON_CPUS
    memory = host_memory_gib * (1 - KERNEL_SHARE) - _reserved_gib(provider, host_memory_gib)
    return Allocatable(cpus=max(0, int(cpus)), memory_gib=max(0, int(memory - DAEMON_MEMORY_GIB)))


def _reserved_cpus(vcpus: int) -> float:
    """GKE's curve: 6 % of the first core, 1 % of the second, 0.5 % of two more, 0.25 % beyond."""
    return (
        0.06 + 0.01 * (vcpus > 1) + 0.005 * min(max(vcpus - 2, 0), 2) + 0.0025 * max(vcpus - 4, 0)
    )


def _reserved_gib(provider: str, memory_gib: float) -> float:
    if provider == "gcp":
        return _gke_reserved_gib(memory_gib)
    if provider == "azure":
        return min((20 * AKS_PODS_PER_NODE + 50) / 1024, 0.25 * memory_gib) + 100 / 1024
    return (255 + 11 * EKS_PODS_PER_NODE + 100) / 1024


def _gke_reserved_gib(memory_gib: float) -> float:
    """25 % of the first 4 GiB, 20 % of 4 more, 10 % of 8, 6 % of 112, 2 % beyond, and 100 MiB."""
    reserved, left = 100 / 1024, memory_gib
    for size, share in ((4.0, 0.25), (4.0, 0.20), (8.0, 0.10), (112.0, 0.06), (float("inf"), 0.02)):
        part = min(left, size)
        reserved, left = reserved + part * share, left - part
    return reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaRoom:
    """Whole CPUs and GiB that one replica may request on a node it shares evenly."""

    cpus: int
    memory_gib: int

    @property
    def is_enough(self) -> bool:
        """Whether an engine can run in it."""
        return (
            self.cpus >= LEAST_CPUS_PER_REPLICA and self.memory_gib >= LEAST_MEMORY_GIB_PER_REPLICA
        )


def replica_room(node: Allocatable, *, gpus_per_node: int, gpus: int) -> ReplicaRoom:
    """Return a replica's even share of a node, by its share of the node's GPUs."""
    return ReplicaRoom(
        cpus=node.cpus * gpus // gpus_per_node, memory_gib=node.memory_gib * gpus // gpus_per_node
    )
