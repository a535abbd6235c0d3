"""Calculations of the book chapter that outlay grew out of, for comparison: not used for any plan.

Figures are the chapter's own. Its reductions are against fp32, its savings are constants, and its
split compares six GPUs with one; what is right instead is in sizing/advisor.py and
sizing/disaggregation.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outlay.errors import UnknownNameError
from outlay.sizing.disaggregation import Economics


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyProfile:
    """One row of the chapter's quantisation table; percentages of fp32."""

    name: str
    memory_reduction_percent: float
    retention_percent: float
    cost_reduction_percent: float
    models: tuple[str, ...]
    least_memory_gb: int


LEGACY_PROFILES = (
    LegacyProfile(
        name="fp16",
        memory_reduction_percent=50.0,
        retention_percent=99.5,
        cost_reduction_percent=40.0,
        models=("llama-3.1-8b", "llama-3.1-70b", "mistral-7b"),
        least_memory_gb=16,
    ),
    LegacyProfile(
        name="int8",
        memory_reduction_percent=75.0,
        retention_percent=97.0,
        cost_reduction_percent=65.0,
        models=("llama-3.1-8b", "mistral-7b", "codellama-13b"),
        least_memory_gb=8,
    ),
    LegacyProfile(
        name="int4",
        memory_reduction_percent=87.5,
        retention_percent=92.0,
        cost_reduction_percent=80.0,
        models=("llama-3.1-8b", "mistral-7b"),
        least_memory_gb=4,
    ),
    LegacyProfile(
        name="mixed",
        memory_reduction_percent=60.0,
        retention_percent=98.5,
        cost_reduction_percent=50.0,
        models=("llama-3.1-8b", "llama-3.1-70b"),
        least_memory_gb=12,
    ),
)
LEGACY_BASE_USD_PER_MONTH = {
    "llama-3.1-8b": 1500.0,
    "llama-3.1-70b": 8000.0,
    "mistral-7b": 1200.0,
    "codellama-13b": 2500.0,
}


def legacy_ranking(
    model: str, *, memory_gb: int, least_retention_percent: float = 95.0
) -> tuple[tuple[str, float], ...]:
    """Return (type, USD saved a month) as the chapter ranks them, largest first.

    Raises:
        UnknownNameError: the chapter has no base cost for the model.
    """
    if model not in LEGACY_BASE_USD_PER_MONTH:
        raise UnknownNameError("model of the chapter", model, sorted(LEGACY_BASE_USD_PER_MONTH))
    fits = (
        p
        for p in LEGACY_PROFILES
        if model in p.models
        and memory_gb >= p.least_memory_gb
        and p.retention_percent >= least_retention_percent
    )
    base = LEGACY_BASE_USD_PER_MONTH[model]
    saved = [(p.name, base * p.cost_reduction_percent / 100) for p in fits]
    return tuple(sorted(saved, key=lambda pair: -pair[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyPool:
    """One pool of the chapter's split: one GPU a node."""

    nodes: int
    usd_per_node_hour: float
    utilization_percent: float

    @property
    def usd_per_hour(self) -> float:
        """Price of the pool."""
        return self.nodes * self.usd_per_node_hour


LEGACY_AGGREGATED = LegacyPool(nodes=1, usd_per_node_hour=2.40, utilization_percent=45)
LEGACY_PREFILL = LegacyPool(nodes=2, usd_per_node_hour=1.89, utilization_percent=85)
LEGACY_DECODE = LegacyPool(nodes=4, usd_per_node_hour=2.40, utilization_percent=60)
LEGACY_AGGREGATED_REQUESTS_PER_HOUR = 1800.0
LEGACY_SPLIT_REQUESTS_PER_HOUR = 2400.0


def legacy_split() -> Economics:
    """Return the chapter's split: its prefill nodes cheaper (called spot) than the others."""
    return _economics([LEGACY_PREFILL, LEGACY_DECODE])


def legacy_split_at_one_price() -> Economics:
    """Return the chapter's split with every GPU at the price of the aggregated one."""
    price = LEGACY_AGGREGATED.usd_per_node_hour
    return _economics(
        [
            LegacyPool(
                nodes=pool.nodes,
                usd_per_node_hour=price,
                utilization_percent=pool.utilization_percent,
            )
            for pool in (LEGACY_PREFILL, LEGACY_DECODE)
        ]
    )


def legacy_utilization_percent() -> float:
    """Return the utilization of the chapter's split, weighted by GPUs."""
    pools = (LEGACY_PREFILL, LEGACY_DECODE)
    return sum(p.nodes * p.utilization_percent for p in pools) / sum(p.nodes for p in pools)


def _economics(split: Sequence[LegacyPool]) -> Economics:
    return Economics(
        aggregated_usd_per_hour=LEGACY_AGGREGATED.usd_per_hour,
        aggregated_requests_per_hour=LEGACY_AGGREGATED_REQUESTS_PER_HOUR,
        split_usd_per_hour=sum(pool.usd_per_hour for pool in split),
        split_requests_per_hour=LEGACY_SPLIT_REQUESTS_PER_HOUR,
    )
