"""Distributions of ready capacity equal enumeration, and err on the safe side where they round."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.planning.ready import (
    WHOLE,
    Distribution,
    all_or_none,
    nodes,
    served,
    together,
    whole,
)

SHARES = st.floats(0.0, 1.0)


def total(found: Distribution) -> float:
    return sum(found.values())


def test_two_nodes_of_half_the_demand() -> None:
    found = nodes(2, ready=0.9, each=WHOLE / 2)
    assert found == pytest.approx({0: 0.01, WHOLE // 2: 0.18, WHOLE: 0.81})
    assert served(found, certain=0) == pytest.approx(0.9)
    assert whole(found, certain=0) == pytest.approx(0.81)
    assert whole(found, certain=WHOLE // 2) == pytest.approx(0.99)


def test_capacity_beyond_the_demand_serves_nobody() -> None:
    assert nodes(3, ready=1.0, each=WHOLE / 2) == {0: 0, WHOLE // 2: 0, WHOLE: 1.0}


def test_thirds_cover_the_whole_demand() -> None:
    """Three thirds are rounded down to 999,999 millionths, and still are the whole."""
    assert whole(nodes(3, ready=1.0, each=WHOLE / 3), certain=0) == 1.0


def test_thousands_of_nodes_are_no_overflow() -> None:
    found = nodes(3000, ready=0.99, each=WHOLE / 2900)
    assert total(found) == pytest.approx(1.0)
    assert served(found, certain=0) > 0.999


@given(st.lists(st.tuples(SHARES, st.integers(0, WHOLE), SHARES), min_size=1, max_size=6))
def test_convolution_is_enumeration(parts: list[tuple[float, int, float]]) -> None:
    """Parts of one node each, each behind a shock of its own, against all their combinations."""
    found = together(all_or_none([nodes(1, ready=r, each=a)], up=u) for u, a, r in parts)
    expected = sum(
        prod(u * r if up else 1 - u * r for up, (u, _, r) in zip(states, parts, strict=True))
        * min(WHOLE, sum(a for up, (_, a, _) in zip(states, parts, strict=True) if up))
        for states in product((False, True), repeat=len(parts))
    )
    assert served(found, certain=0) == pytest.approx(expected / WHOLE, abs=1e-9)
    assert total(found) == pytest.approx(1.0)


def test_a_coarse_grid_errs_on_the_safe_side() -> None:
    """Four pools of a hundred unequal nodes are convolved on a grid: below the truth, by little."""
    each = [WHOLE / 331.7, WHOLE / 371.3, WHOLE / 397.1, WHOLE / 419.9]
    found = together(nodes(100, ready=0.8, each=e) for e in each)
    mean = sum(100 * 0.8 * e for e in each) / WHOLE
    assert mean < 1
    assert mean - 0.005 < served(found, certain=0) <= mean
