"""With --json, standard output is one documented JSON value that adds up, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.command import Finished
from tests.reporting.document import documented, fields

Json = dict[str, Any]
CENT = 0.01


def total(values: list[Json]) -> float:
    return sum(float(value["usd_per_hour"]) for value in values)


def test_a_plan_succeeds_without_a_word_beside_the_json(planned: Finished) -> None:
    assert planned.code == 0
    assert planned.err in ("", "planning ...\n")
    assert planned.out.startswith("{\n")


def test_a_plan_has_every_documented_field_and_no_other(plan: Json) -> None:
    """Nothing is left out of this plan; `test_as_json` holds the fields of what is."""
    assert plan["left_out"] == []
    left_out = {"left_out[].what", "left_out[].reason"}
    assert fields(plan) | left_out == documented("plan")


def test_a_comparison_has_every_documented_field_and_no_other(comparison: Json) -> None:
    found = {p.replace("rows[].markets[]", "rows[].markets") for p in fields(comparison)}
    assert found == documented("compare")


def test_pools_and_fixed_costs_are_the_whole(plan: Json) -> None:
    whole = total(plan["pools"]) + total(plan["fixed_costs"])
    assert whole == pytest.approx(plan["usd_per_hour"], abs=1e-6)


def test_the_breakdown_is_the_whole(plan: Json) -> None:
    assert sum(plan["breakdown"].values()) == pytest.approx(plan["usd_per_hour"], abs=1e-6)


def test_each_category_is_what_is_paid_for_it(plan: Json) -> None:
    for category in ("cpu", "storage", "network", "management"):
        costs = [cost for cost in plan["fixed_costs"] if cost["category"] == category]
        assert total(costs) == pytest.approx(plan["breakdown"][category], abs=1e-6)
    assert total(plan["pools"]) == pytest.approx(plan["breakdown"]["gpu"], abs=1e-6)


def test_a_pool_costs_its_nodes(plan: Json) -> None:
    for pool in plan["pools"]:
        assert pool["nodes"] * pool["usd_per_node_hour"] == pytest.approx(pool["usd_per_hour"])
        assert 0 < pool["min_nodes"] <= pool["nodes"] <= pool["max_nodes"]


def test_a_month_has_730_hours(plan: Json) -> None:
    assert plan["usd_per_hour"] * 730 == pytest.approx(plan["usd_per_month"], abs=1e-4)


def test_unit_costs_follow_from_the_demand(plan: Json) -> None:
    workloads = plan["workloads"]
    requests = sum(w["target_rps"] for w in workloads) * 3600
    tokens = sum(w["target_rps"] * (w["input_tokens"] + w["output_tokens"]) for w in workloads)
    output = sum(w["target_rps"] * w["output_tokens"] for w in workloads)
    per_hour = plan["usd_per_hour"]
    assert plan["usd_per_request"] == pytest.approx(per_hour / requests, abs=1e-8)
    assert plan["usd_per_million_tokens"] == pytest.approx(per_hour / (tokens * 0.0036))
    assert plan["usd_per_million_output_tokens"] == pytest.approx(per_hour / (output * 0.0036))


def test_the_replicas_of_each_workload_carry_its_demand(plan: Json) -> None:
    assert [w["name"] for w in plan["workloads"]] == ["llama-3-1-8b", "llama-3-3-70b"]
    for workload in plan["workloads"]:
        capacity = workload["replicas"] * workload["capacity_rps"]["low"]
        assert capacity >= workload["target_rps"] * (1 - 1e-6)


def test_shapes_are_the_replicas_of_their_workload(plan: Json) -> None:
    for workload in plan["workloads"]:
        shapes = workload["shapes"]
        assert sum(shape["replicas"] for shape in shapes) == workload["replicas"]
        low = sum(shape["replicas"] * shape["capacity_rps"]["low"] for shape in shapes)
        assert low == pytest.approx(
            workload["replicas"] * workload["capacity_rps"]["low"], abs=1e-3
        )


def test_replicas_fit_the_gpus_of_their_pools(plan: Json) -> None:
    bought = {(p["cluster"], p["name"]): p["nodes"] * p["gpus_per_node"] for p in plan["pools"]}
    used = dict.fromkeys(bought, 0)
    for workload in plan["workloads"]:
        for shape in workload["shapes"]:
            used[shape["cluster"], shape["pool"]] += shape["replicas"] * shape["gpus_per_replica"]
    assert [key for key in bought if used[key] > bought[key]] == []


def test_estimates_lie_inside_their_ranges(plan: Json) -> None:
    for workload in plan["workloads"]:
        for shape in (workload, *workload["shapes"]):
            for name in ("ttft", "tpot"):
                bounds = shape[f"{name}_range_ms"]
                assert bounds["low"] <= shape[f"{name}_ms"] <= bounds["high"]
            rps = shape["capacity_rps"]
            assert 0 < rps["low"] <= rps["expected"] <= rps["high"]


def test_a_comparison_is_cheapest_first_and_infeasible_last(comparison: Json) -> None:
    rows = comparison["rows"]
    feasible = [row["feasible"] for row in rows]
    assert feasible == sorted(feasible, reverse=True)
    costs = [row["usd_per_month"] for row in rows if row["feasible"]]
    assert costs == sorted(costs)
    assert {row["provider"] for row in rows} == {"aws", "gcp", "azure", "coreweave", "lambda"}


def test_a_provider_that_cannot_serve_says_why(comparison: Json) -> None:
    refused = {row["provider"]: row for row in comparison["rows"] if not row["feasible"]}
    assert "no spot price is known at lambda" in refused["lambda"]["reason"]
    assert refused["lambda"]["usd_per_month"] is None
    assert refused["lambda"]["pools"] == []


def test_a_provider_that_serves_buys_something(comparison: Json) -> None:
    for row in comparison["rows"]:
        if row["feasible"]:
            bought = sum(pool["nodes"] * pool["gpus_per_node"] for pool in row["pools"])
            assert sum(row["gpus"].values()) == bought > 0
            assert row["markets"] == ["spot"]
            assert total(row["pools"]) * 730 < row["usd_per_month"] + CENT
