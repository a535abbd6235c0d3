"""A calibration as a table: what was measured, what was predicted, what is left."""

from __future__ import annotations

import math

from outlay.reporting.layout import line, percent, table
from outlay.reporting.tables import console
from outlay.sizing.calibration import Fit, Fits
from outlay.sizing.calibration_file import Calibration, Measured


def print_calibration(calibration: Calibration, fits: Fits, *, file: str) -> None:
    """Print the measurements with the prediction beside each, the constants, and what was dropped."""
    out = console()
    setup = calibration.setup
    line(
        out,
        f"{setup.model} on {setup.tensor_parallel} x {setup.gpu}, {setup.weight_precision},"
        f" KV cache {setup.kv_precision}",
        style="bold",
    )
    for source in calibration.sources:
        line(
            out, f"{source.file}: {source.tool}, {source.date or 'no date'}, {source.model or '-'}"
        )
    out.print()
    made = table(
        "Tokens",
        ">At once",
        ">Tok/s",
        ">Predicted",
        ">TPOT ms",
        ">Predicted",
        ">TTFT ms",
        ">Residual",
    )
    for measured in calibration.measured:
        made.add_row(*_cells(measured))
    out.print(made)
    out.print()
    for name, fitted in (
        ("throughput", fits.throughput),
        ("TPOT", fits.tpot),
        ("TTFT", fits.ttft),
    ):
        line(out, f"{name} is {fitted.factor:.3f} times the prediction, {spread_text(fitted)}")
    for dropped in calibration.dropped:
        line(out, f"Not used: {dropped.what}: {dropped.reason}", style="yellow")
    line(out, f"wrote {file}; plans use it with calibrations: [{file}]")


def _cells(measured: Measured) -> tuple[str, ...]:
    return (
        f"{measured.input_tokens:.0f} + {measured.output_tokens:.0f}",
        f"{measured.concurrency:.4g}",
        f"{measured.output_tokens_per_s:,.0f}",
        f"{measured.predicted_output_tokens_per_s:,.0f}",
        f"{measured.tpot_ms:.1f}",
        f"{measured.predicted_tpot_ms:.1f}",
        f"{measured.ttft_ms:,.0f}",
        f"{math.expm1(measured.residual_throughput):+.0%}",
    )


def spread_text(fitted: Fit) -> str:
    """Say how far measurements lie from the calibrated prediction."""
    worst = max(abs(math.expm1(residual)) for residual in fitted.residuals)
    return f"measurements within {percent(worst, digits=0)} of it"
