"""One name at a time: cheapest first, each loser with its reason, each remark where it belongs."""

from __future__ import annotations

import pytest

from outlay.catalog import Market
from outlay.planning.compare import compare
from outlay.planning.planner import make_plan
from outlay.planning.whatif import By, names
from tests.planning.builders import catalog, offer, settings

ON_SALE = [
    offer(usd_per_hour="3.00"),
    offer(market=Market.SPOT, usd_per_hour="1.00"),
    offer(region="us-east-2", instance_type="p5.4xlarge", gpu="H100", usd_per_hour="4.00"),
    offer(provider="lambda", region="global", gpu="GH200", usd_per_hour="1.99"),
]


def test_compare_puts_the_cheapest_first_and_the_infeasible_last() -> None:
    on_sale = [
        offer(usd_per_hour="5.00"),
        offer(provider="gcp", region="us-central1", usd_per_hour="4.00"),
        offer(provider="lambda", region="global", usd_per_hour="1.00"),
    ]
    rows = compare(settings(), catalog(on_sale), by=By.PROVIDER)
    assert [(row.name, row.plan is not None) for row in rows] == [
        ("lambda", True),
        ("gcp", True),
        ("aws", True),
        ("azure", False),
        ("coreweave", False),
    ]
    assert all(row.reasons for row in rows if row.plan is None)


def test_compare_says_when_no_region_matches() -> None:
    on_sale = [offer(), offer(provider="azure", region="eastus")]
    rows = {
        row.name: row for row in compare(settings(regions="us-*"), catalog(on_sale), by=By.PROVIDER)
    }
    assert rows["azure"].reasons == ("regions: none of us-* is one of eastus",)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (By.PROVIDER, {"aws", "gcp", "azure", "coreweave", "lambda"}),
        (By.GPU, {"L40S", "H100", "GH200"}),
        (By.PRECISION, {"bf16", "fp8"}),
        (By.REGION, {"aws/us-east-1", "aws/us-east-2", "lambda/global"}),
        (By.MARKET, {"on-demand", "spot"}),
    ],
)
def test_every_allowed_name_is_compared(by: By, expected: set[str]) -> None:
    assert set(names(settings(), catalog(ON_SALE), by=by)) == expected


@pytest.mark.parametrize("by", list(By))
def test_the_cheapest_row_is_never_cheaper_than_the_free_choice(by: By) -> None:
    """Restricting to one thing cannot lower the cost."""
    best = make_plan(settings(), catalog(ON_SALE)).usd_per_month
    for row in compare(settings(), catalog(ON_SALE), by=by):
        if row.plan is not None:
            assert row.plan.usd_per_month >= best


def test_each_row_buys_only_what_it_is_named_after() -> None:
    asked, on_sale = settings(), catalog(ON_SALE)
    for row in compare(asked, on_sale, by=By.GPU):
        assert row.plan is None or {pool.gpu for pool in row.plan.pools} == {row.name}
    for row in compare(asked, on_sale, by=By.MARKET):
        assert row.plan is None or {pool.market.value for pool in row.plan.pools} == {row.name}
    for row in compare(asked, on_sale, by=By.REGION):
        bought = {f"{p.provider}/{p.region}" for p in row.plan.pools} if row.plan else {row.name}
        assert bought == {row.name}
    for row in compare(asked, on_sale, by=By.PRECISION):
        used = {p.shape.weight_precision.value for p in row.plan.placements} if row.plan else set()
        assert used == {row.name}


def test_a_precision_restricts_only_the_workloads_that_consider_it() -> None:
    """A checkpoint published in mxfp4 stays in it while the other model runs in bf16."""
    two = settings(
        workloads=[
            {"model": "llama-3.1-8b", "targetRps": 5},
            {"model": "gpt-oss-20b", "targetRps": 5},
        ]
    )
    rows = {row.name: row for row in compare(two, catalog(ON_SALE), by=By.PRECISION)}
    plan = rows["bf16"].plan
    assert plan is not None
    found = {p.workload: p.shape.weight_precision.value for p in plan.placements}
    assert found == {"llama-3-1-8b": "bf16", "gpt-oss-20b": "mxfp4"}


def test_rows_over_the_budget_say_so() -> None:
    on_sale = catalog(ON_SALE)
    plans = [row.plan for row in compare(settings(), on_sale, by=By.GPU)]
    costs = [plan.usd_per_month for plan in plans if plan is not None]
    budget = (costs[0] + costs[-1]) / 2
    rows = compare(settings(budgetUsdPerMonth=str(budget)), on_sale, by=By.GPU)
    found = [row.is_over_budget for row in rows if row.plan is not None]
    assert found == [cost > budget for cost in costs]
    assert {True, False} == set(found)


def test_reasons_of_all_group_sizes_are_one_line() -> None:
    """What fails alike at 1, 2, 4 and 8 GPUs is said once, with the figure that comes closest."""
    (row,) = compare(settings(gpus="H100", ttftMs=1), catalog(ON_SALE), by=By.GPU)
    (reason,) = [r for r in row.reasons if "TTFT" in r]
    assert reason.startswith("llama-3-1-8b on 1, 2, 4 or 8 x H100 at bf16 or fp8: TTFT of a single")
