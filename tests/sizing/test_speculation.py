"""Speculative decoding: what a step brings, what the draft costs, and where it does not pay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Precision
from outlay.sizing.capacity import replica_shapes
from outlay.sizing.features import gpu_columns
from outlay.sizing.speculation import Speculation
from outlay.sizing.speed import replica_speed
from outlay.sizing.types import ReplicaShape
from tests.sizing.builders import gpu, model, shape, traffic

K = st.integers(1, 16)


def decode_s(speculation: Speculation | None, sequences: float) -> float:
    plain = replica_speed(
        model("llama-3.1-70b"),
        gpu("H200"),
        tensor_parallel=2,
        precision=Precision.BF16,
        kv_precision=Precision.BF16,
    )
    speed = speculation.speed(plain, gpu_columns(gpu("H200"))) if speculation else plain
    return float(speed.decode_s(sequences, 1000.0)[0])


def sized(speculation: Speculation | None) -> ReplicaShape:
    found = replica_shapes(
        model("llama-3.1-70b"),
        [gpu("H200")],
        traffic=traffic(),
        precisions=[Precision.FP8],
        max_gpus=1,
        speculation=speculation,
    )
    return shape(found[0])


def test_tokens_of_a_step_are_a_geometric_sum() -> None:
    """Leviathan et al.: (1 - 0.8^5) / (1 - 0.8)."""
    assert Speculation(draft_tokens=4, acceptance=0.8).tokens_per_step == pytest.approx(3.3616)


@given(k=K, acceptance=st.floats(0, 1), more=st.floats(0, 1))
def test_better_drafts_are_never_slower(k: int, acceptance: float, more: float) -> None:
    better = acceptance + (1 - acceptance) * more
    slow, fast = (Speculation(draft_tokens=k, acceptance=a) for a in (acceptance, better))
    assert decode_s(fast, 8) <= decode_s(slow, 8) * (1 + 1e-12)


@given(k=K, sequences=st.floats(1, 500))
def test_drafts_that_are_never_accepted_only_cost(k: int, sequences: float) -> None:
    assert decode_s(Speculation(draft_tokens=k, acceptance=0), sequences) > decode_s(
        None, sequences
    )


def test_it_pays_with_few_sequences_and_less_with_many() -> None:
    """Alone, weights are read for several tokens; in a large batch, operations are what costs."""
    drafted = Speculation(draft_tokens=4, acceptance=0.7)
    gains = [decode_s(None, b) / decode_s(drafted, b) for b in (1, 64, 512)]
    assert gains[0] > 2
    assert gains[0] > gains[1] > gains[2]


@given(acceptance=st.floats(0, 1))
def test_a_draft_model_takes_time_that_a_look_up_does_not(acceptance: float) -> None:
    looked_up = Speculation(draft_tokens=4, acceptance=acceptance)
    drafted = Speculation(draft_tokens=4, acceptance=acceptance, draft=model("llama-3.1-8b"))
    assert decode_s(drafted, 8) > decode_s(looked_up, 8)


def test_a_draft_takes_its_weights_and_its_kv_cache() -> None:
    plain = sized(None)
    drafted = sized(Speculation(draft_tokens=4, acceptance=0.7, draft=model("llama-3.1-8b")))
    weights_gib = 8_030_261_248 * 2 / 2**30
    assert plain.kv_cache_gib - drafted.kv_cache_gib == pytest.approx(weights_gib, abs=1e-3)
    assert drafted.max_sequences < plain.max_sequences * drafted.kv_cache_gib / plain.kv_cache_gib
    looked_up = sized(Speculation(draft_tokens=4, acceptance=0.7))
    assert looked_up.kv_cache_gib == plain.kv_cache_gib


@pytest.mark.parametrize(
    ("tokens", "acceptance"), [(0, 0.5), (17, 0.5), (4, -0.1), (4, 1.1), (4, float("nan"))]
)
def test_what_is_no_speculation_is_an_error(tokens: int, acceptance: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        Speculation(draft_tokens=tokens, acceptance=acceptance)
