"""Number formats to choose from: what each saves, what it keeps of the quality, how it is served.

Savings are against 16 bit, the format that models are published in: 16 bit saves nothing.
What an option costs is the planner's answer (planning/advice.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from outlay.catalog import Model, Precision
from outlay.catalog.names import normalise
from outlay.catalog.quality import Evaluation, evaluations_of, load_quality
from outlay.errors import UnknownNameError
from outlay.sizing.memory import weight_bytes_per_gpu
from outlay.sizing.precision import FORMATS
from outlay.sizing.weights import parameters

KV_FP8 = "kv-fp8"
SIXTEEN_BIT = frozenset({Precision.BF16, Precision.FP16})


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One way to store weights and KV cache.

    `kv_precision` None is 16 bit. `evaluated_as` names the rows of quality.csv whose retentions
    multiply; empty for the reference. `makes_itself` says that the engine quantises the 16-bit
    checkpoint while loading; otherwise a checkpoint in one of `checkpoints` (patterns of repository
    names, `*` is the model) is needed. `flags` are what `vllm serve` needs beyond the checkpoint.
    """

    name: str
    title: str
    precision: Precision
    kv_precision: Precision | None = None
    evaluated_as: tuple[str, ...] = ()
    makes_itself: bool = False
    checkpoints: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def with_fp8_kv(self) -> Method:
        """Return the method with keys and values in fp8: weights and KV cache then differ."""
        return Method(
            name=f"{self.name}+{KV_FP8}",
            title=f"{self.title}, KV cache in fp8",
            precision=self.precision,
            kv_precision=Precision.FP8,
            evaluated_as=(*self.evaluated_as, KV_FP8),
            makes_itself=self.makes_itself,
            checkpoints=self.checkpoints,
            flags=(*self.flags, "--kv-cache-dtype=fp8"),
        )


def _quantised(
    name: str, title: str, precision: Precision, *checkpoints: str, flags: tuple[str, ...] = ()
) -> Method:
    return Method(
        name=name,
        title=title,
        precision=precision,
        evaluated_as=(name,),
        checkpoints=checkpoints,
        flags=flags,
    )


_BF16 = Method(
    name="bf16", title="16 bit (bfloat16)", precision=Precision.BF16, flags=("--dtype=bfloat16",)
)
_FP16 = Method(
    name="fp16", title="16 bit (float16)", precision=Precision.FP16, flags=("--dtype=float16",)
)
_FP8_DYNAMIC = Method(
    name="fp8-dynamic",
    title="fp8 W8A8, scales worked out at run time",
    precision=Precision.FP8,
    evaluated_as=("fp8",),
    makes_itself=True,
    checkpoints=("*-FP8-dynamic",),
    flags=("--quantization=fp8",),
)
# The engine reads the kind of quantisation from these checkpoints, so they need no flag.
_FP8 = _quantised(
    "fp8", "fp8 W8A8, scales in the checkpoint", Precision.FP8, "*-FP8", "*-FP8-block"
)
_INT8 = _quantised("int8-w8a8", "int8 W8A8", Precision.INT8, "*-quantized.w8a8", "*-W8A8-INT8")
_INT8_WEIGHTS = _quantised(
    "int8-w8a16",
    "int8 weights, 16-bit activations",
    Precision.INT8_WEIGHTS,
    "*-quantized.w8a16",
    "*-GPTQ-Int8",
)
_AWQ = _quantised("int4-awq", "int4 weights (AWQ)", Precision.INT4, "*-AWQ", "*-AWQ-INT4")
_GPTQ = _quantised(
    "int4-gptq", "int4 weights (GPTQ)", Precision.INT4, "*-quantized.w4a16", "*-GPTQ-Int4"
)
_NVFP4 = _quantised("nvfp4", "fp4 W4A4 (NVFP4)", Precision.NVFP4, "*-NVFP4", "*-FP4")
_MXFP4 = _quantised("mxfp4", "fp4 weights (MXFP4)", Precision.MXFP4)

METHODS = (
    _BF16,
    _FP16,
    _FP8_DYNAMIC,
    _FP8,
    _INT8,
    _INT8_WEIGHTS,
    _AWQ,
    _GPTQ,
    _NVFP4,
    _MXFP4,
    _BF16.with_fp8_kv(),
    _FP8_DYNAMIC.with_fp8_kv(),
    _AWQ.with_fp8_kv(),
    _GPTQ.with_fp8_kv(),
)
# What people call a family of methods, and the member that stands for it.
ALIASES = {
    "dynamic": "fp8-dynamic",
    "int8": "int8-w8a8",
    "int4": "int4-gptq",
    "fp4": "nvfp4",
    "mixed": f"fp8-dynamic+{KV_FP8}",
}


def find_method(name: str) -> Method:
    """Return a method by its name or by what people call its family.

    Raises:
        UnknownNameError: there is no such method; names near ones.
    """
    key = ALIASES.get(normalise(name), normalise(name))
    for method in METHODS:
        if method.name == key:
            return method
    near = [m.name for m in METHODS if key and (key in m.name or m.name.split("-")[0] in key)]
    raise UnknownNameError("precision method", name, near[:3])


def base_method(model: Model) -> Method:
    """Return what savings are measured against: the format in which the model is published."""
    for method in METHODS:
        if method.precision is model.native_precision:
            return method if method.precision in SIXTEEN_BIT else _as_published(method)
    raise UnknownNameError("precision method", model.native_precision, [])


def _as_published(method: Method) -> Method:
    return Method(
        name=method.precision.value,
        title=f"{method.precision} as published",
        precision=method.precision,
    )


def methods_for(model: Model) -> tuple[Method, ...]:
    """Return the base, and every method that makes it smaller or its KV cache.

    mxfp4 is served only as published.
    """
    base = base_method(model)
    bits = FORMATS[base.precision].bits
    smaller = (
        method
        for method in METHODS
        if FORMATS[method.precision].bits < bits and method.precision is not Precision.MXFP4
    )
    return (base, base.with_fp8_kv(), *smaller)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Share of the reference's evaluation score that is kept, and who says so.

    `basis` is `reference`, `model` (this model was evaluated) or `family` (others of its family
    were: smaller models usually lose more).
    """

    low: float
    high: float
    basis: str
    evaluations: tuple[Evaluation, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Where it was read, once each."""
        return tuple(dict.fromkeys(e.source for e in self.evaluations))


REFERENCE = Retention(low=1.0, high=1.0, basis="reference", evaluations=())


def retention(
    model: Model, method: Method, *, evaluations: Iterable[Evaluation] | None = None
) -> Retention | None:
    """Return the quality a method keeps, None when nothing was published: it is never guessed.

    Of several evaluations the range is given; of weights and KV cache the product.
    """
    known = tuple(load_quality() if evaluations is None else evaluations)
    parts = [evaluations_of(known, model=model.name, method=part) for part in method.evaluated_as]
    if not parts:
        return REFERENCE
    if not all(parts):
        return None
    found = tuple(e for part in parts for e in part)
    return Retention(
        low=prod(min(e.retention_low for e in part) for part in parts),
        high=prod(max(e.retention_high for e in part) for part in parts),
        basis="model" if all(e.model == model.name for e in found) else "family",
        evaluations=found,
    )


def checkpoint_of(model: Model, method: Method) -> tuple[str, bool]:
    """Return the repository to serve, and whether it is known to exist.

    An evaluated checkpoint of the model itself when there is one, else the first name pattern with
    the model's name in it; empty for the model's own repository.
    """
    if method.makes_itself or not method.checkpoints:
        return "", True
    for part in method.evaluated_as:
        for found in evaluations_of(load_quality(), model=model.name, method=part):
            if found.model == model.name and found.checkpoint:
                return found.checkpoint, True
    owner, _, name = model.hf_id.partition("/")
    return f"{owner}/{method.checkpoints[0].replace('*', name)}", False


def weight_bytes(model: Model, precision: Precision) -> float:
    """Return the bytes of all weights: quantised layers with their scales, the others in 16 bit."""
    return weight_bytes_per_gpu(model, precision, tensor_parallel=1)


def saved_share(model: Model, method: Method) -> float:
    """Return the share of the base's weight bytes that a method saves; 0 for the base itself."""
    base = weight_bytes(model, base_method(model).precision)
    return 1 - weight_bytes(model, method.precision) / base


def mixed_weight_bytes(model: Model) -> float:
    """Return the bytes of weights with attention and embeddings in 16 bit and MLPs in 8, no scales.

    Memory only: no engine makes such a checkpoint while loading and none was found published, so
    it is no option of the planner.
    """
    counts = parameters(model)
    attention = 2.0 * model.hidden * model.heads * model.head_dim * model.full_attention_layers
    mlp = counts.linear - attention + counts.experts
    return 2 * (counts.total - mlp) + mlp
