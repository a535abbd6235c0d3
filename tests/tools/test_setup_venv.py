"""When set-up touches .venv, and how its steps fail."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.setup import progress
from tools.setup.errors import StepFailedError
from tools.setup.layout import Layout
from tools.setup.progress import duration, run_step
from tools.setup.venv import INPUTS, ensure_venv, fingerprint


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A checkout whose .venv is up to date."""
    made = Layout(root=tmp_path / "checkout", cache=tmp_path / "cache")
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    for name in INPUTS:
        (made.root / name).write_text(name)
    (made.venv / ".outlay-stamp").write_text(fingerprint(made.root))
    return made


def test_an_up_to_date_venv_is_left_alone(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert not ensure_venv(layout)


@pytest.mark.parametrize("name", INPUTS)
def test_the_fingerprint_follows_every_input(layout: Layout, name: str) -> None:
    before = fingerprint(layout.root)
    (layout.root / name).write_text("changed")
    assert fingerprint(layout.root) != before


def test_the_fingerprint_follows_the_checkouts_place(layout: Layout, tmp_path: Path) -> None:
    """A virtual environment holds absolute paths: a moved checkout needs a new one."""
    before = fingerprint(layout.root)
    moved = layout.root.rename(tmp_path / "elsewhere")
    assert fingerprint(moved) != before


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert Layout.of(Path("/checkout")).cache == Path("/somewhere/outlay")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert Layout.of(Path("/checkout")).cache == Path.home() / ".cache" / "outlay"


def test_a_step_returns_what_it_printed() -> None:
    assert run_step(["sh", "-c", "echo a; echo b >&2"], what="talking", fix="") == ["a", "b"]


def test_a_failed_step_says_what_it_printed_and_how_to_go_on() -> None:
    with pytest.raises(StepFailedError) as caught:
        run_step(["sh", "-c", "echo no disk; exit 4"], what="writing", fix="buy a disk")
    assert str(caught.value) == "writing: exit code 4\n    no disk\n  Fix: buy a disk"


def test_a_missing_command_is_a_failed_step() -> None:
    with pytest.raises(StepFailedError, match="No such file or directory: 'no-such-command'"):
        run_step(["no-such-command"], what="running", fix="")


def test_a_step_that_hangs_is_ended_with_its_children() -> None:
    start = time.monotonic()
    with pytest.raises(StepFailedError, match=r"waiting: no end after 0\.2 s"):
        run_step(["sh", "-c", "sleep 60 & wait"], what="waiting", fix="", timeout_s=0.2)
    assert time.monotonic() - start < 5


def test_a_long_step_says_how_long_and_how_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "TICK_S", 0.2)
    run_step(
        ["sh", "-c", "echo one; sleep 0.5"],
        what="compiling",
        fix="",
        status=lambda lines: f", {lines} of 2 packages",
    )
    assert capsys.readouterr().out.splitlines()[0] == "  compiling: 0s, 1 of 2 packages"


@pytest.mark.parametrize(("seconds", "text"), [(7.6, "8s"), (60, "1m00s"), (188.2, "3m08s")])
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_old_python_is_told_so() -> None:
    """The entry point runs on any Python 3 and names what is needed."""
    script = (
        "import sys, runpy; sys.version_info = (3, 8, 1);"
        "runpy.run_module('tools.setup', run_name='__main__')"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert answer.returncode == 1
    assert "Python 3.8 runs this, but 3.11 or newer is needed" in answer.stderr
    assert "make PYTHON=" in answer.stderr
