"""A plan's spot risk in one line, and as JSON values."""

from __future__ import annotations

from outlay.planning.plan import SpotPool, SpotRisk
from outlay.reporting.layout import Json, percent
from outlay.reporting.money import usd


def expectation(risk: SpotRisk) -> str:
    """Return a plan's risk in one line."""
    basis = "your events" if any(is_own(pool) for pool in risk.pools) else "prior, nothing observed"
    return (
        f"expected with spot coming and going: {percent(risk.share)} of requests served,"
        f" {usd(risk.usd_per_month)}/month paid ({basis})"
    )


def is_own(pool: SpotPool) -> bool:
    """Whether the user's own events count for the pool."""
    return pool.own_hours > 0 or pool.own_launches > 0


def risk_json(risk: SpotRisk) -> Json:
    """Return a plan's risk as JSON values."""
    fallback = risk.fallback_usd_per_hour
    return {
        "available_share": rounded(risk.share),
        "usd_per_hour": rounded(float(risk.usd_per_hour)),
        "usd_per_month": rounded(float(risk.usd_per_month)),
        "fallback_available_share": None
        if risk.fallback_share is None
        else rounded(risk.fallback_share),
        "fallback_usd_per_hour": None if fallback is None else rounded(float(fallback)),
        "workloads": [
            {
                "name": s.workload,
                "available_share": rounded(s.share),
                "whole_demand_share": rounded(s.whole_share),
            }
            for s in risk.served
        ],
        "pools": [_pool_json(pool) for pool in risk.pools],
    }


def _pool_json(pool: SpotPool) -> Json:
    return {
        "pool": pool.pool,
        "cluster": pool.cluster,
        "hazard_per_hour": rounded(pool.hazard_per_hour),
        "capacity_share": rounded(pool.available_share),
        "ready_share": rounded(pool.ready_share),
        "usd_per_useful_hour": rounded(float(pool.usd_per_useful_hour)),
        "basis": "events" if is_own(pool) else "prior",
        "own_instance_hours": pool.own_hours,
        "own_launches": pool.own_launches,
        "aws_interruption_bucket": pool.bucket,
    }


def rounded(value: float) -> float:
    """Return a number with the digits that the JSON has."""
    return round(value, 8)
