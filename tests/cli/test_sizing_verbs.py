"""`outlay size`, `precision`, `calibrate` and `disaggregate`: what they print, and a user's mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from outlay.reporting import calibration, precision, size, split
from tests.cli.command import REPOSITORY, SMALL, Command

MEASURED = REPOSITORY / "tests" / "sizing" / "calibration"
ON_H100 = ("--model", "llama-3.1-8b", "--gpu", "h100")
AWS = ("--model", "llama-3.1-8b", "--rps", "60", "--provider", "aws", "--region", "us-east-1")
Json = dict[str, Any]


def parsed(text: str) -> Json:
    value: Json = json.loads(text)
    return value


@pytest.fixture
def calibrated(run: Command, tmp_path: Path) -> str:
    """A calibration of Llama-3.1-8B on one H100."""
    done = run(
        "calibrate", str(MEASURED / "guidellm.json"), *ON_H100, "--out", str(tmp_path), "--json"
    )
    assert done.code == 0, done.err
    return str(parsed(done.out)["file"])


def test_size_shows_every_shape_of_a_gpu_with_memory_grade_and_limit(run: Command) -> None:
    done = run("size", *ON_H100)
    assert done.code == 0
    for part in (
        "█ weights",
        "▒ KV cache",
        "GiB (",
        "1 x H100 fp8",
        "8 x H100 bf16",
        "TPOT",
        "covered",
    ):
        assert part in done.out


def test_size_json_has_shapes_and_refusals(run: Command) -> None:
    slow = ("--model", "llama-3.1-70b", "--tpot-ms", "200", "--ttft-ms", "20000")
    found = parsed(run("size", *slow, "--gpu", "a100-80", "--json").out)
    assert {s["gpus_per_replica"] for s in found["shapes"]} == {2, 4, 8}
    assert {r["reason"] for r in found["refused"]} == {
        "fp8 W8A8 needs compute capability 8.9, A100-80 has 8.0",
        "needs 134 GiB for weights, runtime and one sequence, has 72",
    }


def test_size_shows_what_requests_see_at_a_rate(run: Command) -> None:
    """Replicas on the safe side share the rate; p95 lies above the mean; without --rps, none of it."""
    done = run("size", *ON_H100, "--rps", "100")
    assert "Replicas" in done.out
    assert "TTFT ms, p95" in done.out
    for item in parsed(run("size", *ON_H100, "--rps", "100", "--json").out)["shapes"]:
        seen = item["at_rate"]
        assert seen["replicas"] * seen["replica_rps"] == pytest.approx(100, rel=1e-3)
        assert seen["replica_rps"] <= item["capacity_rps"]["low"]
        assert 0 < seen["utilization"] < 1
        assert seen["ttft_mean_ms"] < seen["ttft_p95_ms"] < 2000
        assert seen["tpot_mean_ms"] < seen["tpot_p95_ms"] < 50
    assert "at_rate" not in parsed(run("size", *ON_H100, "--json").out)["shapes"][0]


def test_size_keeps_a_promise_on_p95(run: Command) -> None:
    """The slowest of twenty within the SLO is fewer requests/s than their mean within it."""
    tight = ("size", *ON_H100, "--precision", "bf16", "--tpot-ms", "12", "--json")
    mean = parsed(run(*tight).out)
    late = parsed(run(*tight, "--slo-percentile", "p95").out)
    assert (mean["slo_percentile"], late["slo_percentile"]) == ("mean", "p95")
    rates = [
        next(s["capacity_rps"]["expected"] for s in found["shapes"] if s["gpus_per_replica"] == 1)
        for found in (mean, late)
    ]
    assert rates[1] < 0.97 * rates[0]


def test_size_puts_length_classes_on_the_same_replicas(run: Command) -> None:
    """A mixture holds more than its long requests alone and less than its short ones."""
    classes = ("--bucket", "0.8:512:256", "--bucket", "0.2:6000:600")
    both = parsed(run("size", *ON_H100, *classes, "--json").out)
    assert [b["share"] for b in both["buckets"]] == [0.8, 0.2]
    rates = [
        parsed(run("size", *ON_H100, "--bucket", f"1:{of}", "--json").out)["shapes"][0]
        for of in ("512:256", "6000:600")
    ]
    short, long = (shape["capacity_rps"]["expected"] for shape in rates)
    assert long < both["shapes"][0]["capacity_rps"]["expected"] < short
    assert "80% 512 + 256, 20% 6000 + 600 tokens" in run("size", *ON_H100, *classes).out


@pytest.mark.parametrize(
    ("name", "card", "precision", "reason"),
    [
        ("llama-3.1-8b", "v100-32", "fp8", "compute capability"),
        ("llama-3.1-8b", "h100", "nvfp4", "compute capability"),
        ("qwen2.5-0.5b", "t4", "fp8", "compute capability"),
        ("codellama-70b", "t4", "fp16", "GiB for weights, runtime and one sequence"),
    ],
)
def test_size_says_why_nothing_runs(
    run: Command, name: str, card: str, precision: str, reason: str
) -> None:
    done = run("size", "--model", name, "--gpu", card, "--precision", precision)
    assert done.code == 2
    assert "can be served on none of these GPUs" in done.err
    assert reason in done.err


def test_size_shows_what_speculative_decoding_brings(run: Command) -> None:
    """More requests/s where TPOT binds early; a draft model takes memory from the KV cache."""
    base = ("size", *ON_H100, "--precision", "bf16", "--tpot-ms", "10", "--json")
    plain, looked_up, drafted = (
        next(s for s in parsed(run(*base, *more).out)["shapes"] if s["gpus_per_replica"] == 1)
        for more in (
            (),
            ("--draft-tokens", "3"),
            ("--draft-tokens", "3", "--draft-model", "qwen2.5-0.5b"),
        )
    )
    rates = [s["capacity_rps"]["expected"] for s in (plain, looked_up, drafted)]
    assert rates[1] > rates[2] > rates[0] * 0.5
    assert rates[1] > rates[0]
    assert plain["kv_cache_gib"] == looked_up["kv_cache_gib"] > drafted["kv_cache_gib"]


def test_size_takes_all_gpus_on_sale_when_none_is_named(run: Command) -> None:
    found = parsed(run("size", "--model", "llama-3.1-8b", "--json").out)
    assert {"H100", "L4", "A100-80", "T4"} <= {s["gpu"] for s in found["shapes"]}


def test_size_uses_a_calibration(run: Command, calibrated: str) -> None:
    like = ("--input-tokens", "1024", "--output-tokens", "256", "--precision", "bf16", "--json")
    plain = parsed(run("size", *ON_H100, *like).out)["shapes"]
    found = parsed(run("size", *ON_H100, *like, "--calibration", calibrated).out)["shapes"]
    before, after = (
        next(s for s in shapes if s["gpus_per_replica"] == 1) for shapes in (plain, found)
    )
    assert (before["grade"], after["grade"]) == ("covered", "calibrated")
    assert _width(after) < _width(before)


def _width(shape: Json) -> float:
    capacity = shape["capacity_rps"]
    return float(capacity["high"]) / float(capacity["low"])


def test_a_plan_uses_the_calibrations_that_settings_name(
    run: Command, calibrated: str, tmp_path: Path
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        f"model: llama-3.1-8b\ntargetRps: 10\ninputTokens: 1024\noutputTokens: 256\n"
        f"gpus: [H100]\nprecisions: bf16\nproviders: aws\ncalibrations: [{calibrated}]\n"
    )
    found = parsed(run("plan", "--settings", str(file), "--json").out)
    assert found["workloads"][0]["grade"] == "calibrated"


def test_a_plan_says_which_calibration_it_did_not_use(
    run: Command, calibrated: str, tmp_path: Path
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        f"model: llama-3.1-8b\ntargetRps: 10\ngpus: [L4]\nproviders: gcp\n"
        f"calibrations: [{calibrated}]\n"
    )
    found = parsed(run("plan", "--settings", str(file), "--json").out)
    assert {
        "what": "calibration llama-3.1-8b-h100x1-bf16",
        "reason": "no replica of Llama-3.1-8B on 1 x H100 in bf16 is considered",
    } in found["left_out"]


def test_calibrate_shows_measured_beside_predicted(run: Command, tmp_path: Path) -> None:
    files = [str(MEASURED / name) for name in ("guidellm.json", "vllm_append_result.jsonl")]
    done = run("calibrate", *files, *ON_H100, "--out", str(tmp_path / "c"))
    assert done.code == 0
    assert "guidellm.json: guidellm, 2026-09-21, meta-llama/Llama-3.1-8B-Instruct" in done.out
    assert "throughput is " in done.out
    assert "Not used: vllm_append_result.jsonl, result 3: saturated" in done.out
    assert (tmp_path / "c" / "llama-3.1-8b-h100x1-bf16.json").is_file()


def test_a_name_for_the_calibration_is_made_a_file_name(run: Command, tmp_path: Path) -> None:
    file = str(MEASURED / "vllm_bench_serve.json")
    assert (
        run("calibrate", file, *ON_H100, "--out", str(tmp_path), "--name", "../My Run!").code == 0
    )
    assert [path.name for path in tmp_path.iterdir()] == ["my-run.json"]


def test_precision_ranks_by_cost(run: Command) -> None:
    found = parsed(run("precision", *AWS, "--gpu", "h100", "--json").out)
    costs = [option["usd_per_million_tokens"] for option in found["options"]]
    assert costs == sorted(costs)
    int4 = next(o for o in found["options"] if o["method"] == "int4-gptq")
    assert int4["quality"]["retention_low_share"] == 0.9748
    assert int4["quality"]["sources"] == [
        "huggingface.co/neuralmagic/Meta-Llama-3.1-8B-Instruct-quantized.w4a16"
    ]
    awq = next(o for o in found["options"] if o["method"] == "int4-awq")
    assert awq["quality"] is None


def test_precision_prints_quality_flags_and_what_is_out(run: Command) -> None:
    done = run("precision", *SMALL, "--min-quality", "0.98", "--gpu-memory-gib", "24")
    assert done.code == 0
    assert "vllm serve meta-llama/Llama-3.1-8B-Instruct --quantization=fp8" in done.out
    assert "99.5 %" in done.out
    assert "Not offered: int4-gptq: keeps 97.5% of the quality, 98.0% is asked for" in done.out


def test_disaggregate_says_which_is_dearer_and_by_how_much(run: Command) -> None:
    done = run("disaggregate", *AWS, "--gpu", "h100")
    assert done.code == 0
    for part in ("KV transfer: ", "Split: ", "/hour for the same demand", "whatever the ratio"):
        assert part in done.out
    found = parsed(run("disaggregate", *AWS, "--gpu", "h100", "--json").out)
    assert found["cost_ratio"] == pytest.approx(
        found["split_usd_per_hour"] / found["aggregated_usd_per_hour"], abs=1e-6
    )
    assert found["transfer"]["bytes_per_prompt"] == 512 * 131_072


MISTAKES = [
    (("size",), "Missing option '--model'"),
    (("size", "--model", "lama"), "--model: unknown model 'lama'"),
    (("size", *ON_H100, "--gpu", "zz"), "unknown GPU 'zz'"),
    (("size", *ON_H100, "--precision", "fp9"), "--precision: must be one of"),
    (("size", *ON_H100, "--kv-precision", "int4"), "--kv-precision: must be bf16, fp16 or fp8"),
    (("size", *ON_H100, "--input-tokens", "-4"), "--input-tokens: must be at least 1"),
    (("size", *ON_H100, "--draft-tokens", "0"), "'--draft-tokens'"),
    (("size", *ON_H100, "--draft-tokens", "4", "--acceptance", "1.5"), "'--acceptance'"),
    (("size", *ON_H100, "--draft-tokens", "4", "--acceptance", "nan"), "--acceptance"),
    (("size", *ON_H100, "--draft-model", "llama-3.2-1b"), "--draft-model needs --draft-tokens"),
    (("size", *ON_H100, "--draft-tokens", "4", "--draft-model", "lama"), "unknown model 'lama'"),
    (("size", *ON_H100, "--draft-tokens", "4", "--calibration", "x"), "is of plain decoding"),
    (("size", *ON_H100, "--calibration", "/dev/null"), "is no calibration file"),
    (("calibrate", "/dev/null", *ON_H100), "benchmark file /dev/null is empty"),
    (("size", *ON_H100, "--bucket", "0.8:512"), "no SHARE:INPUT:OUTPUT, such as 0.8:512:256"),
    (("size", *ON_H100, "--bucket", "0.8:512:256"), "the shares of buckets sum to 0.8"),
    (("size", *ON_H100, "--bucket", "1:-4:256"), "buckets[0].inputTokens: must be at least 1"),
    (("size", *ON_H100, "--bucket", "1:9:200000"), "is beyond the context of Llama-3.1-8B"),
    (("size", *ON_H100, "--rps", "0"), "--rps: must be at least 0.001"),
    (("size", *ON_H100, "--rps", "-3"), "--rps: must be at least 0.001"),
    (("size", *ON_H100, "--rps", "nan"), "--rps: must be a finite number"),
    (("size", *ON_H100, "--slo-percentile", "p99"), "--slo-percentile: must be one of mean, p95"),
    (("size", *ON_H100, "--tpot-ms", "nan"), "--tpot-ms: must be a finite number"),
    (("size", *ON_H100, "--input-tokens", "200000"), "is beyond the context of Llama-3.1-8B"),
    (("size", *ON_H100, "--calibration", "gone.json"), "calibration gone.json does not exist"),
    (("size", *ON_H100, "--calibration", "Makefile"), "Makefile is no calibration file"),
    (("precision",), "nothing to plan"),
    (("precision", *SMALL, "--min-quality", "1.2"), "'--min-quality'"),
    (("precision", *SMALL, "--min-quality", "nan"), "must be finite numbers"),
    (("precision", *SMALL, "--gpu-memory-gib", "0"), "'--gpu-memory-gib'"),
    (("precision", *SMALL, "--gpu-memory-gib", "inf"), "must be finite numbers"),
    (("precision", *SMALL, "--gpu-memory-gib", "3"), "no GPU has at most 3 GiB"),
    (("calibrate",), "Missing argument 'FILE...'"),
    (("calibrate", "gone.json", *ON_H100), "benchmark file gone.json does not exist"),
    (("calibrate", "Makefile", *ON_H100), "benchmark file Makefile is no valid JSON"),
    (("calibrate", "Makefile", "--model", "llama-3.1-8b"), "Missing option '--gpu'"),
    (("calibrate", "Makefile", *ON_H100, "--precision", "fp9"), "unknown precision 'fp9'"),
    (("calibrate", "Makefile", *ON_H100, "--tensor-parallel", "0"), "'--tensor-parallel'"),
    (("calibrate", "Makefile", *ON_H100, "--name", "///"), "is no name for a calibration"),
    (("disaggregate", *AWS, "--link-gbit", "0"), "the link must have a positive bandwidth"),
    (("disaggregate", *AWS, "--link-gbit", "nan"), "the link must have a positive bandwidth"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_ends_in_one_message(
    run: Command, arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    done = run(*arguments)
    assert done.code == 1
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


IMPOSSIBLE = [
    (("size", "--model", "llama-3.1-70b", "--gpu", "t4"), "can be served on none of these GPUs"),
    (("precision", *SMALL, "--tpot-ms", "0.1"), "no precision is possible within these limits"),
    (("disaggregate", *AWS, "--tpot-ms", "0.1"), "cannot serve Llama-3.1-8B within the SLO"),
]


@pytest.mark.parametrize(("arguments", "message"), IMPOSSIBLE)
def test_what_is_impossible_exits_with_2_and_the_reasons(
    run: Command, arguments: tuple[str, ...], message: str
) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert message in done.err


@pytest.mark.parametrize("width", [80, 130])
@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        (size, ("size", "--model", "llama-3.1-8b")),
        (precision, ("precision", *SMALL)),
        (split, ("disaggregate", *AWS, "--gpu", "h100")),
        (calibration, ("calibrate", str(MEASURED / "guidellm.json"), *ON_H100)),
    ],
)
def test_no_column_is_lost_on_a_terminal(
    run: Command,
    module: Any,
    arguments: tuple[str, ...],
    width: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Nothing is wider than the terminal, and every heading stands."""

    def made() -> Console:
        return Console(width=width, force_terminal=True, color_system=None)

    monkeypatch.setattr(module, "console", made)
    monkeypatch.chdir(tmp_path)
    lines = run(*arguments).out.splitlines()
    assert max(map(len, lines)) <= width
    heading = next(line for line in lines if line.split()[:1] in _HEADINGS)
    wanted = {
        size: ("Shape", "Req/s", "At once", "Limit", "Grade"),
        precision: ("Precision", "Quality kept", "$/M tokens", "$/month", "Saves"),
        split: ("Role", "Where", "Replicas", "$/hour"),
        calibration: ("Tokens", "At once", "Tok/s", "TPOT ms", "Residual"),
    }[module]
    assert [column for column in wanted if column not in heading] == []


_HEADINGS = (["Shape"], ["Precision"], ["Role"], ["Tokens"])
