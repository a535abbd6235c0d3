"""The builder says to HiGHS what it was told, and reads its answer."""

from __future__ import annotations

import pytest

from outlay.planning.milp import Program


def test_integers_are_integers() -> None:
    """Minimise 3x + 2y over 2x + y >= 3.5: (2, 0) and not the fraction (1.75, 0)."""
    program = Program()
    x, y = program.variable(cost=3), program.variable(cost=2)
    program.row({x: 2, y: 1}, lower=3.5)
    solution = program.solve(time_limit_s=5)
    assert solution is not None
    assert [round(value) for value in solution.values] == [2, 0]
    assert (solution.objective, solution.gap) == (6.0, 0.0)


def test_the_relaxation_is_a_lower_bound_with_reduced_costs() -> None:
    program = Program()
    x, y = program.variable(cost=3), program.variable(cost=2)
    program.row({x: 2, y: 1}, lower=3.5)
    relaxed = program.relax()
    assert relaxed is not None
    assert relaxed.objective == pytest.approx(5.25)
    assert relaxed.reduced_costs == pytest.approx((0.0, 0.5))


def test_what_cannot_be_is_none() -> None:
    program = Program()
    x = program.variable(cost=1, upper=1)
    program.row({x: 1}, lower=2)
    assert program.solve(time_limit_s=5) is None
    assert program.relax() is None


def test_a_row_sums_repeated_variables() -> None:
    program = Program()
    x = program.variable(cost=1)
    program.row([(x, 1), (x, 1)], lower=6)
    solution = program.solve(time_limit_s=5)
    assert solution is not None
    assert solution.values == (3.0,)


def test_variables_left_out_stay_zero() -> None:
    program = Program()
    x, y = program.variable(cost=1), program.variable(cost=5)
    program.row({x: 1, y: 1}, lower=2)
    solution = program.solve(time_limit_s=5, without=[x], start=(0.0, 2.0))
    assert solution is not None
    assert solution.values == (0.0, 2.0)


def test_solving_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """The solver is native code: what it prints would land in the middle of --json."""
    test_integers_are_integers()
    assert capfd.readouterr() == ("", "")
