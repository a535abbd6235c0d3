"""What a model needs: memory, speed, and the request rate that a replica holds inside its SLO."""

from outlay.sizing.capacity import TENSOR_PARALLEL, replica_shapes, size_replica
from outlay.sizing.types import DoesNotRun, Interval, ReplicaShape, Traffic

__all__ = [
    "TENSOR_PARALLEL",
    "DoesNotRun",
    "Interval",
    "ReplicaShape",
    "Traffic",
    "replica_shapes",
    "size_replica",
]
