"""Prefill and decode apart: what a replica of each holds, and the transfer between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Precision
from outlay.sizing.capacity import size_replica
from outlay.sizing.disaggregation import (
    BUSIEST,
    Economics,
    PrefillReplica,
    decode_replicas,
    path_of,
    prefill_replicas,
    transfer,
)
from outlay.sizing.types import DoesNotRun, ReplicaShape, Traffic
from tests.sizing.builders import gpu, model, traffic

LLAMA = model("llama-3.1-8b")
BF16 = (Precision.BF16,)


def prefill(load: Traffic | None = None, *, on: str = "H100") -> PrefillReplica:
    found = prefill_replicas(
        LLAMA, [gpu(on)], traffic=load or traffic(), precisions=BF16, max_gpus=1
    )[0]
    assert isinstance(found, PrefillReplica), found.reason
    return found


def decode(load: Traffic | None = None, *, on: str = "H100") -> ReplicaShape:
    found = decode_replicas(
        LLAMA, [gpu(on)], traffic=load or traffic(), precisions=BF16, max_gpus=1
    )[0]
    assert isinstance(found, ReplicaShape), found.reason
    return found


def expected(replica: PrefillReplica, *, slack_s: float, transfer_s: float = 0.0) -> float | None:
    found = replica.capacity_rps(slack_s=slack_s, transfer_s=transfer_s)
    return None if found is None else found.expected


def test_a_prompt_takes_its_tokens_over_the_prefill_rate() -> None:
    found = prefill()
    assert found.prompt_s == 1024 / found.shape.prefill_tokens_per_s


def test_cached_tokens_are_not_prefilled() -> None:
    assert prefill(traffic(cached=0.75)).prompt_s == pytest.approx(prefill().prompt_s / 4)


def test_the_wait_of_an_m_d_1_queue_limits_prefill() -> None:
    """With slack of half a prompt's time utilization is 1/2, as u / (2 (1 - u)) = 1/2."""
    found = prefill()
    assert expected(found, slack_s=found.prompt_s / 2) == pytest.approx(0.5 / found.prompt_s)


def test_no_prefill_replica_is_busier_than_its_bound() -> None:
    found = prefill()
    assert expected(found, slack_s=1e6) == pytest.approx(BUSIEST / found.prompt_s)


def test_without_slack_no_prompt_is_served_in_time() -> None:
    assert expected(prefill(), slack_s=0.0) is None


def test_a_slow_network_limits_prefill() -> None:
    assert expected(prefill(), slack_s=1.0, transfer_s=10.0) == pytest.approx(BUSIEST / 10)


def test_the_interval_of_prefill_is_as_wide_as_that_of_its_gpu() -> None:
    both = size_replica(LLAMA, gpu("L4"), tensor_parallel=1, precision=Precision.BF16,
                        traffic=traffic(tpot_ms=500, ttft_ms=9000))  # fmt: skip
    assert isinstance(both, ReplicaShape)
    found = prefill(on="L4").capacity_rps(slack_s=1.0, transfer_s=0.0)
    assert found is not None
    known = both.capacity_rps
    assert found.low / found.expected == pytest.approx(known.low / known.expected)


def test_decode_alone_holds_more_than_both_together() -> None:
    both = size_replica(
        LLAMA, gpu("H100"), tensor_parallel=1, precision=Precision.BF16, traffic=traffic()
    )
    assert isinstance(both, ReplicaShape)
    assert decode().capacity_rps.expected > both.capacity_rps.expected
    assert decode().max_sequences == both.max_sequences


def test_decode_does_not_care_how_fast_the_first_token_must_come() -> None:
    assert decode(traffic(ttft_ms=1)) == decode(traffic(ttft_ms=9000))


def test_decode_that_is_too_slow_is_refused() -> None:
    found = decode_replicas(LLAMA, [gpu("L4")], traffic=traffic(), precisions=BF16, max_gpus=1)[0]
    assert isinstance(found, DoesNotRun)
    assert "TPOT of a single request" in found.reason


def test_the_transfer_of_a_prompt_of_llama_8b() -> None:
    """128 KiB a token: 4,000 tokens are 0.52 GB, 42 ms at 100 Gbit/s."""
    found = transfer(LLAMA, kv_precision=Precision.BF16, prompt_tokens=4000, link_gbit_per_s=100)
    assert found.bytes == 4000 * 131_072
    assert found.seconds == pytest.approx(0.041943, abs=1e-6)


def test_an_fp8_cache_takes_half_as_long() -> None:
    whole, half = (
        transfer(LLAMA, kv_precision=p, prompt_tokens=100, link_gbit_per_s=10).seconds
        for p in (Precision.BF16, Precision.FP8)
    )
    assert half == whole / 2


def test_a_sliding_window_bounds_the_transfer() -> None:
    """gpt-oss: half of the layers keep 128 tokens."""
    oss = model("gpt-oss-20b")
    found = transfer(oss, kv_precision=Precision.BF16, prompt_tokens=8128, link_gbit_per_s=100)
    assert found.bytes == oss.kv_bytes_per_token_16bit * (8128 + 128) / 2


@given(st.floats(0.01, 1e5), st.floats(0.01, 1e5), st.floats(1, 1e6))
def test_the_verdict_agrees_with_the_costs(together: float, apart: float, requests: float) -> None:
    found = Economics(
        aggregated_usd_per_hour=together,
        aggregated_requests_per_hour=requests,
        split_usd_per_hour=apart,
        split_requests_per_hour=requests,
    )
    assert found.saving_share == pytest.approx(1 - apart / together)
    word = {True: "dearer", False: "cheaper"}[found.cost_ratio > 1]
    assert found.verdict.startswith(word) or found.verdict == "equal"
    assert found.requests_per_hour_to_save(0) == pytest.approx(requests * apart / together)


@given(st.integers(1, 200_000), st.integers(1, 200_000), st.integers(1, 200_000))
def test_every_prompt_has_one_path(prompt: int, least: int, longest: int) -> None:
    found = path_of(prompt, least_split_tokens=least, max_model_len=longest)
    assert found == ("refused" if prompt > longest else "split" if prompt >= least else "decode")


def test_a_prompt_without_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="prompt_tokens must be at least 1, got 0"):
        path_of(0, least_split_tokens=100, max_model_len=4096)
