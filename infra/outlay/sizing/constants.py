"""The numbers of the speed model: what each means. fitted.py holds the values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """Shares are of a GPU's datasheet peak, times are seconds, slowdowns multiply a time.

    The reference is a current vLLM on an NVIDIA Hopper GPU; everything else is a ratio to it.
    Source: fitted on the public measurement record (`python -m tools.accuracy fit`).
    """

    # Tensor rate reached while prefilling, by the format of the operands, for very wide matrices.
    compute_share_16bit: float
    compute_share_fp8: float
    compute_share_int8: float
    compute_share_fp4: float
    weight_only_share: float  # what is left of it when 4-bit weights are unpacked first
    half_width: float  # columns per GPU (hidden / tensor parallel) at which half of it is reached
    expert_half_width: float  # the same for the width of one expert on one GPU
    # Operations of a decode step that are not hidden behind reading weights.
    decode_visible_16bit: float
    decode_visible_fp8: float
    decode_visible_fp4: float
    expert_imbalance: float  # the busiest expert's tokens over the mean, waiting included
    attention_share: float  # tensor rate of attention over long prompts and of MLA
    # Memory bandwidth reached.
    weight_read_share: float
    expert_read_share: float
    kv_read_share: float
    kv_group_power: float  # (query heads per KV head) ^ this: reading KV is slower in groups
    # Overheads of one step.
    layer_s: float
    expert_layer_s: float
    step_s: float
    sequence_s: float
    blackwell_overhead: float
    ampere_overhead: float
    # Communication.
    all_reduce_s: float
    link_share: float
    expert_parallel_slowdown: float
    # Engines, as ratios to vLLM: operations and reads; overheads of a step; of a sequence.
    trtllm_slowdown: float
    sglang_slowdown: float
    tgi_slowdown: float
    other_slowdown: float
    trtllm_overhead: float
    sglang_overhead: float
    tgi_overhead: float
    other_overhead: float
    trtllm_sequence: float
    sglang_sequence: float
    # Engines of 2023 and 2024 over today's.
    old_vllm_slowdown: float
    old_vllm_overhead: float
    old_vllm_sequence: float
    old_vllm_kv_group: float
    old_trtllm_overhead: float
    # Accelerators that are not NVIDIA's (measured on AMD, mostly): all, operations, with old engines.
    foreign_slowdown: float
    foreign_operations: float
    old_foreign_operations: float
    foreign_sequence: float
    foreign_kv_group: float
    # Latency under load.
    prefill_in_tpot: float  # share of the other prompts' prefill that delays a running request
    prefill_in_ttft: float  # share that delays a waiting one
    trtllm_prefill_in_ttft: float
    sglang_prefill_in_ttft: float
    ttft_prefill: float  # time of the own prompt in TTFT over its share of a busy engine
    ttft_s: float
    ttft_token_s: float
    trtllm_ttft: float
    sglang_ttft: float
    tgi_ttft: float
    # Loads that are no steady state.
    server_share: float  # MLPerf Server: load inside its latency limits over the most that runs
    burst_share: float  # mean over ramp and drain over the steady state


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuEffect:
    """How far one GPU's reached bandwidth and tensor rate lie from the common shares."""

    bandwidth: float
    compute: float


NO_EFFECT = GpuEffect(bandwidth=1.0, compute=1.0)
