"""Predict many records of any kind in a few array computations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from outlay.sizing.constants import Constants
from outlay.sizing.features import (
    PRECISION_CODE,
    Code,
    Columns,
    GpuColumns,
    ModelColumns,
    Real,
    Settings,
    gpu_columns,
    indexed,
    model_columns,
)
from outlay.sizing.fitted import FITTED
from outlay.sizing.memory import memory_columns
from outlay.sizing.precision import KV_BYTES
from outlay.sizing.predict import LoadKind, loaded
from outlay.sizing.record import Record
from outlay.sizing.speed import Lengths, speeds

KINDS = tuple(LoadKind)
KIND_CODE = {kind: code for code, kind in enumerate(KINDS)}
# What was measured did run: an engine finds room where a careful budget sees none.
LEAST_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Columns):
    """Records as columns; `model` and `gpu` are rows of the tables beside them."""

    model: Code
    gpu: Code
    kind: Code
    amount: Real
    replicas: Real
    input_tokens: Real
    output_tokens: Real
    prefill_tokens: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A batch with everything that the speed model needs, one row per record."""

    batch: Batch
    models: ModelColumns
    gpus: GpuColumns
    split: Settings
    places: Real
    fits: Real

    def take(self, rows: Code) -> Case:
        """Return some of the records."""
        return Case(
            batch=self.batch.take(rows),
            models=self.models.take(rows),
            gpus=self.gpus.take(rows),
            split=self.split.take(rows),
            places=self.places[rows],
            fits=self.fits[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The records of a case that are loaded in one way; `rows` are theirs in the case."""

    kind: LoadKind
    rows: Code
    case: Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Means of each record: tokens/s over all replicas, and latencies of a request."""

    output_tokens_per_s: Real
    ttft_ms: Real
    tpot_ms: Real


def case_of(records: Sequence[Record]) -> Case:
    """Return records as columns; raises ValueError when there are none."""
    if not records:
        raise ValueError("no records to predict")
    models, model_rows = indexed([r.model for r in records])
    gpus, gpu_rows = indexed([r.gpu for r in records])
    batch = _batch(records, model_rows, gpu_rows)
    columns, cards = model_columns(*models).take(model_rows), gpu_columns(*gpus).take(gpu_rows)
    split = _split(records)
    memory = memory_columns(columns, cards, split)
    held = batch.input_tokens + 0.6 * batch.output_tokens
    places = memory.sequences(held)
    least = LEAST_SHARE * memory.usable / memory.sequence(held) * memory.groups
    return Case(
        batch=batch,
        models=columns,
        gpus=cards,
        split=split,
        places=np.maximum(np.maximum(places, 1.0), least),
        fits=places,
    )


def _batch(records: Sequence[Record], models: Code, gpus: Code) -> Batch:
    numbers = np.array(
        [
            (r.amount, r.layout.replicas, r.input_tokens, r.output_tokens, r.prefill_tokens)
            for r in records
        ]
    ).T
    return Batch(
        model=models,
        gpu=gpus,
        kind=np.array([KIND_CODE[r.kind] for r in records], dtype=np.int64),
        amount=numbers[0],
        replicas=numbers[1],
        input_tokens=numbers[2],
        output_tokens=numbers[3],
        prefill_tokens=numbers[4],
    )


def _split(records: Sequence[Record]) -> Settings:
    layout = np.array(
        [(r.layout.tensor, r.layout.data, r.layout.pipeline, r.layout.expert) for r in records]
    ).T
    return Settings(
        tensor=layout[0],
        data=layout[1],
        pipeline=layout[2],
        expert=layout[3],
        precision=np.array([PRECISION_CODE[r.precision] for r in records], dtype=np.int64),
        kv_bytes=np.array([KV_BYTES[r.kv_precision] for r in records]),
        engine=np.array([int(r.engine) for r in records], dtype=np.int64),
        old=np.array([r.old_engine for r in records]),
    )


def predict_case(case: Case, constants: Constants = FITTED) -> Predictions:
    """Predict every record of a case."""
    return predict_parts(by_kind(case), constants)


def by_kind(case: Case) -> list[Part]:
    """Return a case split by load kind."""
    parts = []
    for code, kind in enumerate(KINDS):
        rows = np.flatnonzero(case.batch.kind == code)
        if len(rows):
            parts.append(Part(kind=kind, rows=rows, case=case.take(rows)))
    return parts


def predict_parts(parts: Sequence[Part], constants: Constants) -> Predictions:
    """Predict the records of all parts of one case, in the case's order."""
    found = np.full((3, sum(len(part.rows) for part in parts)), np.nan)
    for part in parts:
        with np.errstate(all="ignore"):  # an absurd load overflows, and its answer says so
            found[:, part.rows] = _predict_kind(part.case, part.kind, constants)
    return Predictions(output_tokens_per_s=found[0], ttft_ms=found[1], tpot_ms=found[2])


def _predict_kind(case: Case, kind: LoadKind, constants: Constants) -> Real:
    batch = case.batch
    lengths = Lengths(
        input_tokens=batch.input_tokens,
        output_tokens=batch.output_tokens,
        prefill_tokens=batch.prefill_tokens,
    )
    capped = kind in (LoadKind.OFFLINE, LoadKind.SERVER_MAX)
    state = loaded(
        speeds(case.models, case.gpus, case.split, constants),
        kind,
        lengths,
        amount=batch.amount if capped else batch.amount / batch.replicas,
        max_sequences=case.places,
    )
    return np.stack(
        [state.output_tokens_per_s * batch.replicas, state.ttft_s * 1e3, state.tpot_s * 1e3]
    )
