"""Read the measurement record: one published benchmark result per row, and what was measured."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from outlay.catalog import Catalog
from outlay.errors import InputError
from outlay.sizing.batch import Case, case_of
from outlay.sizing.features import Code, Flag, Real
from outlay.sizing.record import Record, read_record

DATA = Path(__file__).parent / "data" / "measured_train.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The usable measurements, as records, as columns, and what was measured (NaN = it was not).

    `series` is one curve on one engine, version and precision.
    """

    records: tuple[Record, ...]
    case: Case
    source: tuple[str, ...]
    curve: tuple[str, ...]
    series: tuple[str, ...]
    output_tokens_per_s: Real
    tpot_ms: Real
    ttft_ms: Real

    def __len__(self) -> int:
        return len(self.records)

    @property
    def experts(self) -> Flag:
        """Which rows are models with experts."""
        return np.array([record.model.is_moe for record in self.records])

    @property
    def foreign(self) -> Flag:
        """Which rows are no NVIDIA GPU."""
        return np.array([record.gpu.vendor != "nvidia" for record in self.records])

    def kinds(self, *kinds: str) -> Flag:
        """Return which rows have one of some load kinds."""
        return np.array([str(record.kind) in kinds for record in self.records])

    def take(self, rows: Code) -> Samples:
        """Return some of the rows."""
        return Samples(
            records=tuple(self.records[row] for row in rows),
            case=self.case.take(rows),
            source=tuple(self.source[row] for row in rows),
            curve=tuple(self.curve[row] for row in rows),
            series=tuple(self.series[row] for row in rows),
            output_tokens_per_s=self.output_tokens_per_s[rows],
            tpot_ms=self.tpot_ms[rows],
            ttft_ms=self.ttft_ms[rows],
        )


def read_samples(catalog: Catalog, path: Path = DATA) -> tuple[Samples, dict[str, int]]:
    """Return the usable rows, and how many were left out for which reason."""
    rows: list[dict[str, str]] = []
    records: list[Record] = []
    left_out: dict[str, int] = {}
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            reason = _left_out(row)
            try:
                record = read_record(row, catalog)
            except InputError as error:
                reason = reason or str(error)
            if reason is None:
                rows.append(row)
                records.append(record)
            else:
                left_out[reason] = left_out.get(reason, 0) + 1
    return _samples(rows, records), left_out


def _left_out(row: dict[str, str]) -> str | None:
    if row["quality"] != "ok":
        return "marked suspect, ambiguous, incomplete or no GPU server at the source"
    return None


def _samples(rows: Sequence[dict[str, str]], records: Sequence[Record]) -> Samples:
    def measured(column: str) -> Real:
        return np.array([float(row[column]) if row[column] else np.nan for row in rows])

    parts = ("curve", "engine", "engine_version", "weight_precision")
    return Samples(
        records=tuple(records),
        case=case_of(records),
        source=tuple(row["source_id"] for row in rows),
        curve=tuple(row["curve"] for row in rows),
        series=tuple("|".join(row[part] for part in parts) for row in rows),
        output_tokens_per_s=measured("output_tokens_per_s"),
        tpot_ms=measured("tpot_ms"),
        ttft_ms=measured("ttft_ms"),
    )
