"""The stable JSON of `plan --explain`; docs/json.md describes every field."""

from __future__ import annotations

from outlay.planning.explain import Explanation, Rival
from outlay.planning.sensitivity import Sensitivity, SpotPool
from outlay.planning.switches import Switch
from outlay.planning.whatif import Outcome
from outlay.reporting.as_json import gpus_by_type, markets, money
from outlay.reporting.layout import Json


def explanation_json(explanation: Explanation) -> Json:
    """Return an explanation as JSON values."""
    return {
        "rivals": [_rival(rival) for rival in explanation.rivals],
        "sensitivity": _sensitivity(explanation.sensitivity),
        "unasked": list(explanation.unasked),
    }


def answer_json(outcome: Outcome) -> Json:
    """Return what an answer buys and costs."""
    plan = outcome.plan
    return {
        "feasible": plan is not None,
        "usd_per_month": money(plan.usd_per_month) if plan else None,
        "usd_per_million_tokens": money(plan.usd_per_million_tokens) if plan else None,
        "gpus": gpus_by_type(plan) if plan else {},
        "markets": markets(plan) if plan else [],
        "reasons": list(outcome.reasons),
    }


def switch_json(switch: Switch) -> Json:
    """Return a switch point with what is bought on both of its sides."""
    return {
        "low": round(switch.low, 6),
        "high": round(switch.high, 6),
        "before": answer_json(switch.before),
        "after": answer_json(switch.after),
    }


def _rival(rival: Rival) -> Json:
    more = rival.more_usd_per_month
    return {
        "by": rival.by.value,
        "name": rival.name,
        "usd_per_month": None if rival.usd_per_month is None else money(rival.usd_per_month),
        "more_usd_per_month": None if more is None else money(more),
        "is_in_plan": rival.is_in_plan,
        "reasons": list(rival.reasons),
    }


def _sensitivity(found: Sensitivity) -> Json:
    return {
        "more_rps": switch_json(found.more) if found.more else None,
        "less_rps": switch_json(found.less) if found.less else None,
        "spot_price_factor": switch_json(found.spot) if found.spot else None,
        "spot_pools": [_spot_pool(spot) for spot in found.spot_pools],
        "budget_rps": None if found.budget_rps is None else round(found.budget_rps, 6),
    }


def _spot_pool(spot: SpotPool) -> Json:
    return {
        "pool": spot.pool.name,
        "cluster": spot.pool.cluster,
        "usd_per_node_hour": money(spot.pool.usd_per_node_hour),
        "holds_until_usd_per_node_hour": None
        if spot.holds_until is None
        else money(spot.holds_until),
        "usd_per_month_without": money(spot.without.usd_per_month) if spot.without else None,
    }
