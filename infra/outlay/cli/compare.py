"""`outlay compare`: what each provider, GPU, precision, region or market alone would cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.progress import progress

if TYPE_CHECKING:
    from outlay.planning.compare import Comparison

KINDS = ("provider", "gpu", "precision", "region", "market")


@click.command(short_help="Show what each provider alone would cost, or each GPU.")
@click.option(
    "--by",
    "kind",
    type=click.Choice(KINDS),
    default="provider",
    show_default=True,
    help="What to restrict the plan to one of.",
)
@request_options
@JSON_OPTION
def compare(request: Request, kind: str, as_json: bool) -> None:
    """Show what each provider, GPU, precision, region or market alone would cost, cheapest first."""
    from outlay.catalog import load_catalog
    from outlay.planning.compare import compare as compared
    from outlay.planning.whatif import By
    from outlay.reporting.compare import compare_json, print_comparison

    catalog = load_catalog()
    settings = request.settings(catalog)
    by = By(kind)
    with progress(f"comparing {kind}s"):
        rows = compared(settings, catalog, by=by)
    if as_json:
        print_json(compare_json(rows, by=by))
    else:
        print_comparison(rows, by=by)
    _judge(rows, kind)


def _judge(rows: Sequence[Comparison], kind: str) -> None:
    """Raise when no row can serve, or none for the budget."""
    from outlay.errors import NoFeasiblePlanError
    from outlay.planning.budget import check_budget

    plans = [row.plan for row in rows if row.plan is not None]
    if not plans:
        raise NoFeasiblePlanError(f"no {kind} alone can serve this; the reasons are above")
    check_budget(plans[0])  # the cheapest: if that is over the budget, all are
