"""What each constant may be: a starting value, how far data may move it, and its bounds.

The fit works on logarithms. `spread` is the standard deviation of a normal prior there: 0.1 keeps
a constant within about 20 % of its prior unless many measurements disagree. Bounds are physical: no
share of a peak above 1, no overhead below what hardware allows. GPU effects are random effects with
one shared spread, so that a GPU with few measurements stays near the common shares.
"""

from __future__ import annotations

from dataclasses import dataclass

from outlay.catalog import Gpu

GPU_SPREAD = 0.08
FOREIGN_SPREAD = 0.2  # the software of other vendors differs more between their GPUs
LARGEST_READ_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Prior:
    """Prior of one constant."""

    value: float
    spread: float
    low: float
    high: float


def _share(value: float, spread: float) -> Prior:
    return Prior(value, spread, 0.05, 1.0)


def _ratio(spread: float, value: float = 1.0, high: float = 8.0) -> Prior:
    return Prior(value, spread, 1 / 8, high)


def bandwidth_effect(gpu: Gpu) -> Prior:
    """Return the prior of how far one GPU's reached bandwidth lies from the common share."""
    return Prior(1.0, _spread(gpu), 0.5, 1 / LARGEST_READ_SHARE)


def compute_effect(gpu: Gpu) -> Prior:
    """Return the prior of how far one GPU's reached tensor rate lies from the common shares."""
    return Prior(1.0, _spread(gpu), 0.5, 2.0)


def _spread(gpu: Gpu) -> float:
    return GPU_SPREAD if gpu.vendor == "nvidia" else FOREIGN_SPREAD


PRIORS: dict[str, Prior] = {
    "compute_share_16bit": _share(0.65, 0.3),
    "compute_share_fp8": _share(0.55, 0.3),
    "compute_share_int8": _share(0.45, 0.4),
    "compute_share_fp4": _share(0.45, 0.4),
    "weight_only_share": _share(0.7, 0.3),
    "half_width": Prior(400.0, 1.0, 50.0, 4000.0),
    "expert_half_width": Prior(200.0, 1.0, 10.0, 2000.0),
    "decode_visible_16bit": _share(0.6, 0.3),
    "decode_visible_fp8": _share(0.7, 0.3),
    "decode_visible_fp4": _share(0.7, 0.3),
    "expert_imbalance": Prior(1.2, 0.3, 1.0, 3.0),
    "attention_share": _share(0.5, 0.5),
    "weight_read_share": Prior(0.85, 0.15, 0.05, LARGEST_READ_SHARE),
    "expert_read_share": _share(0.75, 0.3),
    "kv_read_share": _share(0.7, 0.3),
    "kv_group_power": Prior(0.1, 0.7, 0.01, 0.6),
    "layer_s": Prior(50e-6, 0.5, 5e-6, 500e-6),
    "expert_layer_s": Prior(20e-6, 0.7, 1e-6, 200e-6),
    "step_s": Prior(0.5e-3, 0.7, 10e-6, 5e-3),
    "sequence_s": Prior(5e-6, 0.7, 0.5e-6, 50e-6),
    "blackwell_overhead": _ratio(0.3, 0.8),
    "ampere_overhead": _ratio(0.3, 1.2),
    "all_reduce_s": Prior(8e-6, 0.5, 1e-6, 50e-6),
    "link_share": _share(0.75, 0.15),
    "expert_parallel_slowdown": _ratio(0.2),
    "trtllm_slowdown": _ratio(0.15),
    "sglang_slowdown": _ratio(0.15),
    "tgi_slowdown": _ratio(0.3, 1.3),
    "other_slowdown": _ratio(0.15),
    "trtllm_overhead": _ratio(0.3),
    "sglang_overhead": _ratio(0.3),
    "tgi_overhead": _ratio(0.5, 2.0),
    "other_overhead": _ratio(0.3),
    "trtllm_sequence": _ratio(0.5),
    "sglang_sequence": _ratio(0.5),
    "old_vllm_slowdown": _ratio(0.15),
    "old_vllm_overhead": _ratio(0.3, 1.5),
    "old_vllm_sequence": _ratio(0.8, 6.0, 40.0),
    "old_vllm_kv_group": _ratio(0.5, 2.0),
    "old_trtllm_overhead": _ratio(0.3),
    "foreign_slowdown": _ratio(0.4, 1.4),
    "foreign_operations": _ratio(0.4),
    "old_foreign_operations": _ratio(1.0, 3.0, 40.0),
    "foreign_sequence": _ratio(0.8, 3.0, 40.0),
    "foreign_kv_group": _ratio(0.5, 1.5),
    "prefill_in_tpot": _share(0.75, 0.3),
    "prefill_in_ttft": _share(0.12, 0.5),
    "trtllm_prefill_in_ttft": _ratio(0.4),
    "sglang_prefill_in_ttft": _ratio(0.4),
    "ttft_prefill": Prior(0.8, 0.3, 0.3, 2.0),
    "ttft_s": Prior(40e-3, 0.7, 1e-3, 0.5),
    "ttft_token_s": Prior(4e-6, 1.0, 0.1e-6, 100e-6),
    "trtllm_ttft": _ratio(0.5),
    "sglang_ttft": _ratio(0.7, 2.0),
    "tgi_ttft": _ratio(0.5),
    "server_share": _share(0.87, 0.2),
    "burst_share": _share(0.6, 0.4),
}
