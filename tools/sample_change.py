"""A real change to show and to measure: a copy of the project in which dev's demand is doubled.

`python -m tools.sample_change` prints the comment that it gets. Only the commit's hash is replaced,
since it differs with every state of this repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.run import install_plugins
from tools.sandbox_env import Sandbox
from tools.setup.errors import SetupError
from tools.setup.layout import REPOSITORY, Layout
from tools.setup.record import chosen_engine

NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".outlay", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info"
)
STACK, BASE, COMMIT = "dev", "main", "0123456789ab"
BEFORE, AFTER = 'outlay:targetRps: "10"', 'outlay:targetRps: "20"'
# Exit codes of `outlay comment` that come after the whole comment: over a limit, a policy failed.
WITH_COMMENT = (0, 3, 4)


def main() -> None:
    """Print the comment, or exit 1 with the reason."""
    layout = Layout.of(REPOSITORY)
    with tempfile.TemporaryDirectory(prefix="outlay-sample-") as folder:
        try:
            sample = changed_copy(layout, Path(folder))
            text = comment(sample, layout)
        except SetupError as error:
            sys.exit(f"sample: {error}")
        commit = _git(sample.project, "rev-parse", "--short=12", "HEAD")
    sys.stdout.write(text.replace(commit, COMMIT))


def changed_copy(layout: Layout, folder: Path) -> Sandbox:
    """Return a sandbox with the copy: what is here is committed as the base, the change is not.

    Raises:
        SetupError: The sandbox is not ready, or dev no longer has the demand that is doubled.
    """
    project = folder / "changed" / "outlay"
    shutil.copytree(layout.root, project, ignore=NOT_COPIED)
    (project / ".venv").symlink_to(layout.python.parent.parent)
    _git(project, "init", "--quiet", "--initial-branch", BASE)
    _git(project, "add", "--all")
    _git(project, "commit", "--quiet", "--message", "base")
    _double(project / f"Pulumi.{STACK}.yaml")
    home = folder / "changed" / "home"
    sandbox = Sandbox(project=project, home=home, bin=chosen_engine(layout).bin)
    sandbox.prepare(STACK)
    install_plugins(sandbox, python=layout.python)
    return sandbox


def comment(sample: Sandbox, layout: Layout) -> str:
    """Return what `outlay comment` prints for the copy against its last commit.

    Raises:
        SetupError: The comment could not be made.
    """
    command = ["comment", "--dry-run", "--stack", STACK, "--base", BASE, "--policy-pack"]
    answer = subprocess.run(
        [layout.python.parent / "outlay", *command, "policies"],
        cwd=sample.project,
        env=verb_environment(sample),
        check=False,
        capture_output=True,
        text=True,
    )
    if answer.returncode not in WITH_COMMENT:
        raise SetupError(answer.stderr.strip(), fix="make setup")
    return answer.stdout


def verb_environment(sample: Sandbox) -> dict[str, str]:
    """Return the environment in which a verb meets the copy's sandbox."""
    return sample.environment() | {"OUTLAY_SALTS": str(sample.config_file(STACK).parent)}


def _double(settings: Path) -> None:
    text = settings.read_text(encoding="utf-8")
    if BEFORE not in text:
        raise SetupError(
            f"{settings.name} no longer says {BEFORE}", fix="change tools/sample_change.py too"
        )
    settings.write_text(text.replace(BEFORE, AFTER), encoding="utf-8")


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=outlay", "-c", "user.email=outlay@example.com")
    answer = subprocess.run(
        ["git", *identity, "-c", "commit.gpgsign=false", *arguments],
        cwd=folder,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
        check=True,
        capture_output=True,
        text=True,
    )
    return answer.stdout.strip()


if __name__ == "__main__":
    main()
