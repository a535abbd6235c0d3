"""Prefill and decode on pools of their own: what a replica of each holds, and what that costs.

A prefill replica takes one prompt after the other; requests that arrive at random wait as in an
M/D/1 queue. A decode replica gets each prompt's KV cache over the network and never prefills. The
transfer is part of the time to first token. Nothing here knows speed constants: both roles are
sized by `size_replica`, with another load.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from outlay.catalog import Gpu, Model, Precision
from outlay.sizing.capacity import replica_shapes
from outlay.sizing.memory import kv_bytes
from outlay.sizing.types import DoesNotRun, Interval, ReplicaShape, Traffic

NO_SLO_MS = 3.6e6
# The decode pool finds the prompt's keys and values ready; below 1, which sizing excludes.
TRANSFERRED_SHARE = 1 - 1e-9
# Queues longer than at this utilization grow without bound on small errors.
BUSIEST = 0.9
BITS_PER_BYTE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefillReplica:
    """One replica that only prefills; `prompt_s` is the time one prompt takes."""

    shape: ReplicaShape
    prompt_s: float

    def capacity_rps(self, *, slack_s: float, transfer_s: float) -> Interval | None:
        """Return the prompts/s whose mean wait stays within `slack_s`, None when no prompt fits.

        M/D/1: the mean wait at utilization u is u x prompt_s / (2 x (1 - u)). The network carries
        one transfer after the other, up to BUSIEST.
        """
        if slack_s <= 0:
            return None
        busy = min(BUSIEST, 2 * slack_s / (self.prompt_s + 2 * slack_s))
        rate = busy / self.prompt_s
        if transfer_s > 0:
            rate = min(rate, BUSIEST / transfer_s)
        known = self.shape.capacity_rps
        return known.scaled(rate / known.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Moving one prompt's KV cache from prefill to decode."""

    bytes: float
    link_gbit_per_s: float

    @property
    def seconds(self) -> float:
        """Time on an idle link."""
        return self.bytes * BITS_PER_BYTE / (self.link_gbit_per_s * 1e9)


def transfer(
    model: Model, *, kv_precision: Precision, prompt_tokens: float, link_gbit_per_s: float
) -> Transfer:
    """Return the transfer of one prompt."""
    return Transfer(
        bytes=kv_bytes(model, kv_precision, prompt_tokens), link_gbit_per_s=link_gbit_per_s
    )


def prefill_replicas(
    model: Model,
    gpus: Iterable[Gpu],
    *,
    traffic: Traffic,
    precisions: Iterable[Precision],
    max_gpus: int,
    kv_precision: Precision | None = None,
) -> tuple[PrefillReplica | DoesNotRun, ...]:
    """Size every way to prefill on some types of GPU.

    Raises:
        ValueError: traffic is out of range.
    """
    alone = replace(traffic, output_tokens=1, ttft_ms=NO_SLO_MS, tpot_ms=NO_SLO_MS)
    shapes = replica_shapes(
        model,
        gpus,
        traffic=alone,
        precisions=precisions,
        max_gpus=max_gpus,
        kv_precision=kv_precision,
    )
    new_tokens = traffic.input_tokens * (1 - traffic.prefix_cache_hit_share)
    return tuple(
        shape
        if isinstance(shape, DoesNotRun)
        else PrefillReplica(shape=shape, prompt_s=new_tokens / shape.prefill_tokens_per_s)
        for shape in shapes
    )


def decode_replicas(
    model: Model,
    gpus: Iterable[Gpu],
    *,
    traffic: Traffic,
    precisions: Iterable[Precision],
    max_gpus: int,
    kv_precision: Precision | None = None,
) -> tuple[ReplicaShape | DoesNotRun, ...]:
    """Size every way to decode on some types of GPU, prompts arriving prefilled.

    The shape's TTFT is what decode adds to it: fixed overhead and the first step.

    Raises:
        ValueError: traffic is out of range.
    """
    return replica_shapes(
        model,
        gpus,
        traffic=replace(traffic, prefix_cache_hit_share=TRANSFERRED_SHARE, ttft_ms=NO_SLO_MS),
        precisions=precisions,
        max_gpus=max_gpus,
        kv_precision=kv_precision,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics:
    """Two fleets side by side, each with what it serves; money in USD."""

    aggregated_usd_per_hour: float
    aggregated_requests_per_hour: float
    split_usd_per_hour: float
    split_requests_per_hour: float

    @property
    def aggregated_usd_per_request(self) -> float:
        """Cost of one request when every replica does both."""
        return self.aggregated_usd_per_hour / self.aggregated_requests_per_hour

    @property
    def split_usd_per_request(self) -> float:
        """Cost of one request with pools apart."""
        return self.split_usd_per_hour / self.split_requests_per_hour

    @property
    def cost_ratio(self) -> float:
        """Split over aggregated; above 1 the split is dearer."""
        return self.split_usd_per_request / self.aggregated_usd_per_request

    @property
    def saving_share(self) -> float:
        """Share that the split saves; negative is a loss."""
        return 1 - self.cost_ratio

    def requests_per_hour_to_save(self, share: float) -> float:
        """Return what the split fleet must serve to save a share; 0 is the break-even."""
        return self.split_usd_per_hour / (self.aggregated_usd_per_request * (1 - share))

    @property
    def verdict(self) -> str:
        """`dearer, 4.18x`, `cheaper, saves 12.0 %` or `equal`."""
        if self.cost_ratio > 1:
            return f"dearer, {self.cost_ratio:.2f}x"
        if self.cost_ratio < 1:
            return f"cheaper, saves {100 * self.saving_share:.1f} %"
        return "equal"


def path_of(prompt_tokens: int, *, least_split_tokens: int, max_model_len: int) -> str:
    """Return the way of a prompt: every length has one.

    `decode` alone for prompts shorter than the threshold (a transfer would cost more than it saves),
    `split` from there on, `refused` beyond what the engine admits.

    Raises:
        ValueError: the prompt has no token.
    """
    if prompt_tokens < 1:
        raise ValueError(f"prompt_tokens must be at least 1, got {prompt_tokens}")
    if prompt_tokens > max_model_len:
        return "refused"
    return "split" if prompt_tokens >= least_split_tokens else "decode"
