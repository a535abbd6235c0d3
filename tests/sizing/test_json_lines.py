"""JSON lines in, predictions out: one answer a line, whatever the line."""

from __future__ import annotations

import csv
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlay.sizing.json_lines import CHUNK, answers
from tests.sizing.builders import CATALOG
from tests.sizing.test_record import LEAST
from tools.accuracy.samples import DATA

Json = dict[str, Any]


def answered(*lines: str | bytes) -> list[Json]:
    return [json.loads(line) for line in answers(lines, CATALOG)]


def line(**changes: object) -> str:
    return json.dumps(LEAST | {"id": "a"} | changes)


def test_an_answer_has_the_stated_fields() -> None:
    (found,) = answered(line())
    assert list(found) == [
        "id", "output_tokens_per_s", "tpot_ms", "ttft_ms", "low", "high", "grade",
    ]  # fmt: skip
    assert found["id"] == "a"
    assert found["low"] <= found["output_tokens_per_s"] <= found["high"]
    assert found["grade"] == "covered"


def test_every_measurement_gets_a_finite_answer_or_a_stated_error() -> None:
    """Of the rows marked ok only those of a GPU that the catalogue lacks have none."""
    with DATA.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    found = answered(*(json.dumps({k: v or None for k, v in row.items()}) for row in rows))
    assert [answer["id"] for answer in found] == [row["id"] for row in rows]
    errors: dict[str, int] = {}
    for row, answer in zip(rows, found, strict=True):
        if "error" in answer:
            error = answer["error"].partition(": ")[2]
            errors[error] = errors.get(error, 0) + (row["quality"] == "ok")
        else:
            assert 0 < answer["low"] <= answer["output_tokens_per_s"] <= answer["high"]
            assert answer["ttft_ms"] > 0
            assert (answer["tpot_ms"] is None) == (float(row["output_tokens"]) <= 1)
    assert {error: count for error, count in errors.items() if count} == {
        "unknown GPU 'Arc-B60'": 5
    }


def test_a_request_of_one_token_has_no_time_between_tokens() -> None:
    (found,) = answered(line(output_tokens=1))
    assert found["tpot_ms"] is None
    assert found["ttft_ms"] > 0


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", "line 1: no JSON"),
        ("[1]", "line 1: must be a JSON object"),
        ("3", "line 1: must be a JSON object"),
        (b"\xff\xfe", "line 1: no JSON"),
        ("[" * 100_000, "line 1: no JSON"),
        ('{"id": "a"}', "line 1: model: is missing"),
        (line(model="no-such"), "line 1: unknown model 'no-such'"),
        (line(model="no-such", params_b=8), "line 1: unknown model 'no-such'"),
        (line(input_tokens=1e9, output_tokens=1e9, concurrency=1e9), ""),
    ],
)
def test_a_line_that_cannot_be_judged_gets_its_id_and_the_reason(
    text: str | bytes, error: str
) -> None:
    found, after = answered(text, line())
    assert error in found.get("error", "")
    assert "error" not in after


def test_blank_lines_are_skipped_and_line_numbers_count_them() -> None:
    found = answered("", line(), "  \n", line(gpu="H101"))
    assert len(found) == 2
    assert found[1]["error"].startswith("line 4: unknown GPU")


@pytest.mark.parametrize("identity", [None, 7, "x", [1], {"a": 1}])
def test_an_id_comes_back_as_it_was(identity: object) -> None:
    assert answered(line(id=identity))[0]["id"] == identity


def test_an_id_that_is_no_json_comes_back_as_null() -> None:
    assert answered(line(id=float("nan")))[0]["id"] is None


def test_answers_do_not_depend_on_what_stands_beside_them() -> None:
    """Alone, and as one of more lines than are computed together."""
    others = [line(id=n, concurrency=1 + n % 50, gpu="L4") for n in range(CHUNK)]
    assert answered(*others, line())[-1] == answered(line())[0]


@given(
    st.dictionaries(
        st.sampled_from([*LEAST, "tensor_parallel", "replicas", "engine", "batch_size"]),
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just([]),
    )
)
def test_no_fields_lead_to_anything_but_an_answer(changes: Json) -> None:
    (found,) = answered(json.dumps(LEAST | changes))
    assert "error" in found or found["output_tokens_per_s"] > 0


def test_ten_thousand_records_take_at_most_five_seconds() -> None:
    lines = [line(id=n, concurrency=1 + n % 300) for n in range(10_000)]
    start = time.process_time()
    assert len(list(answers(lines, CATALOG))) == 10_000
    assert time.process_time() - start <= 5
