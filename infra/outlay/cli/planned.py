"""From what the user asked to a plan, for the verbs that start from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlay.cli.options import Request
from outlay.cli.progress import progress

if TYPE_CHECKING:
    from outlay.planning.plan import Plan
    from outlay.planning.whatif import WhatIf


def question(request: Request) -> WhatIf:
    """Return what a request asks, with the catalogue that answers it."""
    from outlay.catalog import load_catalog
    from outlay.planning.planner import Identity
    from outlay.planning.whatif import WhatIf

    catalog = load_catalog()
    settings = request.settings(catalog)
    identity = Identity(project="outlay", stack=request.stack or "dev")
    return WhatIf(settings, catalog, identity=identity)


def planned(request: Request) -> Plan:
    """Return the cheapest plan for a request; says on standard error when it takes long."""
    what_if = question(request)
    with progress("planning"):
        return what_if.plan()
