"""`outlay forecast`: what the coming months cost, and when the budget breaks."""

from __future__ import annotations

import math

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.planned import question
from outlay.cli.progress import progress

LEAST_GROWTH, LARGEST_GROWTH = -0.9, 10.0


class _Growth(click.ParamType[float]):
    """A share a month, as 0.05 or 5%."""

    name = "share"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value).strip()
        try:
            growth = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            self.fail(f"{text!r} is no growth: write 0.05 or 5%", param, ctx)
        if not (math.isfinite(growth) and LEAST_GROWTH <= growth <= LARGEST_GROWTH):
            self.fail(f"{text!r} is outside of -90% to 1000% a month", param, ctx)
        return growth


@click.command(short_help="Show what the coming months cost.")
@request_options
@click.option(
    "--growth",
    type=_Growth(),
    default="0%",
    show_default=True,
    help="Growth of the demand a month, such as 5% or 0.05.",
)
@click.option(
    "--months",
    type=click.IntRange(1, 60),
    default=12,
    show_default=True,
    help="Months to look ahead, this one included.",
)
@JSON_OPTION
def forecast(request: Request, growth: float, months: int, as_json: bool) -> None:
    """Show what the coming months cost, and when the budget breaks.

    Every month is planned anew for its demand, at today's prices: a larger fleet may be another one.
    """
    from outlay.planning.forecast import forecast as look_ahead

    what_if = question(request)
    with progress("planning every month"):
        found = look_ahead(what_if, growth=growth, months=months)
    if as_json:
        from outlay.reporting.forecast import forecast_json

        print_json(forecast_json(found))
    else:
        from outlay.reporting.forecast import print_forecast

        print_forecast(found)
