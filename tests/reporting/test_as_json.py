"""The JSON of a plan is exact, documented field by field, and adds up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from outlay.planning.whatif import By
from outlay.reporting.as_json import plan_json
from outlay.reporting.compare import compare_json
from tests.reporting.builders import comparison, full_plan
from tests.reporting.document import documented, fields

RANGES = {
    "capacity_rps": {"low": 1.6, "expected": 2.0, "high": 2.4},
    "ttft_ms": 300.0,
    "ttft_range_ms": {"low": 240.0, "high": 360.0},
    "tpot_ms": 40.0,
    "tpot_range_ms": {"low": 32.0, "high": 48.0},
}


def shape(gpus: int) -> dict[str, Any]:
    return {
        "precision": "bf16",
        "gpu": "L4",
        "gpus_per_replica": gpus,
        "tensor_parallel": gpus,
        "grade": "covered",
        **RANGES,
    }


EXPECTED = {
    # (2 x 0.8 + 2 x 1.5) + 1.0 an hour; 10 requests of 768 tokens a second.
    "usd_per_hour": 5.6,
    "usd_per_month": 4088.0,
    "usd_per_month_at_most_nodes": 5781.6,
    "usd_per_request": 0.00015556,
    "usd_per_million_tokens": 0.20254630,
    "usd_per_million_output_tokens": 0.60763889,
    "pools": [
        {
            "name": "l4-on-demand",
            "cluster": "aws-us-east-1",
            "provider": "aws",
            "region": "us-east-1",
            "instance_type": "g6.xlarge",
            "market": "on-demand",
            "gpu": "L4",
            "gpus_per_node": 1,
            "nodes": 2,
            "mean_nodes": 2.0,
            "min_nodes": 2,
            "max_nodes": 3,
            "disk_gib": 100,
            "usd_per_node_hour": 0.8,
            "usd_per_hour": 1.6,
            "price_as_of": "2026-07-20",
            "price_source": "test",
        },
        {
            "name": "l4x4-spot",
            "cluster": "aws-us-east-1",
            "provider": "aws",
            "region": "us-east-1",
            "instance_type": "g6.12xlarge",
            "market": "spot",
            "gpu": "L4",
            "gpus_per_node": 4,
            "nodes": 2,
            "mean_nodes": 2.0,
            "min_nodes": 2,
            "max_nodes": 3,
            "disk_gib": 100,
            "usd_per_node_hour": 1.5,
            "usd_per_hour": 3.0,
            "price_as_of": "2026-07-20",
            "price_source": "test",
        },
    ],
    "workloads": [
        {
            "name": "llama-3-1-8b",
            "model": "Llama-3.1-8B",
            "target_rps": 10.0,
            "mean_rps": 10.0,
            "input_tokens": 512,
            "output_tokens": 256,
            "replicas": 6,
            **shape(2),
            "shapes": [
                {
                    "pool": "l4-on-demand",
                    "cluster": "aws-us-east-1",
                    "replicas": 2,
                    "min_replicas": 2,
                    "max_replicas": 3,
                    **shape(1),
                },
                {
                    "pool": "l4x4-spot",
                    "cluster": "aws-us-east-1",
                    "replicas": 4,
                    "min_replicas": 4,
                    "max_replicas": 6,
                    **shape(2),
                },
            ],
        }
    ],
    "fixed_costs": [
        {"what": what, "cluster": "aws-us-east-1", "category": c, "usd_per_hour": u, "is_usage": s}
        for what, c, u, s in (
            ("EKS control plane", "management", 0.1, False),
            ("1 x m7i.4xlarge for routers", "cpu", 0.8, False),
            ("disks", "storage", 0.05, False),
            ("NAT gateway", "network", 0.045, False),
            ("egress of llama-3-1-8b", "network", 0.005, True),
        )
    ],
    "breakdown": {"gpu": 4.6, "cpu": 0.8, "storage": 0.05, "network": 0.05, "management": 0.1},
    "spot": {
        "available_share": 0.995,
        "usd_per_hour": 5.57,
        "usd_per_month": 4066.1,
        "fallback_available_share": 0.999,
        "fallback_usd_per_hour": 5.7,
        "workloads": [
            {"name": "llama-3-1-8b", "available_share": 0.995, "whole_demand_share": 0.98}
        ],
        "pools": [
            {
                "pool": "l4x4-spot",
                "cluster": "aws-us-east-1",
                "hazard_per_hour": 0.002,
                "capacity_share": 0.99,
                "ready_share": 0.98,
                "usd_per_useful_hour": 1.55,
                "basis": "events",
                "own_instance_hours": 990.0,
                "own_launches": 90,
                "aws_interruption_bucket": 4,
            }
        ],
    },
    "mip_gap": 0.0,
    "price_book": {"version": "000000000000", "date": "2026-08-10"},
    "budget_usd_per_month": 5000.0,
    "left_out": [
        {"what": "azure", "reason": "not provisioned"},
        {"what": "lambda", "reason": "not provisioned"},
        {"what": "aws/eu-west-1", "reason": "no price"},
    ],
    "warnings": ["spot nodes can be taken away"],
}


def test_a_plan_is_exactly_this() -> None:
    assert plan_json(full_plan()) == EXPECTED


def test_a_plan_survives_json() -> None:
    assert json.loads(json.dumps(plan_json(full_plan()), allow_nan=False)) == EXPECTED


def test_a_provider_that_serves_and_two_that_do_not() -> None:
    refused = {
        "feasible": False,
        "over_budget": False,
        "reason": "chat on 1 x L4: too slow; chat on 2 x L4: too slow",
        "usd_per_month": None,
        "usd_per_million_tokens": None,
        "expected_served_share": None,
        "gpus": {},
        "markets": [],
        "pools": [],
    }
    assert compare_json(comparison(), by=By.PROVIDER) == {
        "by": "provider",
        "rows": [
            {
                "name": "aws",
                "provider": "aws",
                "feasible": True,
                "over_budget": False,
                "reason": "",
                "usd_per_month": 4088.0,
                "usd_per_million_tokens": 0.20254630,
                "expected_served_share": 0.995,
                "gpus": {"L4": 10},
                "markets": ["on-demand", "spot"],
                "pools": EXPECTED["pools"],
            },
            {"name": "azure", "provider": "azure", **refused},
            {"name": "gcp", "provider": "gcp", **refused},
        ],
    }


def test_every_field_of_a_plan_is_documented_and_every_documented_one_is_there() -> None:
    assert fields(plan_json(full_plan())) == documented("plan")


def test_every_field_of_a_comparison_is_documented_and_every_documented_one_is_there() -> None:
    found = {
        path.replace("rows[].markets[]", "rows[].markets")
        for path in fields(compare_json(comparison(), by=By.PROVIDER))
    }
    assert found == documented("compare")


@pytest.mark.parametrize("row", [0, 1])
def test_every_row_of_a_comparison_has_the_same_fields(row: int) -> None:
    rows = compare_json(comparison(), by=By.PROVIDER)["rows"]
    assert isinstance(rows, list)
    assert list(rows[row]) == list(rows[2])
