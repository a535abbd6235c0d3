"""`outlay predict` as a process: files and standard input in, one answer a line out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import OUTLAY, TIMEOUT_S

RECORD = {
    "id": 1,
    "model": "llama-3.1-8b",
    "gpu": "L4",
    "load_kind": "open_loop",
    "request_rate_per_s": 0.5,
    "input_tokens": 512,
    "output_tokens": 128,
}


def predict(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [OUTLAY, "predict", *arguments], input=given, capture_output=True, check=False,
        timeout=TIMEOUT_S,
    )  # fmt: skip


def test_a_file_and_standard_input_give_the_same_answers(tmp_path: Path) -> None:
    text = json.dumps(RECORD).encode() + b"\nnonsense\n"
    (tmp_path / "records.jsonl").write_bytes(text)
    from_file, from_pipe = predict(str(tmp_path / "records.jsonl")), predict(given=text)
    assert (from_file.returncode, from_file.stdout) == (0, from_pipe.stdout)
    first, second = (json.loads(line) for line in from_pipe.stdout.splitlines())
    assert first["output_tokens_per_s"] == 64.0
    assert second == {"id": None, "error": second["error"]}
    assert from_file.stderr == b""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tensor_parallel": 3}, "tensor_parallel: 3 does not divide the 32 attention heads"),
        ({"weight_precision": "fp9"}, "weight_precision: unknown precision 'fp9'"),
        ({"request_rate_per_s": 0}, "request_rate_per_s: must be above 0"),
        ({"request_rate_per_s": -1}, "request_rate_per_s: must be above 0"),
        ({"request_rate_per_s": float("nan")}, "request_rate_per_s: must be a finite number"),
        ({"input_tokens": 900_000}, "far beyond the context of Llama-3.1-8B"),
    ],
)
def test_a_record_that_cannot_be_judged_gets_its_id_and_the_reason(
    changes: dict[str, object], message: str
) -> None:
    done = predict(given=json.dumps({**RECORD, "id": "x", **changes}).encode())
    answer = json.loads(done.stdout)
    assert (done.returncode, done.stderr, answer["id"]) == (0, b"", "x")
    assert message in answer["error"]


def test_nothing_in_is_nothing_out() -> None:
    done = predict()
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_file_that_is_not_there_is_one_message() -> None:
    done = predict("no-such-file.jsonl")
    assert done.returncode != 0
    assert b"no-such-file.jsonl" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    lines = (json.dumps(RECORD) + "\n").encode() * 20_000
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {OUTLAY} predict | head -1"], input=lines,
        capture_output=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""
