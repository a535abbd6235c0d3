"""The workflows run pinned code with the least rights, and call only what exists."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from outlay.cli.main import cli
from tools.setup.errors import MissingToolError
from tools.setup.gobuild import go_version
from tools.setup.layout import REPOSITORY

FOLDER = REPOSITORY / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yaml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OUTLAY = re.compile(
    r"(?:run_outlay|bin/outlay|^\s*outlay) ([a-z]+) ((?:[^\n\\]|\\\n)*)", re.MULTILINE
)
MAY_WRITE = {"cost-comment.yaml": {"pull-requests"}}


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> Path:
    """Each workflow in turn."""
    path: Path = request.param
    return path


def parsed(workflow: Path) -> dict[Any, Any]:
    return dict(yaml.safe_load(workflow.read_text(encoding="utf-8")))


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in parsed(workflow)["jobs"].values():
        yield from job["steps"]


def scripts(workflow: Path) -> Iterator[str]:
    return (step["run"] for step in steps(workflow) if "run" in step)


def actionlint(*files: Path) -> subprocess.CompletedProcess[str]:
    """Run the pinned checker; without other checkers that this machine may happen to have."""
    checker = ["go", "-C", str(REPOSITORY / "tools" / "actionlint"), "tool", "actionlint"]
    return subprocess.run(
        [*checker, "-shellcheck=", "-pyflakes=", *files],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def go() -> None:
    """Go, which builds the checker."""
    try:
        go_version()
    except MissingToolError as error:
        pytest.skip(f"actionlint is built with Go: {error.problem}")


def test_the_checker_of_workflows_finds_nothing(go: None) -> None:
    checked = actionlint(*FILES)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr


def test_the_checker_would_find_what_does_not_exist(go: None, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    text = (FOLDER / "cost.yaml").read_text(encoding="utf-8")
    wrong.write_text(text.replace("github.base_ref", "github.base_reff"), encoding="utf-8")
    assert 'property "base_reff" is not defined' in actionlint(wrong).stdout


def test_there_are_workflows() -> None:
    assert {path.name for path in FILES} >= {"audit.yaml", "cost-comment.yaml", "cost.yaml"}


def test_every_action_is_pinned_by_its_commit(workflow: Path) -> None:
    lines = workflow.read_text(encoding="utf-8").splitlines()
    used = [line.strip().removeprefix("- ") for line in lines if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.fullmatch(line)] == []


def test_only_the_comment_may_write_and_only_comments(workflow: Path) -> None:
    rights = parsed(workflow)["permissions"]
    write = {right for right, level in rights.items() if level == "write"}
    assert write == MAY_WRITE.get(workflow.name, set())
    assert all("permissions" not in job for job in parsed(workflow)["jobs"].values())


def test_the_pull_request_s_code_never_meets_a_secret_or_a_right() -> None:
    """What runs a stranger's code has no secret; what has a right runs none of it."""
    text = (FOLDER / "cost.yaml").read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "github.token" not in text
    comment = (FOLDER / "cost-comment.yaml").read_text(encoding="utf-8")
    assert "ref: ${{ github.event.repository.default_branch }}" in comment
    assert "make setup" not in comment
    assert all("pull_request_target" not in path.read_text(encoding="utf-8") for path in FILES)


def test_no_script_is_put_together_from_what_others_chose(workflow: Path) -> None:
    assert [script for script in scripts(workflow) if "${{" in script] == []


def test_credentials_do_not_stay_in_the_checkout(workflow: Path) -> None:
    checkouts = [step for step in steps(workflow) if "checkout" in step.get("uses", "")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_verb_and_flag_exists(workflow: Path) -> None:
    called = [match for script in scripts(workflow) for match in OUTLAY.findall(script)]
    assert called
    for verb, rest in called:
        options = [p for p in cli.commands[verb].params if isinstance(p, click.Option)]
        known = {name for option in options for name in option.opts}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= known


def test_the_stacks_that_are_compared_exist() -> None:
    named = parsed(FOLDER / "cost.yaml")["env"]["STACKS"].split()
    assert all((REPOSITORY / f"Pulumi.{stack}.yaml").exists() for stack in named)
