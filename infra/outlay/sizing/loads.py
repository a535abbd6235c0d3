"""What replicas show under each way of loading them; all values are columns over replicas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outlay.sizing.features import Flag, Number, Real
from outlay.sizing.speed import Lengths, Speed

OPEN_LOOP_STEPS = 40
DEFAULT_MAX_SEQUENCES = 256.0  # vLLM's max_num_seqs, which benchmarks leave as it is
BUSIEST = 0.95
DECODE_STEPS_BEFORE_FIRST_TOKEN = 1.5  # half a step until the next begins, and one of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """Replicas in steady state; `running` is the mean number of sequences decoding on each."""

    running: Real
    requests_per_s: Real
    output_tokens_per_s: Real
    ttft_s: Real
    tpot_s: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Replicas under requests of some lengths, as a function of how many run together.

    `prefill_variation` is the squared coefficient of variation of what prompts take.
    """

    speed: Speed
    input_tokens: Number
    output_tokens: Number
    prefill_tokens: Number
    prefill_s: Real
    prompt_s: Real
    sequence_s: Real
    prefill_variation: Number = 0.0

    def step_s(self, running: Number) -> Real:
        """Return the time of one decode step."""
        return self.speed.step_s(running, self.sequence_s)

    def latencies_s(self, running: Number) -> tuple[Real, Real]:
        """Return TTFT and TPOT while some sequences always run.

        Every other prompt is prefilled once while a request runs: a part of that is waited for
        before the first token, a part slows the later ones, the rest is hidden.
        """
        speed, step = self.speed, self.step_s(running)
        others = np.maximum(running - 1, 0.0) * self.prefill_s
        tpot = step + speed.prefill_in_tpot * others / self.output_tokens
        ttft = (
            speed.ttft_fixed
            + speed.ttft_token * self.prefill_tokens
            + speed.ttft_prefill * self.prompt_s
            + DECODE_STEPS_BEFORE_FIRST_TOKEN * step
            + speed.prefill_in_ttft * others
        )
        return ttft, tpot

    def steady(self, running: Number) -> Steady:
        """Return the steady state with some sequences always running."""
        ttft, tpot = self.latencies_s(running)
        requests = running / (ttft + (self.output_tokens - 1) * tpot)
        return Steady(
            running=running + np.zeros_like(tpot),
            requests_per_s=requests,
            output_tokens_per_s=requests * self.output_tokens,
            ttft_s=ttft,
            tpot_s=tpot,
        )


def load_curve(speed: Speed, lengths: Lengths) -> Curve:
    """Work out what does not depend on the load."""
    return Curve(
        speed=speed,
        input_tokens=lengths.input_tokens,
        output_tokens=lengths.output_tokens,
        prefill_tokens=lengths.prefill_tokens,
        prefill_s=speed.prefill_s(lengths),
        prompt_s=speed.prompt_s(lengths),
        sequence_s=speed.sequence_s(lengths.decode_context),
    )


def closed_loop(
    speed: Speed, lengths: Lengths, *, concurrency: Number, max_sequences: Number
) -> Steady:
    """Return the steady state with some requests always in flight; those that do not fit wait."""
    state = load_curve(speed, lengths).steady(np.minimum(concurrency, max_sequences))
    waves = np.maximum(concurrency / max_sequences - 1, 0.0)
    request_s = state.ttft_s + (lengths.output_tokens - 1) * state.tpot_s
    return _with_ttft(state, state.ttft_s + waves * request_s)


def _with_ttft(state: Steady, ttft_s: Real) -> Steady:
    return Steady(
        running=state.running,
        requests_per_s=state.requests_per_s,
        output_tokens_per_s=state.output_tokens_per_s,
        ttft_s=ttft_s,
        tpot_s=state.tpot_s,
    )


def static_batch(speed: Speed, lengths: Lengths, *, batch: Number, max_sequences: Number) -> Steady:
    """Return a batch that is prefilled and decoded to its end, in waves when it does not fit."""
    waves = np.maximum(1.0, batch / max_sequences)
    size = batch / waves
    prefill = np.maximum(size * speed.prefill_s(lengths), speed.prompt_s(lengths))
    step = speed.decode_s(size, lengths.decode_context)
    latency = waves * (prefill + lengths.output_tokens * step)
    requests = batch / latency
    return Steady(
        running=size + np.zeros_like(step),
        requests_per_s=requests,
        output_tokens_per_s=requests * lengths.output_tokens,
        ttft_s=prefill + step,
        tpot_s=step,
    )


def burst(speed: Speed, lengths: Lengths, *, prompts: Number, max_sequences: Number) -> Steady:
    """Return the mean over prompts that come at once, ramp and drain included."""
    places = np.minimum(max_sequences, DEFAULT_MAX_SEQUENCES)
    state = static_batch(speed, lengths, batch=prompts, max_sequences=places)
    return Steady(
        running=state.running,
        requests_per_s=state.requests_per_s * speed.burst_share,
        output_tokens_per_s=state.output_tokens_per_s * speed.burst_share,
        ttft_s=state.ttft_s,
        tpot_s=state.tpot_s,
    )


def open_loop(speed: Speed, lengths: Lengths, *, rate: Number, max_sequences: Number) -> Steady:
    """Return the steady state at an arrival rate, saturated or not, as measurements are compared.

    The constants were fitted with it; `arrivals.py` says more, and is what people are shown. A fixed
    point over the number of running sequences; a saturated replica serves what the closed loop with
    all its places taken serves.
    """
    curve = load_curve(speed, lengths)
    places = np.minimum(max_sequences, DEFAULT_MAX_SEQUENCES)
    running = running_at(curve, rate=rate, places=places)
    busy = np.maximum(running, 1.0)
    state, full = curve.steady(busy), saturated(running, places)
    free = np.maximum(1 - BUSIEST, 1 - rate * curve.prefill_s)
    requests = np.where(full, state.requests_per_s, rate)
    return Steady(
        running=running,
        requests_per_s=requests,
        output_tokens_per_s=requests * lengths.output_tokens,
        ttft_s=state.ttft_s,
        tpot_s=np.where(full, state.tpot_s, curve.step_s(busy) / free),
    )


def running_at(curve: Curve, *, rate: Number, places: Number) -> Real:
    """Return the mean number of sequences decoding at an arrival rate (Little's law)."""
    running: Real = np.ones_like(curve.prefill_s)
    for _ in range(OPEN_LOOP_STEPS):
        step = curve.step_s(np.maximum(running, 1.0))
        slowed = step / (1 - np.minimum(rate * curve.prefill_s, BUSIEST))
        wanted = np.maximum(rate * (curve.output_tokens * slowed + curve.prefill_s), 0.05)
        running = 0.5 * running + 0.5 * np.minimum(wanted, places)
    return running


def saturated(running: Real, places: Number) -> Flag:
    """Say where more requests arrive than are served."""
    return np.asarray(running >= 0.97 * places)
