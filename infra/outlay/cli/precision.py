"""`outlay precision`: what each number format saves, keeps and costs."""

from __future__ import annotations

from math import isfinite

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.progress import progress


@click.command()
@request_options
@click.option(
    "--min-quality",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Least share of the 16-bit model's evaluation score to keep, 0 to 1; needs a source.",
)
@click.option(
    "--gpu-memory-gib",
    type=click.FloatRange(0, min_open=True),
    help="Memory of one GPU: only GPUs of at most this much, and the model must fit on one.",
)
@JSON_OPTION
def precision(
    request: Request, min_quality: float, gpu_memory_gib: float | None, as_json: bool
) -> None:
    """Rank number formats by cost per million tokens at the target load.

    Each is costed by the cheapest plan that uses it alone; savings are against the format in which
    the model is published, 16 bit for most. Quality is what published evaluations say.
    """
    from outlay.catalog import load_catalog
    from outlay.errors import InputError, NoFeasiblePlanError
    from outlay.planning.advice import Limits, advise, reasons

    if not (isfinite(min_quality) and isfinite(gpu_memory_gib or 1.0)):
        raise InputError("--min-quality and --gpu-memory-gib must be finite numbers")
    catalog = load_catalog()
    settings = request.settings(catalog)
    limits = Limits(min_quality=min_quality, gpu_memory_gib=gpu_memory_gib)
    with progress("planning once for each precision"):
        advice = advise(settings, catalog, limits=limits)
    if as_json:
        from outlay.reporting.precision import advice_json

        print_json(advice_json(advice))
    else:
        from outlay.reporting.precision import print_advice

        print_advice(advice)
    if not advice.choices:
        why = [
            f"{', '.join(names)}: {reason}" for reason, names in reasons(advice.excluded).items()
        ]
        raise NoFeasiblePlanError("no precision is possible within these limits", why)
