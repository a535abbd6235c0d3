"""A small builder for mixed-integer linear programs, solved by HiGHS, deterministically."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from highspy import HighsLp

INFINITY = math.inf
# An optimum is proven up to that: HiGHS stops here, and states what is left as a relative gap.
ABSOLUTE_GAP = 1e-7
OPTIONS: tuple[tuple[str, bool | int | float], ...] = (
    ("threads", 1),
    ("random_seed", 1),
    ("mip_abs_gap", ABSOLUTE_GAP),
    # Restarts cost more than they save on programs of this size.
    ("mip_allow_restart", False),
)

CENTRAL = (("solver", "ipm"), ("run_crossover", "off"))


@dataclass(frozen=True, slots=True)
class Solution:
    """Values by variable index, the objective, and the proven relative gap (0 = optimal).

    `reduced_costs` (by variable) and `duals` (by row) are those of a linear relaxation, else empty.
    """

    values: tuple[float, ...]
    objective: float
    gap: float
    reduced_costs: tuple[float, ...]
    duals: tuple[float, ...]


@dataclass(slots=True)
class Program:
    """Minimise a linear cost over variables and rows; both keep the order in which they are added."""

    costs: list[float] = field(default_factory=list)
    lowers: list[float] = field(default_factory=list)
    uppers: list[float] = field(default_factory=list)
    integers: list[bool] = field(default_factory=list)
    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)

    def variable(
        self,
        *,
        cost: float = 0.0,
        lower: float = 0.0,
        upper: float = INFINITY,
        integer: bool = True,
    ) -> int:
        """Add a variable and return its index."""
        self.costs.append(cost)
        self.lowers.append(lower)
        self.uppers.append(upper)
        self.integers.append(integer)
        return len(self.costs) - 1

    def binary(self, *, cost: float = 0.0) -> int:
        """Add a 0-or-1 variable and return its index."""
        return self.variable(cost=cost, upper=1.0)

    def row(
        self,
        terms: Mapping[int, float] | Iterable[tuple[int, float]],
        *,
        lower: float = -INFINITY,
        upper: float = INFINITY,
    ) -> int:
        """Add `lower <= terms <= upper` and return its index; repeated variables are summed."""
        summed: dict[int, float] = {}
        for index, coefficient in terms.items() if isinstance(terms, Mapping) else terms:
            summed[index] = summed.get(index, 0.0) + coefficient
        self.rows.append((summed, lower, upper))
        return len(self.rows) - 1

    def relax(self, *, central: bool = False) -> Solution | None:
        """Return the optimum of the linear relaxation, a lower bound; None when infeasible.

        A central one has duals from the middle of all that are optimal, not from a corner, and is
        exact to the solver's tolerance.
        """
        options = CENTRAL if central else ()
        return self._run(without=frozenset(), start=None, relaxed=True, options=options)

    def solve(
        self,
        *,
        time_limit_s: float,
        without: Collection[int] = frozenset(),
        start: Sequence[float] | None = None,
        gap: float = 0.0,
    ) -> Solution | None:
        """Return the optimum, or the best found in the time with its gap; None when infeasible.

        Variables in `without` stay zero. `start` is a feasible point to improve on. A relative gap
        up to `gap` is good enough.
        """
        return self._run(
            without=frozenset(without),
            start=start,
            relaxed=False,
            options=(("time_limit", time_limit_s), ("mip_rel_gap", gap)),
        )

    def _run(
        self,
        *,
        without: frozenset[int],
        start: Sequence[float] | None,
        relaxed: bool,
        options: Iterable[tuple[str, str | float]],
    ) -> Solution | None:
        import highspy  # here, so that commands that plan nothing do not load it

        highs = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy annotates it in part
        highs.silent()
        for option, value in (*OPTIONS, *options):
            highs.setOptionValue(option, value)
        highs.passModel(_highs_lp(self, without=without, relaxed=relaxed))
        if start is not None:
            point = highspy.HighsSolution()
            point.col_value = list(start)
            highs.setSolution(point)
        _run_interruptibly(highs.run)
        info = highs.getInfo()
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        gap = 0.0 if relaxed else info.mip_gap
        solution = highs.getSolution()
        return Solution(
            values=tuple(solution.col_value),
            reduced_costs=tuple(solution.col_dual) if relaxed else (),
            duals=tuple(solution.row_dual) if relaxed else (),
            objective=info.objective_function_value,
            gap=_proven_gap(gap, info.objective_function_value),
        )


def _run_interruptibly(run: Callable[[], object]) -> None:
    """Wait for native code in a thread of its own, so that Ctrl-C ends the wait at once."""
    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join()


def _highs_lp(program: Program, *, without: frozenset[int], relaxed: bool) -> HighsLp:
    import highspy
    import numpy as np

    lp = highspy.HighsLp()
    rows = [terms for terms, _, _ in program.rows]
    lp.num_col_, lp.num_row_ = len(program.costs), len(rows)
    lp.col_cost_ = np.array(program.costs)
    lp.col_lower_ = np.array(program.lowers)
    lp.col_upper_ = np.array([0.0 if i in without else u for i, u in enumerate(program.uppers)])
    lp.row_lower_ = np.array([lower for _, lower, _ in program.rows])
    lp.row_upper_ = np.array([upper for _, _, upper in program.rows])
    if not relaxed:
        kinds = highspy.HighsVarType
        lp.integrality_ = [kinds.kInteger if i else kinds.kContinuous for i in program.integers]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.cumsum([0, *(len(terms) for terms in rows)])
    lp.a_matrix_.index_ = np.array([index for terms in rows for index in terms])
    lp.a_matrix_.value_ = np.array([value for terms in rows for value in terms.values()])
    return lp


def _proven_gap(gap: float, objective: float) -> float:
    if not math.isfinite(gap):
        return 1.0
    return gap if gap * abs(objective) > ABSOLUTE_GAP else 0.0
