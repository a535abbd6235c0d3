"""Weights, KV cache and what fits, to the byte."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Precision
from outlay.sizing.features import GIB, card_bytes
from outlay.sizing.memory import MemoryBudget, kv_bytes, memory_budget, weight_bytes_per_gpu
from outlay.sizing.weights import parameters
from tests.sizing.builders import CATALOG, card, gpu, model

BF16, FP8 = Precision.BF16, Precision.FP8


def budget(
    name: str = "llama-3.1-8b",
    *,
    memory_gib: float = 80,
    tensor_parallel: int = 1,
    precision: Precision = BF16,
) -> MemoryBudget:
    return memory_budget(
        model(name),
        card("H100", memory_gib=memory_gib),
        tensor_parallel=tensor_parallel,
        precision=precision,
        kv_precision=BF16,
    )


@pytest.mark.parametrize(
    ("name", "bytes_per_token"),
    [
        ("llama-3.1-8b", 131_072),
        ("llama-3.1-70b", 327_680),
        ("mistral-7b", 131_072),
        ("codellama-13b", 819_200),
        ("deepseek-v3", 70_272),
        ("qwen3.5-27b", 65_536),
    ],
)
def test_kv_cache_of_one_token(name: str, bytes_per_token: int) -> None:
    """GQA, MHA, MLA and hybrid models keep the published bytes per token at 16 bit."""
    assert kv_bytes(model(name), BF16, 1) == bytes_per_token
    assert kv_bytes(model(name), FP8, 1) == bytes_per_token / 2


def test_kv_cache_of_8b_at_4096_tokens_is_half_a_gib() -> None:
    assert kv_bytes(model("llama-3.1-8b"), BF16, 4096) == 0.5 * GIB


def test_a_window_stops_the_growth_of_its_layers() -> None:
    """gpt-oss-120b: 18 of 36 layers stop at 128 tokens, 73,728 bytes per token below."""
    chosen = model("gpt-oss-120b")
    assert kv_bytes(chosen, BF16, 128) == 73_728 * 128
    assert kv_bytes(chosen, BF16, 1128) == 73_728 * (128 + 1000 / 2)


def test_parameters_of_llama_8b_are_those_of_the_checkpoint() -> None:
    """8,030,261,248, the count in its safetensors index."""
    counts = parameters(model("llama-3.1-8b"))
    assert counts.total == 8_030_261_248
    assert counts.embedding == 2 * 128_256 * 4096


@pytest.mark.parametrize("name", [m.name for m in CATALOG.models])
def test_parameters_are_consistent_with_the_published_count(name: str) -> None:
    """Within 1 %, every class not negative, whatever the architecture."""
    counts = parameters(model(name))
    assert counts.total == pytest.approx(model(name).params_b * 1e9, rel=0.0101)
    parts = (
        counts.embedding,
        counts.replicated,
        counts.kv_projection,
        counts.linear,
        counts.experts,
    )
    assert all(part >= 0 for part in parts)


@pytest.mark.parametrize(
    ("name", "precision", "gigabytes"),
    [
        ("llama-3.1-8b", Precision.BF16, 16.06),
        ("llama-3.1-8b", Precision.INT4, 5.73),
        ("llama-3.1-70b", Precision.FP8, 72.67),
        ("gpt-oss-120b", Precision.MXFP4, 65.2),
        ("gpt-oss-20b", Precision.MXFP4, 13.7),
    ],
)
def test_weights_have_the_size_of_the_published_checkpoint(
    name: str, precision: Precision, gigabytes: float
) -> None:
    """Embeddings, head, norms and routers stay in 16 bit; scales are counted."""
    size = weight_bytes_per_gpu(model(name), precision, tensor_parallel=1)
    assert size / 1e9 == pytest.approx(gigabytes, rel=0.005)


def test_memory_is_additive() -> None:
    """Usable memory is weights, reserve and KV cache, and nothing else."""
    parts = budget()
    assert parts.weights + parts.reserve + parts.kv_cache == pytest.approx(0.9 * 80 * GIB)


def test_keys_and_values_are_copied_once_each_gpu_has_a_head() -> None:
    """8 KV heads on 8 GPUs split, 4 heads on 8 GPUs are copied twice, an MLA latent 8 times."""
    one = budget().sequence(1000) - budget().logits
    eight = budget(tensor_parallel=8)
    assert eight.sequence(1000) - eight.logits == one / 8
    qwen = budget("qwen3-30b-a3b", tensor_parallel=8)
    assert qwen.kv_scale == model("qwen3-30b-a3b").kv_bytes_per_token_16bit / 4
    latent = budget("deepseek-v3", tensor_parallel=8, precision=FP8)
    assert latent.kv_scale == model("deepseek-v3").kv_bytes_per_token_16bit


def test_the_drivers_memory_counts_where_it_is_known() -> None:
    assert card_bytes(replace(gpu("L40S"), memory_usable_gib=45.0)) == 45.0 * GIB
    assert card_bytes(replace(gpu("A10G"), memory_usable_gib=None)) == 24e9


@given(memory=st.floats(20, 300), more=st.floats(0, 100), tokens=st.integers(1, 100_000))
def test_more_memory_never_holds_fewer_sequences(memory: float, more: float, tokens: int) -> None:
    less = budget(memory_gib=memory).sequences(tokens)
    assert budget(memory_gib=memory + more).sequences(tokens) >= less


@given(tokens=st.integers(1, 100_000), more=st.integers(0, 10_000))
def test_longer_sequences_never_fit_more_often(tokens: int, more: int) -> None:
    assert budget().sequences(tokens + more) <= budget().sequences(tokens)


@given(
    name=st.sampled_from(CATALOG.models).map(lambda m: m.name),
    precision=st.sampled_from(Precision),
    degree=st.sampled_from([1, 2, 4]),
)
def test_larger_tensor_parallel_never_needs_more_memory_per_gpu(
    name: str, precision: Precision, degree: int
) -> None:
    small = budget(name, tensor_parallel=degree, precision=precision)
    large = budget(name, tensor_parallel=2 * degree, precision=precision)
    assert large.weights <= small.weights
    assert large.reserve <= small.reserve
    assert large.sequence(4096) <= small.sequence(4096)
    assert large.kv_cache >= small.kv_cache


@given(memory=st.floats(17, 80), limit=st.integers(1, 200_000))
def test_the_longest_sequence_fits_and_one_token_more_does_not(memory: float, limit: int) -> None:
    parts = budget(memory_gib=memory)
    longest = parts.longest_sequence(limit)
    assert longest == 0 or parts.sequence(longest) <= parts.kv_cache
    assert longest == limit or parts.sequence(longest + 1) > parts.kv_cache


@given(
    name=st.sampled_from(sorted(m.name for m in CATALOG.models)),
    degree=st.sampled_from([1, 2, 4]),
    memory=st.floats(20, 300),
)
def test_larger_tensor_parallel_never_reduces_the_space_for_keys_and_values(
    name: str, degree: int, memory: float
) -> None:
    """Tokens that the replica holds: what every GPU copies takes no more than the GPU brings."""

    def space(split: int) -> float:
        budget = memory_budget(
            model(name),
            card("H100", memory_gib=memory),
            tensor_parallel=split,
            precision=Precision.BF16,
            kv_precision=Precision.BF16,
        )
        return max(0.0, budget.kv_cache) / budget.kv_scale

    assert space(2 * degree) >= space(degree) * (1 - 1e-12)
