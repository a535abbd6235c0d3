"""From settings to a Plan: candidates, sites, the program, the answer."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.catalog import PROVIDERS, Catalog
from outlay.errors import NoFeasiblePlanError
from outlay.planning.assemble import Identity, assemble
from outlay.planning.bounds import within_reach
from outlay.planning.candidates import field
from outlay.planning.fleet import FleetProgram
from outlay.planning.plan import LeftOut, Plan
from outlay.planning.prune import prune
from outlay.planning.reasons import why_infeasible
from outlay.planning.sites import sites
from outlay.settings import Settings

DEFAULT_IDENTITY = Identity(project="outlay", stack="dev")


def make_plan(
    settings: Settings,
    catalog: Catalog,
    *,
    identity: Identity = DEFAULT_IDENTITY,
    provisioned_only: bool = True,
) -> Plan:
    """Return the cheapest plan that keeps every promise.

    Raises:
        NoFeasiblePlanError: nothing on sale does; carries the reasons.
    """
    candidates = field(settings, catalog, provisioned_only=provisioned_only)
    possible, unpriced = sites(candidates.candidates, settings, catalog)
    left_out = (*candidates.left_out, *unpriced)
    useful = prune(within_reach(possible, settings), settings)
    fleet = FleetProgram(useful, settings).solve() if possible else None
    if fleet is None:
        raise why_infeasible(settings, catalog, candidates, possible)
    return assemble(fleet, settings=settings, catalog=catalog, identity=identity, left_out=left_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What one provider alone would cost, or why it cannot serve."""

    provider: str
    plan: Plan | None
    reason: str


def compare(settings: Settings, catalog: Catalog) -> tuple[Comparison, ...]:
    """Return one comparison per allowed provider, cheapest first, infeasible last.

    Providers that outlay cannot provision yet are compared like the others, and say so.
    """
    rows = [
        _compare_one(p.name, settings, catalog) for p in PROVIDERS if _is_allowed(p.name, settings)
    ]
    return tuple(sorted(rows, key=_cheapest_first))


def _is_allowed(provider: str, settings: Settings) -> bool:
    return not settings.providers or provider in settings.providers


def _compare_one(provider: str, settings: Settings, catalog: Catalog) -> Comparison:
    alone = settings.model_copy(update={"providers": (provider,)})
    try:
        plan = make_plan(alone, catalog, provisioned_only=False)
    except NoFeasiblePlanError as error:
        return Comparison(provider=provider, plan=None, reason="; ".join(error.reasons))
    provisioned = next(p.provisioned for p in PROVIDERS if p.name == provider)
    reason = "" if provisioned else "priced only: outlay cannot provision it yet"
    return Comparison(provider=provider, plan=plan, reason=reason)


def _cheapest_first(row: Comparison) -> tuple[bool, float, str]:
    cost = float(row.plan.usd_per_month) if row.plan else 0.0
    return row.plan is None, cost, row.provider


__all__ = ["Comparison", "Identity", "LeftOut", "compare", "make_plan"]
