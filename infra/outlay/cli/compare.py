"""`outlay compare`: what each provider alone would cost."""

from __future__ import annotations

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.progress import progress


@click.command(short_help="Show what each provider alone would cost.")
@request_options
@JSON_OPTION
def compare(request: Request, as_json: bool) -> None:
    """Show what each provider alone would cost, cheapest first."""
    from outlay.catalog import load_catalog
    from outlay.errors import NoFeasiblePlanError
    from outlay.planning.planner import compare as compare_providers
    from outlay.reporting.as_json import compare_json

    catalog = load_catalog()
    settings = request.settings(catalog)
    with progress("comparing providers"):
        rows = compare_providers(settings, catalog)
    if as_json:
        print_json(compare_json(rows))
    else:
        from outlay.reporting.tables import print_comparison

        print_comparison(rows)
    if all(row.plan is None for row in rows):
        raise NoFeasiblePlanError("no provider can serve this; the reasons of each are above")
