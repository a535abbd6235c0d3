"""`outlay compare`: what each provider, GPU, precision, region or market alone would cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.progress import progress

if TYPE_CHECKING:
    from outlay.catalog import Catalog
    from outlay.planning.compare import Comparison
    from outlay.settings import Settings

KINDS = ("provider", "gpu", "precision", "region", "market")
PROMISES = ("survive-fraction", "max-spot-share", "ttft")


@click.command(short_help="Show what each provider alone would cost, or each GPU.")
@click.option(
    "--by",
    "kind",
    type=click.Choice([*KINDS, *PROMISES]),
    default="provider",
    show_default=True,
    help="What to restrict the plan to one of, or the promise to vary.",
)
@request_options
@JSON_OPTION
def compare(request: Request, kind: str, as_json: bool) -> None:
    """Show what each provider, GPU, precision, region or market alone would cost, cheapest first.

    Or what a promise costs: the same plan with one of them looser and tighter.
    """
    from outlay.catalog import load_catalog
    from outlay.reporting.compare import compare_json, print_comparison

    catalog = load_catalog()
    settings = request.settings(catalog)
    with progress("comparing"):
        rows = _rows(settings, catalog, kind)
    if as_json:
        print_json(compare_json(rows, by=kind))
    else:
        print_comparison(rows, by=kind)
    _judge(rows, kind)


def _rows(settings: Settings, catalog: Catalog, kind: str) -> Sequence[Comparison]:
    from outlay.planning.compare import compare as compared
    from outlay.planning.frontier import Promise, frontier
    from outlay.planning.whatif import By

    if kind in PROMISES:
        return frontier(settings, catalog, promise=Promise(kind))
    return compared(settings, catalog, by=By(kind))


def _judge(rows: Sequence[Comparison], kind: str) -> None:
    """Raise when no row can serve, or none for the budget."""
    from outlay.errors import NoFeasiblePlanError
    from outlay.planning.budget import check_budget

    plans = [row.plan for row in rows if row.plan is not None]
    if not plans:
        raise NoFeasiblePlanError(f"no {kind} alone can serve this; the reasons are above")
    check_budget(min(plans, key=lambda plan: plan.usd_per_hour))  # over the budget: so are all
