"""How sure an estimate is: its grade, and the factors around it that hold 80 % of measurements.

The factors are 10 % and 90 % quantiles of measured ÷ predicted over the public measurement record,
each measurement predicted without its curve and again without its model. `python -m tools.accuracy
fit` writes them; `make accuracy` prints how much they hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from outlay.catalog import Gpu, Grade, Model
from outlay.sizing.fitted import BOUNDS
from outlay.sizing.types import Interval

COVERED_GPUS = frozenset({"H100", "H200", "B200"})
THROUGHPUT_GPUS = frozenset({
    "A100-40", "A100-80", "A100-80-PCIe", "GH200", "GB200", "H100-NVL", "H100-PCIe", "H200-NVL",
    "RTX-PRO-6000",
})  # fmt: skip
SMALL_CARDS = frozenset({"A10G", "L4", "L40S"})
AMPERE = 9.0  # compute capabilities below have no fused kernels for experts
LARGEST_NODE = 8  # GPUs of one replica beyond this span nodes


class Quantity(StrEnum):
    """What an interval is about."""

    THROUGHPUT = "throughput"
    TTFT = "TTFT"
    TPOT = "TPOT"
    CAPACITY = "capacity"


class Group(StrEnum):
    """Estimates that share one error, finer than a grade."""

    DENSE_COVERED = "dense, covered"
    DENSE_THROUGHPUT = "dense, throughput-only"
    DENSE_OTHER_ENGINE = "dense, old or other engine"
    DENSE_SMALL = "dense, small cards"
    DENSE_EXTRAPOLATED = "dense, extrapolated"
    MOE_THROUGHPUT = "experts, throughput-only"
    MOE_EXTRAPOLATED = "experts, extrapolated"
    FOREIGN = "not NVIDIA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Bounds of an interval as multiples of the expectation."""

    low: float
    high: float

    def around(self, expected: float) -> Interval:
        """Return the interval around an expectation."""
        return Interval(low=expected * self.low, expected=expected, high=expected * self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFactors:
    """Factors of one group: throughput at a load, its latencies, and capacity under an SLO."""

    throughput: Factors
    ttft: Factors
    tpot: Factors
    capacity: Factors

    def of(self, quantity: Quantity) -> Factors:
        """Return the factors of one quantity."""
        return {
            Quantity.THROUGHPUT: self.throughput,
            Quantity.TTFT: self.ttft,
            Quantity.TPOT: self.tpot,
            Quantity.CAPACITY: self.capacity,
        }[quantity]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Grade, group and the reason for both, as one sentence."""

    grade: Grade
    group: Group
    reason: str

    @property
    def factors(self) -> GroupFactors:
        """Factors of the group."""
        return FACTORS[self.group]


def _group(
    *,
    throughput: tuple[float, float],
    ttft: tuple[float, float],
    tpot: tuple[float, float],
    capacity: tuple[float, float],
) -> GroupFactors:
    return GroupFactors(
        throughput=Factors(low=throughput[0], high=throughput[1]),
        ttft=Factors(low=ttft[0], high=ttft[1]),
        tpot=Factors(low=tpot[0], high=tpot[1]),
        capacity=Factors(low=capacity[0], high=capacity[1]),
    )


# Never narrower than this, whatever few measurements say; the reason stands beside each. A group
# with at least 20 measured curves takes the quantiles of the data as they are.
LEAST: dict[Group, GroupFactors] = {
    Group.DENSE_COVERED: _group(throughput=(1, 1), ttft=(1, 1), tpot=(1, 1), capacity=(1, 1)),
    # Latencies are hardly measured: as covered, and as throughput the other way round.
    Group.DENSE_THROUGHPUT: _group(
        throughput=(1, 1), ttft=(0.40, 2.00), tpot=(0.75, 1.35), capacity=(0.74, 1.29)
    ),
    # Engines of 2023 and 2024, and those that outlay does not deploy.
    Group.DENSE_OTHER_ENGINE: _group(
        throughput=(1, 1), ttft=(0.40, 2.50), tpot=(0.65, 1.60), capacity=(0.60, 1.40)
    ),
    # A handful of curves, and default settings on 24 GB cards ran up to two times below the formula
    # (L4 Llama-2-7B 1.22 x, Llama-3.1-8B 1.54 x). TPOT near saturation on A10G: 3.25 x.
    Group.DENSE_SMALL: _group(
        throughput=(0.50, 1.44), ttft=(0.33, 3.25), tpot=(0.68, 3.25), capacity=(0.50, 1.29)
    ),
    # A few curves over many kinds of GPU; a benchmark loop without a server reached 1 / 1.76 on T4.
    Group.DENSE_EXTRAPOLATED: _group(
        throughput=(0.40, 2.00), ttft=(0.25, 4.00), tpot=(0.50, 2.50), capacity=(0.40, 2.00)
    ),
    Group.MOE_THROUGHPUT: _group(throughput=(1, 1), ttft=(1, 1), tpot=(1, 1), capacity=(1, 1)),
    # Community benchmarks of experts on A100 lie at half to 40 % of what vendors publish.
    Group.MOE_EXTRAPOLATED: _group(
        throughput=(0.40, 1.60), ttft=(0.30, 4.39), tpot=(0.55, 3.00), capacity=(0.25, 1.81)
    ),
    # Throughput is measured, mostly of one laboratory with an engine of 2024.
    Group.FOREIGN: _group(
        throughput=(1, 1), ttft=(0.25, 4.00), tpot=(0.50, 2.50), capacity=(0.35, 2.00)
    ),
}


def _widened(group: Group, least: GroupFactors) -> GroupFactors:
    found = {
        quantity: _union(least.of(quantity), BOUNDS.get(group, {}).get(quantity))
        for quantity in Quantity
    }
    return GroupFactors(
        throughput=found[Quantity.THROUGHPUT],
        ttft=found[Quantity.TTFT],
        tpot=found[Quantity.TPOT],
        capacity=found[Quantity.CAPACITY],
    )


def _union(least: Factors, measured: tuple[float, float] | None) -> Factors:
    if measured is None:
        return least
    return Factors(low=min(least.low, measured[0]), high=max(least.high, measured[1]))


FACTORS = {group: _widened(group, least) for group, least in LEAST.items()}


def judge(
    model: Model, gpu: Gpu, *, current_engine: bool = True, gpus_per_replica: float = 1
) -> Judgement:
    """Grade an estimate by how well public measurements cover its model kind, GPU and engine."""
    if gpu.vendor != "nvidia":
        return Judgement(
            grade=Grade.EXTRAPOLATED,
            group=Group.FOREIGN,
            reason=(
                f"{gpu.name} is no NVIDIA GPU: throughput is measured by few, and misses by up to"
                " half; no latency under load is"
            ),
        )
    if model.is_moe:
        return _judge_experts(model, gpu, current=current_engine, gpus=gpus_per_replica)
    return _judge_dense(gpu, current=current_engine)


def _judge_experts(model: Model, gpu: Gpu, *, current: bool, gpus: float) -> Judgement:
    if (gpu.compute_capability or 0.0) < AMPERE:
        reason = (
            f"{model.name} has experts and {gpu.name} has no fused kernels for them in many"
            " engines: measured at half to a third of this formula; calibrate before relying on it"
        )
    elif gpus > LARGEST_NODE:
        reason = f"{gpus:.0f} GPUs of one replica span nodes, which few public measurements do"
    elif not current:
        reason = f"{model.name} has experts, which old and other engines run in ways of their own"
    elif gpu.name in COVERED_GPUS | THROUGHPUT_GPUS:
        return Judgement(
            grade=Grade.THROUGHPUT_ONLY,
            group=Group.MOE_THROUGHPUT,
            reason=(
                f"{model.name} has experts: capacity under an SLO was over-promised by half"
                " or more in 10 % of public curves; calibrate before relying on it"
            ),
        )
    else:
        reason = f"no public measurement of a model with experts on {gpu.name}"
    return Judgement(grade=Grade.EXTRAPOLATED, group=Group.MOE_EXTRAPOLATED, reason=reason)


def _judge_dense(gpu: Gpu, *, current: bool) -> Judgement:
    if gpu.name in SMALL_CARDS:
        return Judgement(
            grade=Grade.THROUGHPUT_ONLY,
            group=Group.DENSE_SMALL,
            reason=f"few public measurements on {gpu.name}, and the formula promises too much there",
        )
    if gpu.name not in COVERED_GPUS | THROUGHPUT_GPUS:
        return Judgement(
            grade=Grade.EXTRAPOLATED,
            group=Group.DENSE_EXTRAPOLATED,
            reason=f"too few public measurements on {gpu.name} to know the error",
        )
    if not current:
        return Judgement(
            grade=Grade.THROUGHPUT_ONLY,
            group=Group.DENSE_OTHER_ENGINE,
            reason="an engine of 2023 or 2024, or one with few public measurements",
        )
    if gpu.name in COVERED_GPUS:
        return Judgement(
            grade=Grade.COVERED,
            group=Group.DENSE_COVERED,
            reason=f"public concurrency curves of dense models on {gpu.name}",
        )
    return Judgement(
        grade=Grade.THROUGHPUT_ONLY,
        group=Group.DENSE_THROUGHPUT,
        reason=f"public throughput on {gpu.name}, hardly any latency under load",
    )
