"""On the shipped price book: plans are proven, repeatable and not changed by pruning."""

from __future__ import annotations

import pytest

from outlay.planning.candidates import field
from outlay.planning.compare import compare
from outlay.planning.fleet import FleetProgram
from outlay.planning.planner import make_plan
from outlay.planning.prune import prune
from outlay.planning.sites import sites
from outlay.planning.whatif import By
from tests.planning.builders import REAL, settings


@pytest.mark.parametrize("survive", ["none", "spot", "provider"])
def test_pruning_changes_no_plan(survive: str) -> None:
    """The whole field and what pruning leaves of it have the same cheapest fleet."""
    asked = settings(surviveDomain=survive, regions=["us-*"])
    found = field(asked, REAL)
    possible, _ = sites(found.candidates, asked, REAL)
    pruned = prune(possible, asked)
    assert sum(len(s.candidates) for s in pruned) < sum(len(s.candidates) for s in possible)
    whole, slim = FleetProgram(possible, asked).solve(), FleetProgram(pruned, asked).solve()
    assert whole is not None
    assert slim is not None
    assert slim.usd_per_hour == whole.usd_per_hour


def test_the_same_question_has_the_same_answer() -> None:
    assert make_plan(settings(), REAL) == make_plan(settings(), REAL)


def test_compare_shows_all_five_providers() -> None:
    rows = compare(settings(), REAL, by=By.PROVIDER)
    assert {row.name for row in rows} == {"aws", "gcp", "azure", "coreweave", "lambda"}
    assert all(row.plan is not None and row.plan.mip_gap == 0 for row in rows)


def test_the_best_of_all_is_no_dearer_than_the_best_of_one() -> None:
    """Joint planning over the provisioned providers beats each of them alone."""
    together = make_plan(settings(), REAL).usd_per_hour
    for row in compare(settings(providers=["aws", "gcp"]), REAL, by=By.PROVIDER):
        assert row.plan is not None
        assert together <= row.plan.usd_per_hour
