"""Tell what set-up does while it does it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from tools.setup.errors import StepFailedError

TICK_S = 15.0
TERMINAL_TICK_S = 1.0
TAIL_LINES = 20


def say(text: str) -> None:
    """Print one line of progress at once."""
    print(f"setup: {text}", flush=True)


def duration(seconds: float) -> str:
    """Format seconds as `8s` or `3m08s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


class Ticker:
    """Print how long a step has been running and how far it is, until it ends."""

    def __init__(self, what: str, *, status: Callable[[], str]) -> None:
        self._what = what
        self._status = status
        self._start = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if sys.stdout.isatty():
            print("\r\033[K", end="", flush=True)

    def _tick(self) -> None:
        terminal = sys.stdout.isatty()
        while not self._stop.wait(TERMINAL_TICK_S if terminal else TICK_S):
            elapsed = duration(time.monotonic() - self._start)
            line = f"  {self._what}: {elapsed}{self._status()}"
            if terminal:
                print(f"\r\033[K{line}", end="", flush=True)
            else:
                print(line, flush=True)


def run_step(
    command: Sequence[str | Path],
    *,
    what: str,
    fix: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float | None = None,
    status: Callable[[int], str] = lambda _: "",
) -> list[str]:
    """Run a command under a ticker and return the last lines that it printed.

    `status` turns the number of lines printed so far into text for the ticker.

    Raises:
        StepFailedError: The command cannot be started, fails, or runs longer than `timeout_s`.
    """
    lines: list[str] = []
    try:
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=cwd,
            env=env,
            text=True,
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise StepFailedError(f"{what}: {error}", fix=fix) from error
    with Ticker(what, status=lambda: status(len(lines))):
        timed_out = _drain(process, lines=lines, timeout_s=timeout_s)
    if process.returncode == 0 and not timed_out:
        return lines
    reason = f"no end after {timeout_s:g} s" if timed_out else f"exit code {process.returncode}"
    tail = "\n    ".join(deque(lines, maxlen=TAIL_LINES))
    raise StepFailedError(f"{what}: {reason}\n    {tail}", fix=fix)


def _drain(process: subprocess.Popen[str], *, lines: list[str], timeout_s: float | None) -> bool:
    """Collect a process's lines until it ends; return whether it had to be killed for its time."""
    assert process.stdout is not None
    reader = threading.Thread(target=_collect, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        process.wait(timeout_s)
        return False
    except subprocess.TimeoutExpired:
        return True
    finally:
        _kill_session(process)
        reader.join(1.0)


def _collect(stream: IO[str], lines: list[str]) -> None:
    with stream:
        lines.extend(line.rstrip("\n") for line in stream)


def _kill_session(process: subprocess.Popen[str]) -> None:
    """End a command with its children: also after Ctrl-C, which its own session does not get."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
