"""What limits a purchase, and demand over time and by length: what is refused, and what becomes of it."""

from __future__ import annotations

import pytest

from tests.settings.builders import LEAST, parse, problems_of

PROFILES = [
    ([{"fromHour": 0, "toHour": 12, "share": 1}], "covers hours 0 to 12"),
    ([{"fromHour": 1, "toHour": 24, "share": 1}], "leaves a gap"),
    (
        [
            {"fromHour": 0, "toHour": 13, "share": 1},
            {"fromHour": 12, "toHour": 24, "share": 0.5},
        ],
        "overlaps another",
    ),
    ([{"fromHour": 0, "toHour": 0, "share": 1}], "is empty"),
    ([{"fromHour": 0, "toHour": 24, "share": 0.5}], "the largest share must be 1"),
]


@pytest.mark.parametrize(("profile", "reason"), PROFILES)
def test_a_profile_covers_a_day_or_week_once(profile: list[object], reason: str) -> None:
    (problem,) = problems_of({**LEAST, "profile": profile})
    assert reason in problem


def test_periods_may_come_in_any_order() -> None:
    night = {"fromHour": 0, "toHour": 8, "share": 0.1}
    day = {"fromHour": 8, "toHour": 24, "share": 1}
    assert parse({**LEAST, "profile": [day, night]}) == parse({**LEAST, "profile": [night, day]})


def test_buckets_become_workloads_of_their_own() -> None:
    """Each is sized for its own lengths; the demand is shared out."""
    short = {"share": 0.75, "inputTokens": 200, "outputTokens": 100}
    long = {"share": 0.25, "inputTokens": 4000, "outputTokens": 500}
    asked = parse(
        {"model": "llama-3.1-8b", "targetRps": 8, "name": "chat", "buckets": [short, long]}
    )
    assert [(w.label, w.target_rps, w.input_tokens) for w in asked.workloads] == [
        ("chat-1", 6.0, 200),
        ("chat-2", 2.0, 4000),
    ]


def test_buckets_must_be_all_requests_and_fit_the_context() -> None:
    half = {"share": 0.5, "inputTokens": 200, "outputTokens": 100}
    (problem,) = problems_of({**LEAST, "buckets": [half]})
    assert "the shares of buckets sum to 0.5; they must sum to 1" in problem
    (problem,) = problems_of({**LEAST, "buckets": [half, {**half, "inputTokens": 900_000}]})
    assert "beyond the context" in problem


BAD = [
    ({"quotas": [{"provider": "aws", "gpus": -1}]}, "quotas[0].gpus"),
    ({"quotas": [{"provider": "aws"}]}, "quotas[0].gpus"),
    ({"quotas": [{"provider": "aws", "gpus": 8, "region": "mars-*"}]}, "unknown region 'mars-*'"),
    ({"quotas": [{"provider": "awz", "gpus": 8}]}, "did you mean"),
    ({"maxClusters": 0}, "maxClusters"),
    ({"instanceTypes": ["g6f.*"]}, "unknown instance type 'g6f.*'"),
    ({"excludeInstanceTypes": ["p5.48xlarg"]}, "did you mean"),
    ({"excludeRegions": ["mars-*"]}, "unknown region 'mars-*'"),
    ({"managementOverheadPercent": -5}, "managementOverheadPercent"),
]


@pytest.mark.parametrize(("extra", "reason"), BAD)
def test_a_bad_limit_is_named(extra: dict[str, object], reason: str) -> None:
    (problem,) = problems_of({**LEAST, **extra})
    assert reason in problem
