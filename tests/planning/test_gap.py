"""When an optimum counts as proven."""

from __future__ import annotations

from math import inf

import pytest

from outlay.planning.milp import _proven_gap


@pytest.mark.parametrize(
    ("gap", "objective", "proven"),
    [(1.6e-10, 1.56, 0.0), (0.0, 2.0, 0.0), (0.01, 100.0, 0.01), (inf, 0.0, 1.0)],
)
def test_what_is_left_below_the_solvers_own_limit_is_no_gap(
    gap: float, objective: float, proven: float
) -> None:
    assert _proven_gap(gap, objective) == proven
