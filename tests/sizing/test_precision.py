"""Which precision runs where, and what it keeps."""

from __future__ import annotations

import pytest

from outlay.catalog import Precision
from outlay.sizing.precision import (
    kv_refusal,
    native_16bit,
    peak_flops,
    quality,
    refusal,
)
from tests.sizing.builders import gpu, model

P = Precision


@pytest.mark.parametrize(
    ("name", "device", "precision"),
    [
        ("llama-3.1-8b", "V100-32", P.FP16),
        ("llama-3.1-8b", "T4", P.INT4),
        ("llama-3.1-8b", "T4", P.INT8),
        ("llama-3.1-8b", "A10G", P.BF16),
        ("llama-3.1-8b", "A100-80", P.INT8),
        ("llama-3.1-8b", "L4", P.FP8),
        ("llama-3.1-8b", "H100", P.FP8),
        ("llama-3.1-8b", "B200", P.NVFP4),
        ("llama-3.1-8b", "RTX-PRO-6000", P.NVFP4),
        ("gpt-oss-20b", "A10G", P.MXFP4),
        ("deepseek-v3", "H200", P.FP8),
        ("gemma-2-9b", "L4", P.BF16),
    ],
)
def test_runs(name: str, device: str, precision: Precision) -> None:
    assert refusal(model(name), gpu(device), precision) is None


@pytest.mark.parametrize(
    ("name", "device", "precision", "why"),
    [
        ("llama-3.1-8b", "V100-32", P.BF16, "bf16 needs compute capability 8.0, V100-32 has 7.0"),
        ("llama-3.1-8b", "T4", P.BF16, "bf16 needs compute capability 8.0, T4 has 7.5"),
        ("llama-3.1-8b", "V100-32", P.INT8, "int8 W8A8 needs compute capability 7.5"),
        ("llama-3.1-8b", "V100-32", P.INT4, "needs compute capability 7.5, V100-32 has 7.0"),
        ("llama-3.1-8b", "A100-80", P.FP8, "fp8 W8A8 needs compute capability 8.9"),
        ("llama-3.1-8b", "B200", P.INT8, "kernels end before compute capability 10.0"),
        ("llama-3.1-8b", "H100", P.NVFP4, "fp4 needs compute capability 10.0, H100 has 9.0"),
        ("llama-3.1-8b", "H100", P.MXFP4, "mxfp4 runs only models published in it"),
        ("gpt-oss-20b", "H100", P.BF16, "published in mxfp4; bf16 would only need more memory"),
        ("gpt-oss-20b", "B200", P.NVFP4, "published in mxfp4; serve it so"),
        ("deepseek-v3", "H200", P.BF16, "published in fp8; bf16 would only need more memory"),
        ("gemma-2-9b", "T4", P.FP16, "numerically unstable in fp16"),
        ("llama-3.1-8b", "MI300X", P.BF16, "no claim is possible"),
        ("llama-3.1-8b", "TPU-v6e", P.BF16, "no claim is possible"),
        ("llama-3.1-8b", "RTX-PRO-4500", P.BF16, "tensor rates of RTX-PRO-4500 are unknown"),
    ],
)
def test_does_not_run_and_says_why(name: str, device: str, precision: Precision, why: str) -> None:
    assert why in str(refusal(model(name), gpu(device), precision))


@pytest.mark.parametrize(
    ("name", "device", "expected"),
    [
        ("llama-3.1-8b", "T4", P.FP16),
        ("llama-3.1-8b", "V100-16", P.FP16),
        ("llama-3.1-8b", "A10G", P.BF16),
        ("llama-2-7b", "H100", P.FP16),
        ("deepseek-v3", "H200", P.BF16),
    ],
)
def test_sixteen_bit_is_fp16_where_there_is_no_bf16(
    name: str, device: str, expected: Precision
) -> None:
    assert native_16bit(model(name), gpu(device)) is expected


@pytest.mark.parametrize(
    ("device", "precision", "teraflops"),
    [
        ("H100", P.BF16, 989),
        ("H100", P.FP8, 1979),
        ("H100", P.INT4, 989),
        ("H100", P.MXFP4, 989),
        ("B200", P.MXFP4, 4500),
        ("B200", P.NVFP4, 9000),
        ("L40S", P.FP8, 733),
        ("A10G", P.FP8, 70),
        ("A10G", P.INT8, 140),
    ],
)
def test_peak_rate_used(device: str, precision: Precision, teraflops: float) -> None:
    """Dense rates; a GPU without the format dequantises and runs at its 16-bit rate."""
    assert peak_flops(gpu(device), precision) == teraflops * 1e12


def test_quality_has_a_source_and_the_published_precision_keeps_all() -> None:
    llama = model("llama-3.1-8b")
    assert (quality(llama, P.FP8).low, quality(llama, P.FP8).high) == (1.0, 1.0)
    assert (quality(llama, P.INT8).low, quality(llama, P.INT8).high) == (0.97, 0.99)
    assert "2411.02355" in quality(llama, P.INT4).source
    assert quality(model("kimi-k2.5"), P.INT4).low == 1.0
    assert all(0 < quality(llama, p).low <= quality(llama, p).high <= 1 for p in P)


def test_kv_cache_formats() -> None:
    assert kv_refusal(gpu("H100"), P.FP8) is None
    assert kv_refusal(gpu("T4"), P.FP16) is None
    assert "needs compute capability 8.9" in str(kv_refusal(gpu("A100-80"), P.FP8))
    assert "keeps no KV cache in int4" in str(kv_refusal(gpu("H100"), P.INT4))
    assert "needs compute capability 8.0" in str(kv_refusal(gpu("T4"), P.BF16))
