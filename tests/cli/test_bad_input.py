"""A user's mistake ends in one message and an exit code: never in a traceback, never in half a plan."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import outlay.catalog
from outlay.catalog.load import DATA, load_catalog
from tests.catalog.files import lines, set_cell, write
from tests.cli.command import MODEL, OUTLAY, REPOSITORY, SMALL, Command, environment
from tests.cli.command import outlay as process

CASES = [
    ((), 1, "nothing to plan: name a model and its demand (--model llama-3.1-8b --rps 10)"),
    (("--model", "llama-3.1-8b"), 1, "--rps: is required"),
    (("--rps", "3"), 1, "--model: is required"),
    (
        ("--model", "lama-3.1-8b", "--rps", "1"),
        1,
        "--model: unknown model 'lama-3.1-8b'; did you mean Llama-3.1-8B",
    ),
    ((*MODEL, "--gpu", "h1000"), 1, "--gpu: unknown GPU 'h1000'; did you mean H100"),
    (
        (*MODEL, "--provider", "oracle"),
        1,
        "--provider: unknown provider 'oracle'; did you mean aws or azure or coreweave or gcp or lambda?",
    ),
    ((*MODEL, "--provider", "awz"), 1, "--provider: unknown provider 'awz'; did you mean aws?"),
    ((*MODEL, "--region", "us-est-1"), 1, "--region: unknown region 'us-est-1'; did you mean"),
    ((*MODEL, "--precision", "fp9"), 1, "got 'fp9'; did you mean fp8?"),
    ((*MODEL, "--market", "lease"), 1, "--market: must be one of on-demand, spot, got 'lease'"),
    (("--model", "llama-3.1-8b", "--rps", "0"), 1, "--rps: must be at least 0.001, got '0'"),
    (("--model", "llama-3.1-8b", "--rps", "-5"), 1, "--rps: must be at least 0.001, got '-5'"),
    (("--model", "llama-3.1-8b", "--rps", "1e9"), 1, "--rps: must be at most 100,000, got '1e9'"),
    (("--model", "llama-3.1-8b", "--rps", "nan"), 1, "--rps: must be a finite number"),
    (("--model", "llama-3.1-8b", "--rps", "ten"), 1, "--rps: must be a number, got 'ten'"),
    ((*MODEL, "--input-tokens", "200000"), 1, "is beyond the context of Llama-3.1-8B (131,072"),
    ((*MODEL, "--budget", "1e999999"), 1, "--budget: must be at most 1,000,000,000,000"),
    ((*MODEL, "--provider", "aws", "--region", "europe-*"), 1, "change regions or providers"),
    (("--stack", "dev", "--settings", "x.yaml"), 1, "give --stack or --settings, not both"),
    (("--settings", "nowhere.yaml"), 1, "settings file nowhere.yaml does not exist"),
    (("--bogus",), 1, "No such option '--bogus'"),
    (
        ("--model", "kimi-k2", "--rps", "1", "--gpu", "t4"),
        2,
        "no feasible plan: nothing on sale keeps the promise",
    ),
    (
        (*MODEL, "--provider", "lambda", "--market", "spot"),
        2,
        "spot alone, but no spot price is known at lambda; add on-demand",
    ),
    (
        (*MODEL, "--gpu", "l4", "--market", "spot", "--max-spot-share", "0.5"),
        2,
        "maxSpotShare is 0.5, but markets allows spot only: add on-demand",
    ),
]


@pytest.mark.parametrize(
    ("verb", "arguments", "code", "message"),
    [
        (verb, *case)
        for verb in ("plan", "compare")
        for case in CASES
        if verb == "plan" or case[1] != 2  # compare shows its reasons in the table: see below
    ],
)
def test_a_mistake_is_one_message(
    run: Command, verb: str, arguments: tuple[str, ...], code: int, message: str
) -> None:
    ended = run(verb, *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_all_problems_of_all_flags_come_at_once(run: Command) -> None:
    ended = run("plan", *MODEL[:2], "--rps", "x", "--gpu", "h1000", "--gpu", "l5", "--ttft-ms", "0")
    assert ended.err.splitlines() == [
        "error: 4 problems in flags:",
        "  --rps: must be a number, got 'x'",
        "  --ttft-ms: must be above 0, got '0'",
        "  --gpu: unknown GPU 'h1000'; did you mean H100 or V100-16 or H200?",
        "  --gpu: unknown GPU 'l5'",
    ]


def test_a_comparison_without_any_provider_shows_why_and_exits_2(run: Command) -> None:
    ended = run("compare", "--model", "kimi-k2", "--rps", "1", "--gpu", "t4", "--provider", "aws")
    assert ended.code == 2
    assert ended.out.startswith("not feasible: aws: kimi-k2 on 1, 2, 4 or 8 x T4 at fp8: ")
    assert ended.err == "error: no provider alone can serve this; the reasons are above\n"


def test_a_comparison_of_which_every_row_is_over_budget_exits_3(run: Command) -> None:
    ended = run("compare", *SMALL, "--budget", "1")
    assert ended.code == 3
    assert "* over the budget of $1.00/month" in ended.out
    assert "over the budget of $1.00/month (budgetUsdPerMonth)" in ended.err


def test_over_budget_shows_the_plan_and_exits_3(run: Command) -> None:
    ended = run("plan", *SMALL, "--budget", "1")
    assert ended.code == 3
    assert "OVER the budget of $1.00/month by $" in ended.out
    assert "over the budget of $1.00/month (budgetUsdPerMonth). Dearest: " in ended.err


def test_over_budget_gives_the_whole_json(run: Command) -> None:
    ended = run("plan", *SMALL, "--budget", "1", "--json")
    assert ended.code == 3
    assert ended.out.endswith("\n}\n")


def test_a_problem_in_a_file_names_the_files_key_and_one_in_a_flag_the_flag(
    run: Command, tmp_path: Path
) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("model: llama-3.1-8b\ntargetRps: 0\nheadrom: 2\n")
    ended = run("plan", "--settings", str(file), "--gpu", "zzz")
    assert ended.err.splitlines() == [
        f"error: 3 problems in {file} and flags:",
        "  targetRps: must be at least 0.001, got 0",
        "  --gpu: unknown GPU 'zzz'",
        "  headrom: is no setting; did you mean headroom?",
    ]


@pytest.mark.parametrize("text", ["model: [", "- a", "model: 2024-13-45\n", "config: {1: 2}"])
def test_a_broken_settings_file_is_named(run: Command, tmp_path: Path, text: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    ended = run("plan", "--settings", str(file))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: ")
    assert str(file) in ended.err


def test_an_unknown_stack_is_answered_with_those_there(run: Command) -> None:
    ended = run("plan", "--stack", "qa", "--project", str(REPOSITORY))
    assert ended.code == 1
    assert ended.err.endswith("; stacks here: dev, prod, staging\n")


def remove(folder: Path) -> None:
    (folder / "offers.csv").unlink()


def empty(folder: Path) -> None:
    (folder / "models.csv").write_text("")


def cut(folder: Path) -> None:
    path = folder / "service_prices.csv"
    rows = lines(path)
    write(path, [*rows[:2], rows[2][:3], *rows[3:]])


def spoil(folder: Path) -> None:
    set_cell(folder / "gpus.csv", "memory_gb", "16 GB")


BROKEN = [
    (remove, "offers.csv: file not found in "),
    (empty, "models.csv: the file is empty; restore it from the repository"),
    (cut, "service_prices.csv, line 3: wrong number of cells"),
    (spoil, "gpus.csv, line 2: column memory_gb must be a number, got '16 GB'"),
]


@pytest.mark.parametrize(("damage", "message"), BROKEN)
@pytest.mark.parametrize("verb", ["plan", "compare"])
def test_a_broken_data_file_is_named(
    run: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    verb: str,
    damage: Callable[[Path], None],
    message: str,
) -> None:
    folder = shutil.copytree(DATA, tmp_path / "data")
    damage(folder)
    monkeypatch.setattr(outlay.catalog, "load_catalog", lambda: load_catalog(folder))
    ended = run(verb, *MODEL)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {message}")


def test_a_broken_installation_is_named_too(tmp_path: Path) -> None:
    """The same with a copy of the whole package, as a process."""
    ignored = shutil.ignore_patterns("__pycache__", "crds")
    package = shutil.copytree(REPOSITORY / "infra/outlay", tmp_path / "outlay", ignore=ignored)
    remove(package / "catalog/data")
    ended = process("plan", *MODEL, env=environment(PYTHONPATH=str(tmp_path)))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: offers.csv: file not found in {package}")


def test_nothing_is_written_by_a_render_that_fails(run: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = run("render", "--model", "kimi-k2", "--rps", "1", "--gpu", "t4", "--out", str(out))
    assert ended.code == 2
    assert not out.exists()


def test_a_render_that_cannot_write_says_so(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    ended = run("render", *SMALL, "--out", str(file / "out"))
    assert ended.code == 1
    assert ended.err.endswith(f"cannot write to {file / 'out'}: Not a directory\n")


def test_the_command_is_the_installed_one() -> None:
    assert OUTLAY.is_file()
