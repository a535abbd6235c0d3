"""Run the command: as a process of its own, or inside this one where only its answer matters."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from outlay.cli.main import main

REPOSITORY = Path(__file__).parents[2]
OUTLAY = Path(sys.executable).with_name("outlay")
TIMEOUT_S = 60
MODEL = ("--model", "llama-3.1-8b", "--rps", "10")
# One GPU type at one provider: planned in a moment.
SMALL = (*MODEL, "--provider", "gcp", "--gpu", "l4")


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(**changes: str) -> dict[str, str]:
    """Return this process' environment without what decides on colours, and with some changes."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return kept | changes


def outlay(
    *arguments: str, cwd: Path = REPOSITORY, env: Mapping[str, str] | None = None
) -> Finished:
    """Run the installed command with its output in pipes."""
    done = subprocess.run(
        [OUTLAY, *arguments],
        cwd=cwd,
        env=environment() if env is None else dict(env),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


class Command:
    """The command inside this process: the same code without a start-up each time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Finished:
        """Run it and return how it ended."""
        self._monkeypatch.setattr(sys, "argv", ["outlay", *arguments])
        self._capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        shown = self._capsys.readouterr()
        return Finished(code, shown.out, shown.err)
