"""`outlay calibrate`: let the user's own benchmark correct the speed model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from outlay.cli.output import JSON_OPTION, print_json

if TYPE_CHECKING:
    from outlay.catalog import Precision
    from outlay.sizing.calibration_file import Setup


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--model", required=True, help="Model that was measured, such as llama-3.1-8b.")
@click.option("--gpu", required=True, help="GPU type that it ran on; benchmarks do not record it.")
@click.option(
    "--tensor-parallel",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="GPUs of the one replica that was measured.",
)
@click.option("--precision", help="Weight precision.  [default: as published]")
@click.option("--kv-precision", help="KV cache precision.  [default: 16 bit]")
@click.option("--name", help="Name of the calibration.  [default: model, GPU and precision]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("calibration"),
    show_default=True,
    help="Folder to write <name>.json to; made when missing.",
)
@JSON_OPTION
def calibrate(
    *,
    files: tuple[Path, ...],
    model: str,
    gpu: str,
    tensor_parallel: int,
    precision: str | None,
    kv_precision: str | None,
    name: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Fit the speed model to benchmarks of one replica, for plans to use.

    FILE is a guidellm report (JSON), or a result of `vllm bench serve --save-result`. Measure steady
    load (--max-concurrency or a rate), near the lengths and the load that are planned for. Name the
    file that is written under `calibrations` in the settings.
    """
    from outlay.catalog import load_catalog
    from outlay.sizing.benchmarks import read_benchmark
    from outlay.sizing.calibration import calibrate as fit_to
    from outlay.sizing.calibration import fit_points
    from outlay.sizing.calibration_file import write_calibration

    catalog = load_catalog()
    setup = _setup(model, gpu, tensor_parallel, precision=precision, kv_precision=kv_precision)
    named = _name(name or f"{setup.model}-{setup.gpu}x{tensor_parallel}-{setup.weight_precision}")
    fitted = fit_to([read_benchmark(file) for file in files], setup, catalog, name=named)
    path = write_calibration(fitted, out)
    if as_json:
        print_json({"file": str(path), **fitted.model_dump(mode="json")})
        return
    from outlay.reporting.calibration import print_calibration

    points = [measured.point for measured in fitted.measured]
    print_calibration(fitted, fit_points(points, setup, catalog), file=str(path))


def _setup(
    model: str,
    gpu: str,
    tensor_parallel: int,
    *,
    precision: str | None,
    kv_precision: str | None,
) -> Setup:
    from outlay.catalog import load_catalog
    from outlay.sizing.calibration_file import Setup
    from outlay.sizing.precision import FORMATS, native_16bit

    catalog = load_catalog()
    card, entry = catalog.gpu(gpu), catalog.model(model)
    sixteen = native_16bit(entry, card)
    usual = sixteen if FORMATS[entry.native_precision].bits == 16 else entry.native_precision
    return Setup(
        model=entry.name,
        gpu=card.name,
        tensor_parallel=tensor_parallel,
        weight_precision=_precision(precision) if precision else usual,
        kv_precision=_precision(kv_precision) if kv_precision else sixteen,
    )


def _precision(text: str) -> Precision:
    from outlay.catalog import Precision
    from outlay.catalog.names import normalise
    from outlay.errors import InputError

    try:
        return Precision(normalise(text))
    except ValueError:
        raise InputError(f"unknown precision {text!r}; known are {', '.join(Precision)}") from None


def _name(text: str) -> str:
    from outlay.errors import InputError

    name = re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.")
    if not name:
        raise InputError(f"{text!r} is no name for a calibration: use letters and digits")
    return name
