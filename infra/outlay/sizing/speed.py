"""How long prefill and decode take on one replica, and what that gives at a load.

An additive roofline: every step pays for the bytes it reads, the operations it does, a launch
overhead per layer, two all-reduces per layer and a scheduling overhead per sequence. SI units
inside: bytes, FLOP, seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from outlay.catalog import Gpu, Model, Precision
from outlay.sizing.memory import kv_bytes_per_token, windowed_share
from outlay.sizing.precision import FORMATS, peak_flops
from outlay.sizing.weights import LARGEST_EXPERT_SHARE

UNKNOWN_LINK_BYTES_PER_S = 32e9  # PCIe 4 x16
OPEN_LOOP_STEPS = 60
SATURATED_SEQUENCES = 256.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """The eight numbers of the formula, the same for every GPU and model."""

    flops_share: float
    bandwidth_share: float
    layer_s: float
    all_reduce_s: float
    link_share: float
    sequence_s: float
    queue_share_in_ttft: float
    ttft_s: float


# Nelder-Mead on the NVIDIA rows of measured_train.csv; `make accuracy` prints what they reach.
FITTED = Constants(
    flops_share=0.6799,
    bandwidth_share=0.8165,
    layer_s=72.73e-6,
    all_reduce_s=14.77e-6,
    link_share=0.6467,
    sequence_s=4.163e-6,
    queue_share_in_ttft=0.1491,
    ttft_s=72.69e-3,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Mean tokens of one request; `prefill_tokens` are those not found in the prefix cache."""

    input_tokens: float
    output_tokens: float
    prefill_tokens: float

    @property
    def decode_context(self) -> float:
        """Mean context while decoding."""
        return self.input_tokens + self.output_tokens / 2

    @property
    def held_context(self) -> float:
        """Mean context that a running sequence holds in the KV cache, prefilling ones included."""
        return self.input_tokens + 0.6 * self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """One replica in steady state at a load; `running` is the mean number of sequences decoding."""

    running: float
    requests_per_s: float
    output_tokens_per_s: float
    ttft_s: float
    tpot_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One replica reduced to the coefficients of its step times."""

    constants: Constants
    flops_per_s: float
    bytes_per_s: float
    shared_weight_bytes: float
    expert_weight_bytes: float
    expert_miss: float
    flops_per_token: float
    attention_flops: float
    layers_s: float
    reduce_s: float
    reduce_s_per_token: float
    kv_bytes_per_token: float
    kv_window_share: float
    kv_window_tokens: float

    def kv_bytes(self, tokens: float) -> float:
        """Return the KV bytes read for one sequence at a context."""
        share = self.kv_window_share
        windowed = min(tokens, self.kv_window_tokens)
        return self.kv_bytes_per_token * ((1 - share) * tokens + share * windowed)

    def weight_bytes(self, sequences: float) -> float:
        """Return the weights read in one step; with experts, those that the tokens route to."""
        touched = 1 - math.pow(self.expert_miss, max(sequences, 1.0))
        return self.shared_weight_bytes + self.expert_weight_bytes * touched

    def sequence_s(self, context: float) -> float:
        """Return what each sequence adds to a decode step, its share of weights left out."""
        return (
            self.kv_bytes(context) / self.bytes_per_s
            + self.flops_per_token / self.flops_per_s
            + self.reduce_s_per_token
            + self.constants.sequence_s
        )

    def decode_s(self, sequences: float, context: float) -> float:
        """Return the time of one decode step."""
        weights_s = self.weight_bytes(sequences) / self.bytes_per_s
        fixed_s = self.layers_s + self.reduce_s
        return weights_s + fixed_s + sequences * self.sequence_s(context)

    def prefill_s(self, lengths: Lengths) -> float:
        """Return the time to prefill one prompt; cached tokens cost only attention to them."""
        new, old = lengths.prefill_tokens, lengths.input_tokens - lengths.prefill_tokens
        attention = self.attention_flops * (lengths.input_tokens**2 - old**2)
        flops = self.flops_per_token * new + attention
        return flops / self.flops_per_s + self.reduce_s + new * self.reduce_s_per_token

    def prefill_tokens_per_s(self, chunk: int) -> float:
        """Return the prefill rate of one cold chunk that fills a step of its own."""
        lengths = Lengths(input_tokens=chunk, output_tokens=1, prefill_tokens=chunk)
        weights_s = self.weight_bytes(chunk) / self.bytes_per_s
        return chunk / (self.prefill_s(lengths) + weights_s + self.layers_s)


def replica_speed(
    model: Model,
    gpu: Gpu,
    *,
    tensor_parallel: int,
    precision: Precision,
    kv_precision: Precision,
    constants: Constants = FITTED,
) -> Speed:
    """Reduce a replica to its coefficients.

    Raises:
        ValueError: the tensor rate of the GPU is unknown.
    """
    flops = peak_flops(gpu, precision)
    if flops is None:
        raise ValueError(f"the tensor rates of {gpu.name} are unknown")
    read = FORMATS[precision].read_bytes_per_weight
    experts = _expert_parameters(model)
    reduce_s, reduce_s_per_token = _all_reduce(model, gpu, tensor_parallel, constants)
    return Speed(
        constants=constants,
        flops_per_s=tensor_parallel * flops * constants.flops_share,
        bytes_per_s=(
            tensor_parallel * gpu.memory_bandwidth_gb_per_s * 1e9 * constants.bandwidth_share
        ),
        shared_weight_bytes=(model.params_b * 1e9 - experts) * read,
        expert_weight_bytes=experts * read,
        expert_miss=1 - model.experts_per_token / model.n_experts if model.is_moe else 0.0,
        flops_per_token=2 * model.active_params_b * 1e9,
        attention_flops=2.0 * model.layers * model.hidden,
        layers_s=constants.layer_s * model.layers,
        reduce_s=reduce_s,
        reduce_s_per_token=reduce_s_per_token,
        kv_bytes_per_token=kv_bytes_per_token(model, kv_precision),
        kv_window_share=windowed_share(model),
        kv_window_tokens=float(model.sliding_window_tokens or model.max_context_tokens),
    )


def _expert_parameters(model: Model) -> float:
    if not model.is_moe:
        return 0.0
    # Every layer is counted as one with experts, as in the fit; dense first layers are few.
    width = model.moe_intermediate or 0
    counted = 3.0 * model.hidden * width * model.n_experts * model.layers
    return min(counted, LARGEST_EXPERT_SHARE * model.params_b * 1e9)


def _all_reduce(
    model: Model, gpu: Gpu, tensor_parallel: int, constants: Constants
) -> tuple[float, float]:
    # Two per layer: a latency, and per token hidden x 2 bytes around the ring.
    if tensor_parallel == 1:
        return 0.0, 0.0
    known = gpu.link_bandwidth_gb_per_s
    link = known * 1e9 if known is not None else UNKNOWN_LINK_BYTES_PER_S
    ring = 2 * (tensor_parallel - 1) / tensor_parallel
    per_token = model.hidden * 2 * ring / (link * constants.link_share)
    return 2 * model.layers * constants.all_reduce_s, 2 * model.layers * per_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One replica under requests of some lengths, as a function of how many run together."""

    speed: Speed
    lengths: Lengths
    prefill_s: float
    sequence_s: float

    def step_s(self, running: float) -> float:
        """Return the time of one decode step."""
        speed = self.speed
        weights_s = speed.weight_bytes(running) / speed.bytes_per_s
        return weights_s + speed.layers_s + speed.reduce_s + running * self.sequence_s

    def latencies_s(self, running: float) -> tuple[float, float]:
        """Return TTFT and TPOT while some sequences always run.

        Every other prompt is prefilled once while a request runs; a fixed share of that is waited
        for before the first token, the rest slows the later ones.
        """
        share = self.speed.constants.queue_share_in_ttft
        step = self.step_s(running)
        queue = max(running - 1, 0.0) * self.prefill_s
        ttft = self.speed.constants.ttft_s + self.prefill_s + step + share * queue
        return ttft, step + (1 - share) * queue / self.lengths.output_tokens

    def steady(self, running: float) -> Steady:
        """Return the steady state with some sequences always running."""
        ttft, tpot = self.latencies_s(running)
        output = self.lengths.output_tokens
        requests = running / (ttft + (output - 1) * tpot)
        return Steady(
            running=running,
            requests_per_s=requests,
            output_tokens_per_s=requests * output,
            ttft_s=ttft,
            tpot_s=tpot,
        )


def load_curve(speed: Speed, lengths: Lengths) -> Curve:
    """Work out what does not depend on the load."""
    return Curve(
        speed=speed,
        lengths=lengths,
        prefill_s=speed.prefill_s(lengths),
        sequence_s=speed.sequence_s(lengths.decode_context),
    )


def closed_loop(
    speed: Speed, lengths: Lengths, *, concurrency: float, max_sequences: float
) -> Steady:
    """Return the steady state with some requests always in flight; those that do not fit wait."""
    state = load_curve(speed, lengths).steady(min(concurrency, max_sequences))
    waves = max(concurrency / max_sequences - 1, 0.0)
    request_s = state.ttft_s + (lengths.output_tokens - 1) * state.tpot_s
    return Steady(
        running=state.running,
        requests_per_s=state.requests_per_s,
        output_tokens_per_s=state.output_tokens_per_s,
        ttft_s=state.ttft_s + waves * request_s,
        tpot_s=state.tpot_s,
    )


def static_batch(speed: Speed, lengths: Lengths, *, batch: float, max_sequences: float) -> Steady:
    """Return a batch that is prefilled and decoded to its end, in waves when it does not fit."""
    waves = max(1.0, batch / max_sequences)
    size = batch / waves
    prefill = size * speed.prefill_s(lengths)
    step = speed.decode_s(size, lengths.decode_context)
    latency = waves * (prefill + lengths.output_tokens * step)
    return Steady(
        running=size,
        requests_per_s=batch / latency,
        output_tokens_per_s=batch * lengths.output_tokens / latency,
        ttft_s=speed.constants.ttft_s + prefill + step,
        tpot_s=step,
    )


def open_loop(speed: Speed, lengths: Lengths, *, rate: float, max_sequences: float) -> Steady:
    """Return the steady state at an arrival rate, saturated or not.

    Fixed point over the number of running sequences. A saturated replica serves what the closed
    loop with all its places taken serves.
    """
    curve = load_curve(speed, lengths)
    prefill, running = curve.prefill_s, 1.0
    for _ in range(OPEN_LOOP_STEPS):
        slowed = curve.step_s(running) / (1 - min(rate * prefill, 0.95))
        wanted = max(rate * (lengths.output_tokens * slowed + prefill), 0.05)
        running = 0.5 * running + 0.5 * min(wanted, max_sequences)
    if running >= 0.98 * max_sequences or running >= SATURATED_SEQUENCES:
        return curve.steady(max(running, 1.0))
    return Steady(
        running=running,
        requests_per_s=rate,
        output_tokens_per_s=rate * lengths.output_tokens,
        ttft_s=curve.latencies_s(running)[0],
        tpot_s=curve.step_s(running) / max(0.05, 1 - rate * prefill),
    )
