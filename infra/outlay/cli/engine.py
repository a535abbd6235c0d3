"""Run `pulumi` as a program of its own and read what it writes; outlay imports no pulumi."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from outlay.errors import EngineError, InputError
from outlay.pricing.events import Preview, read_events

GRACE_S = 20.0
# Names a folder of settings files that hold the salts, where the project's own have none.
SALTS = "OUTLAY_SALTS"
ENCRYPTION_KEYS = ("encryptionsalt:", "encryptedkey:", "secretsprovider:")
# The event log is a debugging flag to the engine, which hides it otherwise.
ENVIRONMENT = {"PULUMI_DEBUG_COMMANDS": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The stack of one project folder, as the user's own login, state and PULUMI_* variables give it.

    Attributes:
        project: The folder of Pulumi.yaml.
        stack: The stack, with or without organisation and project before it.
        policy_packs: Policy packs to run, each with its configuration or None.
    """

    project: Path
    stack: str
    policy_packs: tuple[tuple[Path, Path | None], ...] = ()

    @property
    def name(self) -> str:
        """The stack without organisation and project."""
        return self.stack.rsplit("/", 1)[-1]

    @property
    def settings_file(self) -> Path:
        """The stack's settings."""
        return self.project / f"Pulumi.{self.name}.yaml"

    def check(self) -> None:
        """Raise InputError unless the project and the stack's settings are there."""
        if not any((self.project / f"Pulumi.{end}").is_file() for end in ("yaml", "yml")):
            raise InputError(
                f"no Pulumi.yaml in {self.project.resolve()}; go to the project's folder or name it"
                " with --project"
            )
        if not self.settings_file.is_file():
            known = sorted(path.name.split(".")[1] for path in self.project.glob("Pulumi.*.yaml"))
            raise InputError(
                f"stack {self.stack!r} has no {self.settings_file.name} in {self.project.resolve()};"
                f" stacks here: {', '.join(known) or 'none'}"
            )

    def preview(self, *, what: str) -> Preview:
        """Preview the stack and read the engine's events; failed policies are part of the answer.

        Raises:
            EngineError: The program or the engine failed, or the preview did not come to its end.
        """
        with tempfile.TemporaryDirectory(prefix="outlay-preview-") as scratch:
            log = Path(scratch) / "events.ndjson"
            answer = self._run(
                "preview",
                "--stack",
                self.stack,
                "--config-file",
                str(self._settings_copy(Path(scratch))),
                "--event-log",
                str(log),
                *self._pack_arguments(),
            )
            text = log.read_text(encoding="utf-8") if log.exists() else ""
        preview = read_events(text, source="the engine's event log")
        _check(preview, answer, what=what)
        return preview

    def export(self) -> str:
        """Return the stack's state as `pulumi stack export` writes it.

        Raises:
            EngineError: There is no such stack, or it cannot be read.
        """
        answer = self._run("stack", "export", "--stack", self.stack)
        if answer.returncode:
            raise EngineError(f"stack {self.stack} could not be exported: {_last_words(answer)}")
        return answer.stdout

    def analyze(
        self, state: Path, *, variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run the policy packs over a state file and return what `pulumi policy analyze` answers."""
        packs = self._pack_arguments()
        return self._run("policy", "analyze", "--file", str(state), *packs, variables=variables)

    def _settings_copy(self, scratch: Path) -> Path:
        # The engine writes an encryption salt into settings without one: not into the user's own file.
        copy = Path(shutil.copy(self.settings_file, scratch))
        text = copy.read_text(encoding="utf-8")
        if not _encryption(text):
            copy.write_text("\n".join([text, *self._own_salt(), ""]), encoding="utf-8")
        return copy

    def _own_salt(self) -> list[str]:
        """Return the stack's salt from where OUTLAY_SALTS says; to make a new one takes the engine long."""
        folder = os.environ.get(SALTS)
        kept = Path(folder) / self.settings_file.name if folder else None
        return _encryption(kept.read_text(encoding="utf-8")) if kept and kept.is_file() else []

    def _pack_arguments(self) -> list[str]:
        arguments: list[str] = []
        for pack, settings in self.policy_packs:
            arguments += ["--policy-pack", str(pack.resolve())]
            if settings is not None:
                arguments += ["--policy-pack-config", str(settings.resolve())]
        return arguments

    def _run(
        self, *arguments: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        return run(command, folder=self.project, extra={**ENVIRONMENT, **(variables or {})})


def run(
    command: Sequence[str], *, folder: Path, extra: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; when we are interrupted, so is it, once, and we wait for it.

    Raises:
        EngineError: The program is not installed.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | (extra or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A group of its own: the terminal's Ctrl-C would reach it besides ours, and the engine
            # takes a second one for an order to leave everything as it is.
            start_new_session=True,
        )
    except FileNotFoundError:
        raise EngineError(
            f"{command[0]} is not on PATH; `make setup` or the official installer brings it"
        ) from None
    with process:
        try:
            stdout, stderr = process.communicate()
        except BaseException:
            _end(process)
            raise
    return subprocess.CompletedProcess(list(command), process.returncode, stdout, stderr)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that what it made is cleaned up."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _check(preview: Preview, answer: subprocess.CompletedProcess[str], *, what: str) -> None:
    if preview.errors:
        raise EngineError("\n".join([f"{what} does not preview:", *map(_indented, preview.errors)]))
    # A mandatory policy fails a preview that is whole: its figures and its complaints both count.
    only_policies = preview.is_complete and any(p.is_mandatory for p in preview.policies)
    if answer.returncode and not only_policies:
        raise EngineError(f"{what} does not preview: {_last_words(answer)}")
    if not preview.is_complete:
        raise EngineError(f"{what}: the engine ended before its summary; run it again")


def _encryption(settings: str) -> list[str]:
    return [line for line in settings.splitlines() if line.startswith(ENCRYPTION_KEYS)]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _last_words(answer: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (answer.stderr or answer.stdout).splitlines() if line.strip()]
    said = "\n".join(lines[-10:]).removeprefix("error: ")
    return said or f"it ended with exit code {answer.returncode}"
