"""Calibration files: what was measured on which replica, when, and what is left unexplained."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from outlay.catalog import Precision
from outlay.errors import InputError
from outlay.settings.files import project_file
from outlay.sizing.benchmarks import Point

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Setup(_Stored):
    """What was measured on: one replica."""

    model: str
    gpu: str
    tensor_parallel: Annotated[int, Field(ge=1)]
    weight_precision: Precision
    kv_precision: Precision


class Source(_Stored):
    """One file that measurements came from; `model` and `date` as the tool recorded them."""

    file: str
    tool: str
    model: str
    date: str


class Measured(_Stored):
    """One steady measurement, what the model predicted, and what is left after calibration.

    Residuals are ln(measured / calibrated prediction).
    """

    input_tokens: Positive
    output_tokens: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    concurrency: Positive
    requests: int
    output_tokens_per_s: Positive
    ttft_ms: Positive
    tpot_ms: Positive
    predicted_output_tokens_per_s: Positive
    predicted_ttft_ms: Positive
    predicted_tpot_ms: Positive
    residual_throughput: float
    residual_ttft: float
    residual_tpot: float

    @property
    def point(self) -> Point:
        """The measurement alone."""
        names = Point.__dataclass_fields__
        return Point(**{name: getattr(self, name) for name in names})


class Dropped(_Stored):
    """A measurement that was not used, and why."""

    what: str
    reason: str


class Calibration(_Stored):
    """A calibration file. Factors are fitted anew from its measurements whenever it is used."""

    format: Literal["outlay-calibration/1"]
    name: str
    setup: Setup
    sources: tuple[Source, ...]
    factor_throughput: Positive
    factor_ttft: Positive
    factor_tpot: Positive
    measured: Annotated[tuple[Measured, ...], Field(min_length=1)]
    dropped: tuple[Dropped, ...]


def write_calibration(calibration: Calibration, folder: Path) -> Path:
    """Write `<name>.json` into a folder that is made when missing; return the file.

    Raises:
        InputError: the file cannot be written.
    """
    path = folder / f"{calibration.name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(calibration.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file.

    Raises:
        InputError: it is missing, unreadable, or was not written by `outlay calibrate`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            f"calibration {path} does not exist; outlay calibrate writes one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"calibration {path} cannot be read: {error}") from None
    try:
        return Calibration.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{path} is no calibration file ({where or 'whole file'}: {first['msg']});"
            " outlay calibrate writes them from a benchmark's JSON"
        ) from None


def load_calibrations(names: Iterable[str]) -> tuple[Calibration, ...]:
    """Read the files that settings name, relative to this folder or to that of Pulumi.yaml.

    Raises:
        InputError: as load_calibration.
    """
    return tuple(load_calibration(project_file(Path(name))) for name in names)
