"""Which engine set-up takes, on machines that have or lack this and that. No test needs a network."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.setup import engine as engines
from tools.setup import gobuild
from tools.setup.errors import MissingToolError, SetupError, StepFailedError
from tools.setup.layout import REPOSITORY, Layout
from tools.setup.record import Engine, chosen_engine, read_record, write_record

WriteCommand = Callable[..., Path]

# Stands for Go: answers what set-up asks, "builds" an engine that prints the pinned version.
GO = """\
case "$1 $2" in
  "env GOVERSION") echo go1.26.8 ;;
  "env GOMODCACHE") echo "$HOME/go/pkg/mod" ;;
  "list -deps") echo one; echo two ;;
  "list -m") echo "$SDK" ;;
  "build -v") while [ "$1" != -o ]; do shift; done
    echo one; printf '#!/bin/sh\\necho v3.259.0\\n' > "$2/pulumi"; chmod +x "$2/pulumi" ;;
esac
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An empty checkout with the engine's real module files, and an empty cache."""
    root = tmp_path / "checkout"
    shutil.copytree(REPOSITORY / "tools" / "engine", root / "tools" / "engine")
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").symlink_to(REPOSITORY / ".venv" / "bin" / "python")
    return Layout(root=root, cache=tmp_path / "cache")


@pytest.fixture
def write_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteCommand:
    """Write shell scripts into the folder that alone is on PATH, with the system's own tools behind."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def write(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi's download site does not answer, unless a test says otherwise."""
    monkeypatch.setattr(engines, "PROBE", "raise SystemExit('no answer')")


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The two files of the SDK module that must lie beside the language host."""
    folder = tmp_path / "sdk"
    for name, _ in gobuild.COMPANIONS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")
    monkeypatch.setenv("SDK", str(folder))
    return folder


def test_a_new_enough_pulumi_on_path_is_taken(layout: Layout, write_command: WriteCommand) -> None:
    pulumi = write_command("pulumi", "echo v3.260.1")
    write_command("pulumi-language-python", "")
    engine, worked = engines.ensure_engine(layout)
    assert (engine.origin, engine.bin, engine.version) == ("path", pulumi.parent, "3.260.1")
    assert worked


def test_a_link_on_path_leads_to_the_folder_of_the_language_host(
    layout: Layout, write_command: WriteCommand, tmp_path: Path
) -> None:
    """The engine looks for its language host beside the real file and warns otherwise."""
    real = tmp_path / "cellar" / "pulumi"
    real.parent.mkdir()
    write_command("pulumi", "echo v3.259.0").replace(real)
    (real.parent / "pulumi-language-python").touch()
    (tmp_path / "path" / "pulumi").symlink_to(real)
    engine, _ = engines.ensure_engine(layout)
    assert engine.bin == real.parent


def test_a_version_managers_shim_is_left_where_it_is(tmp_path: Path) -> None:
    manager = tmp_path / "manager"
    manager.touch()
    shim = tmp_path / "shims" / "pulumi"
    shim.parent.mkdir()
    shim.symlink_to(manager)
    assert engines.real_folder(shim) == shim.parent


@pytest.mark.parametrize("script", ["echo v3.258.9", "echo hello", "exit 3"])
def test_another_pulumi_on_path_is_passed_over(
    layout: Layout, write_command: WriteCommand, script: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi = write_command("pulumi", script)
    write_command("pulumi-language-python", "")
    assert engines.on_path(str(pulumi), basis="") is None
    assert "3.259.0 or newer is needed" in capsys.readouterr().out


def test_a_pulumi_that_cannot_run_python_is_passed_over(
    write_command: WriteCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi = write_command("pulumi", "echo v3.259.0")
    assert engines.on_path(str(pulumi), basis="") is None
    assert "has no pulumi-language-python beside it" in capsys.readouterr().out


def test_the_official_release_comes_second_and_stays_in_the_cache(
    layout: Layout, write_command: WriteCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "PROBE", "")
    monkeypatch.setattr(
        engines,
        "INSTALL",
        "import pathlib, sys; bin = pathlib.Path(sys.argv[1], 'bin'); bin.mkdir(parents=True);"
        " [(bin / n).touch() for n in ('pulumi', 'pulumi-language-python')]",
    )
    engine, _ = engines.ensure_engine(layout)
    assert engine.origin == "official"
    assert engine.bin == layout.cache / "pulumi" / "3.259.0" / "bin"
    assert engine.pulumi.exists()


def test_a_download_that_breaks_off_leaves_nothing_behind(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engines, "PROBE", "")
    monkeypatch.setattr(
        engines, "INSTALL", "import os, sys; os.makedirs(sys.argv[1]); sys.exit('cut off')"
    )
    assert engines.official(layout, basis="") is None
    assert list((layout.cache / "pulumi").iterdir()) == []
    assert "cut off" in capsys.readouterr().out


def test_without_a_network_the_engine_is_built(
    layout: Layout, write_command: WriteCommand, sdk: Path
) -> None:
    write_command("go", GO)
    engine, _ = engines.ensure_engine(layout)
    assert (engine.origin, engine.version) == ("built", "3.259.0")
    assert engine.bin.is_relative_to(layout.cache / "engine")
    names = {path.name: path.stat().st_mode & 0o777 for path in engine.bin.iterdir()}
    assert names["pulumi-language-python-exec"] == 0o644
    assert names["pulumi-resource-pulumi-python"] == 0o755


def test_go_modules_stay_in_the_cache_folder_unless_go_has_a_cache_of_its_own(
    layout: Layout, write_command: WriteCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_command("go", GO)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GOMODCACHE", raising=False)
    assert gobuild.go_environment(layout)["GOMODCACHE"] == str(layout.cache / "go-mod")
    (tmp_path / "go" / "pkg" / "mod").mkdir(parents=True)
    assert "GOMODCACHE" not in gobuild.go_environment(layout)


def test_a_build_that_fails_leaves_nothing_behind_and_shows_why(
    layout: Layout, write_command: WriteCommand
) -> None:
    write_command("go", GO.replace("echo one; printf", "echo cannot link; exit 1; printf"))
    with pytest.raises(StepFailedError, match=r"compiling: exit code 1\n +cannot link\n  Fix: "):
        engines.ensure_engine(layout)
    assert list((layout.cache / "engine").iterdir()) == []
    assert read_record(layout) is None


def test_without_go_the_way_out_is_named(layout: Layout, write_command: WriteCommand) -> None:
    with pytest.raises(MissingToolError, match=r"no `go` to build it\n  Fix: install Go 1\.26"):
        engines.ensure_engine(layout)


def test_an_old_go_is_named_with_its_version(layout: Layout, write_command: WriteCommand) -> None:
    write_command("go", "echo go1.22.1")
    with pytest.raises(MissingToolError, match=r"Go is go1\.22\.1, 1\.26 or newer is needed"):
        engines.ensure_engine(layout)


def test_a_missing_git_is_named_when_go_asks_for_it(
    layout: Layout, write_command: WriteCommand
) -> None:
    complaint = """echo 'go: x: exec: "git": executable file not found in $PATH'; exit 1"""
    write_command("go", GO.replace("echo one; echo two", complaint))
    with pytest.raises(MissingToolError, match="apt-get install git"):
        engines.ensure_engine(layout)


def test_a_full_disk_is_noticed_before_the_build(
    layout: Layout, write_command: WriteCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_command("go", GO)
    monkeypatch.setattr(gobuild, "FREE_BYTES_NEEDED", 1 << 60)
    with pytest.raises(SetupError, match=r"the build needs about 3\.5 GB, .* GB free"):
        engines.ensure_engine(layout)


def test_a_second_run_starts_no_process(
    layout: Layout, write_command: WriteCommand, sdk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_command("go", GO)
    first, _ = engines.ensure_engine(layout)

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert engines.ensure_engine(layout) == (first, False)


def test_an_engine_built_before_is_taken_without_asking_the_network(
    layout: Layout, write_command: WriteCommand, sdk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second checkout shares the first one's build."""
    write_command("go", GO)
    first, _ = engines.ensure_engine(layout)
    (layout.private / "engine.json").unlink()
    monkeypatch.setattr(engines, "_download", None)
    assert engines.ensure_engine(layout) == (first, True)


def test_the_choice_is_made_again_when_a_pulumi_appears_on_path(
    layout: Layout, write_command: WriteCommand, sdk: Path
) -> None:
    write_command("go", GO)
    engines.ensure_engine(layout)
    write_command("pulumi", "echo v3.300.0")
    write_command("pulumi-language-python", "")
    engine, worked = engines.ensure_engine(layout)
    assert (engine.origin, worked) == ("path", True)


def test_the_choice_is_made_again_when_the_language_host_changes(layout: Layout) -> None:
    before = gobuild.source_key(layout)
    test = layout.engine_sources / "pulumi-language-python" / "run_test.go"
    test.write_text("package main")
    assert gobuild.source_key(layout) == before
    (test.parent / "run.go").write_text("package main")
    assert gobuild.source_key(layout) != before


def test_a_recorded_engine_that_has_gone_is_reported(layout: Layout) -> None:
    write_record(layout, Engine(origin="built", bin=layout.cache, version="3.259.0", basis=""))
    with pytest.raises(SetupError, match="Fix: make setup"):
        chosen_engine(layout)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bin": 3}'])
def test_a_broken_record_counts_as_none(layout: Layout, text: str) -> None:
    layout.private.mkdir()
    (layout.private / "engine.json").write_text(text)
    assert read_record(layout) is None
