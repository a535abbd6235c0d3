"""What replicas show under each way of loading them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Precision
from outlay.sizing.loads import Steady, burst, closed_loop, load_curve, open_loop, static_batch
from outlay.sizing.predict import Load, LoadKind, predict
from outlay.sizing.speed import Lengths, Speed, replica_speed
from tests.sizing.builders import gpu, model


def speed(name: str = "llama-3.1-8b", *, tensor_parallel: int = 1) -> Speed:
    return replica_speed(
        model(name),
        gpu("H100"),
        tensor_parallel=tensor_parallel,
        precision=Precision.BF16,
        kv_precision=Precision.BF16,
    )


def lengths(input_tokens: float = 1024, output_tokens: float = 256) -> Lengths:
    return Lengths(
        input_tokens=input_tokens, output_tokens=output_tokens, prefill_tokens=input_tokens
    )


def shown(state: Steady) -> tuple[float, float, float]:
    """Return tokens/s, TTFT and TPOT."""
    return float(state.output_tokens_per_s[0]), float(state.ttft_s[0]), float(state.tpot_s[0])


@given(running=st.floats(1, 1000), more=st.floats(0, 24))
def test_more_sequences_are_slower_each_and_faster_together(running: float, more: float) -> None:
    curve = load_curve(speed("mixtral-8x7b", tensor_parallel=2), lengths())
    less, full = shown(curve.steady(running)), shown(curve.steady(running + more))
    assert full[0] >= less[0] * (1 - 1e-12)
    assert full[1] >= less[1]
    assert full[2] >= less[2]


def test_a_closed_loop_beyond_the_places_queues() -> None:
    """Requests that do not fit wait for whole requests; tokens/s stay those of the full replica."""
    full = shown(closed_loop(speed(), lengths(), concurrency=50, max_sequences=50))
    twice = shown(closed_loop(speed(), lengths(), concurrency=100, max_sequences=50))
    request_s = full[1] + 255 * full[2]
    assert twice[0] == full[0]
    assert twice[1] == pytest.approx(full[1] + request_s)


def test_littles_law_holds_in_the_closed_loop() -> None:
    """Requests in flight are requests/s times the time of one."""
    rate, ttft_s, tpot_s = shown(closed_loop(speed(), lengths(), concurrency=32, max_sequences=99))
    assert rate / 256 * (ttft_s + 255 * tpot_s) == pytest.approx(32)


def test_a_static_batch_that_does_not_fit_runs_in_waves() -> None:
    once = static_batch(speed(), lengths(), batch=50, max_sequences=50)
    waves = static_batch(speed(), lengths(), batch=100, max_sequences=50)
    assert float(waves.running[0]) == 50
    assert shown(waves)[0] == pytest.approx(shown(once)[0])


def test_a_burst_is_slower_than_its_batch() -> None:
    """The mean over ramp and drain lies below the steady state."""
    batch = static_batch(speed(), lengths(), batch=100, max_sequences=200)
    assert shown(burst(speed(), lengths(), prompts=100, max_sequences=200))[0] < shown(batch)[0]


def test_an_open_loop_below_saturation_serves_what_arrives() -> None:
    state = open_loop(speed(), lengths(), rate=2.0, max_sequences=250)
    assert (float(state.requests_per_s[0]), shown(state)[0]) == (2.0, 512.0)


def test_a_saturated_open_loop_serves_what_the_closed_loop_serves() -> None:
    saturated = open_loop(speed(), lengths(), rate=1000.0, max_sequences=100)
    full = closed_loop(speed(), lengths(), concurrency=100, max_sequences=100)
    assert shown(saturated)[0] == pytest.approx(shown(full)[0], rel=1e-6)


def test_predictions_add_up_over_replicas() -> None:
    """Twice the replicas under twice the load give twice the tokens at the same latency."""
    one = Load(kind=LoadKind.CLOSED_LOOP, amount=16, lengths=lengths())
    two = Load(kind=LoadKind.CLOSED_LOOP, amount=32, lengths=lengths())
    single = predict(speed(), one, replicas=1, max_sequences=100)
    double = predict(speed(), two, replicas=2, max_sequences=100)
    assert double.output_tokens_per_s == pytest.approx(2 * single.output_tokens_per_s)
    assert (double.ttft_ms, double.tpot_ms) == (single.ttft_ms, single.tpot_ms)


@pytest.mark.parametrize("kind", list(LoadKind))
def test_every_kind_of_load_has_finite_positive_figures(kind: LoadKind) -> None:
    load = Load(kind=kind, amount=10.0, lengths=lengths())
    found = predict(speed(), load, replicas=2, max_sequences=100)
    figures = (found.output_tokens_per_s, found.ttft_ms, found.tpot_ms)
    assert all(math.isfinite(figure) and figure > 0 for figure in figures)


@pytest.mark.parametrize("amount", [None, 0.0, -1.0])
def test_a_load_without_an_amount_is_refused(amount: float | None) -> None:
    load = Load(kind=LoadKind.CLOSED_LOOP, amount=amount, lengths=lengths())
    with pytest.raises(ValueError, match="closed_loop load needs a positive amount"):
        predict(speed(), load, replicas=1, max_sequences=100)
