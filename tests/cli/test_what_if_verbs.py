"""`outlay plan --explain`, `compare --by` and `sweep`: what they print, their JSON, a user's mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import MODEL, SMALL, Command
from tests.reporting.document import documented, fields

Json = dict[str, Any]
US = (*MODEL, "--provider", "aws", "--region", "us-east-2", "--gpu", "l4", "--gpu", "l40s")


def parsed(text: str) -> Json:
    value: Json = json.loads(text)
    return value


def named(value: object) -> set[str]:
    """Return the field paths of a value; what a list of texts or a mapping holds is data."""
    data = re.compile(r"(reasons|markets|unasked)\[\]$|(gpus)\..*$")
    return {data.sub(lambda match: match[1] or match[2], path) for path in fields(value)}


def test_an_explanation_follows_the_plan(run: Command) -> None:
    ended = run("plan", *US, "--explain", "--budget", "9000")
    assert ended.code == 0
    plan, _, reasons = ended.out.partition("\nInstead ")
    assert "proven cheapest" in plan
    for text in ("Why not", "What would change it", "the budget is reached at ", " a node-hour"):
        assert text in reasons


def test_its_json_is_the_plans_and_every_documented_field_more(run: Command) -> None:
    value = parsed(run("plan", *US, "--explain", "--budget", "9000", "--json").out)
    explanation = value.pop("explanation")
    assert fields(value) | {"left_out[].what", "left_out[].reason"} == documented("plan")
    switches = ("more_rps", "less_rps", "spot_price_factor")
    for name in switches:
        explanation["sensitivity"][name] = None
    assert named(explanation) == documented("plan --explain")


def test_a_sweep_shows_loads_and_switches(run: Command) -> None:
    ended = run("sweep", "--model", "llama-3.1-8b", *US[4:], "--rps", "1..20", "--steps", "4")
    assert ended.code == 0
    assert ended.out.splitlines()[0].split() == [
        "Req/s",
        "$/month",
        "$/M",
        "tokens",
        "GPUs",
        "Market",
    ]
    assert "> from here on other GPU types or markets win" in ended.out


def test_the_json_of_a_sweep_is_documented(run: Command) -> None:
    asked = ("--model", "llama-3.1-8b", *US[4:], "--rps", "1..20", "--steps", "4")
    value = parsed(run("sweep", *asked, "--json").out)
    assert [point["rps"] for point in value["points"]] == [1.0, 2.7, 7.4, 20.0]
    assert named(value) == documented("sweep")
    for switch in value["switches"]:
        before, after = switch["before"], switch["after"]
        assert (set(before["gpus"]), before["markets"]) != (
            set(after["gpus"]),
            after["markets"],
        ) or (before["gpus"] != after["gpus"])


@pytest.mark.parametrize("text", ["10", "10..", "..10", "20..10", "0..10", "1..1e9", "a..b"])
def test_what_is_no_range_is_refused_with_an_example(run: Command, text: str) -> None:
    ended = run("sweep", "--model", "llama-3.1-8b", "--rps", text)
    assert (ended.code, ended.out) == (1, "")
    assert f"--rps {text!r} is no range" in ended.err
    assert "such as 1..1000" in ended.err


def test_a_sweep_of_nothing_says_what_to_give(run: Command) -> None:
    ended = run("sweep")
    assert (ended.code, ended.out) == (1, "")
    assert "nothing to plan: name a model" in ended.err


def test_a_sweep_that_no_load_survives_exits_2(run: Command) -> None:
    asked = ("--model", "llama-3.1-405b", "--gpu", "l4", "--provider", "gcp", "--rps", "1..2")
    ended = run("sweep", *asked, "--steps", "2")
    assert ended.code == 2
    assert "not feasible at 1, 2 requests/s: " in ended.out


def test_a_file_of_several_workloads_is_swept_by_its_total(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(
        "workloads:\n  - {model: llama-3.1-8b, targetRps: 4}\n"
        "  - {model: mistral-7b, targetRps: 1}\ngpus: [L4]\nregions: [us-central1]\n"
    )
    value = parsed(
        run("sweep", "--settings", str(file), "--rps", "5..10", "--steps", "2", "--json").out
    )
    first, last = value["points"]
    assert first["usd_per_month"] <= last["usd_per_month"]


@pytest.mark.parametrize(
    "kind",
    ["gpu", "precision", "region", "market", "survive-fraction", "max-spot-share", "ttft"],
)
def test_each_kind_is_compared(run: Command, kind: str) -> None:
    value = parsed(run("compare", *US, "--by", kind, "--json").out)
    assert value["by"] == kind
    assert value["rows"]
    assert {row["provider"] for row in value["rows"]} == {None}


def test_another_kind_is_refused_with_the_choices(run: Command) -> None:
    ended = run("compare", *SMALL, "--by", "colour")
    assert ended.code == 1
    assert "'provider', 'gpu', 'precision', 'region', 'market'" in ended.err


STACK = """\
config:
  outlay:model: llama-3.1-8b
  outlay:targetRps: "10"
  outlay:regions: [aws/us-east-2]
  outlay:gpus: [L4, L40S]
"""


@pytest.fixture
def pinned(run: Command, tmp_path: Path) -> Path:
    """A project whose stack pins its plan."""
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK)
    ended = run("plan", "--stack", "dev", "--project", str(tmp_path), "--write")
    assert ended.code == 0
    assert "commit it, so that everybody's preview follows it" in ended.err
    return tmp_path


def test_a_pinned_stack_follows_its_plan_and_says_so(run: Command, pinned: Path) -> None:
    ended = run("plan", "--stack", "dev", "--project", str(pinned))
    assert ended.code == 0
    assert ended.err == ("the plan pinned in plans/dev.json is followed; no new one is cheaper\n")


def test_the_json_of_a_diff_is_documented(run: Command, pinned: Path) -> None:
    """Four times the demand: the pin no longer holds it, and pools grow or are added."""
    (pinned / "Pulumi.dev.yaml").write_text(STACK.replace('"10"', '"40"'))
    value = parsed(run("plan", "--stack", "dev", "--project", str(pinned), "--diff", "--json").out)
    assert fields(value) == documented("plan --diff")
    assert value["followed"] is False
    assert "of 40 requests/s" in value["reasons"][0]
    assert {move["kind"] for move in value["moves"]} & {"add", "grow"}


def test_a_diff_shows_dollars_and_moves(run: Command, pinned: Path) -> None:
    (pinned / "Pulumi.dev.yaml").write_text(STACK.replace('"10"', '"40"'))
    ended = run("plan", "--stack", "dev", "--project", str(pinned), "--diff")
    assert ended.code == 0
    assert ended.out.startswith("pinned   $")
    assert "new      $" in ended.out
    assert "   Move  " in ended.out


def test_a_new_plan_replaces_the_pin(run: Command, pinned: Path) -> None:
    before = (pinned / "plans" / "dev.json").read_text()
    (pinned / "Pulumi.dev.yaml").write_text(STACK.replace('"10"', '"40"'))
    assert run("plan", "--stack", "dev", "--project", str(pinned), "--write").code == 0
    assert (pinned / "plans" / "dev.json").read_text() != before


def test_render_follows_the_pin_too(run: Command, pinned: Path, tmp_path: Path) -> None:
    ended = run(
        "render", "--stack", "dev", "--project", str(pinned), "--out", str(tmp_path / "out")
    )
    assert ended.code == 0
    assert "is followed" in ended.err


def test_a_plan_over_the_budget_is_not_pinned(run: Command, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK + "  outlay:budgetUsdPerMonth: 1\n")
    assert run("plan", "--stack", "dev", "--project", str(tmp_path), "--write").code == 3
    assert not (tmp_path / "plans").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (*MODEL, "--write"),
            "--write is about the plan of a stack: give one, such as --stack dev",
        ),
        ((*MODEL, "--diff"), "--diff is about the plan of a stack: give one, such as --stack dev"),
        (("--stack", "dev", "--rps", "3", "--write"), "put targetRps there instead of into flags"),
        (("--stack", "dev", "--diff"), "stack dev pins no plan: outlay plan --stack dev --write"),
    ],
)
def test_pinning_what_cannot_be_pinned_says_what_to_do(
    run: Command, arguments: tuple[str, ...], message: str
) -> None:
    ended = run("plan", *arguments)
    assert (ended.code, ended.out) == (1, "")
    assert message in ended.err


def test_a_foreign_pin_stops_the_plan(run: Command, pinned: Path) -> None:
    (pinned / "Pulumi.prod.yaml").write_text(STACK)
    (pinned / "plans" / "prod.json").write_text((pinned / "plans" / "dev.json").read_text())
    ended = run("plan", "--stack", "prod", "--project", str(pinned))
    assert (ended.code, ended.out) == (1, "")
    assert "is the plan of stack 'dev', not of 'prod'; pin the plan anew" in ended.err
