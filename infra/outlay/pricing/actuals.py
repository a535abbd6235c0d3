"""Planned against actual spend: by pool and label, with anomalies and a chargeback."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from outlay.pricing.billing import Spend
from outlay.pricing.types import HOURS_PER_MONTH

ZERO = Decimal(0)
HOURS_PER_DAY = 24
# What tells one stack's charges from another's.
STACK_LABELS = ("outlay:project", "outlay:stack")
NO_LABEL = "(no label)"
ELSEWHERE = "(everything else)"
# Where clouds and OpenCost say which pool and cluster a machine belongs to, as folded keys.
POOL_KEYS = ("outlay-pool", "eks-nodegroup-name", "goog-k8s-node-pool-name", "aks-managed-poolname")
CLUSTER_KEYS = ("eks-cluster-name", "goog-k8s-cluster-name", "aks-managed-cluster-name", "cluster")
# The cloud's name of a pool ends in a hash of what forces a replacement.
POOL_HASH = re.compile(r"-[0-9a-f]{6}$")
# Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993): modified z-score and limit.
Z_LIMIT = 3.5
MAD_FACTOR, MEAN_FACTOR = 1.486, 1.253314
# Fewer days say nothing about what is usual.
LEAST_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPool:
    """What a plan says of one pool, USD per hour, disks not included."""

    cluster: str
    pool: str
    usd_per_hour: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a plan says that a stack costs, USD per hour, and the labels of everything in it."""

    pools: tuple[PlannedPool, ...]
    usd_per_hour: Decimal
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Planned and actual USD of one pool or label over the days of the bill."""

    what: str
    planned_usd: Decimal | None
    actual_usd: Decimal

    @property
    def usd_over(self) -> Decimal | None:
        """How much more it was than planned; None where nothing is planned for it alone."""
        return None if self.planned_usd is None else self.actual_usd - self.planned_usd

    @property
    def percent_over(self) -> Decimal | None:
        """The same, in percent of what was planned."""
        over, planned = self.usd_over, self.planned_usd
        return None if over is None or not planned else over / planned * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day against the plan, and everything up to its end."""

    day: date
    planned_usd: Decimal
    actual_usd: Decimal
    usd_over_so_far: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """The days of a bill against what the plan costs an hour.

    `by_label` says whether only charges with the stack's own labels count; a bill without any counts whole.
    """

    planned_usd_per_hour: Decimal
    usual_usd_per_day: Decimal
    days: tuple[Day, ...]
    by_label: bool

    @property
    def planned_usd_per_day(self) -> Decimal:
        """24 hours of the plan."""
        return self.planned_usd_per_hour * HOURS_PER_DAY

    @property
    def usual_usd_per_month(self) -> Decimal:
        """730 hours at the median day's rate."""
        return self.usual_usd_per_day / HOURS_PER_DAY * HOURS_PER_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """A day on which one label's spend was unlike its other days."""

    label: str
    day: date
    usd: Decimal
    usual_usd: Decimal
    robust_z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one team pays for, and its share of everything."""

    team: str
    usd: Decimal
    share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Actuals:
    """A bill against a plan. Days are UTC; the first and the last may be incomplete."""

    first_day: date
    last_day: date
    usd: Decimal
    pools: tuple[Compared, ...]
    labels: tuple[Compared, ...]
    anomalies: tuple[Anomaly, ...]
    chargeback: tuple[Charge, ...]
    label: str
    tracking: Tracking | None

    @property
    def days(self) -> int:
        """How many days the bill covers."""
        return (self.last_day - self.first_day).days + 1


def compare(
    spend: Sequence[Spend], planned: Planned | None, *, label: str, z_limit: float = Z_LIMIT
) -> Actuals:
    """Compare a bill with a plan; `label` is the one of anomalies and chargeback. Spend must not be empty."""
    first, last = min(each.day for each in spend), max(each.day for each in spend)
    days = (last - first).days + 1
    return Actuals(
        first_day=first,
        last_day=last,
        usd=sum((each.usd for each in spend), ZERO),
        pools=() if planned is None else _pools(spend, planned, days=days),
        labels=() if planned is None else _labels(spend, planned, days=days),
        anomalies=tuple(_anomalies(spend, label, first=first, days=days, z_limit=z_limit)),
        chargeback=_chargeback(spend, label),
        label=label,
        tracking=None if planned is None else _tracking(spend, planned, first=first, days=days),
    )


def _tracking(spend: Sequence[Spend], planned: Planned, *, first: date, days: int) -> Tracking:
    own = [each for each in spend if _is_of(each, planned)]
    daily: dict[date, Decimal] = {}
    for each in own or spend:
        daily[each.day] = daily.get(each.day, ZERO) + each.usd
    return Tracking(
        planned_usd_per_hour=planned.usd_per_hour,
        usual_usd_per_day=statistics.median(
            daily.get(first + timedelta(days=number), ZERO) for number in range(days)
        ),
        days=tuple(_days(daily, planned.usd_per_hour * HOURS_PER_DAY, first=first, days=days)),
        by_label=bool(own),
    )


def _days(
    daily: Mapping[date, Decimal], planned_usd: Decimal, *, first: date, days: int
) -> Iterable[Day]:
    over = ZERO
    for number in range(days):
        day = first + timedelta(days=number)
        actual = daily.get(day, ZERO)
        over += actual - planned_usd
        yield Day(day=day, planned_usd=planned_usd, actual_usd=actual, usd_over_so_far=over)


def _is_of(spend: Spend, planned: Planned) -> bool:
    """Whether a charge carries the labels that tell the plan's stack from others."""
    own = [(key, value) for key, value in planned.labels if key in STACK_LABELS]
    return bool(own) and all(_carries(spend, key, value) for key, value in own)


def _carries(spend: Spend, key: str, value: str) -> bool:
    # GCP allows neither capitals nor colons in a label's value.
    return folded(_value(spend, (folded(key),)) or "") == folded(value)


def robust_z(values: Sequence[Decimal], value: Decimal) -> float:
    """Return how far a value lies from the median, in robust standard deviations.

    By the median absolute deviation; where more than half of the values are equal, by the mean one.
    """
    median = statistics.median(values)
    distances = [abs(each - median) for each in values]
    scale = float(statistics.median(distances)) * MAD_FACTOR
    if scale == 0:
        scale = float(statistics.fmean(distances)) * MEAN_FACTOR
    return float(value - median) / scale if scale else 0.0


def folded(key: str) -> str:
    """Return a label's key as all clouds can write it: `outlay/pool` and `outlay_pool` are one."""
    return re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")


def _value(spend: Spend, keys: Iterable[str]) -> str | None:
    own = {folded(key): value for key, value in spend.labels.items()}
    return next((own[key] for key in keys if own.get(key)), None)


def _pools(spend: Sequence[Spend], planned: Planned, *, days: int) -> tuple[Compared, ...]:
    actual: dict[tuple[str, str] | None, Decimal] = {}
    for each in spend:
        key = _pool_of(each, planned.pools)
        actual[key] = actual.get(key, ZERO) + each.usd
    rows = [
        Compared(
            what=f"{pool.cluster}/{pool.pool}",
            planned_usd=pool.usd_per_hour * HOURS_PER_DAY * days,
            actual_usd=actual.get((pool.cluster, pool.pool), ZERO),
        )
        for pool in planned.pools
    ]
    other = planned.usd_per_hour - sum((pool.usd_per_hour for pool in planned.pools), ZERO)
    rest = Compared(
        what=ELSEWHERE,
        planned_usd=other * HOURS_PER_DAY * days,
        actual_usd=actual.get(None, ZERO),
    )
    return (*rows, rest)


def _pool_of(spend: Spend, pools: Sequence[PlannedPool]) -> tuple[str, str] | None:
    """Return the planned pool that a charge is for; None when the labels do not say it for sure."""
    named = _value(spend, POOL_KEYS)
    if named is None:
        return None
    names = {named, POOL_HASH.sub("", named)}
    found = [pool for pool in pools if pool.pool in names]
    cluster = _value(spend, CLUSTER_KEYS)
    if cluster is not None:
        found = [pool for pool in found if pool.cluster == cluster]
    return (found[0].cluster, found[0].pool) if len(found) == 1 else None


def _labels(spend: Sequence[Spend], planned: Planned, *, days: int) -> tuple[Compared, ...]:
    """Compare by the plan's own labels, which everything in the stack carries."""
    whole = planned.usd_per_hour * HOURS_PER_DAY * days
    rows = []
    for key, value in planned.labels:
        carried = [each.usd for each in spend if _carries(each, key, value)]
        rows.append(
            Compared(what=f"{key}={value}", planned_usd=whole, actual_usd=sum(carried, ZERO))
        )
    return tuple(rows)


def _anomalies(
    spend: Sequence[Spend], label: str, *, first: date, days: int, z_limit: float
) -> Iterable[Anomaly]:
    if days < LEAST_DAYS:
        return
    calendar = [first + timedelta(days=number) for number in range(days)]
    for name, daily in _by_label(spend, label).items():
        values = [daily.get(day, ZERO) for day in calendar]
        usual = statistics.median(values)
        for day, usd in zip(calendar, values, strict=True):
            z = robust_z(values, usd)
            if abs(z) > z_limit:
                yield Anomaly(label=name, day=day, usd=usd, usual_usd=usual, robust_z=z)


def _by_label(spend: Sequence[Spend], label: str) -> dict[str, dict[date, Decimal]]:
    found: dict[str, dict[date, Decimal]] = {}
    for each in spend:
        daily = found.setdefault(_value(each, (folded(label),)) or NO_LABEL, {})
        daily[each.day] = daily.get(each.day, ZERO) + each.usd
    return dict(sorted(found.items()))


def _chargeback(spend: Sequence[Spend], label: str) -> tuple[Charge, ...]:
    sums = {name: sum(daily.values(), ZERO) for name, daily in _by_label(spend, label).items()}
    whole = sum(sums.values(), ZERO)
    charges = [
        Charge(team=name, usd=usd, share=usd / whole if whole else ZERO)
        for name, usd in sums.items()
    ]
    return tuple(sorted(charges, key=lambda charge: (-charge.usd, charge.team)))
