"""`outlay comment` on a server of this machine: one comment, updated in place, nobody else's touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from outlay.cli.github import PullRequest
from outlay.errors import EngineError, InputError
from outlay.reporting.comment import MARKER, comment
from outlay.reporting.diff import diff_json
from tests.cli.command import Command
from tests.cli.github_server import BOT, GitHub, github
from tests.reporting import changes


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """GitHub, and the environment of a workflow on pull request 7."""
    with github() as kept:
        for name, value in kept.environment().items():
            monkeypatch.setenv(name, value)
        yield kept


def saved(tmp_path: Path, name: str) -> str:
    file = tmp_path / f"{name}.json"
    file.write_text(json.dumps(diff_json(changes.ALL[name]())))
    return str(file)


def test_a_dry_run_prints_the_comment_and_asks_nobody(
    run: Command, tmp_path: Path, server: GitHub
) -> None:
    done = run("comment", saved(tmp_path, "up"), "--dry-run")
    assert (done.code, done.out) == (0, comment([changes.up()]))
    assert server.asked == []


def test_the_first_run_writes_and_the_second_updates(
    run: Command, tmp_path: Path, server: GitHub
) -> None:
    server.write("a reviewer's words", login="reviewer")
    assert run("comment", saved(tmp_path, "up")).out == "https://example.com/7#2\n"
    assert run("comment", saved(tmp_path, "down")).out == "https://example.com/7#2\n"
    assert [each["body"] for each in server.comments] == [
        "a reviewer's words",
        comment([changes.down()]),
    ]


def test_our_comment_is_found_beyond_the_first_page(
    run: Command, tmp_path: Path, server: GitHub
) -> None:
    for number in range(150):
        server.write(f"comment {number}", login="reviewer")
    server.write(f"{MARKER}\nold")
    assert run("comment", saved(tmp_path, "up")).code == 0
    assert len(server.comments) == 151
    assert server.comments[-1]["body"] == comment([changes.up()])


def test_a_comment_that_only_looks_like_ours_is_left_alone(
    run: Command, tmp_path: Path, server: GitHub
) -> None:
    """Its author could change the figures afterwards."""
    server.write(f"{MARKER}\nwill decrease by a lot", login="stranger")
    assert run("comment", saved(tmp_path, "up")).code == 0
    assert [each["user"]["login"] for each in server.comments] == ["stranger", BOT]
    assert server.comments[0]["body"].endswith("a lot")


def test_a_failed_policy_ends_with_4_after_the_comment_is_written(
    run: Command, tmp_path: Path, server: GitHub
) -> None:
    done = run("comment", saved(tmp_path, "policy-failed"))
    assert done.code == 4
    assert "mandatory policies failed:\n  - dev: monthly-budget" in done.err
    assert len(server.comments) == 1


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (("--fail-over-usd", "656.99"), 3),
        (("--fail-over-usd", "$657"), 0),
        (("--fail-over-percent", "33"), 3),
        (("--fail-over-percent", "34%"), 0),
    ],
)
def test_a_limit_ends_with_3_above_it(
    run: Command, tmp_path: Path, limits: tuple[str, ...], code: int
) -> None:
    assert run("comment", saved(tmp_path, "up"), "--dry-run", *limits).code == code


def test_a_refusal_says_which_permission_is_missing(
    run: Command, tmp_path: Path, server: GitHub
) -> None:
    server.refuses = 403
    done = run("comment", saved(tmp_path, "up"))
    assert done.code == 1
    assert "GitHub answered 403" in done.err
    assert "pull-requests: write" in done.err


def test_a_token_is_never_shown(run: Command, tmp_path: Path, server: GitHub) -> None:
    server.refuses = 500
    done = run("comment", saved(tmp_path, "up"))
    assert "a-token" not in done.out + done.err


@pytest.mark.parametrize("arguments", [(), ("a.json", "--stack", "dev")])
def test_neither_and_both_are_refused(run: Command, arguments: tuple[str, ...]) -> None:
    done = run("comment", *arguments, "--dry-run")
    assert done.code == 1
    assert "give either FILES" in done.err


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_REPOSITORY"])
def test_what_the_environment_lacks_is_named(server: GitHub, missing: str) -> None:
    environ = {name: text for name, text in server.environment().items() if name != missing}
    with pytest.raises(InputError, match="GITHUB_TOKEN and GITHUB_REPOSITORY"):
        PullRequest.from_environment(None, environ)


def test_the_pull_request_may_be_given_by_number(server: GitHub) -> None:
    environ = server.environment() | {"GITHUB_REF": "refs/heads/main"}
    assert PullRequest.from_environment(7, environ).number == 7
    with pytest.raises(InputError, match="--pull-request NUMBER"):
        PullRequest.from_environment(None, environ)


def test_a_server_that_is_not_there_is_no_traceback() -> None:
    away = PullRequest(api="http://127.0.0.1:1", repository="a/b", number=1, token="t", author=BOT)
    with pytest.raises(EngineError, match="could not be reached"):
        away.put("text", marker=MARKER)


def test_an_address_of_another_kind_is_refused() -> None:
    local = PullRequest(api="file:///etc", repository="a/b", number=1, token="t", author=BOT)
    with pytest.raises(InputError, match="GITHUB_API_URL"):
        local.put("text", marker=MARKER)
