"""Measurement records as JSON lines in, predictions as JSON lines out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from outlay.catalog import Catalog, load_catalog
from outlay.errors import InputError
from outlay.sizing.batch import Predictions, case_of, predict_case
from outlay.sizing.record import Record, judged, read_record

CHUNK = 4096  # lines answered together
DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One line: its id, and its record or what is wrong with it."""

    id: object
    record: Record | None = None
    error: str = ""


def answers(lines: Iterable[bytes | str], catalog: Catalog | None = None) -> Iterator[str]:
    """Return the answer to each line that is not blank, in order; no line stops the others."""
    known = catalog or load_catalog()
    numbered = ((n, line) for n, line in enumerate(lines, start=1) if line.strip())
    while chunk := list(islice(numbered, CHUNK)):
        yield from _answer([_read(number, line, known) for number, line in chunk])


def _read(number: int, line: bytes | str, catalog: Catalog) -> _Line:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _Line(id=None, error=f"line {number}: no JSON ({error})")
    if not isinstance(fields, dict):
        return _Line(id=None, error=f"line {number}: must be a JSON object")
    try:
        return _Line(id=fields.get("id"), record=read_record(fields, catalog))
    except InputError as error:
        return _Line(id=fields.get("id"), error=f"line {number}: {error}")


def _answer(lines: Sequence[_Line]) -> Iterator[str]:
    records = [line.record for line in lines if line.record is not None]
    found = predict_case(case_of(records)) if records else None
    row = 0
    for line in lines:
        if line.record is None or found is None:
            yield _dumped({"id": line.id, "error": line.error})
            continue
        if math.isfinite(found.output_tokens_per_s[row]):
            yield _dumped({"id": line.id, **_prediction(line.record, found, row)})
        else:
            yield _dumped({"id": line.id, "error": "the load is too extreme to be predicted"})
        row += 1


def _prediction(record: Record, found: Predictions, row: int) -> dict[str, object]:
    judgement = judged(record)
    interval = judgement.factors.throughput.around(float(found.output_tokens_per_s[row]))
    # A request of one token has no time between tokens.
    tpot = found.tpot_ms[row] if record.output_tokens > 1 else math.nan
    return {
        "output_tokens_per_s": _number(interval.expected),
        "tpot_ms": _number(tpot),
        "ttft_ms": _number(found.ttft_ms[row]),
        "low": _number(interval.low),
        "high": _number(interval.high),
        "grade": str(judgement.grade),
    }


def _number(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _dumped(answer: dict[str, object]) -> str:
    # An id may be anything that was read, NaN included, which is no JSON to write.
    try:
        return json.dumps(answer, allow_nan=False, ensure_ascii=False)
    except ValueError:
        return json.dumps({**answer, "id": None}, allow_nan=False, ensure_ascii=False)
