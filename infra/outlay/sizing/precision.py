"""Number formats of weights and KV cache: bytes, peak rate, which GPU runs them, quality kept."""

from __future__ import annotations

from dataclasses import dataclass

from outlay.catalog import Gpu, Model, Precision

LLAMA_31_STUDY = "arXiv:2411.02355 (Llama-3.1, over 500,000 evaluations)"
REFERENCE = "16 bit is the reference"
TFLOPS = 1e12

# vLLM refuses float16 for these families: numerical instability (its list of unsupported models).
NO_FLOAT16 = ("gemma-2", "gemma-3", "glm-4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Share of the 16-bit model's evaluation score that is kept, with where that was read."""

    low: float
    high: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One precision.

    `bytes_per_weight` is exact for one quantised weight, its scales included.
    `read_bytes_per_weight` is what the speed model was fitted with: a mean over all weights of a
    checkpoint, unquantised layers included. `online` says whether vLLM quantises a 16-bit
    checkpoint while loading; otherwise a quantised checkpoint is needed.
    """

    precision: Precision
    bits: int
    bytes_per_weight: float
    read_bytes_per_weight: float
    min_capability: float
    below_capability: float | None
    kernels: str
    online: bool
    quality: Quality


def _format(
    precision: Precision,
    *,
    bits: int,
    bytes_per_weight: float,
    read_bytes_per_weight: float,
    min_capability: float,
    kernels: str,
    quality: Quality,
    below_capability: float | None = None,
    online: bool = False,
) -> Format:
    return Format(
        precision=precision,
        bits=bits,
        bytes_per_weight=bytes_per_weight,
        read_bytes_per_weight=read_bytes_per_weight,
        min_capability=min_capability,
        below_capability=below_capability,
        kernels=kernels,
        online=online,
        quality=quality,
    )


_LOSSLESS = Quality(low=1.0, high=1.0, source=REFERENCE)
_FORMATS = (
    _format(
        Precision.BF16,
        bits=16,
        bytes_per_weight=2.0,
        read_bytes_per_weight=2.0,
        min_capability=8.0,
        kernels="bf16",
        quality=_LOSSLESS,
    ),
    _format(
        Precision.FP16,
        bits=16,
        bytes_per_weight=2.0,
        read_bytes_per_weight=2.0,
        min_capability=7.0,
        kernels="fp16",
        quality=_LOSSLESS,
    ),
    _format(
        Precision.FP8,
        bits=8,
        bytes_per_weight=1 + 4 / 128**2,  # one fp32 scale per 128 x 128 block
        read_bytes_per_weight=1.0,
        min_capability=8.9,
        kernels="fp8 W8A8",
        quality=Quality(low=1.0, high=1.0, source=LLAMA_31_STUDY),
        online=True,
    ),
    _format(
        Precision.INT8,
        bits=8,
        bytes_per_weight=1 + 2 / 4096,  # one 16-bit scale per output channel of about 4,096 inputs
        read_bytes_per_weight=1.0,
        min_capability=7.5,
        below_capability=10.0,
        kernels="int8 W8A8",
        quality=Quality(low=0.97, high=0.99, source=LLAMA_31_STUDY),
    ),
    _format(
        Precision.INT8_WEIGHTS,
        bits=8,
        bytes_per_weight=1 + 2 / 4096,  # the weights of int8; activations stay in 16 bit
        read_bytes_per_weight=1.0,
        min_capability=8.0,
        kernels="int8 weight-only (GPTQ, Marlin)",
        quality=Quality(low=0.97, high=0.99, source=LLAMA_31_STUDY),
    ),
    _format(
        Precision.INT4,
        bits=4,
        bytes_per_weight=0.5 + (2 + 0.5) / 128,  # groups of 128: 16-bit scale and 4-bit zero point
        read_bytes_per_weight=0.56,
        min_capability=7.5,
        kernels="int4 weight-only (AWQ, Marlin)",
        quality=Quality(
            low=0.97, high=0.99, source=f"{LLAMA_31_STUDY}: weight-only int4 rivals 8-bit integer"
        ),
    ),
    _format(
        Precision.NVFP4,
        bits=4,
        bytes_per_weight=0.5 + 1 / 16,  # groups of 16 with an fp8 scale
        read_bytes_per_weight=0.57,
        min_capability=10.0,
        kernels="fp4",
        # No study over a model family was read; single model cards lose from 0 to 5 points.
        quality=Quality(low=0.95, high=0.99, source="unverified: single Hugging Face model cards"),
    ),
    _format(
        Precision.MXFP4,
        bits=4,
        bytes_per_weight=0.5 + 1 / 32,  # groups of 32 with an 8-bit exponent
        read_bytes_per_weight=0.55,
        min_capability=8.0,
        kernels="mxfp4",
        quality=Quality(
            low=1.0, high=1.0, source="offered only where the model is published in it"
        ),
    ),
)
FORMATS = {entry.precision: entry for entry in _FORMATS}

KV_BYTES = {
    Precision.BF16: 2.0,
    Precision.FP16: 2.0,
    Precision.FP8: 1.0,
    Precision.INT8: 1.0,
    Precision.INT4: 0.5,
}


def native_16bit(model: Model, gpu: Gpu) -> Precision:
    """Return the 16-bit format for a model on a GPU: fp16 where the GPU has no bf16."""
    if (gpu.compute_capability or 0.0) < FORMATS[Precision.BF16].min_capability:
        return Precision.FP16
    return Precision.FP16 if model.native_precision is Precision.FP16 else Precision.BF16


def quality(model: Model, precision: Precision) -> Quality:
    """Return the quality kept; a model's own published precision keeps all of it."""
    if precision is model.native_precision or FORMATS[precision].bits == 16:
        return _LOSSLESS
    return FORMATS[precision].quality


def peak_flops(gpu: Gpu, precision: Precision) -> float | None:
    """Return the dense FLOP/s that weights of a precision run at, None if the GPU's is unknown.

    A GPU without a rate for the precision dequantises and runs at its 16-bit rate. mxfp4 runs at
    the fp8 rate on Blackwell and at the 16-bit rate before.
    """
    special = {
        Precision.FP8: gpu.fp8_tflops,
        Precision.INT8: gpu.int8_tops,
        Precision.NVFP4: gpu.fp4_tflops,
        Precision.MXFP4: gpu.fp8_tflops if (gpu.compute_capability or 0.0) >= 10.0 else None,
    }
    tflops = special.get(precision) or gpu.fp16_tflops
    return None if tflops is None else tflops * TFLOPS


def refusal(model: Model, gpu: Gpu, precision: Precision) -> str | None:
    """Return why the weights cannot run in a precision on a GPU, or None when they can."""
    return _gpu_refusal(gpu, precision) or _model_refusal(model, precision)


def _gpu_refusal(gpu: Gpu, precision: Precision) -> str | None:
    capability = gpu.compute_capability
    if gpu.vendor != "nvidia" or capability is None:
        return (
            f"{gpu.name} is no NVIDIA GPU: the speed model misses AMD by 40 to 154 % and is untested"
            " on TPU and Neuron, so no claim is possible"
        )
    if gpu.fp16_tflops is None:
        return f"the tensor rates of {gpu.name} are unknown, so it cannot be sized"
    entry = FORMATS[precision]
    if capability < entry.min_capability:
        return (
            f"{entry.kernels} needs compute capability {entry.min_capability:.1f},"
            f" {gpu.name} has {capability:.1f}"
        )
    if entry.below_capability is not None and capability >= entry.below_capability:
        return (
            f"{entry.kernels} kernels end before compute capability {entry.below_capability:.1f},"
            f" {gpu.name} has {capability:.1f}"
        )
    return None


def _model_refusal(model: Model, precision: Precision) -> str | None:
    native = model.native_precision
    if FORMATS[precision].bits > FORMATS[native].bits:
        return f"{model.name} is published in {native}; {precision} would only need more memory"
    if precision is Precision.MXFP4 and native is not Precision.MXFP4:
        return f"mxfp4 runs only models published in it; {model.name} is published in {native}"
    if native is Precision.MXFP4 and precision is not Precision.MXFP4:
        return f"{model.name} is published in mxfp4; serve it so"
    if precision is Precision.FP16 and model.name.lower().startswith(NO_FLOAT16):
        return f"{model.name} is numerically unstable in fp16 and vLLM refuses it; it needs bf16"
    return None


def kv_refusal(gpu: Gpu, kv_precision: Precision) -> str | None:
    """Return why the KV cache cannot have a precision on a GPU, or None when it can."""
    if kv_precision not in KV_BYTES or kv_precision in (Precision.INT8, Precision.INT4):
        return f"vLLM keeps no KV cache in {kv_precision}; use bf16, fp16 or fp8"
    if kv_precision is Precision.FP16:
        return None
    entry = FORMATS[kv_precision]
    if (gpu.compute_capability or 0.0) < entry.min_capability:
        return (
            f"a {kv_precision} KV cache needs compute capability {entry.min_capability:.1f},"
            f" {gpu.name} has {gpu.compute_capability}"
        )
    return None
