"""Say why nothing on sale keeps a promise, in an order that helps to fix it."""

from __future__ import annotations

from collections.abc import Sequence

from outlay.catalog import Catalog, Market
from outlay.errors import NoFeasiblePlanError
from outlay.planning.candidates import Field
from outlay.planning.misfits import merged
from outlay.planning.sites import Site
from outlay.planning.warnings import WHAT_IS_LOST
from outlay.settings import Settings, SurviveDomain

MOST_REASONS = 6


def why_infeasible(
    settings: Settings, catalog: Catalog, field: Field, sites: Sequence[Site]
) -> NoFeasiblePlanError:
    """Return the error for settings that no plan satisfies."""
    reasons = [f"{left.what}: {left.reason}" for left in field.left_out]
    unserved = _unserved(settings, field)
    if not field.candidates:
        reasons += _nothing_on_sale(settings, catalog)
    for label in unserved:
        reasons += _misfits(label, settings, field)
    if field.candidates and not unserved:
        reasons += _limits(settings, sites)
    return NoFeasiblePlanError("no feasible plan: nothing on sale keeps the promise", reasons)


def _unserved(settings: Settings, field: Field) -> list[str]:
    served = {option.workload for c in field.candidates for option in c.options}
    return [w.label for index, w in enumerate(settings.workloads) if index not in served]


def _nothing_on_sale(settings: Settings, catalog: Catalog) -> list[str]:
    providers = settings.providers or tuple(sorted({o.provider for o in catalog.offers}))
    on_sale = [o for o in catalog.offers if o.provider in providers]
    if settings.markets == (Market.SPOT,) and not any(o.market is Market.SPOT for o in on_sale):
        there = ", ".join(providers)
        return [f"markets: spot alone, but no spot price is known at {there}; add on-demand"]
    sellers = {o.provider for o in on_sale if o.gpu in settings.gpus}
    if settings.gpus and not sellers:
        wanted, sold = ", ".join(settings.gpus), ", ".join(sorted({o.gpu for o in on_sale}))
        return [f"gpus: {wanted} is not on sale at {', '.join(providers)}, which sell {sold}"]
    if settings.regions:
        there = ", ".join(sorted({o.region for o in on_sale}))
        return [f"regions: none of {', '.join(settings.regions)} is one of {there}"]
    return []


def _misfits(label: str, settings: Settings, field: Field) -> list[str]:
    workload = next(w for w in settings.workloads if w.label == label)
    found = [m for m in field.misfits if m.model == workload.model]
    lines = merged(label, found)
    more = len(lines) - MOST_REASONS
    tail = [f"{label}: and {more} more kinds of reason"] if more > 0 else []
    return [*lines[:MOST_REASONS], *tail]


def _limits(settings: Settings, sites: Sequence[Site]) -> list[str]:
    if not sites:
        return ["no region has prices for everything a cluster needs"]
    reasons: list[str] = []
    if settings.max_spot_share < 1 and settings.markets == (Market.SPOT,):
        reasons.append(
            f"maxSpotShare is {settings.max_spot_share:g}, but markets allows spot only: add on-demand"
        )
    if settings.survive_domain is not SurviveDomain.NONE and settings.survive_fraction > 0:
        reasons.append(
            f"with {WHAT_IS_LOST[settings.survive_domain]} lost, {settings.survive_fraction:.0%} of the"
            " demand must be kept (surviveDomain, surviveFraction), and there are too few of them:"
            " allow more providers, regions or markets, or lower surviveFraction"
        )
    return reasons or ["no combination of the allowed offers serves all workloads together"]
