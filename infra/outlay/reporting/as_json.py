"""The stable JSON of `plan`; docs/json.md describes every field."""

from __future__ import annotations

from decimal import Decimal

from outlay.planning.plan import Placement, Plan, Pool, Workload
from outlay.planning.scaling import worst_case_usd_per_hour
from outlay.pricing.types import HOURS_PER_MONTH
from outlay.reporting.risk import risk_json
from outlay.sizing.types import Interval

Json = dict[str, object]


def plan_json(plan: Plan) -> Json:
    """Return a plan as JSON values; money in USD, hourly unless the name says otherwise."""
    return {
        "usd_per_hour": money(plan.usd_per_hour),
        "usd_per_month": money(plan.usd_per_month),
        "usd_per_month_at_most_nodes": money(worst_case_usd_per_hour(plan) * HOURS_PER_MONTH),
        "usd_per_request": money(plan.usd_per_request),
        "usd_per_million_tokens": money(plan.usd_per_million_tokens),
        "usd_per_million_output_tokens": money(plan.usd_per_million_output_tokens),
        "pools": [pool_json(pool) for pool in plan.pools],
        "workloads": [_workload(plan, workload) for workload in plan.workloads],
        "fixed_costs": [
            {
                "what": cost.what,
                "cluster": cost.cluster,
                "category": cost.category.value,
                "usd_per_hour": money(cost.usd_per_hour),
                "is_usage": cost.is_usage,
            }
            for cost in plan.fixed_costs
        ],
        "breakdown": {category.value: money(usd) for category, usd in plan.breakdown.items()},
        "spot": None if plan.spot_risk is None else risk_json(plan.spot_risk),
        "mip_gap": plan.mip_gap,
        "price_book": {"version": plan.price_book.version, "date": plan.price_book.date},
        "budget_usd_per_month": None
        if plan.budget_usd_per_month is None
        else money(plan.budget_usd_per_month),
        "left_out": [{"what": left.what, "reason": left.reason} for left in plan.left_out],
        "warnings": list(plan.warnings),
    }


def gpus_by_type(plan: Plan) -> dict[str, int]:
    """Return how many GPUs of each type a plan buys."""
    counts: dict[str, int] = {}
    for pool in plan.pools:
        counts[pool.gpu] = counts.get(pool.gpu, 0) + pool.nodes * pool.gpus_per_node
    return counts


def markets(plan: Plan) -> list[str]:
    """Return the markets a plan buys in."""
    return sorted({pool.market.value for pool in plan.pools})


def pool_json(pool: Pool) -> Json:
    """Return a pool as JSON values."""
    return {
        "name": pool.name,
        "cluster": pool.cluster,
        "provider": pool.provider,
        "region": pool.region,
        "instance_type": pool.instance_type,
        "market": pool.market.value,
        "gpu": pool.gpu,
        "gpus_per_node": pool.gpus_per_node,
        "nodes": pool.nodes,
        "mean_nodes": _rounded(float(pool.mean_nodes)),
        "min_nodes": pool.min_nodes,
        "max_nodes": pool.max_nodes,
        "disk_gib": pool.disk_gib,
        "usd_per_node_hour": money(pool.usd_per_node_hour),
        "usd_per_hour": money(pool.usd_per_hour),
        "price_as_of": pool.price_as_of,
        "price_source": pool.price_source,
    }


def _workload(plan: Plan, workload: Workload) -> Json:
    """One row per workload; its replicas may differ, then `shapes` has each and the top the main one.

    `capacity_rps` is the mean of one replica, so that replicas x capacity is the whole.
    """
    placements = [p for p in plan.placements if p.workload == workload.name]
    main = max(placements, key=lambda p: (p.shape.capacity_rps.low * p.replicas, p.shape.key))
    replicas = sum(p.replicas for p in placements)
    return {
        "name": workload.name,
        "model": workload.model,
        "target_rps": workload.target_rps,
        "mean_rps": _rounded(float(workload.mean_rps)),
        "input_tokens": workload.input_tokens,
        "output_tokens": workload.output_tokens,
        "replicas": replicas,
        **_shape(main),
        "capacity_rps": _interval(plan.capacity_rps(workload.name).scaled(1 / replicas)),
        "shapes": [
            {
                "pool": p.pool,
                "cluster": p.cluster,
                "replicas": p.replicas,
                "min_replicas": p.min_replicas,
                "max_replicas": p.max_replicas,
                **_shape(p),
            }
            for p in placements
        ],
    }


def _shape(placement: Placement) -> Json:
    shape = placement.shape
    return {
        "precision": shape.weight_precision.value,
        "gpu": shape.gpu,
        "gpus_per_replica": shape.gpus,
        "tensor_parallel": shape.tensor_parallel,
        "capacity_rps": _interval(shape.capacity_rps),
        "grade": shape.grade.value,
        "ttft_ms": _rounded(shape.ttft_ms.expected),
        "ttft_range_ms": _range(shape.ttft_ms),
        "tpot_ms": _rounded(shape.tpot_ms.expected),
        "tpot_range_ms": _range(shape.tpot_ms),
    }


def _interval(interval: Interval) -> Json:
    return {
        "low": _rounded(interval.low),
        "expected": _rounded(interval.expected),
        "high": _rounded(interval.high),
    }


def _range(interval: Interval) -> Json:
    return {"low": _rounded(interval.low), "high": _rounded(interval.high)}


def _rounded(value: float) -> float:
    return round(value, 6)


def money(amount: Decimal) -> float:
    """Return an amount of USD as a number, rounded to 8 decimals."""
    return round(float(amount), 8)
