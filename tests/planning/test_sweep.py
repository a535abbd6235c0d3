"""A sweep's loads are round, its costs rise, and each switch lies between two different answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.planning.frontier import Promise, frontier
from outlay.planning.sweep import grid, sweep
from outlay.planning.switches import NEAR, first_switch, kind
from outlay.planning.whatif import Outcome, WhatIf
from tests.planning.builders import catalog, offer, settings

ON_SALE = [
    offer(usd_per_hour="1.50"),
    offer(instance_type="p5.4xlarge", gpu="H100", usd_per_hour="4.00"),
    offer(instance_type="g6.xlarge", gpu="L4", usd_per_hour="0.80"),
]


def test_the_grid_has_equal_ratios_and_two_digits() -> None:
    assert grid(1, 1000, 7) == (1, 3.2, 10, 32, 100, 320, 1000)


@given(
    low=st.floats(0.001, 1000),
    factor=st.floats(1.001, 1e5),
    steps=st.integers(2, 200),
)
def test_a_grid_rises_from_end_to_end(low: float, factor: float, steps: int) -> None:
    loads = grid(low, low * factor, steps)
    assert loads[0] == low
    assert loads[-1] == low * factor
    assert list(loads) == sorted(set(loads))
    assert len(loads) <= steps


def test_a_sweep_is_monotone_and_switches_between_its_points() -> None:
    what_if = WhatIf(settings(), catalog(ON_SALE))
    found = sweep(what_if, low=1, high=100, steps=5)
    costs = [p.outcome.plan.usd_per_month for p in found.points if p.outcome.plan]
    assert len(costs) == 5
    assert costs == sorted(costs)
    assert found.switches
    for switch in found.switches:
        assert 1 <= switch.low < switch.high <= 100
        assert switch.high / switch.low <= NEAR
        assert kind(switch.before.plan) != kind(switch.after.plan)


def test_points_of_different_kinds_have_a_switch_between_them() -> None:
    found = sweep(WhatIf(settings(), catalog(ON_SALE)), low=1, high=100, steps=6)
    for one, other in zip(found.points, found.points[1:], strict=False):
        between = [s for s in found.switches if one.rps <= s.low and s.high <= other.rps]
        if kind(one.outcome.plan) != kind(other.outcome.plan):
            assert between


def test_several_workloads_keep_their_shares() -> None:
    two = settings(
        workloads=[
            {"model": "llama-3.1-8b", "targetRps": 1},
            {"model": "llama-3.1-8b", "name": "second", "targetRps": 3},
        ]
    )
    found = sweep(WhatIf(two, catalog(ON_SALE)), low=2, high=8, steps=2)
    plans = [point.outcome.plan for point in found.points]
    assert [[w.target_rps for w in plan.workloads] for plan in plans if plan] == [
        [0.5, 1.5],
        [2, 6],
    ]


def test_no_switch_is_found_where_the_answer_stays() -> None:
    def same(_: float) -> Outcome:
        return Outcome(plan=None)

    assert first_switch(same, [1, 2, 3]) is None


@pytest.mark.parametrize("promise", list(Promise))
def test_a_tighter_promise_never_costs_less(promise: Promise) -> None:
    spot = [
        offer(market=m, region=r, usd_per_hour=p)
        for m, r, p in (
            (ON_SALE[0].market, "us-east-1", "1.50"),
            (type(ON_SALE[0].market).SPOT, "us-east-1", "0.50"),
            (type(ON_SALE[0].market).SPOT, "us-east-2", "0.60"),
        )
    ]
    rows = frontier(settings(), catalog([*ON_SALE, *spot]), promise=promise)
    costs = [row.plan.usd_per_month for row in rows if row.plan is not None]
    assert len(costs) >= 4
    looser_last = promise is not Promise.SURVIVE_FRACTION
    assert costs == sorted(costs, reverse=looser_last)
