"""A calibration: constants fitted to a user's own measurements, and its file."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Precision
from outlay.errors import InputError
from outlay.sizing.benchmarks import Refused, read_benchmark
from outlay.sizing.calibration import RUN_NOISE, Z80, calibrate, fit
from outlay.sizing.calibration_file import (
    load_calibration,
    load_calibrations,
    write_calibration,
)
from tests.sizing.builders import CATALOG
from tests.sizing.measured import SETUP, benchmark, calibration, point

FILES = Path(__file__).parent / "calibration"
RATIOS = st.lists(st.floats(0.3, 3.0), min_size=1, max_size=20)


def test_four_equal_ratios_count_four_fifths() -> None:
    """The model counts as one measurement: 0.8 to the power of 4/5."""
    fitted = fit([0.8] * 4)
    assert fitted.factor == pytest.approx(0.8**0.8)
    assert fitted.residuals == pytest.approx([0.2 * math.log(0.8)] * 4)


def test_the_median_ratio_is_fitted_so_one_outlier_moves_nothing() -> None:
    assert fit([0.9, 0.9, 0.9, 2.5, 0.9]).factor == pytest.approx(0.9 ** (5 / 6))


@given(RATIOS)
def test_a_factor_lies_between_one_and_the_median(ratios: list[float]) -> None:
    found = math.log(fit(ratios).factor)
    middle = sorted(math.log(r) for r in ratios)[len(ratios) // 2]
    low = min(0.0, *(math.log(r) for r in ratios))
    high = max(0.0, *(math.log(r) for r in ratios))
    assert low - 1e-12 <= found <= high + 1e-12
    assert abs(found) <= max(abs(low), abs(high), abs(middle))


def test_an_interval_shrinks_to_what_the_residuals_support() -> None:
    """Prior and four residuals of 0.05 pooled: (0.25^2 + 1.2816^2 x 4 x 0.05^2) / 5."""
    from outlay.sizing.calibration import Fit

    fitted = Fit(factor=1.0, residuals=(0.05, -0.05, 0.05, -0.05))
    assert fitted.side(0.25) == pytest.approx(math.sqrt((0.25**2 + Z80**2 * 4 * 0.05**2) / 5))


def test_an_interval_is_never_narrower_than_two_runs_differ() -> None:
    assert fit([1.0] * 1000).side(0.25) == pytest.approx(Z80 * RUN_NOISE)


def test_an_interval_widens_where_measurements_scatter_more_than_the_model_knew() -> None:
    assert fit([0.5, 2.0] * 10).side(0.1) > 0.5


@given(RATIOS, st.floats(0.05, 1.0))
def test_more_of_the_same_never_widens_an_interval_beyond_both(
    ratios: list[float], prior: float
) -> None:
    fitted = fit(ratios)
    largest = max(abs(residual) for residual in fitted.residuals)
    assert fitted.side(prior) <= max(prior, Z80 * largest, Z80 * RUN_NOISE) + 1e-12


def test_the_three_constants_are_fitted_apart() -> None:
    found = calibration(
        *[point(concurrency=c, throughput=0.9, ttft=1.5, tpot=1.1) for c in (32, 64, 128, 256)]
    )
    assert found.factor_throughput == pytest.approx(0.9**0.8, rel=1e-5)
    assert found.factor_ttft == pytest.approx(1.5**0.8, rel=1e-5)
    assert found.factor_tpot == pytest.approx(1.1**0.8, rel=1e-5)


def test_the_files_of_both_tools_make_one_calibration() -> None:
    names = ("guidellm.json", "vllm_bench_serve.json", "vllm_append_result.jsonl")
    files = [read_benchmark(FILES / name) for name in names]
    found = calibrate(files, SETUP, CATALOG, name="mine")
    assert [source.file for source in found.sources] == list(names)
    assert [source.date for source in found.sources] == ["2026-09-21"] * 3
    assert len(found.measured) == 4 + 1 + 2
    assert len(found.dropped) == 1 + 0 + 2


def test_a_file_says_what_was_measured_on_what_and_what_is_left(tmp_path: Path) -> None:
    found = calibration(point(throughput=0.9), point(concurrency=64, throughput=0.8))
    path = write_calibration(found, tmp_path / "calibration")
    stored = json.loads(path.read_text())
    assert path == tmp_path / "calibration" / "mine.json"
    assert stored["setup"] == {
        "model": "Llama-3.1-8B", "gpu": "H100", "tensor_parallel": 1,
        "weight_precision": "bf16", "kv_precision": "bf16",
    }  # fmt: skip
    for measured in stored["measured"]:
        calibrated = measured["predicted_output_tokens_per_s"] * stored["factor_throughput"]
        left = math.log(measured["output_tokens_per_s"] / calibrated)
        assert measured["residual_throughput"] == pytest.approx(left, abs=1e-5)
    assert load_calibration(path) == found


def test_the_same_measurements_give_the_same_bytes(tmp_path: Path) -> None:
    files = [read_benchmark(FILES / "guidellm.json")]
    texts = [
        write_calibration(
            calibrate(files, SETUP, CATALOG, name="mine"), tmp_path / folder
        ).read_bytes()
        for folder in ("a", "b")
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tensor_parallel": 3}, "tensor parallel 3 is none of 1, 2, 4, 8"),
        ({"gpu": "T4"}, "bf16 needs compute capability 8.0, T4 has 7.5"),
        ({"model": "Llama-3.1-70B"}, "needs 134 GiB"),
        ({"weight_precision": Precision.NVFP4}, "fp4 needs compute capability 10.0"),
        ({"kv_precision": Precision.INT8}, "vLLM keeps no KV cache in int8"),
    ],
)
def test_a_replica_that_cannot_exist_cannot_have_been_measured(
    change: dict[str, object], why: str
) -> None:
    setup = SETUP.model_copy(update=change)
    with pytest.raises(InputError, match="cannot have been measured") as error:
        calibrate([benchmark([point()])], setup, CATALOG, name="mine")
    assert why in str(error.value)


def test_a_file_of_another_model_is_refused() -> None:
    other = benchmark([point()], model="Qwen/Qwen3-8B")
    with pytest.raises(
        InputError, match=r"run\.json was measured on Qwen3-8B, not on Llama-3.1-8B"
    ):
        calibrate([other], SETUP, CATALOG, name="mine")


@pytest.mark.parametrize(
    "model", ["", "/models/llama", "my-finetune", "meta-llama/Llama-3.1-8B-Instruct"]
)
def test_a_model_that_the_catalogue_does_not_know_by_that_name_is_no_obstacle(model: str) -> None:
    found = calibrate([benchmark([point()], model=model)], SETUP, CATALOG, name="mine")
    assert found.sources[0].model == model


@pytest.mark.parametrize(("throughput", "said"), [(0.1, "0.1 times"), (8.0, "8 times")])
def test_measurements_far_from_any_prediction_are_refused(throughput: float, said: str) -> None:
    with pytest.raises(InputError, match=f"measured throughput is {said} the prediction"):
        calibration(point(throughput=throughput))


def test_without_a_usable_measurement_all_reasons_are_given() -> None:
    nothing = benchmark([], refused=[Refused(what="run.json, benchmark 1", reason="too short")])
    with pytest.raises(
        InputError, match=r"no usable measurement:\n  run\.json, benchmark 1: too short"
    ):
        calibrate([nothing], SETUP, CATALOG, name="mine")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "whole file: Invalid JSON"),
        ("{}", "format: Field required"),
        ('{"format": "outlay-calibration/9"}', "format: Input should be"),
        ("[]", "whole file: Input should be an object"),
    ],
)
def test_what_is_no_calibration_file_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "c.json"
    file.write_text(text)
    with pytest.raises(InputError, match=why) as error:
        load_calibration(file)
    assert "outlay calibrate writes them" in str(error.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("tpot_ms", -1), ("ttft_ms", 0), ("concurrency", "many"), ("requests", 1.5)],
)
def test_a_file_with_an_impossible_measurement_is_refused(
    tmp_path: Path, key: str, value: object
) -> None:
    file = write_calibration(calibration(point()), tmp_path)
    stored = json.loads(file.read_text())
    stored["measured"][0][key] = value
    file.write_text(json.dumps(stored))
    with pytest.raises(InputError, match=f"measured.0.{key}: "):
        load_calibration(file)


def test_a_missing_calibration_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; outlay calibrate writes one"):
        load_calibration(tmp_path / "gone.json")


def test_settings_name_files_relative_to_the_folder_of_pulumi_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pulumi runs the program in a folder below."""
    (tmp_path / "Pulumi.yaml").write_text("name: outlay\n")
    write_calibration(calibration(point()), tmp_path / "calibration")
    (tmp_path / "infra").mkdir()
    monkeypatch.chdir(tmp_path / "infra")
    assert [c.name for c in load_calibrations(["calibration/mine.json"])] == ["mine"]
    with pytest.raises(InputError, match="does not exist"):
        load_calibrations(["calibration/other.json"])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_calibration(calibration(point()), tmp_path / "file")
