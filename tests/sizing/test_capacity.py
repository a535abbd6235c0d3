"""Replica shapes: what runs, what it holds inside the SLO, and the reasons when it does not."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Grade, Precision
from outlay.sizing.capacity import capacities, replica_shapes
from outlay.sizing.features import gpu_columns, model_columns, settings
from outlay.sizing.types import DoesNotRun, ReplicaShape, Traffic
from tests.sizing.builders import CATALOG, card, gpu, model, reason, shape, sized, traffic

P = Precision


def test_llama_8b_on_h100() -> None:
    """A whole shape, value by value."""
    found = shape(sized("llama-3.1-8b", card("H100", memory_gib=80)))
    assert found.key == "Llama-3.1-8B/H100x1/bf16"
    assert found.checkpoint == "meta-llama/Llama-3.1-8B-Instruct"
    assert (found.gpus, found.quantize_online, found.kv_precision) == (1, False, P.BF16)
    assert (found.max_model_len, found.gpu_memory_utilization) == (3072, 0.9)
    assert found.weights_gib == pytest.approx(8_030_261_248 * 2 / 2**30)
    assert found.kv_cache_gib == pytest.approx(72 - 14.9575 - 0.6 - 0.90625, abs=1e-4)
    assert found.max_sequences == 383
    assert found.grade is Grade.COVERED
    assert found.grade_reason == "public concurrency curves of dense models on H100"
    assert found.capacity_rps.expected == pytest.approx(19.46, abs=0.01)
    assert found.tpot_ms.expected == pytest.approx(50, abs=0.01)
    assert found.ttft_ms.expected < 2000


@pytest.mark.parametrize(
    ("name", "device", "degree", "precision", "why"),
    [
        ("llama-3.1-70b", "H100", 1, P.BF16, "needs 134 GiB for weights, runtime and one sequence, has 72"),
        ("llama-3.1-8b", "T4", 1, P.FP16, "needs 17 GiB for weights, runtime and one sequence, has 14"),
        ("llama-3.1-8b", "L4", 1, P.BF16, "TPOT of a single request is"),
        ("llama-3.1-8b", "H100", 3, P.BF16, "tensor parallel 3 is none of 1, 2, 4, 8"),
        ("llama-3.1-8b", "H100", 16, P.BF16, "tensor parallel 16 is none of 1, 2, 4, 8"),
        ("qwen2.5-0.5b", "H100", 4, P.BF16, "tensor parallel 4 does not divide 14 attention heads"),
        ("phi-4", "H100", 4, P.BF16, "tensor parallel 4 and 10 KV heads do not divide each other"),
        ("qwen2.5-72b", "H100", 4, P.INT4, "multiple of the int4 group of 128"),
        ("minimax-m2.5", "H200", 8, P.FP8, "multiple of the fp8 group of 128"),
        ("llama-3.1-8b", "A100-80", 1, P.FP8, "fp8 W8A8 needs compute capability 8.9"),
        ("llama-3.1-8b", "A100-80", 1, P.INT4, "int4 needs a quantised checkpoint of Llama-3.1-8B"),
        ("llama-3.1-8b", "MI300X", 1, P.BF16, "no claim is possible"),
    ],
)  # fmt: skip
def test_refusals_name_the_binding_reason(
    name: str, device: str, degree: int, precision: Precision, why: str
) -> None:
    assert why in reason(sized(name, device, tensor_parallel=degree, precision=precision))


def test_a_context_beyond_the_models_is_refused() -> None:
    long = traffic(input_tokens=8192, output_tokens=1)
    assert reason(sized("llama-3-8b", "H100", load=long)) == (
        "8,193 tokens exceed the context of 8,192 tokens"
    )


def test_codellama_13b_does_not_fit_a_v100_with_a_full_context_batch() -> None:
    """16,384 tokens of MHA cache are 12.5 GiB beside 24 GiB of weights."""
    load = traffic(input_tokens=16_000, output_tokens=384)
    v100 = card("V100-32", memory_gib=32)
    found = reason(sized("codellama-13b", v100, precision=P.FP16, load=load))
    assert found == "needs 38 GiB for weights, runtime and one sequence, has 29"


def test_a_first_token_later_than_the_slo_is_refused() -> None:
    load = traffic(ttft_ms=50)
    assert "TTFT of a single request is" in reason(sized("llama-3.1-8b", "H100", load=load))


def test_fp8_is_made_while_loading_only_from_16_bit() -> None:
    """A model published in fp8 is loaded as it is, a named checkpoint too."""
    online = shape(sized("llama-3.1-8b", "H100", precision=P.FP8))
    assert (online.quantize_online, online.checkpoint) == (True, "meta-llama/Llama-3.1-8B-Instruct")
    named = shape(sized("llama-3.1-8b", "H100", precision=P.FP8, checkpoint="org/llama-fp8"))
    assert (named.quantize_online, named.checkpoint) == (False, "org/llama-fp8")
    native = shape(sized("deepseek-v3", "H200", tensor_parallel=8, precision=P.FP8))
    assert (native.quantize_online, native.checkpoint) == (False, "deepseek-ai/DeepSeek-V3")


def test_16_bit_means_fp16_on_a_gpu_without_bf16() -> None:
    found = replica_shapes(
        model("llama-3.1-8b"),
        [gpu("T4")],
        traffic=traffic(tpot_ms=100),
        precisions=[P.BF16, P.FP16],
        max_gpus=2,
    )
    assert [item.weight_precision for item in found] == [P.FP16, P.FP16]
    assert shape(found[1]).kv_precision is P.FP16


def test_a_named_16_bit_checkpoint_is_used_in_the_format_of_the_gpu() -> None:
    found = replica_shapes(
        model("llama-3.1-8b"),
        [gpu("V100-32")],
        traffic=traffic(),
        precisions=[P.BF16],
        max_gpus=1,
        checkpoints={P.BF16: "org/llama"},
    )
    assert (shape(found[0]).weight_precision, shape(found[0]).checkpoint) == (P.FP16, "org/llama")


def test_shapes_come_in_order_of_precision_and_degree() -> None:
    found = replica_shapes(
        model("llama-3.1-8b"),
        [gpu("H100")],
        traffic=traffic(),
        precisions=[P.FP8, P.BF16],
        max_gpus=4,
    )
    assert [(item.weight_precision, item.tensor_parallel) for item in found] == [
        (precision, degree) for precision in (P.FP8, P.BF16) for degree in (1, 2, 4)
    ]


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (traffic(input_tokens=0), "input_tokens"),
        (traffic(output_tokens=-1), "output_tokens"),
        (traffic(ttft_ms=math.nan), "ttft_ms"),
        (traffic(tpot_ms=math.inf), "tpot_ms"),
        (traffic(cached=1.0), "prefix_cache_hit_share"),
        (traffic(cached=-0.1), "prefix_cache_hit_share"),
        (traffic(cached=math.nan), "prefix_cache_hit_share"),
    ],
)
def test_impossible_traffic_names_the_field(load: Traffic, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        sized("llama-3.1-8b", "H100", load=load)


def test_a_replica_of_no_gpus_is_an_error() -> None:
    with pytest.raises(ValueError, match="tensor_parallel must be a positive number, got 0"):
        sized("llama-3.1-8b", "H100", tensor_parallel=0)


def capacity(load: Traffic, *, memory_gib: float = 80.0, name: str = "llama-3.1-8b") -> float:
    found = sized(name, card("H100", memory_gib=memory_gib), load=load)
    return found.capacity_rps.expected if isinstance(found, ReplicaShape) else 0.0


# The bisection stops at a thousandth of a sequence, so equal capacities may differ by that.
STOP = 1 - 2e-3
tokens = st.integers(1, 20_000)
slo_ms = st.floats(5, 500)


@given(input_tokens=tokens, output_tokens=tokens, more=st.integers(0, 20_000), tpot_ms=slo_ms)
def test_longer_prompts_never_raise_capacity(
    input_tokens: int, output_tokens: int, more: int, tpot_ms: float
) -> None:
    short = traffic(input_tokens=input_tokens, output_tokens=output_tokens, tpot_ms=tpot_ms)
    long = replace(short, input_tokens=input_tokens + more)
    assert capacity(short) >= capacity(long) * STOP


@given(input_tokens=tokens, output_tokens=tokens, tpot_ms=slo_ms, looser=st.floats(1, 10))
def test_a_looser_slo_never_lowers_capacity(
    input_tokens: int, output_tokens: int, tpot_ms: float, looser: float
) -> None:
    tight = traffic(input_tokens=input_tokens, output_tokens=output_tokens, tpot_ms=tpot_ms)
    loose = replace(tight, tpot_ms=tpot_ms * looser, ttft_ms=tight.ttft_ms * looser)
    assert capacity(loose) >= capacity(tight) * STOP


@given(input_tokens=tokens, output_tokens=tokens, memory=st.floats(18, 80), more=st.floats(0, 80))
def test_more_memory_never_lowers_capacity(
    input_tokens: int, output_tokens: int, memory: float, more: float
) -> None:
    load = traffic(input_tokens=input_tokens, output_tokens=output_tokens)
    assert capacity(load, memory_gib=memory + more) >= capacity(load, memory_gib=memory) * STOP


@given(cached=st.floats(0, 0.99), more=st.floats(0, 0.99))
def test_a_better_cache_never_lowers_capacity(cached: float, more: float) -> None:
    better = cached + (0.99 - cached) * more
    assert capacity(traffic(cached=better)) >= capacity(traffic(cached=cached)) * STOP


@given(
    name=st.sampled_from(CATALOG.models).map(lambda m: m.name),
    device=st.sampled_from(CATALOG.gpus).map(lambda g: g.name),
    precision=st.sampled_from(P),
    degree=st.sampled_from([1, 2, 4, 8]),
    tpot_ms=slo_ms,
)
def test_every_shape_keeps_its_promises(
    name: str, device: str, precision: Precision, degree: int, tpot_ms: float
) -> None:
    """Any model on any GPU gives a reason, or a shape whose numbers agree with each other."""
    load = traffic(tpot_ms=tpot_ms)
    found = sized(name, device, tensor_parallel=degree, precision=precision, load=load)
    if isinstance(found, DoesNotRun):
        assert found.reason
        return
    for interval in (found.capacity_rps, found.ttft_ms, found.tpot_ms):
        assert 0 < interval.low <= interval.expected <= interval.high
    assert found.tpot_ms.expected <= tpot_ms
    assert found.ttft_ms.expected <= load.ttft_ms
    assert 1 <= found.max_sequences <= 1024
    assert load.input_tokens + load.output_tokens <= found.max_model_len
    assert found.max_model_len <= model(name).max_context_tokens
    usable = 0.9 * (gpu(device).memory_usable_gib or gpu(device).memory_gb) * degree
    assert found.weights_gib + found.kv_cache_gib < usable
    assert found.grade_reason


def test_sizing_one_model_on_every_gpu_is_quick() -> None:
    """All GPUs, four degrees, two precisions in 30 ms: the start-up budget of `outlay plan`."""
    chosen, load = model("llama-3.1-8b"), traffic()

    def once() -> float:
        start = time.process_time()
        replica_shapes(chosen, CATALOG.gpus, traffic=load, precisions=[P.BF16, P.FP8], max_gpus=8)
        return time.process_time() - start

    assert min(once() for _ in range(5)) <= 0.030


def test_ten_thousand_shapes_are_one_quick_computation() -> None:
    """Every model on every GPU in two precisions and four degrees: 10,000 in 100 ms."""
    cards = [card for card in CATALOG.gpus if card.fp16_tflops]
    shapes = [
        (m, g, precision, degree)
        for m in range(len(CATALOG.models))
        for g in range(len(cards))
        for precision in (P.BF16, P.FP8)
        for degree in (1, 2, 4, 8)
    ][:10_000]
    models, gpus, precisions, degrees = zip(*shapes, strict=True)

    def once() -> float:
        start = time.process_time()
        found = capacities(
            model_columns(*CATALOG.models).take(np.array(models)),
            gpu_columns(*cards).take(np.array(gpus)),
            settings(tensor=degrees, precision=precisions, kv_precision=[P.BF16]),
            traffic(),
        )
        assert len(found.places) == 10_000
        return time.process_time() - start

    assert min(once() for _ in range(5)) <= 0.100


def test_one_estimate_takes_at_most_a_millisecond() -> None:
    """On a quiet machine .6 to .8 ms, most of it refusals and columns of one row."""

    def once() -> float:
        start = time.process_time()
        for _ in range(10):
            sized("llama-3.1-8b", "H100")
        return (time.process_time() - start) / 10

    assert min(once() for _ in range(10)) <= 0.001
