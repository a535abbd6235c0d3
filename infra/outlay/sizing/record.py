"""Read a measurement record: the load fields that a benchmark states, checked and made whole."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from outlay.catalog import Catalog, Gpu, Model, Precision
from outlay.errors import InputError
from outlay.sizing.features import GIB, Engine, card_bytes
from outlay.sizing.interval import Judgement, judge
from outlay.sizing.loads import DEFAULT_MAX_SEQUENCES
from outlay.sizing.precision import FORMATS, KV_BYTES, peak_flops
from outlay.sizing.predict import UNLIMITED_SEQUENCES, LoadKind

AMOUNT_FIELD = {
    LoadKind.CLOSED_LOOP: "concurrency",
    LoadKind.OPEN_LOOP: "request_rate_per_s",
    LoadKind.STATIC_BATCH: "batch_size",
    LoadKind.OFFLINE: "batch_size",
    LoadKind.SERVER_MAX: "batch_size",
    LoadKind.BURST: "prompt_count",
}
# A burst larger than the places runs in waves, so its size hardly matters when it is not stated.
DEFAULT_AMOUNT = {
    LoadKind.OFFLINE: UNLIMITED_SEQUENCES,
    LoadKind.SERVER_MAX: UNLIMITED_SEQUENCES,
    LoadKind.BURST: DEFAULT_MAX_SEQUENCES,
}
PRECISION_NAMES = {
    "bfloat16": Precision.BF16,
    "float16": Precision.FP16,
    "half": Precision.FP16,
    "fp8_block": Precision.FP8,
    "w8a8": Precision.INT8,
    "awq": Precision.INT4,
    "gptq": Precision.INT4,
    "w4a16": Precision.INT4,
    "fp4": Precision.NVFP4,
}
# Checkpoints in these formats name an 8-bit cache, or their benchmarks set one.
EIGHT_BIT_CACHE = (Precision.FP8, Precision.NVFP4)
LARGEST_GROUP = 8  # GPUs that one tensor-parallel group spans at most
ROOM = 0.93  # share of a card that weights may take in a group that runs
LARGEST_NUMBER = 1e9
BEYOND_CONTEXT = 2.0  # published benchmarks with random weights run up to twice a model's context
OLD_BEFORE = {Engine.VLLM: (0, 7), Engine.TRTLLM: (0, 10)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How GPUs share the work: `replicas` of tensor x data x pipeline GPUs each."""

    tensor: float
    data: float
    pipeline: float
    expert: float
    replicas: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One load on one deployment; `amount` is of the whole deployment (offline: per replica)."""

    model: Model
    gpu: Gpu
    layout: Layout
    precision: Precision
    kv_precision: Precision
    engine: Engine
    old_engine: bool
    kind: LoadKind
    amount: float
    input_tokens: float
    output_tokens: float
    prefill_tokens: float


def read_record(fields: Mapping[str, object], catalog: Catalog) -> Record:
    """Return the record that some fields state; absent and null fields are engine defaults.

    Raises:
        InputError: a field is missing, no number, out of range or names nothing known.
    """
    model, gpu = catalog.model(_text(fields, "model")), catalog.gpu(_text(fields, "gpu"))
    precision = _precision(fields, "weight_precision") or model.native_precision
    if peak_flops(gpu, precision) is None:
        raise InputError(f"gpu: the tensor rates of {gpu.name} are unknown, so it cannot be judged")
    kind = _kind(fields)
    engine, old = engine_of(_text(fields, "engine", "vllm"), _text(fields, "engine_version", ""))
    prompt, output = _tokens(fields, model)
    cached = _number(fields, "shared_prefix_tokens", 0.0, lowest=0.0)
    if _text(fields, "routing", "") == "round_robin":
        cached = 0.0  # the next request of a prefix meets another replica's cache
    return Record(
        model=model,
        gpu=gpu,
        layout=_layout(fields, model, gpu, precision),
        precision=precision,
        kv_precision=_kv_precision(fields, precision),
        engine=engine,
        old_engine=old,
        kind=kind,
        amount=_number(fields, AMOUNT_FIELD[kind], DEFAULT_AMOUNT.get(kind)),
        input_tokens=prompt,
        output_tokens=output,
        prefill_tokens=max(prompt - cached, 1.0),
    )


def _tokens(fields: Mapping[str, object], model: Model) -> tuple[float, float]:
    prompt, output = _number(fields, "input_tokens"), _number(fields, "output_tokens")
    if prompt + output > BEYOND_CONTEXT * model.max_context_tokens:
        raise InputError(
            f"input_tokens: with output_tokens {prompt + output:,.0f}, far beyond the context of"
            f" {model.name} ({model.max_context_tokens:,} tokens)"
        )
    return prompt, output


CURRENT_ENGINES = (Engine.VLLM, Engine.TRTLLM, Engine.SGLANG)


def judged(record: Record) -> Judgement:
    """Grade what is said of a record."""
    layout = record.layout
    return judge(
        record.model,
        record.gpu,
        current_engine=record.engine in CURRENT_ENGINES and not record.old_engine,
        gpus_per_replica=layout.tensor * layout.data * layout.pipeline,
    )


def engine_of(name: str, version: str) -> tuple[Engine, bool]:
    """Return the engine that a benchmark names, and whether its version is one of 2023 or 2024."""
    text = name.lower()
    known = (
        (("tgi", "text-generation"), Engine.TGI),
        (("sglang",), Engine.SGLANG),
        (("vllm", "mango"), Engine.VLLM),
        (("trt", "tensorrt", "nim"), Engine.TRTLLM),
    )
    engine = next((e for words, e in known if any(w in text for w in words)), Engine.OTHER)
    limit = OLD_BEFORE.get(engine)
    if limit is None:
        return engine, False
    if re.fullmatch(r"20\d\d(-\d\d)?", version):
        return engine, version < "2025"
    found = re.search(r"(\d+)\.(\d+)", version)
    return engine, found is not None and (int(found[1]), int(found[2])) < limit


def _text(fields: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = fields.get(name)
    if value is None or value == "":
        if default is None:
            raise InputError(f"{name}: is missing")
        return default
    if not isinstance(value, str):
        raise InputError(f"{name}: must be a text, got {value!r}")
    return value


def _number(
    fields: Mapping[str, object],
    name: str,
    default: float | None = None,
    *,
    lowest: float | None = None,
) -> float:
    value = fields.get(name)
    if value is None or value == "":
        if default is None:
            raise InputError(f"{name}: is missing")
        return default
    number = _parsed(name, value)
    inside = number > 0 if lowest is None else number >= lowest
    if not (inside and number <= LARGEST_NUMBER):
        bound = "above 0" if lowest is None else f"at least {lowest:g}"
        raise InputError(f"{name}: must be {bound} and at most 1e9, got {value!r}")
    return number


def _parsed(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise InputError(f"{name}: must be a number, got {value!r}")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise InputError(f"{name}: must be a number, got {value!r}") from None
    if not math.isfinite(number):
        raise InputError(f"{name}: must be a finite number, got {value!r}")
    return number


def _whole(fields: Mapping[str, object], name: str, default: float = 1.0) -> float:
    number = _number(fields, name, default)
    if number != int(number):
        raise InputError(f"{name}: must be a whole number, got {number:g}")
    return number


def _precision(fields: Mapping[str, object], name: str) -> Precision | None:
    text = _text(fields, name, "").lower()
    if not text:
        return None
    try:
        return PRECISION_NAMES.get(text) or Precision(text)
    except ValueError:
        known = ", ".join(Precision)
        raise InputError(f"{name}: unknown precision {text!r}; known are {known}") from None


def _kv_precision(fields: Mapping[str, object], precision: Precision) -> Precision:
    stated = _precision(fields, "kv_cache_precision")
    if stated is None:
        return Precision.FP8 if precision in EIGHT_BIT_CACHE else Precision.BF16
    if stated not in KV_BYTES:
        raise InputError(f"kv_cache_precision: no KV cache is kept in {stated}")
    return stated


def _kind(fields: Mapping[str, object]) -> LoadKind:
    text = _text(fields, "load_kind")
    try:
        return LoadKind(text)
    except ValueError:
        known = ", ".join(LoadKind)
        raise InputError(f"load_kind: unknown kind {text!r}; known are {known}") from None


def _layout(fields: Mapping[str, object], model: Model, gpu: Gpu, precision: Precision) -> Layout:
    tensor = _whole(fields, "tensor_parallel", 0.0)
    data, pipeline = _whole(fields, "data_parallel"), _whole(fields, "pipeline_parallel")
    expert = _whole(fields, "expert_parallel")
    weights = model.params_b * 1e9 * FORMATS[precision].read_bytes_per_weight
    gpus = _number(fields, "gpu_count", 0.0)
    if not tensor:
        tensor = _likely_degree(gpu, weights, gpus=gpus or float(LARGEST_GROUP))
    replicas = _number(fields, "replicas", (gpus or tensor) / (tensor * pipeline * data))
    if tensor <= LARGEST_GROUP and model.heads % tensor:
        raise InputError(
            f"tensor_parallel: {tensor:g} does not divide the {model.heads} attention heads of"
            f" {model.name}"
        )
    tensor, data = _counted_once(tensor, data, expert)
    groups = max(1.0, round(tensor / LARGEST_GROUP))
    tensor, data = tensor / groups, data * groups
    # Replicas too small for the weights are attention groups that share their experts.
    while weights / (tensor * data * pipeline) > ROOM * card_bytes(gpu) and replicas >= 2:
        replicas, data = replicas / 2, data * 2
    _check_room(model, gpu, weights / (tensor * data * pipeline))
    return Layout(tensor=tensor, data=data, pipeline=pipeline, expert=expert, replicas=replicas)


def _check_room(model: Model, gpu: Gpu, weights: float) -> None:
    if weights > card_bytes(gpu):
        raise InputError(
            f"model: {weights / GIB:,.0f} GiB of {model.name}'s weights on each GPU do not fit the"
            f" {card_bytes(gpu) / GIB:,.0f} of a {gpu.name}"
        )


def _counted_once(tensor: float, data: float, expert: float) -> tuple[float, float]:
    """Undo a count in which tensor (or data) and expert parallel of the same GPUs are multiplied.

    InferenceX states 64 GPUs of tensor parallel 64 for 8 GPUs that are both tensor and expert
    parallel: the figures agree with its rows of 8 GPUs to 1 %.
    """
    if expert > 1 and data == 1 and tensor == expert**2:
        return expert, data
    if expert > 1 and tensor == 1 and data == expert**2:
        return tensor, expert
    if data > 1 and tensor == data and expert == tensor * data:
        return 1.0, data
    return tensor, data


def _likely_degree(gpu: Gpu, weights: float, *, gpus: float) -> float:
    # MLPerf publishes no tensor parallelism: the smallest group that holds the weights with room.
    for degree in (1, 2, 4, LARGEST_GROUP):
        if degree * gpu.memory_gb * 1e9 * 0.88 >= 1.15 * weights:
            return float(degree)
    return float(min(LARGEST_GROUP, max(1.0, gpus)))
