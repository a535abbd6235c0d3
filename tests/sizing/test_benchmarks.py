"""What guidellm and `vllm bench serve` write is read; what is no steady measurement is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from outlay.errors import InputError
from outlay.sizing.benchmarks import Benchmark, Point, read_benchmark

FILES = Path(__file__).parent / "calibration"
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


def read(name: str) -> Benchmark:
    return read_benchmark(FILES / name)


def result(**changes: object) -> dict[str, Any]:
    """Return one result of `vllm bench serve`, with changes."""
    base: dict[str, Any] = json.loads((FILES / "vllm_bench_serve.json").read_text())
    return base | changes


def written(folder: Path, document: object) -> Path:
    file = folder / "b.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return file


def refusal(folder: Path, document: object) -> str:
    found = read_benchmark(written(folder, document))
    assert found.points == ()
    return found.refused[0].reason


def test_a_guidellm_report_value_by_value() -> None:
    found = read("guidellm.json")
    assert (found.tool, found.model, found.date) == ("guidellm", LLAMA, "2026-09-21")
    assert found.points[1] == Point(
        input_tokens=1024.0,
        output_tokens=256.0,
        concurrency=31.9,
        requests=800,
        output_tokens_per_s=2124.8,
        ttft_ms=205.0,
        tpot_ms=14.3,
    )
    assert [point.concurrency for point in found.points] == [8.0, 31.9, 63.7, 127.2]


def test_guidellms_throughput_profile_is_a_burst() -> None:
    found = read("guidellm.json")
    assert [(r.what, r.reason.split(":")[0]) for r in found.refused] == [
        ("guidellm.json, benchmark 5", "all requests at once")
    ]


def test_reports_from_before_0_4_are_read() -> None:
    found = read("guidellm_0_2.json")
    assert (found.model, found.date) == (LLAMA, "2026-09-21")
    assert found.points == read("guidellm.json").points[1:3]


def test_a_result_of_vllm_bench_serve_value_by_value() -> None:
    found = read("vllm_bench_serve.json")
    assert (found.tool, found.model, found.date) == ("vllm bench serve", LLAMA, "2026-09-21")
    assert found.points == (
        Point(
            input_tokens=1024.0,
            output_tokens=256.0,
            concurrency=64.0,
            requests=640,
            output_tokens_per_s=2969.6,
            ttft_ms=340.0,
            tpot_ms=20.3,
        ),
    )
    assert found.refused == ()


def test_appended_results_are_read_line_by_line() -> None:
    """Two at a rate; one saturated, one burst."""
    found = read("vllm_append_result.jsonl")
    assert len(found.points) == 2
    assert [r.reason.split(":")[0] for r in found.refused] == ["saturated", "all requests at once"]


def test_an_open_loops_concurrency_follows_from_littles_law() -> None:
    """3.97 requests/s of 131 + 255 x 10.4 ms."""
    point = read("vllm_append_result.jsonl").points[0]
    assert point.concurrency == pytest.approx(3.97 * (131 + 255 * 10.4) / 1000)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"max_concurrency": None}, "all requests at once"),
        ({"request_rate": 20.0}, "saturated: 20 requests/s were asked, 11.6 served"),
        ({"failed": 64}, "64 of 704 requests failed"),
        ({"max_concurrency": 161}, "send at least 644"),
        ({"mean_tpot_ms": None}, "mean_tpot_ms is missing or no number"),
        ({"mean_ttft_ms": float("nan")}, "mean_ttft_ms must be a positive number, got nan"),
        ({"output_throughput": -3}, "output_throughput must be a positive number, got -3"),
        ({"completed": 0}, "completed must be a positive number, got 0"),
        ({"total_output_tokens": "many"}, "total_output_tokens is missing or no number"),
        ({"max_concurrency": True}, "max_concurrency is missing or no number"),
    ],
)
def test_what_is_no_steady_measurement_is_refused(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    assert why in refusal(tmp_path, result(**changes))


@pytest.mark.parametrize("failed", [0, 33])
def test_a_few_failures_are_no_obstacle(tmp_path: Path, failed: int) -> None:
    """33 of 673 are 4.9 %."""
    assert len(read_benchmark(written(tmp_path, result(failed=failed))).points) == 1


def test_a_guidellm_benchmark_without_a_metric_is_refused(tmp_path: Path) -> None:
    report = json.loads((FILES / "guidellm.json").read_text())
    del report["benchmarks"][0]["metrics"]["inter_token_latency_ms"]
    found = read_benchmark(written(tmp_path, report))
    assert found.refused[0].reason == (
        "metrics.inter_token_latency_ms.successful.mean is missing or no number"
    )
    assert len(found.points) == 3


def test_guidellms_errors_count_as_failures(tmp_path: Path) -> None:
    report = json.loads((FILES / "guidellm.json").read_text())
    report["benchmarks"] = report["benchmarks"][:1]
    report["benchmarks"][0]["metrics"]["request_totals"]["errored"] = 80
    assert refusal(tmp_path, report) == "80 of 400 requests failed"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("{", "is no valid JSON"),
        ('{"a": 1}\n{', "is no valid JSON"),
        ("[1]", "must hold a JSON object"),
        ("3", "must hold a JSON object"),
        ('{"a": 1}', "is neither a guidellm report"),
        ('{"benchmarks": []}', "holds no benchmark"),
        ('{"benchmarks": [1, null]}', "holds no benchmark"),
        ('{"benchmarks": {}}', "is neither a guidellm report"),
        ("[" * 100_000, "is no valid JSON"),
    ],
)
def test_foreign_files_are_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_benchmark(written(tmp_path, text))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_benchmark(tmp_path / "gone.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_benchmark(tmp_path)


@pytest.mark.parametrize("date", ["", "yesterday", None, 3])
def test_an_unknown_date_is_no_obstacle(tmp_path: Path, date: object) -> None:
    assert read_benchmark(written(tmp_path, result(date=date))).date == ""


@pytest.mark.parametrize("start", [None, "x", -5, 1e300, float("nan")])
def test_an_impossible_start_is_no_date(tmp_path: Path, start: object) -> None:
    report = json.loads((FILES / "guidellm.json").read_text())
    report["benchmarks"][0]["start_time"] = start
    assert read_benchmark(written(tmp_path, report)).date == ""
