"""`outlay plan`: the cheapest node pools, and what they cost."""

from __future__ import annotations

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.planned import planned


@click.command(short_help="Show the cheapest node pools and what they cost.")
@request_options
@JSON_OPTION
def plan(request: Request, as_json: bool) -> None:
    """Show the cheapest node pools that keep every workload's promise, and what they cost."""
    from outlay.planning.budget import check_budget
    from outlay.reporting.as_json import plan_json

    made = planned(request)
    if as_json:
        print_json(plan_json(made))
    else:
        from outlay.reporting.tables import print_plan

        print_plan(made)
    check_budget(made)
