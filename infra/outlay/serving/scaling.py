"""How a placement's replicas follow the load: bounds from the plan, targets from sizing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outlay.planning.plan import Placement, Role, Workload
from outlay.settings.serving import ServingSettings

# A request that waits at all asks for a replica. Source: llm-d workload-autoscaling, keda-epp-queue.
WAITING_PER_REPLICA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaler:
    """Bounds and targets of one placement.

    `share` is its part of the workload's planned replicas of that role. `running_target` is the number of
    running requests, of all placements together, at which this one needs one more replica.
    """

    least: int
    most: int
    running_target: int
    waiting_target: int
    up_window_s: int
    down_window_s: int


def scaler(
    placement: Placement,
    *,
    siblings: Sequence[Placement],
    workload: Workload,
    serving: ServingSettings,
) -> Scaler | None:
    """Return the scaler of a placement, None without autoscaling.

    `siblings` are all placements of the workload with this role, this one included. They see one
    metric, so each takes its part of it: all would otherwise grow to serve the whole.
    """
    if not serving.autoscaling:
        return None
    prefills = placement.role is Role.PREFILL
    together = sum(p.replicas * running_at_capacity(p, workload) for p in siblings)
    replicas = sum(p.replicas for p in siblings)
    return Scaler(
        least=0 if serving.scale_to_zero else placement.min_replicas,
        most=placement.max_replicas,
        running_target=max(1, round(together / placement.replicas)),
        waiting_target=max(1, round(WAITING_PER_REPLICA * replicas / placement.replicas)),
        up_window_s=serving.prefill_scale_up_window_s if prefills else serving.scale_up_window_s,
        down_window_s=(
            serving.prefill_scale_down_window_s if prefills else serving.scale_down_window_s
        ),
    )


def running_at_capacity(placement: Placement, workload: Workload) -> float:
    """Return the requests that run on one replica at its safe rate: rate x time (Little's law)."""
    shape = placement.shape
    first_s = shape.ttft_ms.expected / 1000
    rest_s = shape.tpot_ms.expected / 1000 * max(0, workload.output_tokens - 1)
    seconds = {
        Role.BOTH: first_s + rest_s,
        Role.PREFILL: first_s,
        Role.DECODE: rest_s,
    }[placement.role]
    return min(max(1.0, shape.capacity_rps.low * seconds), float(shape.max_sequences))
