"""`outlay disaggregate`: would prefill and decode be cheaper on pools of their own?"""

from __future__ import annotations

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.progress import progress


@click.command()
@request_options
@click.option(
    "--link-gbit",
    type=float,
    default=100.0,
    show_default=True,
    help="Network between prefill and decode, in Gbit/s of one replica; an assumption to check.",
)
@JSON_OPTION
def disaggregate(request: Request, link_gbit: float, as_json: bool) -> None:
    """Compare one pool that does both with a prefill and a decode pool, for the same demand and SLO.

    Each pool takes its own GPU type and precision; the KV cache's way over the network is part of
    the time to first token. "Do not split" is a valid answer.
    """
    from outlay.catalog import load_catalog
    from outlay.planning.split import compare_split

    catalog = load_catalog()
    settings = request.settings(catalog)
    with progress("sizing both fleets"):
        comparison = compare_split(settings, catalog, link_gbit_per_s=link_gbit)
    if as_json:
        from outlay.reporting.split import split_json

        print_json(split_json(comparison))
    else:
        from outlay.reporting.split import print_split

        print_split(comparison)
