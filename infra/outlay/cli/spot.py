"""`outlay spot`: what spot nodes do to availability and cost."""

from __future__ import annotations

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.progress import progress


@click.command(short_help="Show what spot nodes do to availability and cost.")
@request_options
@JSON_OPTION
def spot(request: Request, as_json: bool) -> None:
    """Show what a plan serves and costs when spot nodes come and go.

    Beside it: on-demand nodes in place of missing ones, everything on spot, everything on demand.
    docs/spot.md has the model, and the file by which your own events update it.
    """
    from outlay.catalog import load_catalog
    from outlay.planning.planner import Identity, make_plan
    from outlay.planning.strategies import strategies
    from outlay.reporting.spot import print_spot, spot_json

    catalog = load_catalog()
    settings = request.settings(catalog)
    identity = Identity(project="outlay", stack=request.stack or "dev")
    with progress("planning, all spot and all on-demand too"):
        plan = make_plan(settings, catalog, identity=identity)
        found = strategies(plan, settings, catalog)
    if as_json:
        print_json(spot_json(plan, found))
    else:
        print_spot(plan, found)
