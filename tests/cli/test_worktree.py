"""The base is checked out beside the user's own checkout, and nothing of it stays."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from outlay.cli.worktree import checked_out, commit_of, repository_of
from outlay.errors import InputError

PROJECT = "name: shop\nruntime: {name: python, options: {virtualenv: .venv}}\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a folder of a repository, with two commits and an environment beside git."""
    folder = tmp_path / "repository" / "deploy"
    folder.mkdir(parents=True)
    git(folder.parent, "init", "-q", "-b", "main")
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "size").write_text("small")
    (folder.parent / ".gitignore").write_text(".venv\n")
    git(folder, "add", "-A", "..")
    git(folder, "commit", "-q", "-m", "small")
    git(folder, "checkout", "-q", "-b", "larger")
    (folder / "size").write_text("large")
    git(folder, "commit", "-q", "-a", "-m", "large")
    (folder / ".venv" / "bin").mkdir(parents=True)
    return folder


def trees(project: Path) -> list[str]:
    return git(project, "worktree", "list", "--porcelain").split("\n\n")


def test_the_base_is_there_with_the_packages_of_the_own_checkout(project: Path) -> None:
    (project / "size").write_text("not committed")
    with checked_out(project, commit_of(project, "main")) as base:
        assert (base.project / "size").read_text() == "small"
        assert (base.project / ".venv" / "bin").is_dir()
        assert base.project.parent == base.repository
        assert base.commit == git(project, "rev-parse", "main")
    assert (project / "size").read_text() == "not committed"


def test_nothing_stays(project: Path) -> None:
    with checked_out(project, commit_of(project, "main")) as base:
        folder = base.repository
    assert not folder.parent.exists()
    assert len(trees(project)) == 1
    assert (project / ".venv" / "bin").is_dir()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_stays_after_a_failure(project: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with checked_out(project, commit_of(project, "main")) as base:
            seen.append(base.repository)
            raise error

    seen: list[Path] = []
    with pytest.raises(error):
        fail()
    assert not seen[0].parent.exists()
    assert len(trees(project)) == 1


def test_a_clean_clone_can_be_compared_with_its_remote(project: Path, tmp_path: Path) -> None:
    """As a CI job has it: the base is only a branch of the remote."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--branch", "larger", str(project.parent), str(clone))
    commit = commit_of(clone / "deploy", "origin/main")
    with checked_out(clone / "deploy", commit) as base:
        assert (base.project / "size").read_text() == "small"


@pytest.mark.parametrize("ref", ["nowhere", "", "--help", "main:size", "-q"])
def test_a_base_that_does_not_exist_says_how_to_get_it(project: Path, ref: str) -> None:
    with pytest.raises(InputError, match=r"is no commit of this repository.*fetch"):
        commit_of(project, ref)


def test_a_project_outside_git_is_the_user_s_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in no git repository"):
        commit_of(tmp_path, "main")
    assert repository_of(tmp_path) is None
