"""Requests of several lengths on the same replicas."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Percentile
from outlay.sizing.mixed import held_context
from outlay.sizing.types import Bucket, ReplicaShape, Traffic
from tests.sizing.builders import reason, shape, sized, traffic

TOKENS = st.integers(1, 8000)
CLASS = st.tuples(st.floats(0.01, 1), TOKENS, TOKENS)


def bucket(share: float, prompt: int, output: int) -> Bucket:
    return Bucket(share=share, input_tokens=prompt, output_tokens=output)


def capacity(load: Traffic) -> float:
    found = sized("llama-3.1-8b", "H100", load=load)
    return found.capacity_rps.expected if isinstance(found, ReplicaShape) else 0.0


@pytest.mark.parametrize("percentile", list(Percentile))
def test_classes_of_one_length_are_no_mixture(percentile: Percentile) -> None:
    plain = traffic(input_tokens=700, output_tokens=300, percentile=percentile)
    same = plain.mixed([bucket(1, 700, 300), bucket(3, 700, 300)])
    assert capacity(same) == pytest.approx(capacity(plain), rel=1e-9)


@given(classes=st.lists(CLASS, min_size=1, max_size=4))
def test_a_mixture_holds_no_less_than_its_hardest_class_and_no_more_than_its_easiest(
    classes: list[tuple[float, int, int]],
) -> None:
    load = traffic()
    alone = [
        capacity(replace(load, input_tokens=prompt, output_tokens=output))
        for _, prompt, output in classes
    ]
    together = capacity(load.mixed([bucket(*each) for each in classes]))
    assert min(alone) * (1 - 2e-3) <= together <= max(alone) * (1 + 2e-3)


@given(share=st.floats(0.05, 0.9), more=st.floats(0.01, 0.09))
def test_more_long_requests_never_raise_capacity(share: float, more: float) -> None:
    def of(long: float) -> float:
        return capacity(traffic().mixed([bucket(1 - long, 256, 128), bucket(long, 6000, 1000)]))

    assert of(share + more) <= of(share) * (1 + 1e-3)


def test_a_running_sequence_is_of_a_class_in_proportion_to_the_tokens_it_generates() -> None:
    """Half the requests generate nine of ten tokens: nine of ten running ones are theirs."""
    load = traffic().mixed([bucket(1, 1000, 100), bucket(1, 2000, 900)])
    assert held_context(load) == pytest.approx(0.1 * (1000 + 60) + 0.9 * (2000 + 540))


def test_prompts_that_differ_make_more_requests_wait() -> None:
    """The same mean prompt, half of them nineteen times as long: p95 binds sooner."""
    tight = traffic(input_tokens=2000, output_tokens=20, ttft_ms=400, percentile=Percentile.P95)
    mixed = tight.mixed([bucket(1, 200, 20), bucket(1, 3800, 20)])
    assert capacity(mixed) < 0.95 * capacity(tight)


def test_the_longest_class_decides_what_the_engine_admits() -> None:
    load = traffic().mixed([bucket(0.9, 512, 256), bucket(0.1, 20_000, 500)])
    assert shape(sized("llama-3.1-8b", "H100", load=load)).max_model_len == 41 * 1024
    long = traffic().mixed([bucket(0.9, 512, 256), bucket(0.1, 8000, 500)])
    assert reason(sized("llama-3-8b", "H100", load=long)) == (
        "8,500 tokens exceed the context of 8,192 tokens"
    )


@pytest.mark.parametrize(
    "classes", [[], [bucket(0, 1, 1)], [bucket(-1, 1, 1)], [bucket(math.nan, 1, 1)]]
)
def test_a_mixture_of_nothing_is_an_error(classes: list[Bucket]) -> None:
    with pytest.raises(ValueError, match="at least one, each with a positive share"):
        traffic().mixed(classes)


def test_a_class_without_tokens_is_named() -> None:
    load = traffic().mixed([bucket(1, 10, 10), bucket(1, 10, 0)])
    with pytest.raises(ValueError, match="output_tokens of bucket 2 must be a positive number"):
        sized("llama-3.1-8b", "H100", load=load)
