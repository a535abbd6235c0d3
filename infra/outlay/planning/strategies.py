"""A plan beside the two standard strategies: everything on spot, everything on demand."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from outlay.catalog import Catalog, Market
from outlay.errors import NoFeasiblePlanError
from outlay.planning.plan import Plan
from outlay.planning.planner import make_plan
from outlay.planning.spot_risk import without_ondemand
from outlay.settings import Settings, SurviveDomain


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """One way to buy: its plan, what is paid in expectation and served; or why it cannot be."""

    name: str
    plan: Plan | None
    usd_per_hour: Decimal | None
    share: float | None
    reason: str


def strategies(plan: Plan, settings: Settings, catalog: Catalog) -> tuple[Strategy, ...]:
    """Return the plan, the plan with on-demand in place of missing spot, all spot, all on-demand.

    The other two keep every setting but those on markets; all spot keeps nothing in reserve, as it is
    mostly meant.
    """
    spot = {
        "markets": (Market.SPOT,),
        "max_spot_share": 1.0,
        "survive_domain": SurviveDomain.NONE,
    }
    others = (("all spot", spot), ("all on-demand", {"markets": (Market.ON_DEMAND,)}))
    return (
        _of("this plan", plan),
        _with_fallback(plan, catalog),
        *(_planned(name, settings.model_copy(update=dict(to)), catalog) for name, to in others),
    )


def _of(name: str, plan: Plan) -> Strategy:
    risk = plan.spot_risk
    return Strategy(
        name=name,
        plan=plan,
        usd_per_hour=risk.usd_per_hour if risk else None,
        share=risk.share if risk else None,
        reason="",
    )


def _with_fallback(plan: Plan, catalog: Catalog) -> Strategy:
    risk = plan.spot_risk
    missing = ", ".join(f"{p.instance_type} in {p.region}" for p in without_ondemand(plan, catalog))
    usd = risk.fallback_usd_per_hour if risk else None
    return Strategy(
        name="with on-demand fallback",
        plan=plan,
        usd_per_hour=usd,
        share=risk.fallback_share if risk else None,
        reason=f"no on-demand price for {missing}" if missing else "",
    )


def _planned(name: str, settings: Settings, catalog: Catalog) -> Strategy:
    try:
        return _of(name, make_plan(settings, catalog))
    except NoFeasiblePlanError as error:
        reason = "; ".join(error.reasons) or str(error)
        return Strategy(name=name, plan=None, usd_per_hour=None, share=None, reason=reason)
