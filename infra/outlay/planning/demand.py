"""What is asked over a day or week: periods in which every workload has a steady share of its demand.

Pools are bought for the highest demand. In other periods each workload's replicas shrink alike, rounded
up, which keeps what survives a loss; nodes that nobody needs are given back.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from outlay.settings import Settings, WorkloadSettings

HOURS_PER_WEEK = 168
HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One workload at its highest demand: what it needs, and what must survive a loss."""

    workload: int
    rps: float
    kept_rps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Hours of a week with the same demand, and the share of its target that each workload has."""

    hours: int
    shares: tuple[float, ...]

    @property
    def weight(self) -> float:
        """Share of all hours."""
        return self.hours / HOURS_PER_WEEK


def units(settings: Settings) -> tuple[Unit, ...]:
    """Return one unit a workload."""
    return tuple(
        Unit(
            workload=number,
            rps=workload.target_rps * settings.headroom,
            kept_rps=workload.target_rps * settings.survive_fraction,
        )
        for number, workload in enumerate(settings.workloads)
    )


def periods(settings: Settings) -> tuple[Period, ...]:
    """Return the periods of a week; hours with the same demand are one period."""
    hours: dict[tuple[float, ...], int] = defaultdict(int)
    for hour in range(HOURS_PER_WEEK):
        hours[tuple(_share(workload, hour) for workload in settings.workloads)] += 1
    return tuple(Period(hours=count, shares=shares) for shares, count in hours.items())


def _share(workload: WorkloadSettings, hour: int) -> float:
    if not workload.profile:
        return 1.0
    daily = workload.profile[-1].to_hour == HOURS_PER_DAY
    at = hour % HOURS_PER_DAY if daily else hour
    return next(p.share for p in workload.profile if p.from_hour <= at < p.to_hour)


def least_share(workload: WorkloadSettings) -> float:
    """Return the lowest demand as a share of the target."""
    return min((period.share for period in workload.profile), default=1.0)


def mean_share(workload: WorkloadSettings) -> Decimal:
    """Return the mean demand as a share of the target."""
    if not workload.profile:
        return Decimal(1)
    hours = sum(
        (Decimal(repr(p.share)) * (p.to_hour - p.from_hour) for p in workload.profile), Decimal(0)
    )
    return hours / workload.profile[-1].to_hour
