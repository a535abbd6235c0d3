"""What replicas show when requests arrive at random: waiting, and the slowest of twenty.

An engine with chunked prefill runs step after step; each decodes one token of every running sequence
and prefills the prompts that came during the step before. That is an M/G/1 queue with gated
vacations: the decode step is the vacation, a prompt's visible prefill its service. Its mean is exact
(Takagi, Queueing Analysis 1, 1991, section 2.4, for Poisson arrivals); quantiles are those of a gamma
distribution with the mean and variance found. Without prefill, it is the closed loop's latency; with
it, the closed loop's TPOT. Values are columns over replicas, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outlay.sizing.features import Number, Real
from outlay.sizing.loads import Curve
from outlay.sizing.memory import PREFILL_CHUNK_TOKENS

SATURATED_FROM = 0.97  # of the places; nearer to them, the answer is one of how long one measures
ROUNDS = 40
BUSIEST = 0.98  # share of the time that goes into prefill
LATE_SHARE = 0.05  # p95
NORMAL_95 = 1.6448536
STEEPEST = 0.95  # elasticity of TPOT in the running sequences, 1 of which would be a collapse


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Mean and 95th percentile over requests."""

    mean_s: Real
    p95_s: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Arriving:
    """Replicas at an arrival rate; `running` is the mean number of sequences decoding on each.

    `utilization` is the rate over the highest that is served at all, whatever the latency.
    """

    rate: Real
    running: Real
    utilization: Real
    ttft: Latencies
    tpot: Latencies


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cycle:
    """One engine step: its decode part, what prompts add, and the step that an arrival meets.

    `met` is the length-biased step: long ones are met more often.
    """

    decode_s: Real
    prompt_s: Real
    prompt_square: Real
    rate: Real
    busy: Real
    mean_s: Real
    variance: Real

    @property
    def met_s(self) -> Real:
        return self.mean_s + self.variance / self.mean_s

    @property
    def own_s(self) -> Real:
        """The step with a request's own prefill: it came with all who came in the step it met."""
        return self.decode_s + self.prompt_s + self.busy * self.met_s

    def token_s(self, output_tokens: Number) -> Real:
        """Return TPOT: the mean step, and what its own long step brings into its first ones."""
        late = np.maximum(self.own_s - self.mean_s, 0.0) * self.busy / (1 - self.busy)
        return self.mean_s + late / output_tokens

    @property
    def met_variance(self) -> Real:
        return self.variance * (1 + self.variance / self.mean_s**2)


def arriving(curve: Curve, *, rate: Number, places: Number) -> Arriving:
    """Return replicas at an arrival rate; where all places are taken, latencies mean nothing."""
    running = running_at(curve, rate=rate, places=places)
    cycle = _cycle(curve, rate, running)
    spread = _spread(curve, cycle, running)
    return Arriving(
        rate=cycle.rate,
        running=running,
        utilization=cycle.rate / highest_rate(curve, places),
        ttft=_ttft(curve, cycle, spread, running=running, places=places),
        tpot=_tpot(curve, cycle, spread),
    )


def running_at(curve: Curve, *, rate: Number, places: Number) -> Real:
    """Return the mean number of sequences decoding at an arrival rate, at most the places."""
    low = np.zeros_like(curve.prefill_s * rate)
    high = places + low
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        arrived = (
            rate * curve.output_tokens * _cycle(curve, rate, middle).token_s(curve.output_tokens)
        )
        more = arrived > middle
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return high


def _visible_prefill_s(curve: Curve, decode_s: Real) -> Real:
    # A prompt longer than a chunk takes decode steps of its own with it.
    more = np.maximum(curve.prefill_tokens / PREFILL_CHUNK_TOKENS - 1, 0.0)
    return curve.speed.prefill_in_tpot * curve.prefill_s + more * decode_s


def highest_rate(curve: Curve, places: Number) -> Real:
    """Return the rate at which all places are always taken: more is not served."""
    decode = curve.step_s(places)
    visible = _visible_prefill_s(curve, decode)
    return np.asarray(places / (curve.output_tokens * decode + places * visible))


def _cycle(curve: Curve, rate: Number, running: Number) -> _Cycle:
    """Return the step at a rate; a request runs beside as many others as run at any time."""
    decode = curve.step_s(running + 1.0)
    prompt = _visible_prefill_s(curve, decode)
    busy = np.minimum(rate * prompt, BUSIEST)
    mean = decode / (1 - busy)
    square = prompt**2 * (1 + curve.prefill_variation)
    return _Cycle(
        decode_s=decode,
        prompt_s=prompt,
        prompt_square=square,
        rate=rate + np.zeros_like(mean),
        busy=busy,
        mean_s=mean,
        variance=rate * mean * square / (1 - busy**2),
    )


def _spread(curve: Curve, cycle: _Cycle, running: Number) -> Real:
    """Return the variance of the decode step as the number of sequences comes and goes.

    A linear birth and death process: the number's variance is its mean over 1 - elasticity.
    """
    slope = curve.step_s(running + 2.0) - cycle.decode_s
    elasticity = np.minimum(slope * running / cycle.decode_s, STEEPEST)
    return np.asarray(slope**2 * running / (1 - elasticity))


def _tpot(curve: Curve, cycle: _Cycle, spread: Real) -> Latencies:
    mean = cycle.token_s(curve.output_tokens)
    # Prompts that come while a request runs lengthen it, and more come meanwhile: the variance
    # of a busy period that begins with the request's own steps.
    own = curve.output_tokens * cycle.decode_s
    delayed = own * cycle.rate * cycle.prompt_square / (1 - cycle.busy) ** 3
    variance = delayed / curve.output_tokens**2 + spread / (1 - cycle.busy) ** 2
    return Latencies(mean_s=mean, p95_s=gamma_p95(mean, variance))


def _ttft(
    curve: Curve, cycle: _Cycle, spread: Real, *, running: Number, places: Number
) -> Latencies:
    # Half the step that it meets, then a step with its own prefill and those of all who came.
    speed, share = curve.speed, 0.5 + cycle.busy
    waiting = share * cycle.met_s
    variance = (
        share**2 * cycle.met_variance
        + (cycle.met_s**2 + cycle.met_variance) / 12
        + cycle.rate * cycle.prompt_square * cycle.met_s
        + (1 + share / (1 - cycle.busy)) ** 2 * spread
        + cycle.prompt_square
        - cycle.prompt_s**2
    )
    always = (
        speed.ttft_fixed
        + speed.ttft_token * curve.prefill_tokens
        + speed.ttft_prefill * curve.prompt_s
        + (cycle.prompt_s - speed.prefill_in_tpot * curve.prefill_s)
        + cycle.decode_s
    )
    request = curve.output_tokens * cycle.token_s(curve.output_tokens)
    place = _wait_for_place(request, running, places)
    return Latencies(
        mean_s=always + waiting + place.mean_s,
        p95_s=always + gamma_p95(waiting, variance) + place.p95_s,
    )


def _wait_for_place(request_s: Real, running: Number, places: Number) -> Latencies:
    """Return the wait for one of the engine's places.

    M/M/c by Sakasegawa (1977); those who wait at all do so for an exponential time.
    """
    busy = np.minimum(running / places, SATURATED_FROM)
    waits = np.power(busy, np.sqrt(2 * (places + 1)) - 1)
    wait = request_s / (places * (1 - busy))
    mean = waits * wait
    tail = wait * np.log(np.maximum(waits / LATE_SHARE, 1.0))
    return Latencies(mean_s=mean, p95_s=np.maximum(mean, tail))


def gamma_p95(mean: Real, variance: Real) -> Real:
    """Return the 95th percentile of a gamma distribution (Wilson and Hilferty, 1931)."""
    ninth = variance / (9 * mean**2)
    return np.asarray(mean * (1 - ninth + NORMAL_95 * np.sqrt(ninth)) ** 3)
