"""Random arrivals: the formula against a simulated engine, its limits, and what it never does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Percentile, Precision
from outlay.sizing.arrivals import arriving, gamma_p95, highest_rate
from outlay.sizing.load_point import offered
from outlay.sizing.loads import Curve, load_curve
from outlay.sizing.speed import Lengths, Speed, replica_speed
from outlay.sizing.types import ReplicaShape
from tests.sizing.builders import gpu, model, reason, shape, sized, traffic
from tests.sizing.simulation import simulate

SEED = 20_240_229


def speed(name: str = "llama-3.1-8b", card: str = "H100") -> Speed:
    return replica_speed(
        model(name),
        gpu(card),
        tensor_parallel=1,
        precision=model(name).native_precision,
        kv_precision=Precision.BF16,
    )


def lengths(prompt: int = 512, output: int = 256) -> Lengths:
    return Lengths(input_tokens=prompt, output_tokens=output, prefill_tokens=prompt)


def curve(name: str = "llama-3.1-8b", card: str = "H100", *, of: Lengths | None = None) -> Curve:
    return load_curve(speed(name, card), of or lengths())


def beside_the_queue(of: Curve) -> float:
    """What every request pays in TTFT that the simulation does not know."""
    known = of.speed.ttft_prefill * of.prompt_s - of.speed.prefill_in_tpot * of.prefill_s
    fixed = of.speed.ttft_fixed + of.speed.ttft_token * of.prefill_tokens
    return float((fixed + known)[0])


@pytest.mark.parametrize("busy", [0.1, 0.5, 0.8])
@pytest.mark.parametrize(
    ("name", "card", "prompt", "output", "places"),
    [
        ("llama-3.1-8b", "H100", 512, 256, 250),
        ("llama-3.1-8b", "H100", 4000, 100, 100),
        ("llama-3.1-8b", "H100", 20_000, 200, 20),
        ("gpt-oss-20b", "H100", 1000, 300, 100),
        ("llama-3.1-8b", "L4", 512, 128, 60),
    ],
)
def test_means_and_p95_are_those_of_a_simulated_engine(
    name: str, card: str, prompt: int, output: int, places: int, busy: float
) -> None:
    """Up to 80 % of the highest rate: means within 15 %, p95 within 35 % (its tail is longer)."""
    one = curve(name, card, of=lengths(prompt, output))
    rate = busy * float(highest_rate(one, np.array([float(places)]))[0])
    found = arriving(one, rate=rate, places=float(places))
    seen = simulate(one, rate=rate, places=places, requests=4000, seed=SEED)
    ttfts_s = seen.waits_s + beside_the_queue(one)
    assert found.running[0] == pytest.approx(seen.running, rel=0.15)
    assert found.ttft.mean_s[0] == pytest.approx(ttfts_s.mean(), rel=0.15)
    assert found.tpot.mean_s[0] == pytest.approx(seen.tpots_s.mean(), rel=0.15)
    assert found.ttft.p95_s[0] == pytest.approx(np.quantile(ttfts_s, 0.95), rel=0.35)
    assert found.tpot.p95_s[0] == pytest.approx(np.quantile(seen.tpots_s, 0.95), rel=0.35)


@given(
    prompt=st.integers(1, 20_000),
    output=st.integers(1, 4000),
    places=st.floats(1, 1024),
    busy=st.floats(0.001, 0.95),
    less=st.floats(0.01, 1),
)
def test_more_requests_never_shorten_latency(
    prompt: int, output: int, places: float, busy: float, less: float
) -> None:
    """Means and p95 rise with the rate, and the p95 lies above the mean."""
    one = curve(of=lengths(prompt, output))
    rate = busy * float(highest_rate(one, np.array([places]))[0])
    more, fewer = (arriving(one, rate=r, places=places) for r in (rate, rate * less))
    for name in ("ttft", "tpot"):
        high, low = getattr(more, name), getattr(fewer, name)
        assert high.mean_s[0] >= low.mean_s[0] * (1 - 1e-6)
        assert high.p95_s[0] >= low.p95_s[0] * (1 - 1e-6)
        assert high.p95_s[0] > high.mean_s[0]
    assert more.utilization[0] == pytest.approx(busy)


def test_without_load_a_request_sees_what_it_sees_alone() -> None:
    alone = curve().steady(np.array([1.0]))
    found = arriving(curve(), rate=1e-6, places=100.0)
    assert found.ttft.mean_s[0] == pytest.approx(alone.ttft_s[0], rel=0.03)
    assert found.tpot.mean_s[0] == pytest.approx(alone.tpot_s[0], rel=1e-3)
    assert found.utilization[0] < 1e-6


def test_littles_law_holds() -> None:
    found = arriving(curve(), rate=20.0, places=250.0)
    assert found.running[0] == pytest.approx(20 * 256 * found.tpot.mean_s[0], rel=1e-6)


def test_the_gamma_quantile_is_that_of_an_exponential() -> None:
    """Mean 1, variance 1: -ln 0.05."""
    assert gamma_p95(np.ones(1), np.ones(1))[0] == pytest.approx(2.9957, rel=0.01)


P95 = Percentile.P95


@given(
    prompt=st.integers(1, 20_000),
    output=st.integers(1, 2000),
    tpot_ms=st.floats(8, 500),
    ttft_ms=st.floats(100, 5000),
)
def test_a_promise_to_nineteen_of_twenty_never_raises_capacity(
    prompt: int, output: int, tpot_ms: float, ttft_ms: float
) -> None:
    mean = traffic(input_tokens=prompt, output_tokens=output, tpot_ms=tpot_ms, ttft_ms=ttft_ms)
    late = traffic(
        input_tokens=prompt, output_tokens=output, tpot_ms=tpot_ms, ttft_ms=ttft_ms, percentile=P95
    )
    held = sized("llama-3.1-8b", "H100", load=late)
    if isinstance(held, ReplicaShape):
        most = shape(sized("llama-3.1-8b", "H100", load=mean))
        assert held.capacity_rps.expected <= most.capacity_rps.expected
        seen = offered(
            model("llama-3.1-8b"), gpu("H100"), held, late, rate_rps=held.capacity_rps.expected
        )
        assert seen.tpot_p95_ms <= tpot_ms * (1 + 1e-6)
        assert seen.ttft_p95_ms <= ttft_ms * (1 + 1e-6)


def test_a_tight_promise_to_nineteen_of_twenty_costs_capacity() -> None:
    mean = shape(sized("llama-3.1-8b", "H100", load=traffic(tpot_ms=12)))
    late = shape(sized("llama-3.1-8b", "H100", load=traffic(tpot_ms=12, percentile=P95)))
    assert late.capacity_rps.expected < 0.97 * mean.capacity_rps.expected


def test_a_promise_that_breaks_without_load_says_whose() -> None:
    load = traffic(tpot_ms=5, percentile=P95)
    assert "TPOT of the slowest of twenty single requests is" in reason(
        sized("llama-3.1-8b", "H100", load=load)
    )


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_none_is_an_error(rate: float) -> None:
    found = shape(sized("llama-3.1-8b", "H100"))
    with pytest.raises(ValueError, match="rate_rps must be a positive number"):
        offered(model("llama-3.1-8b"), gpu("H100"), found, traffic(), rate_rps=rate)
