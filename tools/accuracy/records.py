"""Read the measurement record: one published benchmark result per row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from outlay.catalog import Catalog, Gpu, Model, Precision
from outlay.sizing.precision import FORMATS
from outlay.sizing.predict import Load, LoadKind
from outlay.sizing.speed import Lengths

DATA = Path(__file__).parent / "data" / "measured_train.csv"

AMOUNT_COLUMN = {
    LoadKind.CLOSED_LOOP: "concurrency",
    LoadKind.OPEN_LOOP: "request_rate_per_s",
    LoadKind.STATIC_BATCH: "batch_size",
    LoadKind.OFFLINE: "batch_size",
    LoadKind.SERVER_MAX: "batch_size",
    LoadKind.BURST: "prompt_count",
}
# InferenceX does not state the KV precision; its fp8 and fp4 runs are taken with an 8-bit cache.
EIGHT_BIT_CACHE = (Precision.FP8, Precision.NVFP4)
LARGEST_REPLICA = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One measurement; what was not measured is None."""

    id: str
    source: str
    engine: str
    series: str
    curve: str
    model: Model
    gpu: Gpu
    tensor_parallel: int
    replicas: float
    precision: Precision
    kv_precision: Precision
    load: Load
    output_tokens_per_s: float | None
    ttft_ms: float | None
    tpot_ms: float | None


def read_records(catalog: Catalog, path: Path = DATA) -> tuple[list[Record], dict[str, int]]:
    """Return the usable records of NVIDIA GPUs, and how many were left out for which reason."""
    models = {model.name: model for model in catalog.models}
    gpus = {gpu.name: gpu for gpu in catalog.gpus}
    records: list[Record] = []
    left_out: dict[str, int] = {}
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            reason = _left_out(row, models, gpus)
            if reason is None:
                records.append(_record(row, models[row["model"]], gpus[row["gpu"]]))
            else:
                left_out[reason] = left_out.get(reason, 0) + 1
    return records, left_out


def _left_out(row: dict[str, str], models: dict[str, Model], gpus: dict[str, Gpu]) -> str | None:
    gpu = gpus.get(row["gpu"])
    checks = (
        (row["quality"] != "ok", "marked suspect, ambiguous or incomplete at the source"),
        (row["model"] not in models or gpu is None, "model or GPU not in the catalogue"),
        (gpu is not None and gpu.vendor != "nvidia", "no NVIDIA GPU: no claim is made"),
        (_number(row, "pipeline_parallel", 1) > 1, "pipeline parallel: not offered"),
        (_number(row, "data_parallel", 1) > 1, "data-parallel attention: not offered"),
        (_number(row, "expert_parallel", 1) > 1, "expert parallel: not offered"),
        (
            _number(row, "tensor_parallel", 1) > LARGEST_REPLICA,
            "tensor parallel above 8: not offered",
        ),
    )
    return next((reason for failed, reason in checks if failed), None)


def _number(row: dict[str, str], column: str, default: float) -> float:
    return float(row[column]) if row[column] else default


def _optional(row: dict[str, str], column: str) -> float | None:
    return float(row[column]) if row[column] else None


def _record(row: dict[str, str], model: Model, gpu: Gpu) -> Record:
    precision = Precision(row["weight_precision"])
    gpu_count = float(row["gpu_count"])
    degree = int(_number(row, "tensor_parallel", 0)) or _likely_degree(
        model, gpu, precision=precision, gpu_count=gpu_count
    )
    return Record(
        id=row["id"],
        source=row["source_id"],
        engine=row["engine"],
        series="|".join(
            (row["curve"], row["engine"], row["engine_version"], row["weight_precision"])
        ),
        curve=row["curve"],
        model=model,
        gpu=gpu,
        tensor_parallel=degree,
        replicas=_optional(row, "replicas") or gpu_count / degree,
        precision=precision,
        kv_precision=_kv_precision(row, precision),
        load=_load(row),
        output_tokens_per_s=_optional(row, "output_tokens_per_s"),
        ttft_ms=_optional(row, "ttft_ms"),
        tpot_ms=_optional(row, "tpot_ms"),
    )


def _likely_degree(model: Model, gpu: Gpu, *, precision: Precision, gpu_count: float) -> int:
    # MLPerf publishes no tensor parallelism: the smallest group that holds the weights with room.
    needed = 1.15 * model.params_b * 1e9 * FORMATS[precision].read_bytes_per_weight
    for degree in (1, 2, 4, LARGEST_REPLICA):
        if degree * gpu.memory_gb * 1e9 * 0.88 >= needed:
            return degree
    return int(min(LARGEST_REPLICA, gpu_count))


def _kv_precision(row: dict[str, str], precision: Precision) -> Precision:
    if row["kv_cache_precision"]:
        return Precision(row["kv_cache_precision"])
    eight_bit = row["source_id"] == "inferencex" and precision in EIGHT_BIT_CACHE
    return Precision.FP8 if eight_bit else Precision.BF16


def _load(row: dict[str, str]) -> Load:
    kind = LoadKind(row["load_kind"])
    prompt = float(row["input_tokens"])
    cached = _number(row, "shared_prefix_tokens", 0)
    return Load(
        kind=kind,
        amount=_optional(row, AMOUNT_COLUMN[kind]),
        lengths=Lengths(
            input_tokens=prompt,
            output_tokens=float(row["output_tokens"]),
            prefill_tokens=max(prompt - cached, 1.0),
        ),
    )
