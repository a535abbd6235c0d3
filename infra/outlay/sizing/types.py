"""What sizing says of one replica: how it runs, what it holds, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from outlay.catalog import Grade, Percentile, Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with the bounds that hold 80 % of measurements."""

    low: float
    expected: float
    high: float

    def scaled(self, factor: float) -> Interval:
        """Return the interval times a factor."""
        return Interval(
            low=self.low * factor, expected=self.expected * factor, high=self.high * factor
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Requests of one length class: their share of all requests and their mean tokens."""

    share: float
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What one request looks like, and the promise made to it.

    Tokens are means per request, of all `buckets` where lengths differ; the share of the prompt found in the prefix cache is 0 to 1,
    1 excluded. An SLO on p95 takes requests to arrive at random.
    """

    input_tokens: int
    output_tokens: int
    prefix_cache_hit_share: float
    ttft_ms: float
    tpot_ms: float
    percentile: Percentile = Percentile.MEAN
    buckets: tuple[Bucket, ...] = ()

    def mixed(self, buckets: Sequence[Bucket]) -> Traffic:
        """Return the traffic with requests of several lengths; their shares are made to sum to 1.

        Raises:
            ValueError: there is no bucket, or a share is not positive.
        """
        if not buckets or not all(0 < b.share < math.inf for b in buckets):
            raise ValueError("length buckets need at least one, each with a positive share")
        total = sum(b.share for b in buckets)
        parts = tuple(replace(b, share=b.share / total) for b in buckets)
        return replace(
            self,
            input_tokens=round(sum(b.share * b.input_tokens for b in parts)),
            output_tokens=round(sum(b.share * b.output_tokens for b in parts)),
            buckets=parts,
        )

    @property
    def parts(self) -> tuple[Bucket, ...]:
        """The length classes, one where none are named."""
        whole = Bucket(share=1, input_tokens=self.input_tokens, output_tokens=self.output_tokens)
        return self.buckets or (whole,)

    @property
    def longest_tokens(self) -> int:
        """Tokens of the longest requests."""
        return max(b.input_tokens + b.output_tokens for b in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaShape:
    """One running copy of a model on some GPUs of one node, and what it can do.

    `capacity_rps` is the highest request rate of one replica inside the SLO; `ttft_ms` and
    `tpot_ms` are means at that rate. `max_sequences` and `max_model_len` become engine flags.
    `weights_gib` and `kv_cache_gib` are of the whole replica, all its GPUs together.
    `prefill_tokens_per_s` is the rate of a cold 8,192-token chunk (the router's
    `peakPrefillThroughput`). `grade_reason` says in words what the grade rests on. `draft_tokens` is 0
    for plain decoding; `draft_hf_id` is empty where drafts are looked up in the prompt.
    """

    model: str
    gpu: str
    tensor_parallel: int
    weight_precision: Precision
    kv_precision: Precision
    quantize_online: bool
    checkpoint: str
    max_sequences: int
    max_model_len: int
    gpu_memory_utilization: float
    weights_gib: float
    kv_cache_gib: float
    capacity_rps: Interval
    ttft_ms: Interval
    tpot_ms: Interval
    prefill_tokens_per_s: float
    grade: Grade
    grade_reason: str = ""
    draft_tokens: int = 0
    draft_hf_id: str = ""

    @property
    def gpus(self) -> int:
        """GPUs of one replica."""
        return self.tensor_parallel

    @property
    def key(self) -> str:
        """Stable identity, also the order in which ties break."""
        return f"{self.model}/{self.gpu}x{self.tensor_parallel}/{self.weight_precision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoesNotRun:
    """Why a model cannot run, or cannot keep its SLO, on some GPUs at some precision."""

    model: str
    gpu: str
    tensor_parallel: int
    weight_precision: Precision
    reason: str
