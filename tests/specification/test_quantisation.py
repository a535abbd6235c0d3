"""The specification's rows on quantisation; each test is named after its row."""

from __future__ import annotations

from typing import Any

import pytest

from outlay.catalog import Precision
from outlay.planning.advice import Limits, advise, bought
from outlay.planning.planner import make_plan
from outlay.serving.render import render
from outlay.sizing.advisor import (
    base_method,
    checkpoint_of,
    find_method,
    mixed_weight_bytes,
    saved_share,
    weight_bytes,
)
from outlay.sizing.legacy import legacy_ranking
from outlay.sizing.precision import refusal
from tests.planning.builders import catalog, offer, settings
from tests.serving.find import args, model_servers, pod
from tests.sizing.builders import gpu, model

LLAMA = model("llama-3.1-8b")
# One GPU for the formats of Hopper and before, one for those of Blackwell.
OFFERS = catalog([
    offer(instance_type="p5.4xlarge", gpu="H100", usd_per_hour="6.88"),
    offer(instance_type="g7e.2xlarge", gpu="RTX-PRO-6000", usd_per_hour="3.36"),
])  # fmt: skip


def plan_with(method: str, **raw: object) -> Any:
    chosen = find_method(method)
    quantised = {
        "precisions": [chosen.precision.value],
        "kvPrecision": None if chosen.kv_precision is None else chosen.kv_precision.value,
        "checkpoint": checkpoint_of(LLAMA, chosen)[0],
        "surviveDomain": "none",
    }
    return make_plan(settings(**quantised, **raw), OFFERS)


def test_base_precision() -> None:
    """FP16 on FP16 base saves 0."""
    assert saved_share(LLAMA, base_method(LLAMA)) == 0
    assert saved_share(LLAMA, find_method("fp16")) == 0


def test_bytes_per_format() -> None:
    """8B mixed = 10.42 GB, 35 % below FP16."""
    mixed = mixed_weight_bytes(LLAMA)
    assert round(mixed / 1e9, 2) == 10.42
    assert round(1 - mixed / weight_bytes(LLAMA, Precision.FP16), 2) == 0.35
    assert round(mixed_weight_bytes(model("llama-3.1-70b")) / 1e9, 1) == 84.7


@pytest.mark.parametrize(
    ("name", "ranked"),
    [
        ("llama-3.1-8b", [("int8", 975), ("mixed", 750), ("fp16", 600)]),
        ("llama-3.1-70b", [("mixed", 4000), ("fp16", 3200)]),
        ("mistral-7b", [("int8", 780), ("fp16", 480)]),
        ("codellama-13b", [("int8", 1625)]),
    ],
)
def test_ranking_and_filters(name: str, ranked: list[tuple[str, float]]) -> None:
    """Legacy mode: 40 GB, 95 % -> int8 975, mixed 750, fp16 600."""
    assert list(legacy_ranking(name, memory_gb=40, least_retention_percent=95.0)) == ranked


def test_ranking_and_filters_at_their_bounds() -> None:
    """Legacy mode: int4 keeps 92 % and needs 4 GB, mixed 12 GB."""
    low = legacy_ranking("llama-3.1-8b", memory_gb=11, least_retention_percent=92.0)
    assert low == (("int4", 1200.0), ("int8", 975.0))
    assert legacy_ranking("llama-3.1-8b", memory_gb=3, least_retention_percent=92.0) == ()


@pytest.mark.parametrize(
    ("device", "precision", "runs"),
    [
        ("A100-80", Precision.FP8, False),
        ("L4", Precision.FP8, True),
        ("H100", Precision.FP8, True),
        ("V100-32", Precision.INT8, False),
        ("T4", Precision.INT8, True),
        ("H100", Precision.INT8, True),
        ("B200", Precision.INT8, False),
        ("V100-32", Precision.BF16, False),
        ("V100-32", Precision.INT4, False),
        ("T4", Precision.INT4, True),
        ("T4", Precision.INT8_WEIGHTS, False),
        ("B200", Precision.INT8_WEIGHTS, True),
        ("H100", Precision.NVFP4, False),
        ("B200", Precision.NVFP4, True),
    ],
)
def test_hardware_check(device: str, precision: Precision, runs: bool) -> None:
    """FP8 refused below 8.9; INT8 refused on >= 10.0 and < 7.5."""
    assert (refusal(LLAMA, gpu(device), precision) is None) is runs


def test_realised_saving() -> None:
    """Saving equals the difference of two plans; 0 when GPUs are equal."""
    found = advise(settings(surviveDomain="none", targetRps=200), OFFERS, limits=Limits())
    assert found.base_plan is not None
    savings = {True: 0, False: 0}
    for choice in found.choices:
        equal = bought(choice.plan) == bought(found.base_plan)
        difference = found.base_plan.usd_per_month - choice.plan.usd_per_month
        assert choice.saving_usd_per_month == (0 if equal else difference)
        savings[equal] += 1
    assert savings[True] > 0
    assert savings[False] > 0


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("fp16", {"--dtype=float16"}),
        ("bf16", {"--dtype=bfloat16"}),
        ("fp8", set[str]()),
        ("int8", set[str]()),
        ("int8-w8a16", set[str]()),
        ("int4", set[str]()),
        ("int4-awq", set[str]()),
        ("fp4", set[str]()),
        ("mixed", {"--quantization=fp8", "--kv-cache-dtype=fp8"}),
        ("dynamic", {"--quantization=fp8"}),
    ],
)
def test_every_enum_member_generates(name: str, flags: set[str]) -> None:
    """fp16, bf16, fp8, int8, int4, mixed, dynamic: object or clear refusal."""
    method = find_method(name)
    expected = {"--dtype=bfloat16"} if name == "fp16" else flags
    # A bf16 model is served in bf16 wherever the GPU has it; fp16 is for GPUs without.
    made = plan_with(name)
    for body in model_servers(render(made)):
        given = set(args(body))
        assert expected <= given
        checkpoint = checkpoint_of(LLAMA, method)[0] or LLAMA.hf_id
        assert checkpoint in given


def test_every_enum_member_generates_or_is_refused_by_name() -> None:
    """mxfp4 runs only models published in it, and no plan is made of it."""
    found = refusal(LLAMA, gpu("H100"), Precision.MXFP4)
    assert found == "mxfp4 runs only models published in it; Llama-3.1-8B is published in bf16"


@pytest.mark.parametrize("name", ["bf16", "fp8", "int8", "int4", "fp4", "mixed", "dynamic"])
def test_object_valid(name: str) -> None:
    """Schema check passes (rendering raises otherwise); GPU limits = requests."""
    servers = model_servers(render(plan_with(name)))
    assert servers
    for body in servers:
        for container in pod(body)["containers"]:
            resources = container["resources"]
            requested = resources["requests"].get("nvidia.com/gpu")
            assert resources.get("limits", {}).get("nvidia.com/gpu") == requested
