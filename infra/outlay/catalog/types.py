"""The catalogue's values: what exists, what it can do, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Market(StrEnum):
    """How a node is bought."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"


class Precision(StrEnum):
    """Number format of the weights; sizing/precision.py says what runs where."""

    BF16 = "bf16"
    FP16 = "fp16"
    FP8 = "fp8"
    INT8 = "int8"
    INT8_WEIGHTS = "w8a16"
    INT4 = "int4"
    NVFP4 = "nvfp4"
    MXFP4 = "mxfp4"


class Grade(StrEnum):
    """How well published measurements cover a sizing estimate, best first."""

    CALIBRATED = "calibrated"
    COVERED = "covered"
    THROUGHPUT_ONLY = "throughput-only"
    EXTRAPOLATED = "extrapolated"


class Percentile(StrEnum):
    """What of the requests' latencies an SLO is about: their mean, or the slowest of twenty."""

    MEAN = "mean"
    P95 = "p95"


class Confidence(StrEnum):
    """Whether a value was read at its named source."""

    SOURCED = "sourced"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One accelerator. Peak rates are dense (no sparsity); None = the device lacks it or unknown."""

    name: str
    aliases: tuple[str, ...]
    vendor: str
    memory_gb: float
    memory_usable_gib: float | None
    memory_bandwidth_gb_per_s: float
    fp16_tflops: float | None
    fp8_tflops: float | None
    int8_tops: float | None
    fp4_tflops: float | None
    link: str
    link_bandwidth_gb_per_s: float | None
    compute_capability: float | None
    confidence: Confidence
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model architecture. Parameters in 1e9; KV bytes per token at 16 bit, below any window."""

    name: str
    hf_id: str
    aliases: tuple[str, ...]
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int | None
    vocab: int
    params_b: float
    active_params_b: float
    n_experts: int
    experts_per_token: int
    n_shared_experts: int
    n_dense_layers: int
    moe_intermediate: int | None
    attention: str
    full_attention_layers: int
    sliding_window_tokens: int | None
    max_context_tokens: int
    kv_bytes_per_token_16bit: int
    native_precision: Precision
    confidence: Confidence
    source: str

    @property
    def is_moe(self) -> bool:
        """Whether only some experts run for each token."""
        return self.n_experts > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One GPU instance type in one region and market, priced per node and hour."""

    provider: str
    region: str
    instance_type: str
    market: Market
    gpu: str
    gpus_per_node: int
    vcpus: int
    host_memory_gib: float
    usd_per_hour: Decimal
    as_of: str
    source: str
    confidence: Confidence

    @property
    def key(self) -> str:
        """Stable identity, also the order in which ties break."""
        return f"{self.provider}/{self.region}/{self.instance_type}/{self.market}"

    @property
    def usd_per_gpu_hour(self) -> Decimal:
        """Price of one GPU of the node."""
        return self.usd_per_hour / self.gpus_per_node


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuOffer:
    """One CPU instance type in one region, on demand, for routers and system pods."""

    provider: str
    region: str
    instance_type: str
    vcpus: int
    host_memory_gib: float
    usd_per_hour: Decimal
    as_of: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrice:
    """Price of something that is no node: control plane, NAT, public IP, storage, egress."""

    provider: str
    service: str
    region: str
    unit: str
    usd: Decimal
    as_of: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedPrice:
    """AWS: one instance type in one region for one year, nothing paid upfront, per node and hour."""

    instance_type: str
    region: str
    usd_per_hour: Decimal
    ondemand_usd_per_hour: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One cloud: how it and its Kubernetes are called."""

    name: str
    title: str
    kubernetes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Identity of the price files: content hash, and the newest date in them."""

    version: str
    date: str
