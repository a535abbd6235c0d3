"""Speculative decoding as a setting: sized, warned of, and asked of the engine."""

from __future__ import annotations

import pytest

from outlay.errors import SettingsError
from outlay.planning.plan import Placement, Plan
from outlay.planning.planner import make_plan
from outlay.serving.engine import engine_args
from tests.planning.builders import catalog, offer, settings

DRAFT = {"draftTokens": 4, "acceptance": 0.7}


def plan(**changes: object) -> Plan:
    """Return the plan on one type of node, with short answers that are drafted well."""
    return make_plan(settings(**changes), catalog([offer()]))


def placed(**changes: object) -> Placement:
    """Return the one placement of that plan."""
    (placement,) = plan(**changes).placements
    return placement


def flags(placement: Placement) -> list[str]:
    """Return what is said to the engine of drafts."""
    args = engine_args(placement.shape, hf_id="meta-llama/Llama-3.1-8B", finish_s=60)
    return [arg for arg in args if arg.startswith("--speculative-config")]


def test_plans_decode_plainly_unless_told() -> None:
    assert flags(placed()) == []
    assert not any("drafted" in warning for warning in plan().warnings)


def test_drafts_looked_up_in_the_prompt_are_asked_of_the_engine_and_warned_of() -> None:
    assert flags(placed(speculation=DRAFT)) == [
        "--speculative-config.num_speculative_tokens=4",
        "--speculative-config.method=ngram",
        "--speculative-config.prompt_lookup_max=4",
    ]
    assert any("70% of drafted tokens" in warning for warning in plan(speculation=DRAFT).warnings)


def test_a_model_that_drafts_takes_room_from_the_replica() -> None:
    plain, drafted = placed(), placed(speculation={**DRAFT, "draftModel": "llama-3.2-1b"})
    assert "--speculative-config.model=meta-llama/Llama-3.2-1B" in " ".join(flags(drafted))
    assert drafted.shape.weights_gib > plain.shape.weights_gib


def test_more_accepted_drafts_never_hold_less() -> None:
    capacities = [
        placed(speculation={"draftTokens": 4, "acceptance": share}).shape.capacity_rps.low
        for share in (0.0, 0.3, 0.7, 1.0)
    ]
    assert capacities == sorted(capacities)


@pytest.mark.parametrize(
    "wrong",
    [
        {"draftTokens": 0, "acceptance": 0.5},
        {"draftTokens": 17, "acceptance": 0.5},
        {"draftTokens": 4, "acceptance": 1.5},
        {"draftTokens": 4, "acceptance": float("nan")},
        {"draftTokens": 4},
        {**DRAFT, "draftModel": "no-such-model"},
    ],
)
def test_impossible_drafts_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="speculation"):
        settings(speculation=wrong)
