"""The command line of vLLM for one replica shape."""

from __future__ import annotations

from outlay.catalog.types import Precision
from outlay.errors import RenderError
from outlay.sizing.types import ReplicaShape

_DTYPES = {Precision.BF16: "bfloat16", Precision.FP16: "float16"}


def engine_args(shape: ReplicaShape, *, hf_id: str, finish_s: int) -> tuple[str, ...]:
    """Return the arguments of `vllm serve`; `finish_s` is what running requests get at shutdown.

    Raises:
        RenderError: the shape asks for a quantisation that the engine cannot do at load time.
    """
    return (
        shape.checkpoint or hf_id,
        f"--served-model-name={hf_id}",
        f"--tensor-parallel-size={shape.tensor_parallel}",
        f"--max-model-len={shape.max_model_len}",
        f"--max-num-seqs={shape.max_sequences}",
        f"--gpu-memory-utilization={shape.gpu_memory_utilization:g}",
        *_precision_args(shape),
        # Streams report their tokens as well, which billing by tokens needs.
        "--enable-force-include-usage",
        "--disable-access-log-for-endpoints=/health,/metrics,/v1/models",
        f"--shutdown-timeout={finish_s}",
    )


def _precision_args(shape: ReplicaShape) -> list[str]:
    args: list[str] = []
    if shape.quantize_online:
        if shape.weight_precision is not Precision.FP8:
            raise RenderError(
                f"replica shape {shape.key}: the engine quantises to fp8 only while loading, not to"
                f" {shape.weight_precision}; name a checkpoint that is already quantised"
            )
        args.append("--quantization=fp8")
    elif shape.weight_precision in _DTYPES:
        # `auto` refuses bfloat16 checkpoints on GPUs that only have float16.
        args.append(f"--dtype={_DTYPES[shape.weight_precision]}")
    if shape.kv_precision is Precision.FP8:
        args.append("--kv-cache-dtype=fp8")
    return args
