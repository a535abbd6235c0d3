"""A pinned plan is followed while it keeps its promises and is dearer by no more than the threshold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from outlay.catalog import Catalog, Market, Offer
from outlay.errors import InputError
from outlay.planning.moves import Kind, moves
from outlay.planning.pin_file import Pin, pin_path, pinned, read_pin, write_pin
from outlay.planning.planner import make_plan
from outlay.planning.stability import Decision, decide, on_pin
from outlay.planning.whatif import WhatIf
from tests.planning.builders import REAL, catalog, offer, settings

L40S = offer(usd_per_hour="2.00")
SPOT = offer(market=Market.SPOT, usd_per_hour="1.00")
L4 = offer(instance_type="g6.xlarge", gpu="L4", usd_per_hour="3.00")


def pin_of(*offers: Offer, **raw: object) -> Pin:
    return pinned(make_plan(settings(**raw), catalog(offers)))


def decision(pin: Pin, *offers: Offer, **raw: object) -> Decision:
    return decide(pin, WhatIf(settings(**raw), catalog(offers)))


def test_at_the_same_prices_the_pin_is_the_optimum() -> None:
    found = decision(pin_of(L40S, L4), L40S, L4)
    assert found.reasons == ()
    assert found.plan == found.optimum
    assert found.saving_usd_per_month == 0


@pytest.mark.parametrize(
    "raw",
    [
        {"surviveDomain": "provider", "maxSpotShare": 0.7, "targetRps": 40},
        {"surviveDomain": "spot", "headroom": 1.5},
        {"model": "llama-3.3-70b", "targetRps": 3, "surviveDomain": "region"},
    ],
)
def test_a_plan_on_the_real_book_is_rebuilt_as_it_was(raw: dict[str, object]) -> None:
    what_if = WhatIf(settings(regions=["us-east*", "us-west*", "us-central1"], **raw), REAL)
    plan = what_if.plan()
    found = decide(pinned(plan), what_if)
    assert found.reasons == ()
    assert found.pinned is not None
    assert found.pinned.clusters == plan.clusters
    assert found.pinned.usd_per_hour == pytest.approx(plan.usd_per_hour)


def test_a_cent_moves_nothing_but_the_price() -> None:
    """The other GPU is now cheaper by a cent; the pinned nodes stay, at their price of today."""
    pin = pin_of(L40S, replace(L4, usd_per_hour=Decimal("0.62")), targetRps=5)
    gpu = {pool.gpu for pool in pin.clusters[0].pools}
    dearer = [
        replace(o, usd_per_hour=o.usd_per_hour + Decimal("0.01")) if o.gpu in gpu else o
        for o in (L40S, replace(L4, usd_per_hour=Decimal("0.62")))
    ]
    found = decision(pin, *dearer, targetRps=5)
    assert found.reasons == ()
    assert found.pinned is not None
    assert found.plan is found.pinned
    assert pinned(found.plan).clusters == pin.clusters
    assert found.plan.usd_per_month > pin.usd_per_month


def test_beyond_the_threshold_the_new_plan_is_followed() -> None:
    pin = pin_of(L40S, L4)
    found = decision(pin, replace(L40S, usd_per_hour=Decimal(30)), L4)
    assert found.plan is found.optimum
    assert "more than a new plan, replanThreshold is 10.0%" in found.reasons[0]
    assert found.saving_usd_per_month is not None
    assert found.saving_usd_per_month > 0


def test_the_threshold_is_a_share_of_the_optimum() -> None:
    pin = pin_of(L40S, L4)
    on_sale = (replace(L40S, usd_per_hour=Decimal(5)), replace(L4, usd_per_hour=Decimal("0.9")))
    free = decision(pin, *on_sale, replanThreshold=1)
    assert free.pinned is not None
    more = float(free.pinned.usd_per_hour / free.optimum.usd_per_hour - 1)
    assert 0 < more < 0.99
    assert decision(pin, *on_sale, replanThreshold=more + 0.01).reasons == ()
    assert decision(pin, *on_sale, replanThreshold=more - 0.01).reasons != ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"targetRps": 40}, "holds .* of 40 requests/s"),
        ({"headroom": 4}, "requests/s with headroom"),
        ({"gpus": "L4"}, "nothing that the settings allow is on sale in aws/us-east-1|not on sale"),
        ({"markets": "spot"}, "not on sale, or the settings no longer allow it"),
        ({"name": "other"}, "workload llama-3-1-8b is no longer asked for"),
    ],
)
def test_a_pin_that_breaks_a_promise_of_today_is_not_followed(
    changes: dict[str, object], reason: str
) -> None:
    pin = pin_of(L40S, L4)
    found = decision(pin, L40S, SPOT, L4, **({"surviveDomain": "none"} | changes))
    assert found.plan is found.optimum
    assert re.search(reason, found.reasons[0])


def test_an_offer_that_is_gone_is_not_followed_and_has_no_saving() -> None:
    found = decision(pin_of(L40S), L4)
    assert found.saving_usd_per_month is None
    assert found.plan is found.optimum


def test_a_pin_over_the_budget_gives_way_to_a_plan_within() -> None:
    pin = pin_of(L40S, L4)
    dearer = (replace(L40S, usd_per_hour=Decimal(5)), replace(L4, usd_per_hour=Decimal("0.9")))
    free = decision(pin, *dearer, replanThreshold=1)
    assert free.pinned is not None
    assert free.saving_usd_per_month is not None
    assert free.saving_usd_per_month > 0
    between = str(free.optimum.usd_per_month + free.saving_usd_per_month / 2)
    found = decision(pin, *dearer, replanThreshold=1, budgetUsdPerMonth=between)
    assert "over the budget" in found.reasons[0]


def test_moves_add_before_they_take_away() -> None:
    pin = pin_of(L40S, targetRps=40)
    what_if = WhatIf(settings(targetRps=40), catalog([replace(L40S, usd_per_hour=Decimal(50)), L4]))
    found = decide(pin, what_if)
    steps = moves(pin, found.optimum, priced=found.pinned)
    assert {move.kind for move in steps} >= {Kind.ADD, Kind.REMOVE}
    order = [list(Kind).index(move.kind) for move in steps]
    assert order == sorted(order)
    nodes = sum((m.usd_per_month or Decimal(0)) for m in steps)
    assert found.pinned is not None
    spent = [
        sum((pool.usd_per_hour for pool in plan.pools), Decimal(0))
        for plan in (found.optimum, found.pinned)
    ]
    assert nodes == (spent[0] - spent[1]) * 730


def test_pools_that_stay_do_not_move() -> None:
    pin = pin_of(L40S)
    assert moves(pin, make_plan(settings(), catalog([L40S])), priced=None) == ()
    (grown,) = moves(pin, make_plan(settings(targetRps=30), catalog([L40S])), priced=None)
    assert grown.kind is Kind.GROW
    assert grown.nodes_after > grown.nodes_before
    assert grown.usd_per_month is None


def test_a_file_holds_the_decision_and_no_more(tmp_path: Path) -> None:
    pin = pin_of(L40S)
    path = pin_path(tmp_path, "dev")
    write_pin(pin, path)
    assert path == tmp_path / "plans" / "dev.json"
    assert read_pin(path, stack="dev") == pin
    first = path.read_text()
    write_pin(pin, path)
    assert path.read_text() == first


def test_without_a_file_there_is_no_decision(tmp_path: Path) -> None:
    assert on_pin(WhatIf(settings(), catalog([L40S])), project=tmp_path) is None


def edited(change: Callable[[dict[str, Any]], object]) -> str:
    value = json.loads(pin_of(L40S).model_dump_json())
    change(value)
    return json.dumps(value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no valid JSON"),
        ("{", "is no valid JSON"),
        ("[" * 100_000, "is no valid JSON"),
        ("[]", "is no pinned plan"),
        ('{"name": "x"}', "is no pinned plan"),
        (edited(lambda v: v.update(format=0)), "has format 0, this outlay writes and reads 1"),
        (edited(lambda v: v.update(format=2)), "has format 2, this outlay writes and reads 1"),
        (edited(lambda v: v.update(stack="prod")), "is the plan of stack 'prod', not of 'dev'"),
        (edited(lambda v: v.update(clusters=[])), "is damaged .clusters: "),
        (edited(lambda v: v.update(more=1)), "is damaged .more: "),
        (edited(lambda v: v.pop("usd_per_month")), "is damaged .usd_per_month: "),
        (edited(lambda v: v["clusters"][0]["pools"][0].update(nodes=0)), "pools.0.nodes"),
        (edited(lambda v: v["clusters"][0]["pools"][0].update(nodes=1.5)), "pools.0.nodes"),
        (edited(lambda v: v["clusters"][0]["pools"][0].update(nodes=True)), "pools.0.nodes"),
        (edited(lambda v: v["clusters"][0]["pools"][0].update(market="x")), "pools.0.market"),
    ],
)
def test_a_file_that_is_none_says_what_and_how_to_mend_it(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "dev.json"
    path.write_text(text)
    with pytest.raises(InputError, match=problem) as caught:
        read_pin(path, stack="dev")
    assert "outlay plan --stack dev --write" in str(caught.value)


def test_a_file_that_is_no_text_or_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b").mkdir()
    for name in "ab":
        with pytest.raises(InputError, match="cannot be read"):
            read_pin(tmp_path / name, stack="dev")


def test_a_place_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "plans").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        write_pin(pin_of(L40S), pin_path(tmp_path, "dev"))


def test_a_catalogue_with_everything_dearer_keeps_the_pin() -> None:
    """What rises for all is no reason to move."""
    dearer: Catalog = catalog([replace(o, usd_per_hour=o.usd_per_hour * 2) for o in (L40S, L4)])
    assert decide(pin_of(L40S, L4), WhatIf(settings(), dearer)).reasons == ()
