"""The specification's rows on the calculator that sizing answers; each test is named after its row."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from outlay.catalog import Precision
from outlay.reporting.size import overview_json
from outlay.sizing.capacity import replica_shapes, size_replica
from outlay.sizing.features import GIB
from outlay.sizing.memory import kv_bytes
from outlay.sizing.overview import overview, replicas_for
from outlay.sizing.types import DoesNotRun, ReplicaShape, Traffic
from tests.sizing.builders import CATALOG, gpu, model, traffic

# What a number in the JSON may be: a size, a time, a rate, a count, or a bound of one of these.
UNITS = re.compile(r"_(gib|gb|ms|rps|tokens|bytes_per_token)$|^(max_sequences|gpus_per_replica)$")


@pytest.mark.parametrize(
    ("name", "kv_gib"),
    [("llama-3.1-8b", 0.500), ("llama-3.1-70b", 1.250), ("codellama-13b", 3.125)],
)
def test_kv_cache_from_architecture(name: str, kv_gib: float) -> None:
    """8B, 4,096 tokens -> 0.500 GiB; 70B 1.250; codellama 3.125."""
    assert kv_bytes(model(name), Precision.BF16, 4096) / GIB == kv_gib


def test_units() -> None:
    """GB and GiB outputs differ by 1.0737; no unlabelled number."""
    found = overview_json(
        overview(model("llama-3.1-8b"), ["H100"], CATALOG, traffic=traffic(),
                 precisions=[Precision.BF16])
    )  # fmt: skip
    shapes: Any = json.loads(json.dumps(found))["shapes"]
    for item in shapes:
        for name in ("memory", "weights", "runtime", "kv_cache"):
            assert item[f"{name}_gb"] / item[f"{name}_gib"] == pytest.approx(1.0737, abs=1e-3)
    assert {
        key for key in _numbers(json.loads(json.dumps(found))) if not UNITS.search(key)
    } == set()


def _numbers(value: object, key: str = "") -> set[str]:
    """Return the names of all numbers; a bound is named by what it bounds."""
    if isinstance(value, dict):
        return {
            name
            for inner, child in value.items()
            for name in _numbers(child, key if inner in ("low", "expected", "high") else inner)
        }
    if isinstance(value, list):
        return {name for child in value for name in _numbers(child, key)}
    return {key} if isinstance(value, int | float) else set()


def test_gpu_fit_per_candidate() -> None:
    """Codellama, 33.76 by the old count with 4,096 tokens, is refused on V100-32 with the reason."""
    whole = Traffic(
        input_tokens=3840, output_tokens=256, prefix_cache_hit_share=0.0, ttft_ms=2000, tpot_ms=50
    )
    found = size_replica(
        model("codellama-13b"),
        gpu("V100-32"),
        tensor_parallel=1,
        precision=Precision.FP16,
        traffic=whole,
    )
    assert isinstance(found, DoesNotRun)
    assert found.reason == "needs 29 GiB for weights, runtime and one sequence, has 27"


def test_tp_and_replicas() -> None:
    """70B FP16 needs at least 2 x 80 GB per replica; GPUs = TP x replicas."""
    found = replica_shapes(
        model("llama-3.1-70b"),
        [gpu("A100-80")],
        traffic=traffic(tpot_ms=200, ttft_ms=20_000),
        precisions=[Precision.FP16],
        max_gpus=8,
    )
    fits = {r.tensor_parallel: isinstance(r, ReplicaShape) for r in found}
    assert fits == {1: False, 2: True, 4: True, 8: True}
    two = next(r for r in found if isinstance(r, ReplicaShape))
    assert two.gpus * 3 == two.tensor_parallel * 3 == 6


def test_headroom() -> None:
    """500 tok/s demand, 150 per GPU, 0.7 -> 5, not 4."""
    assert replicas_for(500, capacity=150, utilization_target=0.7) == 5
    assert replicas_for(500, capacity=150) == 4
