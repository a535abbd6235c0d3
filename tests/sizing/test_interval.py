"""Grades, and factors that belong to them."""

from __future__ import annotations

import pytest

from outlay.catalog import Grade
from outlay.sizing.interval import FACTORS, Group, Quantity, judge
from tests.sizing.builders import CATALOG, gpu, model


@pytest.mark.parametrize(
    ("name", "device", "grade", "group"),
    [
        ("llama-3.1-8b", "H100", Grade.COVERED, Group.DENSE_COVERED),
        ("llama-3.1-70b", "B200", Grade.COVERED, Group.DENSE_COVERED),
        ("llama-3.1-8b", "A100-40", Grade.THROUGHPUT_ONLY, Group.DENSE_THROUGHPUT),
        ("llama-3.1-8b", "L40S", Grade.THROUGHPUT_ONLY, Group.DENSE_SMALL),
        ("llama-3.1-8b", "A10G", Grade.THROUGHPUT_ONLY, Group.DENSE_SMALL),
        ("llama-3.1-8b", "T4", Grade.EXTRAPOLATED, Group.DENSE_EXTRAPOLATED),
        ("llama-3.1-8b", "V100-32", Grade.EXTRAPOLATED, Group.DENSE_EXTRAPOLATED),
        ("mixtral-8x7b", "H100", Grade.THROUGHPUT_ONLY, Group.MOE_THROUGHPUT),
        ("mixtral-8x7b", "A100-80", Grade.EXTRAPOLATED, Group.MOE_EXTRAPOLATED),
        ("gpt-oss-20b", "L4", Grade.EXTRAPOLATED, Group.MOE_EXTRAPOLATED),
    ],
)
def test_grade(name: str, device: str, grade: Grade, group: Group) -> None:
    found = judge(model(name), gpu(device))
    assert (found.grade, found.group) == (grade, group)


def test_experts_on_ampere_are_extrapolated_in_words() -> None:
    assert "no fused kernels" in judge(model("mixtral-8x7b"), gpu("A100-80")).reason


def test_every_factor_has_the_expectation_inside() -> None:
    for factors in FACTORS.values():
        for quantity in Quantity:
            assert 0 < factors.of(quantity).low <= 1 <= factors.of(quantity).high


def test_a_worse_grade_never_promises_more() -> None:
    """On the safe side: less covered means a lower bound on capacity that is not higher."""
    dense = (
        Group.DENSE_COVERED,
        Group.DENSE_THROUGHPUT,
        Group.DENSE_SMALL,
        Group.DENSE_EXTRAPOLATED,
    )
    lows = [FACTORS[group].capacity.low for group in dense]
    assert lows == sorted(lows, reverse=True)
    experts = FACTORS[Group.MOE_EXTRAPOLATED].capacity.low
    assert experts <= FACTORS[Group.MOE_THROUGHPUT].capacity.low


def test_every_model_on_every_gpu_has_a_grade_and_a_reason() -> None:
    for chosen in CATALOG.models:
        for device in CATALOG.gpus:
            assert judge(chosen, device).reason
