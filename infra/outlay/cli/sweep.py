"""`outlay sweep`: cost per million tokens over load."""

from __future__ import annotations

from dataclasses import replace

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.planned import question
from outlay.cli.progress import progress

RANGE = "1..1000"


@click.command(short_help="Show the cost per million tokens over load.")
@click.option(
    "--steps",
    type=click.IntRange(2, 200),
    default=16,
    show_default=True,
    help="Loads to plan for, at equal ratios.",
)
@request_options
@JSON_OPTION
def sweep(request: Request, steps: int, as_json: bool) -> None:
    """Show the cost per million tokens over load, and where GPU types and markets change.

    --rps is a range, 1..1000 by default; several workloads keep their shares of it.
    """
    from outlay.errors import NoFeasiblePlanError
    from outlay.planning.sweep import sweep as swept
    from outlay.reporting.sweep import print_sweep, sweep_json

    low, high = _range(str(request.flags.get("targetRps", RANGE)))
    what_if = question(_one_load(request, low))
    with progress("planning for each load"):
        found = swept(what_if, low=low, high=high, steps=steps)
    if as_json:
        print_json(sweep_json(found))
    else:
        print_sweep(found)
    if not any(point.outcome.plan for point in found.points):
        raise NoFeasiblePlanError("no load of the range can be served; the reasons are above")


def _one_load(request: Request, low: float) -> Request:
    """Ask for the lowest load; a stack or file with several workloads keeps its own."""
    flags = {key: value for key, value in request.flags.items() if key != "targetRps"}
    alone = {} if request.stack or request.settings_file else {"targetRps": low}
    return replace(request, flags=flags | alone if flags else flags)


def _range(text: str) -> tuple[float, float]:
    from outlay.errors import InputError
    from outlay.settings.model import LARGEST_RPS, LEAST_RPS

    first, dots, last = text.partition("..")
    try:
        low, high = float(first), float(last)
    except ValueError:
        low, high = 0.0, 0.0
    if not dots or not LEAST_RPS <= low < high <= LARGEST_RPS:
        raise InputError(
            f"--rps {text!r} is no range: write two numbers from {LEAST_RPS:g} to {LARGEST_RPS:g},"
            " the lower first, such as 1..1000"
        )
    return low, high
