"""What is wrong is said all at once, each with the path of its key, the rule, and what was meant."""

from __future__ import annotations

import pytest

from outlay.errors import SettingsError
from tests.settings.builders import LEAST, parse, problems, problems_of

NUMBER_PROBLEMS = [
    ("targetRps", 0, "must be at least 0.001, got 0"),
    ("targetRps", -1, "must be at least 0.001, got -1"),
    ("targetRps", "1e-9", "must be at least 0.001, got '1e-9'"),
    ("targetRps", 100_001, "must be at most 100,000, got 100001"),
    ("targetRps", "1e300", "must be at most 100,000, got '1e300'"),
    ("targetRps", "nan", "must be a finite number, got 'nan'"),
    ("targetRps", float("inf"), "must be a finite number, got inf"),
    ("targetRps", "ten", "must be a number, got 'ten'"),
    ("targetRps", True, "must be a number, got true"),
    ("targetRps", [10], "must be a number, got [10]"),
    ("inputTokens", 0, "must be at least 1, got 0"),
    ("inputTokens", 1.5, "must be a whole number, got 1.5"),
    ("inputTokens", "many", "must be a whole number, got 'many'"),
    ("outputTokens", 10**30, f"must be at most 10,000,000, got {10**30}"),
    ("prefixCacheHitShare", 1, "must be below 1, got 1"),
    ("ttftMs", 0, "must be above 0, got 0"),
    ("tpotMs", "3600001", "must be at most 3,600,000, got '3600001'"),
    ("maxSpotShare", 1.01, "must be at most 1, got 1.01"),
    ("surviveFraction", 1, "must be below 1, got 1"),
    ("headroom", 0.9, "must be at least 1, got 0.9"),
    ("maxScale", 11, "must be at most 10, got 11"),
    ("egressBytesPerOutputToken", -1, "must be at least 0, got -1"),
    ("budgetUsdPerMonth", 0, "must be above 0, got 0"),
    ("budgetUsdPerMonth", "much", "must be an amount in USD such as 5000, got 'much'"),
    ("budgetUsdPerMonth", "NaN", "must be a finite number, got 'NaN'"),
    ("budgetUsdPerMonth", "1e999999", "must be at most 1,000,000,000,000, got '1e999999'"),
]


@pytest.mark.parametrize(("key", "value", "message"), NUMBER_PROBLEMS)
def test_numbers(key: str, value: object, message: str) -> None:
    assert problems(**{key: value}) == [f"{key}: {message}"]


PRECISIONS = "bf16, fp16, fp8, int8, w8a16, int4, nvfp4, mxfp4"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (
            "model",
            "lama-3.1-8b",
            (
                "model: unknown model 'lama-3.1-8b'; did you mean"
                " Llama-3.1-8B or Llama-3-8B or Llama-3.1-70B?"
            ),
        ),
        ("gpus", "h10", "gpus[0]: unknown GPU 'h10'; did you mean H100 or A10 or H100-NVL?"),
        ("providers", ["aws", "gpc"], "providers[1]: unknown provider 'gpc'; did you mean gcp?"),
        (
            "regions",
            "us-est-1",
            (
                "regions: unknown region 'us-est-1'; did you mean us-east-1 or us-west1 or us-east1?"
                " (patterns such as us-* are allowed)"
            ),
        ),
        (
            "precisions",
            ["fp9"],
            f"precisions[0]: must be one of {PRECISIONS}, got 'fp9'; did you mean fp8?",
        ),
        (
            "markets",
            "spott",
            "markets[0]: must be one of on-demand, spot, got 'spott'; did you mean spot?",
        ),
        (
            "surviveDomain",
            "regoin",
            (
                "surviveDomain: must be one of none, spot, region, provider, got 'regoin';"
                " did you mean region?"
            ),
        ),
        ("targetRsp", 3, "targetRsp: is no setting; did you mean targetRps?"),
        ("provider", "aws", "provider: is no setting; did you mean providers?"),
    ],
)
def test_names_are_answered_with_what_is_near(key: str, value: object, problem: str) -> None:
    assert problems(**{key: value}) == [problem]


def test_a_key_like_none_is_answered_with_all() -> None:
    (problem,) = problems(zzz=1)
    assert problem.startswith("zzz: is no setting; known are apiCidrs, buckets, budgetUsdPerMonth,")
    assert "ttftMs" in problem


def test_a_workloads_key_is_answered_with_a_workloads_keys() -> None:
    raw = {"workloads": [{**LEAST, "headroom": 2}]}
    (problem,) = problems_of(raw)
    assert problem.startswith(
        "workloads[0].headroom: is no setting; known are buckets, checkpoint,"
    )
    assert "budgetUsdPerMonth" not in problem


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"model": 3}, "model: must be text (numbers and dates need quotes in YAML), got 3"),
        (
            {"kubernetesVersion": 1.34},
            "kubernetesVersion: must be text (numbers and dates need quotes in YAML), got 1.34",
        ),
        ({"kubernetesVersion": "v1.34"}, "kubernetesVersion: must be a version such as 1.34, got 'v1.34'"),
        ({"tags": ["a"]}, "tags: must be a mapping, got ['a']"),
        ({"tags": {"a": 1}}, "tags.a: must be text (numbers and dates need quotes in YAML), got 1"),
        ({"gpus": 4}, "gpus: must be a list, got 4"),
        ({"markets": ","}, "markets: must name at least one"),
        ({"checkpoint": "mine", "precisions": "fp8"},
         "checkpoint: 'mine' is no Hugging Face repository: write owner/name"),
        ({"name": "Chat Bot"},
         "name: 'Chat Bot' is no DNS label: use lower-case letters, digits and '-', at most 63 characters"),
        ({"namespace": "a" * 64}, None),
        ({"environment": "Prod"}, None),
    ],
)  # fmt: skip
def test_other_types(changes: dict[str, object], problem: str | None) -> None:
    found = problems(**changes)
    assert len(found) == 1
    assert problem is None or found == [problem]


def test_lengths_beyond_the_context_name_both_and_the_limit() -> None:
    assert problems(inputTokens=131_072) == [
        (
            "inputTokens + outputTokens = 131,328 is beyond the context of Llama-3.1-8B"
            " (131,072 tokens); shorten them or choose another model"
        )
    ]


@pytest.mark.parametrize("precisions", [[], ["fp8", "int4"]])
def test_a_checkpoint_needs_exactly_one_precision(precisions: list[str]) -> None:
    assert problems(checkpoint="a/b", precisions=precisions) == [
        "checkpoint names one set of weights, so precisions must name exactly the one they are in"
    ]


def test_regions_of_no_allowed_provider_contradict() -> None:
    assert problems(providers="aws", regions="europe-*") == [
        "regions: europe-* is at none of the providers allowed (aws); change regions or providers"
    ]


def test_two_workloads_need_two_names() -> None:
    workloads = [LEAST, {**LEAST, "targetRps": 3}]
    assert problems_of({"workloads": workloads}) == [
        "workloads: two workloads are called 'llama-3-1-8b'; give one of them another `name`"
    ]
    assert len(parse({"workloads": [LEAST, {**LEAST, "name": "other"}]}).workloads) == 2


@pytest.mark.parametrize("key", ["model", "targetRps", "name", "checkpoint"])
def test_what_is_of_one_workload_cannot_stand_beside_several(key: str) -> None:
    assert problems_of({"workloads": [LEAST], key: "a"}) == [
        f"{key}: belongs into `workloads` when there are several"
    ]


@pytest.mark.parametrize(
    ("workloads", "problem"),
    [
        ("llama", "workloads: must be a list, got 'llama'"),
        ({"a": 1}, "workloads: must be a list, got {'a': 1}"),
        (
            ["llama"],
            "workloads[0]: must be a mapping of settings such as model and targetRps, got 'llama'",
        ),
        ([{"targetRps": 1}], "workloads[0].model: is required"),
    ],
)
def test_broken_workloads(workloads: object, problem: str) -> None:
    assert problems_of({"workloads": workloads}) == [problem]


def test_nothing_at_all_lacks_a_model_and_its_demand() -> None:
    assert problems_of({}) == ["model: is required", "targetRps: is required"]


def test_all_problems_come_at_once_with_their_paths() -> None:
    raw = {
        "workloads": [
            {"model": "llama-3.1-8b", "targetRps": 0},
            {"model": "nothing-like-it", "targetRps": 1, "inputTokns": 5},
        ],
        "gpus": ["l4", "l5"],
        "headroom": "x",
        "colour": "red",
    }
    paths = [problem.split(":")[0] for problem in problems_of(raw)]
    assert paths == [
        "workloads[0].targetRps",
        "workloads[1].model",
        "workloads[1].inputTokns",
        "gpus[1]",
        "headroom",
        "colour",
    ]


def test_the_error_counts_its_problems_and_names_their_source() -> None:
    with pytest.raises(SettingsError) as caught:
        parse({"model": "llama-3.1-8b"})
    assert str(caught.value) == "1 problem in test:\n  targetRps: is required"
    with pytest.raises(SettingsError, match=r"^2 problems in test:\n"):
        parse({})


def test_a_huge_value_is_shown_in_part() -> None:
    """Nested aliases of a few lines would fill the screen for minutes."""
    nested: object = "x"
    for _ in range(8):
        nested = [nested] * 9
    raw = {"model": nested, "targetRps": "y" * 10**6, "regions": ["z" * 10**6], "a" * 10**6: 1}
    shown = [str(problem) for problem in problems_of(raw)]
    assert len(shown) == 4
    assert max(len(text) for text in shown) < 1000
