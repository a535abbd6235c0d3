"""What is valid becomes one frozen value, in whichever of its forms it was written."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from outlay.catalog import Grade, Market, Percentile, Precision, load_catalog
from outlay.catalog.regions import matches
from outlay.settings import SurviveDomain
from outlay.settings.load import UNSET
from outlay.settings.model import DNS_LABEL
from outlay.settings.serving import ServingSettings
from tests.settings.builders import LEAST, parse, with_


def test_a_model_and_its_demand_are_enough() -> None:
    """Every default, by value."""
    settings = parse(LEAST)
    assert settings.model_dump() == {
        "workloads": (
            {
                "model": "Llama-3.1-8B",
                "target_rps": 10.0,
                "name": "",
                "team": "",
                "input_tokens": 512,
                "output_tokens": 256,
                "buckets": (),
                "profile": (),
                "prefix_cache_hit_share": 0.0,
                "ttft_ms": 2000.0,
                "tpot_ms": 50.0,
                "slo_percentile": Percentile.MEAN,
                "precisions": (),
                "checkpoint": "",
                "kv_precision": None,
                "speculation": None,
            },
        ),
        "providers": (),
        "regions": (),
        "gpus": (),
        "instance_types": (),
        "exclude_providers": (),
        "exclude_regions": (),
        "exclude_gpus": (),
        "exclude_instance_types": (),
        "markets": (Market.ON_DEMAND, Market.SPOT),
        "max_clusters": None,
        "quotas": (),
        "max_spot_share": 1.0,
        "survive_domain": SurviveDomain.SPOT,
        "survive_fraction": 0.5,
        "headroom": 1.0,
        "max_scale": 1.0,
        "calibrations": (),
        "spot_events": (),
        "lowest_grade": Grade.THROUGHPUT_ONLY,
        "management_overhead_percent": 0.0,
        "egress_bytes_per_output_token": 5.0,
        "budget_usd_per_month": None,
        "replan_threshold": 0.1,
        "environment": "dev",
        "namespace": "llm-d",
        "kubernetes_version": "1.34",
        "api_cidrs": ("0.0.0.0/0",),
        "gpu_zones": {},
        "tags": {},
        "serving": ServingSettings().model_dump(),
    }


def test_flat_and_nested_forms_are_equal() -> None:
    flat = {**LEAST, "inputTokens": 1024, "ttftMs": 900, "providers": ["aws"]}
    nested = {
        "workloads": [{**LEAST, "inputTokens": 1024, "ttftMs": 900}],
        "providers": ["aws"],
    }
    assert parse(flat) == parse(nested)


def test_workload_keys_at_the_top_are_defaults_for_all_workloads() -> None:
    settings = parse(
        {
            "inputTokens": 2048,
            "workloads": [
                {"model": "llama-3.1-8b", "targetRps": 1},
                {"model": "llama-3.3-70b", "targetRps": 2, "inputTokens": 64},
            ],
        }
    )
    assert [w.input_tokens for w in settings.workloads] == [2048, 64]


@pytest.mark.parametrize("unset", UNSET)
def test_values_that_stand_for_not_set_leave_the_default(unset: object) -> None:
    """Pulumi declares every key with a default; an empty value in YAML is None."""
    keys = ("name", "precisions", "checkpoint", "workloads", "providers", "ttftMs", "tags")
    assert with_(**dict.fromkeys(keys, unset)) == parse(LEAST)


def test_values_that_stand_for_not_set_do_so_inside_workloads_too() -> None:
    workload = {**LEAST, "name": "", "precisions": [], "checkpoint": "", "ttftMs": None}
    assert parse({"workloads": [workload]}) == parse({"workloads": [LEAST]})


def test_the_programs_own_keys_are_left_out() -> None:
    assert with_(huggingFaceToken="secret") == parse(LEAST)


def test_names_are_resolved_to_those_of_the_catalogue_once_each() -> None:
    settings = with_(
        model="meta-llama/Llama-3.1-8B-Instruct",
        gpus=["h100", "H100-80", "l4"],
        providers="Google, amazon, aws",
        precisions="FP8, bf16",
        markets="Spot",
    )
    assert settings.workloads[0].model == "Llama-3.1-8B"
    assert settings.gpus == ("H100", "L4")
    assert settings.providers == ("gcp", "aws")
    assert settings.workloads[0].precisions == (Precision.FP8, Precision.BF16)
    assert settings.markets == (Market.SPOT,)


def test_money_is_exact() -> None:
    assert with_(budgetUsdPerMonth="0.1").budget_usd_per_month == Decimal("0.1")


def test_settings_are_frozen() -> None:
    settings = parse(LEAST)
    with pytest.raises(ValidationError, match="frozen"):
        settings.headroom = 2.0


def test_a_quantised_checkpoint_names_its_one_precision() -> None:
    settings = with_(checkpoint="RedHatAI/Llama-3.1-8B-FP8", precisions=["fp8"])
    assert settings.workloads[0].checkpoint == "RedHatAI/Llama-3.1-8B-FP8"


def test_a_workload_is_called_by_its_name_else_by_its_model() -> None:
    assert with_(name="chat").workloads[0].label == "chat"
    assert with_().workloads[0].label == "llama-3-1-8b"


def test_every_model_makes_a_dns_label() -> None:
    labels = [
        with_(model=m.name, inputTokens=1, outputTokens=1).workloads[0].label
        for m in load_catalog().models
    ]
    assert [label for label in labels if not DNS_LABEL.fullmatch(label)] == []
    assert len(set(labels)) == len(labels)


def test_lengths_may_fill_the_context_exactly() -> None:
    assert with_(inputTokens=131_072 - 256).workloads[0].input_tokens == 130_816


@pytest.mark.parametrize(
    ("pattern", "provider", "region", "expected"),
    [
        ("us-*", "aws", "us-east-1", True),
        ("us-*", "lambda", "global", False),
        ("us-east-1", "aws", "us-east-1", True),
        ("US-EAST-1", "aws", "us-east-1", True),
        ("us-west-01a", "coreweave", "US-WEST-01A", True),
        ("aws/us-*", "aws", "us-east-1", True),
        ("aws/us-*", "gcp", "us-east1", False),
        ("*/us-east?", "gcp", "us-east1", True),
        ("us-east", "gcp", "us-east1", False),
    ],
)
def test_region_patterns(pattern: str, provider: str, region: str, expected: bool) -> None:
    assert matches(pattern, provider=provider, region=region) is expected


@given(
    rps=st.floats(0.001, 100_000),
    share=st.floats(0, 1),
    tokens=st.integers(1, 65_536),
    as_text=st.booleans(),
)
def test_numbers_and_their_text_are_one(
    rps: float, share: float, tokens: int, as_text: bool
) -> None:
    raw = {"targetRps": rps, "maxSpotShare": share, "inputTokens": tokens}
    settings = with_(**{key: repr(v) if as_text else v for key, v in raw.items()})
    workload = settings.workloads[0]
    assert (workload.target_rps, settings.max_spot_share, workload.input_tokens) == (
        rps,
        share,
        tokens,
    )


def test_a_problem_is_a_frozen_value() -> None:
    """So that it can be counted and compared."""
    from outlay.errors import Problem

    assert dataclasses.astuple(Problem("a", "b")) == ("a", "b")
    assert [str(Problem("a", "b")), str(Problem("", "b"))] == ["a: b", "b"]
