"""Measurement records: what is read, what is taken as the engine's default, what is refused."""

from __future__ import annotations

import math
import re

import pytest

from outlay.catalog import Precision
from outlay.errors import InputError
from outlay.sizing.features import Engine
from outlay.sizing.predict import LoadKind
from outlay.sizing.record import Record, engine_of, read_record
from tests.sizing.builders import CATALOG

LEAST: dict[str, object] = {
    "model": "llama-3.1-8b",
    "gpu": "H100",
    "load_kind": "closed_loop",
    "concurrency": 8,
    "input_tokens": 1024,
    "output_tokens": 256,
}


def read(**changes: object) -> Record:
    return read_record(LEAST | changes, CATALOG)


def layout(**changes: object) -> tuple[float, float, float, float]:
    """Return tensor, data and pipeline parallel and replicas."""
    found = read(**changes).layout
    return found.tensor, found.data, found.pipeline, found.replicas


def test_the_least_record_is_one_replica_on_a_current_vllm() -> None:
    found = read()
    assert (found.model.name, found.gpu.name) == ("Llama-3.1-8B", "H100")
    assert (found.precision, found.kv_precision) == (Precision.BF16, Precision.BF16)
    assert (found.engine, found.old_engine, found.kind) == (
        Engine.VLLM,
        False,
        LoadKind.CLOSED_LOOP,
    )
    assert layout() == (1, 1, 1, 1)
    assert (found.amount, found.prefill_tokens) == (8, 1024)


def test_null_and_empty_fields_are_defaults() -> None:
    assert read(engine=None, tensor_parallel="", replicas=None, kv_cache_precision="") == read()


def test_a_missing_tensor_parallel_is_the_smallest_group_with_room() -> None:
    """141 GB of weights need 4 x 80; 8 GPUs are then two replicas."""
    assert layout(model="llama-3.1-70b", gpu_count=8) == (4, 1, 1, 2)


def test_replicas_follow_from_gpus_and_groups() -> None:
    assert layout(gpu_count=8, tensor_parallel=2) == (2, 1, 1, 4)
    assert layout(gpu_count=8, tensor_parallel=2, pipeline_parallel=2) == (2, 1, 2, 2)


@pytest.mark.parametrize(
    "stated",
    [
        {"gpu_count": 64, "tensor_parallel": 64, "expert_parallel": 8},
        {"gpu_count": 8, "tensor_parallel": 8, "expert_parallel": 8},
    ],
)
def test_gpus_counted_twice_are_counted_once(stated: dict[str, object]) -> None:
    assert layout(model="deepseek-r1", weight_precision="fp8", gpu="H200", **stated)[:3] == (
        8,
        1,
        1,
    )


def test_a_prefix_is_cached_unless_requests_go_round_robin() -> None:
    assert read(shared_prefix_tokens=1000).prefill_tokens == 24
    assert read(shared_prefix_tokens=1000, routing="llm-d").prefill_tokens == 24
    assert read(shared_prefix_tokens=1000, routing="round_robin").prefill_tokens == 1024


def test_eight_bit_weights_come_with_an_eight_bit_cache() -> None:
    assert read(weight_precision="fp8").kv_precision is Precision.FP8
    assert read(weight_precision="fp8", kv_cache_precision="bf16").kv_precision is Precision.BF16


@pytest.mark.parametrize(
    ("name", "version", "engine", "old"),
    [
        ("vllm", "0.6.3", Engine.VLLM, True),
        ("vLLM", "v0.11.0", Engine.VLLM, False),
        ("vllm", "2024-11", Engine.VLLM, True),
        ("vllm", "", Engine.VLLM, False),
        ("TensorRT-LLM", "0.9.0", Engine.TRTLLM, True),
        ("trtllm", "1.2.0rc6.post3", Engine.TRTLLM, False),
        ("sglang", "0.5.1", Engine.SGLANG, False),
        ("tgi", "1.4", Engine.TGI, False),
        ("lmdeploy", "0.1", Engine.OTHER, False),
    ],
)
def test_engines_and_their_age(name: str, version: str, engine: Engine, old: bool) -> None:
    assert engine_of(name, version) == (engine, old)


@pytest.mark.parametrize("kind", [LoadKind.OFFLINE, LoadKind.SERVER_MAX, LoadKind.BURST])
def test_loads_that_need_no_amount_have_a_default(kind: LoadKind) -> None:
    assert read(load_kind=str(kind), concurrency=None).amount > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": None}, "model: is missing"),
        ({"model": 8}, "model: must be a text, got 8"),
        ({"model": "llama-9"}, "unknown model 'llama-9'"),
        ({"gpu": "H101"}, "unknown GPU 'H101'"),
        ({"gpu": "RTX-PRO-4500"}, "tensor rates of RTX-PRO-4500 are unknown"),
        ({"load_kind": "poisson"}, "load_kind: unknown kind 'poisson'; known are closed_loop"),
        ({"concurrency": None}, "concurrency: is missing"),
        ({"concurrency": 0}, "concurrency: must be above 0"),
        ({"concurrency": -3}, "concurrency: must be above 0"),
        ({"concurrency": math.nan}, "concurrency: must be a finite number"),
        ({"concurrency": math.inf}, "concurrency: must be a finite number"),
        ({"concurrency": True}, "concurrency: must be a number"),
        ({"concurrency": 10**400}, "concurrency: must be a number"),
        ({"concurrency": "many"}, "concurrency: must be a number, got 'many'"),
        ({"input_tokens": 1e12}, "input_tokens: must be above 0 and at most 1e9"),
        ({"input_tokens": 500_000}, "far beyond the context of Llama-3.1-8B (131,072 tokens)"),
        ({"shared_prefix_tokens": -1}, "shared_prefix_tokens: must be at least 0"),
        ({"tensor_parallel": 1.5}, "tensor_parallel: must be a whole number, got 1.5"),
        ({"tensor_parallel": 3}, "tensor_parallel: 3 does not divide the 32 attention heads"),
        ({"weight_precision": "fp2"}, "weight_precision: unknown precision 'fp2'; known are"),
        ({"kv_cache_precision": "nvfp4"}, "kv_cache_precision: no KV cache is kept in nvfp4"),
        ({"model": "llama-3.1-405b", "tensor_parallel": 1, "gpu_count": 1}, "do not fit the"),
    ],
)
def test_a_bad_field_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read(**changes)
