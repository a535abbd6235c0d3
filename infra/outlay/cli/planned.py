"""From what the user asked to a plan, for the verbs that start from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlay.cli.options import Request
from outlay.cli.progress import progress

if TYPE_CHECKING:
    from outlay.planning.plan import Plan


def planned(request: Request) -> Plan:
    """Return the cheapest plan for a request; says on standard error when it takes long."""
    from outlay.catalog import load_catalog
    from outlay.planning.planner import Identity, make_plan

    catalog = load_catalog()
    settings = request.settings(catalog)
    identity = Identity(project="outlay", stack=request.stack or "dev")
    with progress("planning"):
        return make_plan(settings, catalog, identity=identity)
