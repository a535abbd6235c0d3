"""Published evaluations: loaded as they were published, computed where they are scores."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from outlay.catalog import load_catalog
from outlay.catalog.quality import QUALITY_FILE, Evaluation, evaluations_of, load_quality
from outlay.errors import DataError
from outlay.sizing.advisor import KV_FP8, METHODS
from tests.catalog.files import set_cell

EVALUATIONS = load_quality()


def found(model: str, method: str) -> list[tuple[str, float, float]]:
    return [
        (e.model, round(e.retention_low, 4), round(e.retention_high, 4))
        for e in evaluations_of(EVALUATIONS, model=model, method=method)
    ]


def test_retention_is_computed_from_the_scores() -> None:
    """67.57 of 69.32 points, as the card of the checkpoint says."""
    assert found("Llama-3.1-8B", "int4-gptq") == [("Llama-3.1-8B", 0.9748, 0.9748)]


def test_a_retention_that_was_published_as_one_is_kept() -> None:
    assert found("Llama-3.1-8B", "int8-w8a8") == [("Llama-3.1-8B", 0.987, 1.0)]


def test_a_model_without_an_evaluation_gets_those_of_its_family() -> None:
    assert found("Llama-3.1-70B", "int8-w8a8") == [("", 0.97, 0.99)]


def test_without_a_study_of_the_family_its_other_models_speak_for_it() -> None:
    assert found("Llama-3.1-405B", "int8-w8a16") == [("Llama-3.1-70B", 0.968, 1.0)]


def test_every_evaluation_of_a_model_counts() -> None:
    assert found("Qwen2-72B", "int8-w8a16") == [
        ("Qwen2-72B", 0.999, 0.999),
        ("Qwen2-72B", 0.9926, 0.9926),
    ]


def test_nothing_published_is_nothing_found() -> None:
    assert found("CodeLlama-13B", "int4-awq") == []


def test_qwen2_is_not_of_the_family_qwen2_5() -> None:
    """Families end where a name's part ends."""
    assert found("Qwen2-7B", "int8-w8a8") == []


def test_every_row_speaks_of_a_method_and_a_model_that_exist() -> None:
    methods = {part for method in METHODS for part in method.evaluated_as}
    models = {model.name for model in load_catalog().models}
    wrong = [
        e
        for e in EVALUATIONS
        if e.method not in methods
        or (e.model and e.model not in models)
        or not any(e.is_of_family(name) for name in models)
    ]
    assert wrong == []
    assert KV_FP8 in methods


def test_every_row_has_a_source_and_a_plausible_retention() -> None:
    def wrong(e: Evaluation) -> bool:
        return not e.source or not 0.9 <= e.retention_low <= e.retention_high <= 1.02

    assert [e for e in EVALUATIONS if wrong(e)] == []


def test_a_family_holds_the_models_that_are_named_in_it() -> None:
    assert [e for e in EVALUATIONS if e.model and not e.is_of_family(e.model)] == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the file to break."""
    return Path(shutil.copy(QUALITY_FILE, tmp_path / "quality.csv"))


@pytest.mark.parametrize(
    ("column", "value", "line", "problem"),
    [
        ("retention_low", "1.1", 2, "retention_low is above retention_high"),
        ("retention_low", "0.9", 4, "give scores or a retention, not both"),
        ("reference_score", "0", 4, "column reference_score must be positive"),
        ("reference_score", "", 4, "column reference_score is empty"),
        ("score", "many", 4, "column score must be a number, got 'many'"),
        ("score", "nan", 4, "column score must be finite and not negative"),
        ("source", "", 2, "column source is empty"),
        ("published", "soon", 2, "column published must be a date"),
    ],
)
def test_a_broken_row_is_named(
    copy: Path, column: str, value: str, line: int, problem: str
) -> None:
    set_cell(copy, column, value, line=line)
    with pytest.raises(DataError, match=f"quality.csv, line {line}: .*{problem}"):
        load_quality(copy)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: file not found"):
        load_quality(tmp_path / "gone.csv")
