"""Why the plan won: each provider, GPU, precision and market that lost, by how much, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import log

from outlay.catalog import Market
from outlay.planning.plan import Plan
from outlay.planning.sensitivity import Sensitivity, sensitivity
from outlay.planning.warnings import WHAT_IS_LOST
from outlay.planning.whatif import By, OutOfPatienceError, WhatIf, names
from outlay.pricing.types import HOURS_PER_MONTH, Category

KINDS = (By.PROVIDER, By.GPU, By.PRECISION, By.MARKET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """One name alone against the plan.

    `more_usd_per_month` is negative for what would be cheaper but cannot be bought yet; None, like
    the cost, for what cannot serve. `reasons` say what decided.
    """

    by: By
    name: str
    usd_per_month: Decimal | None
    more_usd_per_month: Decimal | None
    is_in_plan: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Who lost and why, and what would change that; `unasked` names what would have taken too long."""

    rivals: tuple[Rival, ...]
    sensitivity: Sensitivity
    unasked: tuple[str, ...]


def explain(what_if: WhatIf, plan: Plan) -> Explanation:
    """Return why a plan won, and until when it does."""
    unasked: list[str] = []
    found = rivals(what_if, plan, unasked=unasked)
    changes = sensitivity(what_if, plan, unasked=unasked)
    return Explanation(rivals=found, sensitivity=changes, unasked=tuple(unasked))


def rivals(what_if: WhatIf, plan: Plan, *, unasked: list[str]) -> tuple[Rival, ...]:
    """Return every allowed provider, GPU, precision and market that is not the plan's only one."""
    return tuple(
        rival
        for by in KINDS
        for rival in sorted(_rivals(what_if, plan, by, unasked=unasked), key=_nearest_first)
    )


def _rivals(what_if: WhatIf, plan: Plan, by: By, *, unasked: list[str]) -> Iterator[Rival]:
    chosen = _used(plan, by)
    for name in names(what_if.settings, what_if.catalog, by=by):
        if chosen == {name}:
            continue
        try:
            outcome = what_if.alone(by, name)
        except OutOfPatienceError:
            unasked.append(f"{by} {name}")
            continue
        alone = outcome.plan
        yield Rival(
            by=by,
            name=name,
            usd_per_month=alone.usd_per_month if alone else None,
            more_usd_per_month=alone.usd_per_month - plan.usd_per_month if alone else None,
            is_in_plan=name in chosen,
            reasons=outcome.reasons if alone is None else _why(what_if, plan, alone),
        )


def _used(plan: Plan, by: By) -> set[str]:
    match by:
        case By.PROVIDER:
            return {pool.provider for pool in plan.pools}
        case By.GPU:
            return {pool.gpu for pool in plan.pools}
        case By.REGION:
            return {f"{pool.provider}/{pool.region}" for pool in plan.pools}
        case By.MARKET:
            return {pool.market.value for pool in plan.pools}
        case By.PRECISION:
            return {placement.shape.weight_precision.value for placement in plan.placements}


def _nearest_first(rival: Rival) -> tuple[bool, Decimal, str]:
    return rival.more_usd_per_month is None, rival.more_usd_per_month or Decimal(0), rival.name


def _why(what_if: WhatIf, plan: Plan, alone: Plan) -> tuple[str, ...]:
    if alone.usd_per_month <= plan.usd_per_month:
        return ("costs the same; ties go to fewer nodes, then by name",)
    return (_dearer(what_if, plan, alone),)


def _dearer(what_if: WhatIf, plan: Plan, alone: Plan) -> str:
    """Name what the difference mostly consists of: other costs, idle capacity or the GPUs' price."""
    gpus, own_gpus = _gpu_usd(alone), _gpu_usd(plan)
    others = (alone.usd_per_month - gpus) - (plan.usd_per_month - own_gpus)
    if others > gpus - own_gpus:
        return _other_costs(what_if, plan, alone, others)
    spare, own_spare = _spare(alone), _spare(plan)
    unit, own_unit = gpus / _decimal(spare), own_gpus / _decimal(own_spare)
    if log(spare / own_spare) > log(unit / own_unit):
        return (
            f"its smallest fleet holds {spare:.1f} times the demand, the plan {own_spare:.1f} times"
        )
    listed = _no_spot_price(what_if, plan, alone)
    return (
        f"{listed}its GPUs cost ${unit:,.0f}/month for just the demand, the plan's ${own_unit:,.0f}"
    )


def _other_costs(what_if: WhatIf, plan: Plan, alone: Plan, others: Decimal) -> str:
    more = len(alone.clusters) - len(plan.clusters)
    if more > 0:
        lost = WHAT_IS_LOST.get(what_if.settings.survive_domain, "one domain")
        return f"needs {len(alone.clusters)} clusters, so that {lost} may be lost: ${others:,.0f}/month more"
    dearest = max(
        (c for c in Category if c is not Category.GPU),
        key=lambda c: alone.breakdown[c] - plan.breakdown[c],
    )
    return f"${others:,.0f}/month more beside the GPUs, most of it {dearest}"


def _no_spot_price(what_if: WhatIf, plan: Plan, alone: Plan) -> str:
    """Say so when the plan is on spot and no spot price is known for what the other one buys."""
    if all(pool.market is Market.ON_DEMAND for pool in plan.pools):
        return ""
    bought = {(pool.provider, pool.gpu) for pool in alone.pools}
    offers = what_if.catalog.offers
    known = any((o.provider, o.gpu) in bought and o.market is Market.SPOT for o in offers)
    return "" if known else "no spot price is known; "


def _gpu_usd(plan: Plan) -> Decimal:
    return plan.breakdown[Category.GPU] * HOURS_PER_MONTH


def _spare(plan: Plan) -> float:
    """Safe capacity over demand, mean of the workloads."""
    ratios = [plan.capacity_rps(w.name).low / w.target_rps for w in plan.workloads]
    return sum(ratios) / len(ratios)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))
