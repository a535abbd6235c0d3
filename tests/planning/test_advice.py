"""Precisions ranked by what the planner would pay: savings are differences of two plans."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outlay.catalog import Precision
from outlay.errors import InputError
from outlay.planning.advice import Advice, Choice, Limits, advise, bought, reasons
from outlay.planning.candidates import traffic
from outlay.planning.planner import make_plan
from outlay.sizing.capacity import size_replica
from outlay.sizing.types import ReplicaShape
from tests.planning.builders import REAL, catalog, offer, settings

L4 = offer(instance_type="g2-standard-8", provider="gcp", region="us-central1", gpu="L4",
           usd_per_hour="0.85")  # fmt: skip
L4_PAIR = offer(instance_type="g2-standard-24", provider="gcp", region="us-central1", gpu="L4",
                gpus_per_node=2, usd_per_hour="2.00")  # fmt: skip
H100 = offer(instance_type="a3-highgpu-1g", provider="gcp", region="us-central1", gpu="H100",
             usd_per_hour="11.06")  # fmt: skip
SMALL = catalog([L4, L4_PAIR, H100])
CALM = {"surviveDomain": "none"}


def advice(limits: Limits | None = None, **raw: object) -> Advice:
    return advise(settings(**CALM, **raw), SMALL, limits=limits or Limits())


def by_name(found: Advice) -> dict[str, Choice]:
    return {choice.method.name: choice for choice in found.choices}


@pytest.fixture(scope="module")
def found() -> Advice:
    """Llama-3.1-8B at 60 requests/s."""
    return advice(targetRps=60)


def test_the_saving_is_the_difference_of_two_plans(found: Advice) -> None:
    before = make_plan(settings(**CALM, targetRps=60, precisions="bf16"), SMALL)
    after = make_plan(settings(**CALM, targetRps=60, precisions="fp8"), SMALL)
    fp8 = by_name(found)["fp8-dynamic"]
    assert bought(before) != bought(after)
    assert fp8.saving_usd_per_month == before.usd_per_month - after.usd_per_month
    assert fp8.plan.usd_per_month == after.usd_per_month


def test_the_base_saves_nothing(found: Advice) -> None:
    base = by_name(found)["bf16"]
    assert base.saving_usd_per_month == Decimal(0)
    assert (base.saved_share, base.speed) == (0.0, 1.0)


def test_speed_is_against_the_base_on_the_same_gpus(found: Advice) -> None:
    fp8 = by_name(found)["fp8-dynamic"]
    main = fp8.main.shape
    base = size_replica(
        REAL.model("llama-3.1-8b"),
        REAL.gpu(main.gpu),
        tensor_parallel=main.tensor_parallel,
        precision=Precision.BF16,
        traffic=traffic(settings().workloads[0]),
    )
    assert isinstance(base, ReplicaShape)
    assert fp8.speed == main.capacity_rps.expected / base.capacity_rps.expected > 1


def test_nothing_is_saved_where_the_same_nodes_are_bought() -> None:
    """One H100 idles either way; smaller weights alone pay for nothing."""
    few = advice(targetRps=0.5, gpus="H100")
    assert {choice.saving_usd_per_month for choice in few.choices} == {Decimal(0)}


def test_options_are_ranked_by_cost_per_million_tokens(found: Advice) -> None:
    costs = [choice.plan.usd_per_million_tokens for choice in found.choices]
    assert costs == sorted(costs)
    assert len(costs) > 5


def test_each_plan_uses_its_precision_alone(found: Advice) -> None:
    for choice in found.choices:
        for placement in choice.plan.placements:
            assert placement.shape.weight_precision is choice.method.precision
            if choice.method.kv_precision is not None:
                assert placement.shape.kv_precision is choice.method.kv_precision


def test_what_no_gpu_runs_is_excluded_with_the_reason(found: Advice) -> None:
    excluded = {item.method.name: item.reason for item in found.excluded}
    assert set(excluded) == {"nvfp4"}
    assert "fp4 needs compute capability 10.0" in excluded["nvfp4"]


def test_a_quality_limit_needs_a_source() -> None:
    found = advice(Limits(min_quality=0.98))
    assert set(by_name(found)) == {"bf16", "fp8", "fp8-dynamic", "int8-w8a8"}
    why = {item.method.name: item.reason for item in found.excluded}
    assert why["int4-awq"] == "no source for the quality it keeps, 98.0% is asked for"
    assert why["int4-gptq"] == "keeps 97.5% of the quality, 98.0% is asked for"


def test_the_base_needs_no_source() -> None:
    assert "bf16" in by_name(advice(Limits(min_quality=1.0)))


def test_a_memory_limit_leaves_out_larger_cards() -> None:
    found = advice(Limits(gpu_memory_gib=24))
    assert {p.gpu for choice in found.choices for p in choice.plan.pools} == {"L4"}


def test_a_memory_limit_refuses_what_does_not_fit_on_one_gpu() -> None:
    found = advice(Limits(gpu_memory_gib=24), model="qwen3-14b")
    why = {item.method.name: item.reason for item in found.excluded}
    assert "bf16" in why
    assert why["bf16"].startswith("needs ")
    assert why["bf16"].endswith("of 24 GiB the engine may use 21.6")
    assert "int4-awq" in by_name(found)


def test_without_a_base_plan_nothing_can_be_saved() -> None:
    """32B in 16 bit fits on no pair of L4, and no more are sold together."""
    found = advice(Limits(), model="qwen3-32b", gpus="L4", targetRps=0.1, tpotMs=500, ttftMs=9000)
    assert found.base_plan is None
    assert found.choices
    assert {choice.saving_usd_per_month for choice in found.choices} == {None}
    assert {choice.speed for choice in found.choices} == {None}


def test_no_gpu_within_the_memory_limit_is_said() -> None:
    with pytest.raises(InputError, match=r"no GPU has at most 4 GiB; the smallest allowed has 22"):
        advice(Limits(gpu_memory_gib=4))


def test_several_workloads_are_refused() -> None:
    two = settings(workloads=[{"model": "llama-3.1-8b", "targetRps": 1},
                              {"model": "qwen3-8b", "targetRps": 1}])  # fmt: skip
    with pytest.raises(InputError, match="one workload"):
        advise(two, SMALL, limits=Limits())


def test_methods_that_share_a_reason_are_named_together() -> None:
    found = advice(Limits(min_quality=0.98))
    assert reasons(found.excluded)["no source for the quality it keeps, 98.0% is asked for"] == (
        "int4-awq",
        "int4-awq+kv-fp8",
    )
