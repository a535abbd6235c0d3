"""Predict what a deployment shows under one of the loads that benchmarks use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from outlay.sizing.speed import Lengths, Speed, Steady, closed_loop, open_loop, static_batch

UNLIMITED_SEQUENCES = 1024.0


class LoadKind(StrEnum):
    """How a benchmark loads a deployment."""

    CLOSED_LOOP = "closed_loop"
    OPEN_LOOP = "open_loop"
    STATIC_BATCH = "static_batch"
    OFFLINE = "offline"
    SERVER_MAX = "server_max"
    BURST = "burst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load on a whole deployment.

    `amount` is requests in flight (closed loop), requests/s (open loop), sequences (static batch),
    prompts at once (burst), or the cap of running sequences (offline, server_max; None = no cap).
    """

    kind: LoadKind
    amount: float | None
    lengths: Lengths


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the deployment shows: tokens/s over all replicas, and mean latencies of a request."""

    output_tokens_per_s: float
    ttft_ms: float
    tpot_ms: float


def predict(speed: Speed, load: Load, *, replicas: float, max_sequences: float) -> Prediction:
    """Predict a load that is spread evenly over equal replicas.

    Raises:
        ValueError: the load kind needs an amount and has none.
    """
    state = _state(speed, load, replicas=replicas, max_sequences=max_sequences)
    return Prediction(
        output_tokens_per_s=state.output_tokens_per_s * replicas,
        ttft_ms=state.ttft_s * 1e3,
        tpot_ms=state.tpot_s * 1e3,
    )


def _state(speed: Speed, load: Load, *, replicas: float, max_sequences: float) -> Steady:
    lengths = load.lengths
    if load.kind in (LoadKind.OFFLINE, LoadKind.SERVER_MAX):
        concurrency = min(UNLIMITED_SEQUENCES, load.amount or UNLIMITED_SEQUENCES)
        return closed_loop(speed, lengths, concurrency=concurrency, max_sequences=max_sequences)
    if load.amount is None or load.amount <= 0:
        raise ValueError(f"a {load.kind} load needs a positive amount, got {load.amount}")
    share = load.amount / replicas
    if load.kind is LoadKind.CLOSED_LOOP:
        return closed_loop(speed, lengths, concurrency=share, max_sequences=max_sequences)
    if load.kind is LoadKind.OPEN_LOOP:
        return open_loop(speed, lengths, rate=share, max_sequences=max_sequences)
    return static_batch(speed, lengths, batch=share, max_sequences=max_sequences)
