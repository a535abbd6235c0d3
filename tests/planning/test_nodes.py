"""What a node leaves for pods follows the providers' published reservation rules."""

from __future__ import annotations

import pytest

from outlay.planning.nodes import Allocatable, allocatable, replica_room


@pytest.mark.parametrize(
    ("provider", "vcpus", "memory_gib", "expected"),
    [
        # 208 - 0.59 reserved - 1 for daemons; 1872 - 56 kernel - 44 reserved - 2 for daemons.
        ("gcp", 208, 1872.0, Allocatable(cpus=206, memory_gib=1769)),
        ("gcp", 4, 16.0, Allocatable(cpus=2, memory_gib=10)),
        ("aws", 4, 16.0, Allocatable(cpus=2, memory_gib=12)),
        ("aws", 192, 2048.0, Allocatable(cpus=190, memory_gib=1983)),
        ("azure", 24, 220.0, Allocatable(cpus=22, memory_gib=210)),
    ],
)
def test_allocatable_is_what_the_rules_leave(
    provider: str, vcpus: int, memory_gib: float, expected: Allocatable
) -> None:
    found = allocatable(provider=provider, vcpus=vcpus, host_memory_gib=memory_gib)
    assert found == expected


def test_a_tiny_node_leaves_nothing_and_never_less() -> None:
    assert allocatable(provider="gcp", vcpus=1, host_memory_gib=1.0) == Allocatable(
        cpus=0, memory_gib=0
    )


def test_replicas_share_a_node_by_their_gpus() -> None:
    node = Allocatable(cpus=100, memory_gib=801)
    room = replica_room(node, gpus_per_node=8, gpus=2)
    assert (room.cpus, room.memory_gib) == (25, 200)
    assert room.is_enough


@pytest.mark.parametrize(("cpus", "memory_gib"), [(1, 100), (100, 7)])
def test_an_engine_needs_two_cpus_and_eight_gib(cpus: int, memory_gib: int) -> None:
    node = Allocatable(cpus=cpus, memory_gib=memory_gib)
    assert not replica_room(node, gpus_per_node=1, gpus=1).is_enough
