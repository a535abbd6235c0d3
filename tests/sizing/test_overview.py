"""All shapes of a model: sorted by what a GPU holds, each with its memory and its limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Precision
from outlay.errors import UnknownNameError
from outlay.sizing.overview import (
    Overview,
    best_per_gpu,
    limit_of,
    overview,
    replicas_for,
)
from outlay.sizing.types import Traffic
from tests.sizing.builders import CATALOG, model, shape, sized, traffic


def found(*gpus: str, name: str = "llama-3.1-8b", load: Traffic | None = None) -> Overview:
    return overview(
        model(name),
        gpus,
        CATALOG,
        traffic=load or traffic(),
        precisions=[Precision.BF16, Precision.FP8],
    )


def test_the_best_use_of_a_gpu_comes_first() -> None:
    rates = [item.safe_rps_per_gpu for item in found("H100", "A100-80", "L4").sized]
    assert rates == sorted(rates, reverse=True)
    assert len(rates) > 10


@pytest.mark.parametrize("name", ["H100", "L4", "V100-32"])
def test_the_memory_of_a_replica_adds_up(name: str) -> None:
    for item in found(name).sized:
        memory = item.memory
        parts = memory.weights + memory.reserve + memory.kv_cache + memory.unused
        assert parts == pytest.approx(memory.card)
        assert memory.unused == pytest.approx(0.1 * memory.card)
        assert memory.weights == pytest.approx(item.shape.weights_gib * 2**30)


def test_one_shape_stands_for_each_gpu() -> None:
    everything = found("H100", "A100-80", "L4")
    assert [item.shape.gpu for item in best_per_gpu(everything.sized)] == ["H100", "A100-80", "L4"]


def test_quantised_checkpoints_are_taken_as_available() -> None:
    four = overview(
        model("llama-3.1-8b"), ["L4"], CATALOG, traffic=traffic(), precisions=[Precision.INT4]
    )
    assert {item.shape.gpus for item in four.sized} == {1, 2, 4, 8}


def test_what_does_not_run_has_its_reason() -> None:
    refused = {(r.tensor_parallel, r.weight_precision): r.reason for r in found("V100-32").refused}
    assert refused[1, Precision.FP8] == "fp8 W8A8 needs compute capability 8.9, V100-32 has 7.0"


def test_what_limits_a_shape_is_named() -> None:
    assert limit_of(shape(sized("llama-3.1-8b", "H100")), traffic()) == "TPOT"
    short = traffic(ttft_ms=200)
    assert limit_of(shape(sized("llama-3.1-8b", "H100", load=short)), short) == "TTFT"
    slack = traffic(tpot_ms=10_000, ttft_ms=1e6)
    assert limit_of(shape(sized("llama-3.1-8b", "H100", load=slack)), slack) == "KV cache"
    tiny = traffic(input_tokens=16, output_tokens=16, tpot_ms=10_000, ttft_ms=1e6)
    assert limit_of(shape(sized("llama-3.1-8b", "H100", load=tiny)), tiny) == "sequences"


def test_an_unknown_gpu_is_refused() -> None:
    with pytest.raises(UnknownNameError):
        found("H101")


@given(st.floats(0.01, 1e6), st.floats(0.01, 1e6), st.floats(0.01, 1))
def test_replicas_hold_the_demand_and_none_is_idle(
    demand: float, capacity: float, target: float
) -> None:
    count = replicas_for(demand, capacity=capacity, utilization_target=target)
    each = capacity * target
    assert count * each >= demand * (1 - 1e-6)
    assert (count - 1) * each < demand * (1 + 1e-6)


@pytest.mark.parametrize(
    ("demand", "capacity", "target"), [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1.1), (-1, 1, 1)]
)
def test_impossible_loads_are_refused(demand: float, capacity: float, target: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        replicas_for(demand, capacity=capacity, utilization_target=target)
