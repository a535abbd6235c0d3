"""`outlay chargeback`: who pays for what, and what stands idle."""

from __future__ import annotations

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.planned import planned


@click.command(short_help="Split a plan's cost by model and team.")
@request_options
@JSON_OPTION
def chargeback(request: Request, as_json: bool) -> None:
    """Split a plan's cost by workload, model and team, idle capacity apart.

    Teams are named by the setting `team` of a workload, or by the tag `team`. What was really spent
    is split by `outlay actuals`.
    """
    from outlay.planning.chargeback import chargeback as split
    from outlay.reporting.chargeback import chargeback_json, print_chargeback

    found = split(planned(request))
    if as_json:
        print_json(chargeback_json(found))
    else:
        print_chargeback(found)
