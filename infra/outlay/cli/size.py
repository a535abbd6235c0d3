"""`outlay size`: what a model needs, and what each GPU would hold of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outlay.cli.options import FLAGS, Request
from outlay.cli.output import JSON_OPTION, print_json

if TYPE_CHECKING:
    from outlay.catalog import Catalog
    from outlay.settings import WorkloadSettings
    from outlay.sizing.speculation import Speculation
    from outlay.sizing.types import Traffic

SIZE_FLAGS = (
    "--model",
    "--rps",
    "--input-tokens",
    "--output-tokens",
    "--ttft-ms",
    "--tpot-ms",
    "--slo-percentile",
    "--precision",
    "--kv-precision",
)


def _options(command: Any) -> Any:
    for flag in reversed(SIZE_FLAGS):
        _, kind, many, text = FLAGS[flag]
        required = flag == "--model"
        command = click.option(flag, type=kind, multiple=many, required=required, help=text)(
            command
        )
    return command


@click.command()
@_options
@click.option(
    "--bucket",
    "buckets",
    multiple=True,
    metavar="SHARE:INPUT:OUTPUT",
    help="Requests of one length class, such as 0.8:512:256; repeatable, shares sum to 1.",
)
@click.option(
    "--draft-tokens", type=click.IntRange(1, 16), help="Speculative decoding: tokens drafted ahead."
)
@click.option(
    "--acceptance",
    type=click.FloatRange(0, 1),
    default=0.7,
    show_default=True,
    help="How likely each drafted token is accepted.",
)
@click.option("--draft-model", help="Model that drafts.  [default: look-up in the prompt]")
@click.option("--gpu", multiple=True, help="GPU type to size on; repeatable.  [default: all sold]")
@click.option(
    "--calibration",
    "calibration_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File written by outlay calibrate; repeatable.",
)
@JSON_OPTION
def size(
    *,
    gpu: tuple[str, ...],
    buckets: tuple[str, ...],
    draft_tokens: int | None,
    acceptance: float,
    draft_model: str | None,
    calibration_files: tuple[Path, ...],
    as_json: bool,
    **flags: Any,
) -> None:
    """Show where the memory goes, and the requests/s of each GPU type inside the SLO.

    Sorted by requests/s of one GPU on the safe side of the estimate. Quantised checkpoints are taken
    as available. With --rps, also the replicas that serve it, and what requests see that arrive at random.
    """
    from outlay.catalog import load_catalog
    from outlay.errors import NoFeasiblePlanError
    from outlay.planning.candidates import precisions
    from outlay.sizing.calibrated import use
    from outlay.sizing.calibration_file import load_calibration
    from outlay.sizing.overview import overview

    catalog = load_catalog()
    workloads = _settings(flags, buckets).settings(catalog).workloads
    workload = workloads[0]
    model = catalog.model(workload.model)
    if draft_tokens and calibration_files:
        raise click.UsageError("a calibration is of plain decoding: leave out --draft-tokens")
    names = [catalog.gpu(name).name for name in gpu]
    found = overview(
        model,
        names or sorted({offer.gpu for offer in catalog.offers}),
        catalog,
        traffic=_traffic(workloads),
        precisions=precisions(workload, model),
        kv_precision=workload.kv_precision,
        speculation=_speculation(draft_tokens, acceptance, draft_model, catalog),
        rate_rps=sum(w.target_rps for w in workloads) if flags["rps"] else None,
        calibrations=use([load_calibration(path) for path in calibration_files], catalog),
    )
    if as_json:
        from outlay.reporting.size import overview_json

        print_json(overview_json(found))
    else:
        from outlay.reporting.size import print_overview

        print_overview(found, every_shape=bool(names))
    if not found.sized:
        why = list(dict.fromkeys(refused.reason for refused in found.refused))
        raise NoFeasiblePlanError(f"{model.name} can be served on none of these GPUs", why)


def _traffic(workloads: Sequence[WorkloadSettings]) -> Traffic:
    """Return the load with all its length classes, which settings make workloads, on one replica."""
    from outlay.planning.candidates import traffic
    from outlay.sizing.types import Bucket

    load = traffic(workloads[0])
    if len(workloads) == 1:
        return load
    return load.mixed(
        [
            Bucket(share=w.target_rps, input_tokens=w.input_tokens, output_tokens=w.output_tokens)
            for w in workloads
        ]
    )


def _speculation(
    tokens: int | None, acceptance: float, model: str | None, catalog: Catalog
) -> Speculation | None:
    import math

    from outlay.sizing.speculation import Speculation

    if tokens is None:
        if model:
            raise click.UsageError("--draft-model needs --draft-tokens")
        return None
    if math.isnan(acceptance):
        raise click.BadParameter("must be a number", param_hint="--acceptance")
    draft = catalog.model(model) if model else None
    return Speculation(draft_tokens=tokens, acceptance=acceptance, draft=draft)


def _settings(flags: dict[str, Any], buckets: tuple[str, ...]) -> Request:
    """Return the request as settings, for their checks; without a rate any will do."""
    given: dict[str, object] = {"targetRps": "1"}
    for flag in SIZE_FLAGS:
        setting, _, many, _ = FLAGS[flag]
        value = flags[flag.lstrip("-").replace("-", "_")]
        if value:
            given[setting] = list(value) if many else value
    if buckets:
        given["buckets"] = [_bucket(text) for text in buckets]
    return Request(stack=None, settings_file=None, project=Path(), flags=given)


def _bucket(text: str) -> dict[str, str]:
    keys, values = ("share", "inputTokens", "outputTokens"), text.split(":")
    if len(values) != len(keys):
        raise click.BadParameter(
            f"{text!r} is no SHARE:INPUT:OUTPUT, such as 0.8:512:256", param_hint="--bucket"
        )
    return dict(zip(keys, values, strict=True))
