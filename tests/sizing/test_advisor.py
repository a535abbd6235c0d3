"""Number formats: what each saves against 16 bit, what it keeps, and how it is served."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Model, Precision
from outlay.errors import UnknownNameError
from outlay.sizing.advisor import (
    ALIASES,
    METHODS,
    REFERENCE,
    base_method,
    checkpoint_of,
    find_method,
    methods_for,
    mixed_weight_bytes,
    retention,
    saved_share,
    weight_bytes,
)
from tests.sizing.builders import CATALOG, model

LLAMA = model("llama-3.1-8b")
MODELS = st.sampled_from(CATALOG.models)


def kept(name: str, of: Model = LLAMA) -> tuple[float, float, str] | None:
    found = retention(of, find_method(name))
    return None if found is None else (round(found.low, 4), round(found.high, 4), found.basis)


@given(MODELS)
def test_the_base_saves_nothing_against_itself(of: Model) -> None:
    assert saved_share(of, base_method(of)) == 0
    assert retention(of, base_method(of)) == REFERENCE


@given(MODELS)
def test_every_other_method_has_smaller_weights_or_another_kv_cache(of: Model) -> None:
    base, *others = methods_for(of)
    for method in others:
        assert saved_share(of, method) > 0 or method.kv_precision is not base.kv_precision


@pytest.mark.parametrize(
    ("name", "saved"),
    [("fp8", 0.4345), ("int8-w8a8", 0.4344), ("int8-w8a16", 0.4344), ("int4-gptq", 0.6434)],
)
def test_llama_8b_keeps_embeddings_and_norms_in_16_bit(name: str, saved: float) -> None:
    """So 8 bit saves less than half, and 4 bit less than three quarters."""
    assert saved_share(LLAMA, find_method(name)) == pytest.approx(saved, abs=5e-5)


def test_weights_of_llama_8b_byte_by_byte() -> None:
    """Linear layers of 6,979,321,856 weights; tables and norms of 1,050,939,392 in 16 bit."""
    linear, rest = 6_979_321_856, 1_050_939_392
    assert weight_bytes(LLAMA, Precision.BF16) == 2 * (linear + rest)
    assert weight_bytes(LLAMA, Precision.INT4) == 2 * rest + linear * (0.5 + 2.5 / 128)
    assert weight_bytes(LLAMA, Precision.FP8) == 2 * rest + linear * (1 + 4 / 128**2)


def test_mixed_weights_of_an_expert_model_count_experts_as_mlps() -> None:
    deepseek = model("deepseek-v3")
    assert mixed_weight_bytes(deepseek) < 1.1 * deepseek.params_b * 1e9


def test_quality_kept_by_llama_8b() -> None:
    assert kept("fp8") == kept("fp8-dynamic") == (0.9953, 0.9953, "model")
    assert kept("int8-w8a8") == (0.987, 1.0, "model")
    assert kept("int8-w8a16") == (0.968, 1.0, "family")
    assert kept("int4-awq") is None


def test_weights_and_kv_cache_multiply() -> None:
    """fp8 keeps 73.44 / 73.79, an fp8 KV cache 94 to 99 %."""
    both = 73.44 / 73.79
    assert kept("fp8-dynamic+kv-fp8") == (round(0.94 * both, 4), round(0.99 * both, 4), "family")


def test_unknown_quality_of_one_part_is_unknown_quality() -> None:
    assert kept("int4-awq+kv-fp8") is None
    assert kept("fp8-dynamic+kv-fp8", model("mistral-7b")) is None


def test_a_model_published_in_fp8_is_its_own_reference() -> None:
    deepseek = model("deepseek-v3")
    assert base_method(deepseek).name == "fp8"
    assert base_method(deepseek).flags == ()
    assert {m.precision for m in methods_for(deepseek)} == {
        Precision.FP8, Precision.INT4, Precision.NVFP4,
    }  # fmt: skip


def test_gpt_oss_is_offered_only_as_published() -> None:
    assert [m.name for m in methods_for(model("gpt-oss-120b"))] == ["mxfp4", "mxfp4+kv-fp8"]


def test_an_evaluated_checkpoint_is_named_before_a_pattern() -> None:
    assert checkpoint_of(LLAMA, find_method("int4-gptq")) == (
        "neuralmagic/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", True,
    )  # fmt: skip
    assert checkpoint_of(LLAMA, find_method("int4-awq")) == (
        "meta-llama/Llama-3.1-8B-Instruct-AWQ", False,
    )  # fmt: skip


def test_a_checkpoint_of_another_model_of_the_family_is_not_offered() -> None:
    assert checkpoint_of(model("llama-3.1-405b"), find_method("int8-w8a16"))[1] is False


def test_the_engine_makes_dynamic_fp8_itself() -> None:
    assert checkpoint_of(LLAMA, find_method("dynamic")) == ("", True)
    assert find_method("dynamic").flags == ("--quantization=fp8",)


def test_an_fp8_kv_cache_is_a_flag() -> None:
    assert find_method("int4-awq+kv-fp8").flags == ("--kv-cache-dtype=fp8",)
    assert find_method("mixed").flags == ("--quantization=fp8", "--kv-cache-dtype=fp8")


def test_names_and_aliases_are_found_in_any_case() -> None:
    assert [find_method(m.name) for m in METHODS] == list(METHODS)
    assert {alias: find_method(alias.upper()).name for alias in ALIASES} == ALIASES


@pytest.mark.parametrize("name", ["int3", "", "fp8-kv-fp8"])
def test_an_unknown_method_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown precision method '{name}'"):
        find_method(name)
