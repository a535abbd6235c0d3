"""What-if: plans for changed settings, each made once, over a catalogue that is loaded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from outlay.catalog import PROVIDERS, Catalog, Market, Offer, Precision
from outlay.errors import NoFeasiblePlanError
from outlay.planning.candidates import allowed_offers, precisions
from outlay.planning.plan import Plan
from outlay.planning.planner import DEFAULT_IDENTITY, Identity, make_plan
from outlay.settings import Settings, WorkloadSettings


class By(StrEnum):
    """What a question may be restricted to one of."""

    PROVIDER = "provider"
    GPU = "gpu"
    PRECISION = "precision"
    REGION = "region"
    MARKET = "market"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The cheapest plan, or why there is none."""

    plan: Plan | None
    reasons: tuple[str, ...] = ()


class OutOfPatienceError(Exception):
    """The one who asks has waited long enough; what is known stays known."""


def always() -> bool:
    """Allow every question."""
    return True


class WhatIf:
    """One question and its variants; `may_ask` is asked before each plan that is not yet known."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        *,
        identity: Identity = DEFAULT_IDENTITY,
        may_ask: Callable[[], bool] = always,
    ) -> None:
        self._may_ask = may_ask
        self.settings = settings
        self.catalog = catalog
        self.identity = identity
        self._made: dict[str, Outcome] = {}

    def plan(self) -> Plan:
        """Return the answer to the question itself.

        Raises:
            NoFeasiblePlanError: there is none; carries the reasons.
        """
        key = self.settings.model_dump_json()
        known = self._made.get(key)
        if known is not None and known.plan is not None:
            return known.plan
        plan = make_plan(self.settings, self.catalog, identity=self.identity)
        self._made[key] = Outcome(plan=plan)
        return plan

    def answer(self, settings: Settings) -> Outcome:
        """Return the cheapest plan."""
        key = settings.model_dump_json()
        if key not in self._made:
            self._made[key] = self._plan(settings, self.catalog)
        return self._made[key]

    def alone(self, by: By, name: str) -> Outcome:
        """Return the answer with one provider, GPU, precision, region or market and no other."""
        return self.answer(restricted(self.settings, self.catalog, by=by, name=name))

    def at_prices(self, offers: Sequence[Offer]) -> Outcome:
        """Return the answer if the market were these offers; not kept."""
        changed = replace(self.catalog, offers=tuple(offers))
        return self._plan(self.settings, changed)

    def _plan(self, settings: Settings, catalog: Catalog) -> Outcome:
        if not self._may_ask():
            raise OutOfPatienceError
        try:
            plan = make_plan(settings, catalog, identity=self.identity)
        except NoFeasiblePlanError as error:
            reasons = error.reasons or ("nothing on sale is allowed",)
            return Outcome(plan=None, reasons=reasons)
        return Outcome(plan=plan)


def names(settings: Settings, catalog: Catalog, *, by: By) -> tuple[str, ...]:
    """Return what the settings allow of a kind, in a fixed order; regions as `provider/region`."""
    if by is By.PRECISION:
        considered = (p for w in settings.workloads for p in _precisions(w, catalog))
        return tuple(dict.fromkeys(considered))
    if by is By.PROVIDER:
        allowed = (p.name for p in PROVIDERS if p.name in (settings.providers or (p.name,)))
        return tuple(name for name in allowed if name not in settings.exclude_providers)
    if by is By.MARKET:
        return tuple(settings.markets)
    offers = allowed_offers(settings, catalog)
    found = {o.gpu if by is By.GPU else f"{o.provider}/{o.region}" for o in offers}
    return tuple(sorted(found))


def restricted(settings: Settings, catalog: Catalog, *, by: By, name: str) -> Settings:
    """Return the settings with one provider, GPU, precision, region or market and no other.

    Of several workloads, those that do not consider a precision keep their own.
    """
    match by:
        case By.PROVIDER:
            return settings.model_copy(update={"providers": (name,)})
        case By.GPU:
            return settings.model_copy(update={"gpus": (name,)})
        case By.REGION:
            owner = name.split("/", maxsplit=1)[0]
            return settings.model_copy(update={"providers": (owner,), "regions": (name,)})
        case By.MARKET:
            return settings.model_copy(update={"markets": (Market(name),)})
        case By.PRECISION:
            only = {"precisions": (Precision(name),)}
            workloads = [
                w.model_copy(update=only) if name in _precisions(w, catalog) else w
                for w in settings.workloads
            ]
            return settings.model_copy(update={"workloads": tuple(workloads)})


def total_rps(settings: Settings) -> float:
    """Return the demand of all workloads together, requests per second."""
    return sum(workload.target_rps for workload in settings.workloads)


def with_rps(settings: Settings, rps: float) -> Settings:
    """Return the settings with that demand in all; every workload keeps its share of it."""
    factor = rps / total_rps(settings)
    workloads = [
        w.model_copy(update={"target_rps": w.target_rps * factor}) for w in settings.workloads
    ]
    return settings.model_copy(update={"workloads": tuple(workloads)})


def _precisions(workload: WorkloadSettings, catalog: Catalog) -> tuple[Precision, ...]:
    return precisions(workload, catalog.model(workload.model))
