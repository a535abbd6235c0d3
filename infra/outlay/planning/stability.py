"""Hold on to a pinned plan while it keeps its promises and costs little more than the optimum."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from outlay.planning.feasible import broken_promises
from outlay.planning.pin_file import Pin, pin_path, read_pin
from outlay.planning.plan import Plan
from outlay.planning.rebuild import CannotRebuildError, rebuild
from outlay.planning.whatif import WhatIf
from outlay.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The plan to follow, and what became of the pin.

    `pinned` is the pin's plan at today's prices, None where it cannot be rebuilt. `reasons` say why
    the pin is not followed; none when it is.
    """

    pin: Pin
    pinned: Plan | None
    optimum: Plan
    reasons: tuple[str, ...]

    @property
    def plan(self) -> Plan:
        """What to buy."""
        return self.pinned if self.pinned is not None and not self.reasons else self.optimum

    @property
    def saving_usd_per_month(self) -> Decimal | None:
        """What the optimum costs less than the pinned plan; None where that has no price."""
        return self.pinned.usd_per_month - self.optimum.usd_per_month if self.pinned else None


def decide(pin: Pin, what_if: WhatIf) -> Decision:
    """Return whether a pinned plan still holds, at today's prices and for today's settings.

    Raises:
        NoFeasiblePlanError: neither the pin nor anything on sale keeps the promise.
    """
    optimum, settings = what_if.plan(), what_if.settings
    try:
        found = rebuild(pin, settings, what_if.catalog, identity=what_if.identity)
    except CannotRebuildError as error:
        return Decision(pin=pin, pinned=None, optimum=optimum, reasons=(str(error),))
    reasons = broken_promises(found, settings) or _too_dear(found, optimum, settings)
    return Decision(pin=pin, pinned=found, optimum=optimum, reasons=tuple(reasons))


def on_pin(what_if: WhatIf, *, project: Path) -> Decision | None:
    """Return the decision on the plan that a stack pins, None where it pins none.

    Raises:
        InputError: the pin cannot be used; see `read_pin`.
        NoFeasiblePlanError: nothing keeps the promise.
    """
    stack = what_if.identity.stack
    pin = read_pin(pin_path(project, stack), stack=stack)
    return decide(pin, what_if) if pin else None


def _too_dear(pinned: Plan, optimum: Plan, settings: Settings) -> tuple[str, ...]:
    budget = settings.budget_usd_per_month
    if budget is not None and optimum.usd_per_month <= budget < pinned.usd_per_month:
        return (f"it costs ${pinned.usd_per_month:,.2f}/month, over the budget of ${budget:,.2f}",)
    limit = settings.replan_threshold
    if pinned.usd_per_hour <= optimum.usd_per_hour * (1 + Decimal(repr(limit))):
        return ()
    more = float(pinned.usd_per_hour / optimum.usd_per_hour) - 1
    return (f"it costs {more:.1%} more than a new plan, replanThreshold is {limit:.1%}",)
