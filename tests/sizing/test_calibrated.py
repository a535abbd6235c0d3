"""Sizing with calibrations: what was measured is corrected, no further than it was measured."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Grade, Precision
from outlay.errors import InputError
from outlay.sizing.calibrated import Loaded, Results, calibrated, unused, use
from outlay.sizing.calibration_file import Calibration
from outlay.sizing.capacity import replica_shapes
from outlay.sizing.types import DoesNotRun, ReplicaShape, Traffic
from tests.sizing.builders import CATALOG, gpu, model, traffic
from tests.sizing.measured import SETUP, calibration, point

LLAMA = model("llama-3.1-8b")
LOADS = (64.0, 128.0, 256.0, 400.0)


def sized(load: Traffic, *, on: str = "H100") -> Results:
    return replica_shapes(
        LLAMA,
        [gpu(on)],
        traffic=load,
        precisions=[Precision.BF16, Precision.FP8],
        max_gpus=2,
    )


def first(results: Results) -> ReplicaShape:
    shape = results[0]
    assert isinstance(shape, ReplicaShape), shape.reason
    return shape


def measured(
    throughput: float = 1.0, ttft: float = 1.0, tpot: float = 1.0, *, input_tokens: float = 1024
) -> tuple[Loaded, ...]:
    """Return a calibration around the load at capacity."""
    points = [
        point(concurrency=c, throughput=throughput, ttft=ttft, tpot=tpot, input_tokens=input_tokens)
        for c in LOADS
    ]
    return use([calibration(*points)], CATALOG)


def corrected(calibrations: tuple[Loaded, ...], load: Traffic | None = None) -> ReplicaShape:
    return first(calibrated(sized, load or traffic(), calibrations))


def test_a_measurement_that_agrees_keeps_the_expectation_and_narrows_the_interval() -> None:
    before, after = first(sized(traffic())), corrected(measured())
    assert after.capacity_rps.expected == pytest.approx(before.capacity_rps.expected)
    assert after.grade is Grade.CALIBRATED
    assert after.grade_reason == "calibrated by mine, 4 measurements"
    for name in ("capacity_rps", "ttft_ms", "tpot_ms"):
        wide, narrow = getattr(before, name), getattr(after, name)
        assert wide.low < narrow.low < narrow.expected < narrow.high < wide.high


def test_a_slower_replica_holds_less_than_its_throughput_alone_says() -> None:
    """TPOT 1.2 times the prediction: fewer sequences keep the SLO, and each is slower."""
    before = first(sized(traffic()))
    after = corrected(measured(throughput=1 / 1.2, tpot=1.2))
    assert after.capacity_rps.expected < before.capacity_rps.expected / 1.2**0.8
    assert after.tpot_ms.expected <= traffic().tpot_ms * 1.001


def test_a_faster_replica_holds_more() -> None:
    after = corrected(measured(throughput=1.2, tpot=1 / 1.2))
    assert after.capacity_rps.expected > first(sized(traffic())).capacity_rps.expected * 1.1


def test_only_the_replica_that_was_measured_is_corrected() -> None:
    """Neither twice the GPUs nor another precision."""
    plain, found = sized(traffic()), calibrated(sized, traffic(), measured(throughput=0.7))
    changed = [a != b for a, b in zip(plain, found, strict=True)]
    assert changed == [True, False, False, False]


def test_another_kv_precision_is_not_what_was_measured() -> None:
    other = SETUP.model_copy(update={"kv_precision": Precision.FP8})
    loaded = use([calibration(point(setup=other), setup=other)], CATALOG)
    assert calibrated(sized, traffic(), loaded) == sized(traffic())


def test_requests_of_a_very_different_shape_are_refused_with_the_reason() -> None:
    load = traffic(input_tokens=12_000)
    found = corrected(measured(throughput=0.5), load)
    plain = first(sized(load))
    assert replace(found, grade_reason="") == replace(plain, grade_reason="")
    assert "; calibration mine not used: planned are 12000 + 256 tokens at" in found.grade_reason
    assert "the nearest measurement has 1024 + 256 at" in found.grade_reason


def test_in_between_a_calibration_is_counted_in_part() -> None:
    """Distance ln(2) in the prompt: (1 - 0.693) / 0.6 = 51 %."""
    load = traffic(input_tokens=2048)
    far = use(
        [
            calibration(
                *[point(concurrency=c, throughput=0.7) for c in (60, 80, 100, 120, 150, 200, 300)]
            )
        ],
        CATALOG,
    )
    part, plain = corrected(far, load), first(sized(load))
    assert "counted at 5" in part.grade_reason
    assert 0.7 * plain.capacity_rps.expected < part.capacity_rps.expected
    assert part.capacity_rps.expected < plain.capacity_rps.expected


@given(st.integers(300, 8000))
def test_a_calibration_fades_with_the_distance(input_tokens: int) -> None:
    load = traffic(input_tokens=input_tokens)
    found, plain = corrected(measured(throughput=0.7), load), first(sized(load))
    ratio = found.capacity_rps.expected / plain.capacity_rps.expected
    # The file keeps six digits.
    assert 0.7**0.8 - 1e-5 <= ratio <= 1 + 1e-5
    if abs(math.log(input_tokens / 1024)) >= 1:
        assert ratio == 1
        assert found.grade is plain.grade


@given(st.floats(0.5, 1.5), st.floats(0.5, 2.0), st.floats(0.6, 1.6))
def test_an_interval_always_contains_the_expectation(
    throughput: float, ttft: float, tpot: float
) -> None:
    found = calibrated(sized, traffic(), measured(throughput, ttft, tpot))[0]
    if isinstance(found, ReplicaShape):
        for interval in (found.capacity_rps, found.ttft_ms, found.tpot_ms):
            assert 0 < interval.low < interval.expected < interval.high


def test_a_replica_that_is_measured_to_be_too_slow_is_refused() -> None:
    """The model would hold a few sequences within 9 ms; each was measured to take twice as long."""
    strict = traffic(tpot_ms=9.0)
    points = [point(concurrency=c, throughput=0.5, tpot=2.0) for c in (2, 4, 8)]
    found = calibrated(sized, strict, use([calibration(*points)], CATALOG))[0]
    assert first(sized(strict)).tpot_ms.expected <= 9.0
    assert isinstance(found, DoesNotRun)
    assert found.reason.startswith("TPOT of a single request is")
    assert found.reason.endswith("(calibrated by mine)")


def test_constants_are_fitted_anew_when_the_file_is_used() -> None:
    """So that a better speed model does not apply yesterday's correction twice."""
    stored = calibration(point(throughput=0.8))
    tampered = stored.model_copy(update={"factor_throughput": 3.0})
    assert use([tampered], CATALOG)[0].fits == use([stored], CATALOG)[0].fits


def test_a_calibration_of_an_unknown_gpu_is_refused() -> None:
    stored = calibration(point())
    other = stored.model_copy(update={"setup": SETUP.model_copy(update={"gpu": "H101"})})
    with pytest.raises(InputError, match="a calibration is of something else: unknown GPU 'H101'"):
        use([other], CATALOG)


def why_unused(stored: Calibration, load: Traffic, *, on: str = "H100") -> list[str]:
    loaded = use([stored], CATALOG)
    results = calibrated(lambda t: sized(t, on=on), load, loaded)
    return [found.reason for found in unused(loaded, results)]


def test_a_calibration_that_corrects_nothing_says_why() -> None:
    stored = calibration(*[point(concurrency=c) for c in LOADS])
    assert why_unused(stored, traffic()) == []
    assert why_unused(stored, traffic(), on="A100-80") == [
        "no replica of Llama-3.1-8B on 1 x H100 in bf16 is considered"
    ]
    assert why_unused(stored, traffic(input_tokens=9000))[0].startswith("planned are 9000 + 256")
