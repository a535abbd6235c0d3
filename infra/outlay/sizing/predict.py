"""Predict what deployments show under the loads that benchmarks use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from outlay.sizing.features import Number, Real
from outlay.sizing.loads import Steady, burst, closed_loop, open_loop, static_batch
from outlay.sizing.speed import Lengths, Speed

UNLIMITED_SEQUENCES = 1024.0


class LoadKind(StrEnum):
    """How a benchmark loads a deployment."""

    CLOSED_LOOP = "closed_loop"
    OPEN_LOOP = "open_loop"
    STATIC_BATCH = "static_batch"
    OFFLINE = "offline"
    SERVER_MAX = "server_max"
    BURST = "burst"


CAPPED = (LoadKind.OFFLINE, LoadKind.SERVER_MAX)


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
    amount = load.amount
    if load.kind in CAPPED and amount is None:
        amount = UNLIMITED_SEQUENCES
    if amount is None or amount <= 0:
        raise ValueError(f"a {load.kind} load needs a positive amount, got {load.amount}")
    share = amount if load.kind in CAPPED else amount / replicas
    state = loaded(speed, load.kind, load.lengths, amount=share, max_sequences=max_sequences)
    return Prediction(
        output_tokens_per_s=float(state.output_tokens_per_s[0]) * replicas,
        ttft_ms=float(state.ttft_s[0]) * 1e3,
        tpot_ms=float(state.tpot_s[0]) * 1e3,
    )


def loaded(
    speed: Speed, kind: LoadKind, lengths: Lengths, *, amount: Number, max_sequences: Number
) -> Steady:
    """Return what each of many replicas shows under its own share of one kind of load.

    The cap of an offline or server_max load is each replica's own.
    """
    if kind in CAPPED:
        cap = np.minimum(UNLIMITED_SEQUENCES, amount)
        state = closed_loop(speed, lengths, concurrency=cap, max_sequences=max_sequences)
        return _slowed(state, speed.server_share) if kind is LoadKind.SERVER_MAX else state
    if kind is LoadKind.CLOSED_LOOP:
        return closed_loop(speed, lengths, concurrency=amount, max_sequences=max_sequences)
    if kind is LoadKind.OPEN_LOOP:
        return open_loop(speed, lengths, rate=amount, max_sequences=max_sequences)
    if kind is LoadKind.BURST:
        return burst(speed, lengths, prompts=amount, max_sequences=max_sequences)
    return static_batch(speed, lengths, batch=amount, max_sequences=max_sequences)


def _slowed(state: Steady, share: Real) -> Steady:
    return Steady(
        running=state.running,
        requests_per_s=state.requests_per_s * share,
        output_tokens_per_s=state.output_tokens_per_s * share,
        ttft_s=state.ttft_s,
        tpot_s=state.tpot_s,
    )
