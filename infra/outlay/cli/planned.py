"""From what the user asked to a plan, for the verbs that start from one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING

import click

from outlay.cli.options import Request
from outlay.cli.progress import progress

if TYPE_CHECKING:
    from outlay.planning.plan import Plan
    from outlay.planning.stability import Decision
    from outlay.planning.whatif import WhatIf


def question(request: Request, *, patience_s: float = inf) -> WhatIf:
    """Return what a request asks, with the catalogue that answers it for that long."""
    from outlay.catalog import load_catalog
    from outlay.planning.planner import Identity
    from outlay.planning.whatif import WhatIf

    catalog = load_catalog()
    settings = request.settings(catalog)
    identity = Identity(project="outlay", stack=request.stack or "dev")
    end = time.monotonic() + patience_s
    return WhatIf(settings, catalog, identity=identity, may_ask=lambda: time.monotonic() < end)


@contextmanager
def explaining(what_if: WhatIf) -> Iterator[None]:
    """Let an error about what cannot be had name the limits that conflict, and the ways out."""
    from outlay.errors import NoFeasiblePlanError, OverBudgetError

    try:
        yield
    except (NoFeasiblePlanError, OverBudgetError) as error:
        from outlay.planning.conflict import explained

        with progress("looking for the limits that conflict"):
            better = explained(error, what_if)
        raise better from None


def planned(request: Request) -> Plan:
    """Return the plan that a request gets: a stack's pinned one while that holds, else the cheapest.

    Says on standard error what became of a pin, and when it takes long.
    """
    what_if = question(request)
    with explaining(what_if), progress("planning"):
        decision = decided(what_if, request)
        plan = decision.plan if decision else what_if.plan()
    tell(decision)
    return plan


def decided(what_if: WhatIf, request: Request) -> Decision | None:
    """Return whether the plan that the request's stack pins still holds, None without a pin."""
    from outlay.planning.stability import on_pin

    return on_pin(what_if, project=request.project) if request.stack else None


def tell(decision: Decision | None) -> None:
    """Say on standard error what became of a pin."""
    from outlay.reporting.pin import pin_note

    if decision is not None:
        click.echo(pin_note(decision), err=True)
