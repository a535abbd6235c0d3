"""Spot risk says what is expected, on what basis, and what cannot be bought at all."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from outlay.planning.strategies import Strategy
from outlay.reporting.risk import expectation
from outlay.reporting.spot import print_spot, spot_json
from tests.reporting.builders import full_plan

PLAN = full_plan()
assert PLAN.spot_risk is not None
RISK = PLAN.spot_risk
FOUND = (
    Strategy(
        name="this plan", plan=PLAN, usd_per_hour=RISK.usd_per_hour, share=RISK.share, reason=""
    ),
    Strategy(name="all spot", plan=None, usd_per_hour=None, share=None, reason="no spot price"),
)


def test_the_basis_is_named() -> None:
    assert expectation(RISK) == (
        "expected with spot coming and going: 99.5 % of requests served, $4,066/month paid"
        " (your events)"
    )
    unseen = replace(RISK.pools[0], own_hours=0.0, own_launches=0)
    assert expectation(replace(RISK, pools=(unseen,))).endswith("(prior, nothing observed)")


def test_strategies_stand_beside_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    print_spot(PLAN, FOUND)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:5] == ["this", "plan", "$4,066", "99.5", "%"]
    assert lines[2].split() == ["all", "spot", "-", "-", "not", "possible"]
    assert "> 20 %" in lines[5]
    assert "990 h of yours" in lines[5]
    assert lines[-1] == "all spot: no spot price"


def test_the_riskiest_pool_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    """By hazard, then by what AWS says: it ranks."""
    calm = replace(RISK.pools[0], usd_per_useful_hour=Decimal(1), bucket=0)
    wild = replace(calm, usd_per_useful_hour=Decimal(2), hazard_per_hour=0.5)
    often = replace(calm, usd_per_useful_hour=Decimal(3), bucket=4)
    print_spot(replace(PLAN, spot_risk=replace(RISK, pools=(calm, often, wild))), FOUND[:1])
    shown = capsys.readouterr().out
    assert [shown.index(f"${price}.00") for price in (2, 3, 1)] == sorted(
        shown.index(f"${price}.00") for price in (2, 3, 1)
    )


def test_a_plan_without_spot_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_spot(replace(PLAN, spot_risk=replace(RISK, pools=())), FOUND[:1])
    assert capsys.readouterr().out.splitlines()[-1] == "This plan has no spot nodes."


def test_the_json_has_the_risk_and_every_strategy() -> None:
    found = json.loads(json.dumps(spot_json(PLAN, FOUND)))
    assert found["spot"]["usd_per_month"] == 4066.1
    assert found["strategies"] == [
        {
            "name": "this plan",
            "feasible": True,
            "reason": "",
            "usd_per_month": 4066.1,
            "available_share": 0.995,
        },
        {
            "name": "all spot",
            "feasible": False,
            "reason": "no spot price",
            "usd_per_month": None,
            "available_share": None,
        },
    ]
