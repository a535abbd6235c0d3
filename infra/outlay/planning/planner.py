"""From settings to a Plan: candidates, sites, the program, the answer."""

from __future__ import annotations

from outlay.catalog import Catalog
from outlay.planning.assemble import Identity, assemble
from outlay.planning.candidates import field
from outlay.planning.plan import LeftOut, Plan
from outlay.planning.prune import prune
from outlay.planning.reasons import why_infeasible
from outlay.planning.sites import sites
from outlay.planning.solve import cheapest_fleet
from outlay.planning.spot_risk import with_spot_risk
from outlay.settings import Settings

DEFAULT_IDENTITY = Identity(project="outlay", stack="dev")
LEAST_SPOT_SHARE = 1e-6


def make_plan(
    settings: Settings,
    catalog: Catalog,
    *,
    identity: Identity = DEFAULT_IDENTITY,
) -> Plan:
    """Return the cheapest plan that keeps every promise.

    Raises:
        NoFeasiblePlanError: nothing on sale does; carries the reasons.
    """
    candidates = field(settings, catalog)
    possible, unpriced = sites(candidates.candidates, settings, catalog)
    left_out = (*candidates.left_out, *unpriced)
    solved = _without_a_trace_of_spot(settings)
    fleet = cheapest_fleet(prune(possible, solved), solved)
    if fleet is None:
        raise why_infeasible(settings, catalog, candidates, possible)
    made = assemble(fleet, settings=settings, catalog=catalog, identity=identity, left_out=left_out)
    return with_spot_risk(made, settings, catalog)


def _without_a_trace_of_spot(settings: Settings) -> Settings:
    """Return settings whose share of spot the program can divide by; less than a millionth is none."""
    is_trace = settings.max_spot_share < LEAST_SPOT_SHARE
    return settings.model_copy(update={"max_spot_share": 0.0}) if is_trace else settings


__all__ = ["Identity", "LeftOut", "make_plan"]
