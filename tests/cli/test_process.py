"""The command as a process: what it imports, how fast it starts, and how it ends."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.command import OUTLAY, REPOSITORY, SMALL, TIMEOUT_S, environment, outlay

HELP_CPU_S = 0.3
ANSI = re.compile(r"\x1b\[[0-9;]*[a-zA-Z]")
IMPORTED = """
import sys
from outlay.cli import main
sys.argv = ["outlay", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


def test_help_imports_no_library_but_click() -> None:
    heavy = {"pydantic", "numpy", "highspy", "rich", "pulumi", "yaml", "jinja2", "pandas", "scipy"}
    modules = imported("--help")
    assert "click" in modules
    assert modules & heavy == set()


def test_a_plan_imports_what_it_needs_and_no_pulumi() -> None:
    modules = imported("plan", *SMALL)
    assert {"pydantic", "numpy", "rich"} <= modules
    # One workload needs no solver.
    foreign = {"highspy", "pandas", "scipy", "jinja2", "kubernetes_validate", "yaml"}
    assert {m for m in modules if m.startswith("pulumi")} | (modules & foreign) == set()


def cpu_s(*arguments: str) -> float:
    """Return the processor time of one run, in seconds."""
    with subprocess.Popen([OUTLAY, *arguments], stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def test_help_is_there_at_once() -> None:
    """Processor time, best of five: the machine may be busy with other things."""
    assert min(cpu_s("--help") for _ in range(5)) <= HELP_CPU_S


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_verbs_and_exit_codes(flag: str) -> None:
    ended = outlay(flag)
    assert (ended.code, ended.err) == (0, "")
    text = " ".join(ended.out.split())
    codes = "0 fine, 1 a problem in the input, 2 no feasible plan, 3 over budget"
    assert f"Exit codes: {codes}" in text
    assert "compare Show what each provider alone would cost, or each GPU." in text
    assert "plan Show the cheapest node pools and what they cost." in text
    assert "render Write the plan's Kubernetes objects as YAML." in text


def test_without_a_verb_help_is_shown_as_a_problem() -> None:
    ended = outlay()
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Usage: outlay [OPTIONS] COMMAND")


def test_version() -> None:
    ended = outlay("--version")
    assert (ended.code, ended.out) == (0, f"outlay {version('outlay')}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete(shell: str) -> None:
    script = outlay(env=environment(_OUTLAY_COMPLETE=f"{shell}_source"))
    assert script.code == 0
    assert "_OUTLAY_COMPLETE" in script.out


def test_verbs_complete() -> None:
    answer = outlay(
        env=environment(_OUTLAY_COMPLETE="bash_complete", COMP_WORDS="outlay pl", COMP_CWORD="1")
    )
    assert answer.out == "plain,plan\n"


@pytest.mark.parametrize("arguments", [("plan", *SMALL), ("plan", *SMALL, "--json")])
def test_a_reader_that_goes_away_is_no_error(arguments: tuple[str, ...]) -> None:
    """As in `outlay plan | head -1`; here the reader is gone before the first line."""
    with subprocess.Popen(
        [OUTLAY, *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == 0
    assert err in ("", "planning ...\n")


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="only Linux has a disk that is always full"
)
@pytest.mark.parametrize("arguments", [("plan", *SMALL), ("plan", *SMALL, "--json"), ("--help",)])
def test_a_full_disk_is_one_message(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        finished = subprocess.run(
            [OUTLAY, *arguments], check=False, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert finished.returncode == 1
    said = finished.stderr.splitlines()
    assert said[-1] == "error: the output cannot be written: No space left on device"
    assert said[:-1] in ([], ["planning ..."])


def test_a_budget_is_held_even_when_nobody_reads() -> None:
    command = f"'{OUTLAY}' plan {' '.join(SMALL)} --budget 1 | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3


def test_an_interrupt_ends_without_a_traceback(tmp_path: Path) -> None:
    """The command is reading its settings when it is interrupted: they come through a pipe."""
    pipe = tmp_path / "settings.yaml"
    os.mkfifo(pipe)
    with (
        subprocess.Popen(
            [OUTLAY, "plan", "--settings", str(pipe)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        pipe.open("w"),
    ):  # waits for the command to open it too
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, out, err.strip()) == (130, "", "aborted")


def on_a_terminal(env: dict[str, str], *arguments: str) -> str:
    """Return what a terminal of 80 columns would show."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [OUTLAY, *arguments], cwd=REPOSITORY, stdout=slave, stderr=subprocess.DEVNULL, env=env
    ):
        os.close(slave)
        shown = b""
        try:
            while chunk := os.read(master, 65_536):
                shown += chunk
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(master)
    return shown.decode()


def test_a_terminal_gets_colours() -> None:
    shown = on_a_terminal(environment(TERM="xterm-256color", COLUMNS="80"), "plan", *SMALL)
    assert ANSI.search(shown)
    lines = ANSI.sub("", shown).replace("\r", "").splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_a_terminal_without_colours_gets_none() -> None:
    env = environment(TERM="xterm-256color", COLUMNS="80", NO_COLOR="1")
    shown = on_a_terminal(env, "plan", *SMALL)
    # NO_COLOR is about colours: bold may stay.
    assert not re.search(r"\x1b\[(3|4|9)[0-9]", shown)


def test_a_pipe_gets_neither_colours_nor_trailing_blanks() -> None:
    ended = outlay("plan", *SMALL, env=environment(TERM="xterm-256color"))
    assert not ANSI.search(ended.out)
    assert [line for line in ended.out.splitlines() if line != line.rstrip()] == []
