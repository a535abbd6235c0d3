"""Run the real engine on a copy of a project, in a world of its own, and read what it did."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.run import install_plugins
from tools.sandbox_env import Sandbox
from tools.setup.layout import REPOSITORY

VENV = REPOSITORY / ".venv"
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".outlay", "__pycache__", "*.egg-info")
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
WITH_SETTINGS = ("preview", "up", "destroy", "refresh", "import", "config")


@dataclass(frozen=True)
class Step:
    """One resource step of the engine's event log.

    Attributes:
        op: For instance `create`, `same`, `update`, `replace`, `delete`.
        urn: The resource.
        type: Its type token.
        old: Inputs in the state before, None for a new resource.
        new: Inputs asked for, None for a deleted one.
        differs: Paths of the properties that differ.
    """

    op: str
    urn: str
    type: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    differs: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last part of the URN."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True)
class Result:
    """What one command did.

    Attributes:
        code: Exit code, negative for a signal.
        stdout: What it printed.
        stderr: What it complained about.
        events: The engine's events, in order, as JSON values.
        seconds: Wall time.
    """

    code: int
    stdout: str
    stderr: str
    events: tuple[Mapping[str, Any], ...]
    seconds: float

    @property
    def text(self) -> str:
        """Everything that a user sees."""
        return f"{self.stdout}\n{self.stderr}"

    def steps(self) -> list[Step]:
        """Return the resource steps, one per resource and kind of step."""
        return [
            _step(event["resourcePreEvent"]["metadata"]) for event in self._of("resourcePreEvent")
        ]

    def changes(self) -> dict[str, int]:
        """Return the summary, for instance `{"create": 3}`."""
        for event in self._of("summaryEvent"):
            return dict(event["summaryEvent"]["resourceChanges"])
        return {}

    def policy_messages(self) -> list[str]:
        """Return what policies complained of: each rule's description, then its message."""
        return [event["policyEvent"]["message"].strip() for event in self._of("policyEvent")]

    def diagnostics(self, severity: str) -> str:
        """Return the program's and engine's messages of one severity, without colour codes."""
        chosen = [event["diagnosticEvent"] for event in self._of("diagnosticEvent")]
        return "".join(event["message"] for event in chosen if event["severity"] == severity)

    def ok(self) -> Result:
        """Return itself; fail the test with all output when the exit code is not 0."""
        assert self.code == 0, self.text
        return self

    def _of(self, kind: str) -> Iterator[Mapping[str, Any]]:
        return (event for event in self.events if kind in event)


@dataclass(frozen=True)
class Project:
    """A project folder with a Pulumi home, a state and a ledger that no other test shares."""

    sandbox: Sandbox
    stack: str

    @property
    def folder(self) -> Path:
        """The folder of Pulumi.yaml."""
        return self.sandbox.project

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return an environment that owes nothing to the caller's, but for `extra`."""
        base = {"PATH": SYSTEM_PATH, "HOME": str(self.sandbox.home), "LC_ALL": "C.UTF-8"}
        return self.sandbox.environment(base) | dict(extra or {})

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `pulumi` and leave it running, for tests that interrupt it."""
        return subprocess.Popen(
            [self.sandbox.pulumi, *arguments],
            cwd=self.folder,
            env=self.environment(env),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def pulumi(
        self, *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = 120
    ) -> Result:
        """Run `pulumi` with exactly these arguments."""
        start = time.monotonic()
        with self.start(*arguments, env=env) as process:
            try:
                stdout, stderr = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                raise
        seconds = time.monotonic() - start
        return Result(process.returncode, stdout, stderr, events=(), seconds=seconds)

    def command(self, verb: str, *arguments: str) -> list[str]:
        """Return the arguments of one verb on this project's stack and settings."""
        settings = ("--config-file", str(self.sandbox.config_file(self.stack)))
        return [
            verb,
            *arguments,
            "--stack",
            self.stack,
            *(settings if verb in WITH_SETTINGS else ()),
        ]

    def run(
        self,
        verb: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 120,
    ) -> Result:
        """Run preview, up, refresh or destroy, and read its events."""
        log = self.sandbox.home / "events.ndjson"
        log.unlink(missing_ok=True)
        result = self.pulumi(
            *self.command(verb, *arguments, "--event-log", str(log)),
            env={"PULUMI_DEBUG_COMMANDS": "true"} | dict(env or {}),
            timeout_s=timeout_s,
        )
        return Result(result.code, result.stdout, result.stderr, read_events(log), result.seconds)

    def preview(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """Run `pulumi preview`."""
        return self.run("preview", *arguments, env=env)

    def up(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """Run `pulumi up`, preview included."""
        return self.run("up", "--yes", *arguments, env=env)

    def refresh(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """Run `pulumi refresh`."""
        return self.run("refresh", "--yes", *arguments, env=env)

    def destroy(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """Run `pulumi destroy`."""
        return self.run("destroy", "--yes", *arguments, env=env)

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secrets hidden."""
        answer = self.pulumi(*self.command("stack", "output", "--json")).ok()
        return dict(json.loads(answer.stdout))


def read_events(log: Path) -> tuple[Mapping[str, Any], ...]:
    """Return the events of an event log; none if the engine never got that far."""
    if not log.exists():
        return ()
    return tuple(json.loads(line) for line in log.read_text().splitlines() if line)


def copy_project(
    source: Path,
    *,
    home: Path,
    engine: Path,
    stack: str,
    plugins: bool,
    settings: str | None = None,
) -> Project:
    """Copy a project into `home` and make its stack; `plugins` adds the sandbox's clouds.

    `settings` is the text of the stack's settings, if the source has none for it.
    """
    folder = home / "project"
    shutil.copytree(source, folder, ignore=NOT_COPIED)
    (folder / ".venv").symlink_to(VENV)
    # The engine starts dynamic providers in the program's folder, and looks for the environment there.
    (folder / "infra" / ".venv").symlink_to(VENV)
    if settings is not None:
        (folder / f"Pulumi.{stack}.yaml").write_text(settings)
    sandbox = Sandbox(project=folder, home=home / "outlay", bin=engine)
    sandbox.prepare(stack)
    if plugins:
        install_plugins(sandbox, python=folder / ".venv" / "bin" / "python")
    return Project(sandbox=sandbox, stack=stack)


def _step(metadata: Mapping[str, Any]) -> Step:
    return Step(
        op=metadata["op"],
        urn=metadata["urn"],
        type=metadata["type"],
        old=_inputs(metadata.get("old")),
        new=_inputs(metadata.get("new")),
        differs=tuple(metadata.get("detailedDiff") or ()),
    )


def _inputs(state: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if state is None else state.get("inputs") or {}
