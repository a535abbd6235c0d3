"""The command line of vLLM for one replica shape."""

from __future__ import annotations

from outlay.catalog.types import Precision
from outlay.errors import RenderError
from outlay.sizing.types import ReplicaShape

FIRST_PORT = 8000
_DTYPES = {Precision.BF16: "bfloat16", Precision.FP16: "float16"}


def engine_args(shape: ReplicaShape, *, hf_id: str, finish_s: int) -> tuple[str, ...]:
    """Return the arguments of `vllm serve`; `finish_s` is what running requests get at shutdown.

    Raises:
        RenderError: the shape asks for a quantisation that the engine cannot do at load time.
    """
    return (
        *_identity(shape, hf_id),
        f"--tensor-parallel-size={shape.tensor_parallel}",
        *_limits(shape, finish_s=finish_s),
    )


def wide_engine_args(shape: ReplicaShape, *, hf_id: str, finish_s: int) -> tuple[str, ...]:
    """Return the arguments of an engine that spreads experts over the GPUs of several nodes.

    Each GPU is a data-parallel rank with a port of its own; a supervisor answers probes on the port
    after the last. They go through a shell: LeaderWorkerSet sets `LWS_*` in every pod.

    Raises:
        RenderError: as `engine_args`.
    """
    ranks = shape.gpus
    return (
        *_identity(shape, hf_id),
        "--tensor-parallel-size=1",
        "--enable-expert-parallel",
        f"--port={FIRST_PORT}",
        "--data-parallel-multi-port-external-lb",
        f"--data-parallel-supervisor-port={FIRST_PORT + ranks}",
        f"--data-parallel-size=$(({ranks}*LWS_GROUP_SIZE))",
        f"--data-parallel-size-local={ranks}",
        "--data-parallel-address=$LWS_LEADER_ADDRESS",
        "--data-parallel-rpc-port=5555",
        f"--data-parallel-start-rank=$(({ranks}*LWS_WORKER_INDEX))",
        *_limits(shape, finish_s=finish_s),
    )


def _identity(shape: ReplicaShape, hf_id: str) -> tuple[str, ...]:
    return (shape.checkpoint or hf_id, f"--served-model-name={hf_id}")


def _limits(shape: ReplicaShape, *, finish_s: int) -> tuple[str, ...]:
    return (
        f"--max-model-len={shape.max_model_len}",
        f"--max-num-seqs={shape.max_sequences}",
        f"--gpu-memory-utilization={shape.gpu_memory_utilization:g}",
        *_precision_args(shape),
        *_draft_args(shape),
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


def _draft_args(shape: ReplicaShape) -> tuple[str, ...]:
    """Speculative decoding, one key of vLLM's JSON argument a flag: no quoting, whatever shell it passes."""
    if not shape.draft_tokens:
        return ()
    tokens = f"--speculative-config.num_speculative_tokens={shape.draft_tokens}"
    if shape.draft_hf_id:
        return (tokens, f"--speculative-config.model={shape.draft_hf_id}")
    return (
        tokens,
        "--speculative-config.method=ngram",
        f"--speculative-config.prompt_lookup_max={shape.draft_tokens}",
    )
