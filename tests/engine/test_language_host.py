"""The engine runs Python programs through the language host as users of Pulumi expect."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.engine.conftest import MakeProgram
from tests.engine.harness import Project

pytestmark = pytest.mark.engine

SLEEPER = """
    import pathlib, time
    pathlib.Path("started").touch()
    time.sleep(120)
"""


def test_a_program_knows_whether_it_is_a_preview(make_program: MakeProgram) -> None:
    project = make_program("import pulumi; print('dry run:', pulumi.runtime.is_dry_run())")
    assert "dry run: True" in project.preview().ok().stdout
    up = project.up("--skip-preview").ok()
    assert "dry run: False" in up.stdout
    assert "dry run: True" not in up.stdout


def test_a_program_knows_its_project_stack_and_folders(make_program: MakeProgram) -> None:
    project = make_program("""
        import os, pulumi
        pulumi.export("names", [pulumi.get_organization(), pulumi.get_project(), pulumi.get_stack()])
        pulumi.export("root", pulumi.get_root_directory())
        pulumi.export("cwd", os.getcwd())
    """)
    project.up().ok()
    assert project.outputs() == {
        "names": ["organization", "tiny", "dev"],
        "root": str(project.folder),
        "cwd": str(project.folder / "infra"),
    }


def test_a_stack_without_configuration_has_none(make_program: MakeProgram) -> None:
    project = make_program("import pulumi; print('a is', pulumi.Config().get('a'))")
    assert "a is None" in project.preview().ok().stdout


def test_configuration_arrives_and_secrets_stay_secret(make_program: MakeProgram) -> None:
    project = make_program(
        """
        import pulumi
        config = pulumi.Config()
        pulumi.export("plain", config.require("plain"))
        pulumi.export("hidden", config.require_secret("hidden"))
        print("length of the secret:", len(config.require("hidden")))
        """,
        settings='config:\n  tiny:plain: "say \\"hi\\""\n',
    )
    project.pulumi(*project.command("config", "set", "--secret", "hidden", "hush-hush")).ok()
    up = project.up().ok()
    assert "length of the secret: 9" in up.stdout
    assert "hush-hush" not in up.text
    assert project.outputs() == {"plain": 'say "hi"', "hidden": "[secret]"}


def test_an_unhandled_exception_shows_the_users_own_lines_once(make_program: MakeProgram) -> None:
    result = make_program("def wrong():\n    raise RuntimeError('boom')\nwrong()\n").preview()
    assert result.code != 0
    assert result.diagnostics("error").count("RuntimeError: boom") == 1
    assert "pulumi-language-python-exec" not in result.stdout
    assert "exit code" not in result.stdout


def test_another_exit_code_is_named(make_program: MakeProgram) -> None:
    result = make_program("import os; os._exit(3)").preview()
    assert result.code != 0
    assert "exited with non-zero exit code: 3" in result.text


def test_a_killed_program_is_said_to_be_killed(own_host: None, make_program: MakeProgram) -> None:
    result = make_program("import os; os.kill(os.getpid(), 9)").preview()
    assert result.code != 0
    assert "program was ended by signal: killed" in result.text


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("{toolchain: pip, virtualenv: gone}", "doesn't exist"),
        ("{toolchain: poetry}", "set `toolchain: pip`"),
    ],
)
def test_wrong_runtime_options_are_explained(
    own_host: None, make_program: MakeProgram, options: str, problem: str
) -> None:
    result = make_program("", options=options).preview()
    assert result.code != 0
    assert problem in result.text
    assert "Traceback" not in result.text


def test_about_names_python_and_the_plugins_of_installed_packages(
    make_program: MakeProgram,
) -> None:
    answer = make_program("").pulumi("about").ok().stdout
    assert "This project is written in python: executable=" in answer
    for plugin in ("aws", "gcp", "kubernetes"):
        assert plugin in answer


def test_a_dynamic_resource_is_made_and_deleted(make_program: MakeProgram) -> None:
    """A provider written into the program runs in the virtual environment, found from its folder.

    Upstream's script looks for the `virtualenv` of Pulumi.yaml beside the program, not beside that file.
    """
    project = make_program("""
        import pulumi
        from pulumi import dynamic

        class Provider(dynamic.ResourceProvider):
            def create(self, props):
                return dynamic.CreateResult("id-1", {**props, "made": True})

        class Thing(dynamic.Resource):
            made: pulumi.Output[bool]

            def __init__(self, name):
                super().__init__(Provider(), name, {"made": None})

        pulumi.export("made", Thing("thing").made)
    """)
    assert (project.folder / "infra" / ".venv").is_symlink()
    assert project.up().ok().changes() == {"create": 2}
    assert project.outputs() == {"made": True}
    assert project.destroy().ok().changes() == {"delete": 2}


def test_an_attached_host_serves_the_engine(own_host: None, make_program: MakeProgram) -> None:
    """A host that runs already, under a debugger for instance, gets its engine by Handshake."""
    project = make_program("import pulumi; pulumi.log.info('hello from the attached host')")
    host = project.sandbox.bin / "pulumi-language-python"
    with subprocess.Popen([host], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            result = project.preview(env={"PULUMI_DEBUG_LANGUAGES": f"python:{port}"}).ok()
            assert "hello from the attached host" in result.stdout
        finally:
            process.terminate()
    assert process.returncode == 0


def test_an_interrupt_is_silent_and_leaves_nothing_running(
    make_program: MakeProgram, running: Callable[[Project], list[str]]
) -> None:
    project = make_program(SLEEPER)
    process = _start_and_wait(project)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=10)
    assert process.returncode != 0
    assert "Traceback" not in stdout + stderr
    assert "KeyboardInterrupt" not in stdout + stderr
    assert running(project) == []


def test_a_killed_engine_takes_host_and_program_with_it(
    make_program: MakeProgram, running: Callable[[Project], list[str]]
) -> None:
    project = make_program(SLEEPER)
    process = _start_and_wait(project)
    process.kill()
    process.communicate(timeout=10)
    deadline = time.monotonic() + 5
    while running(project) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert running(project) == []


def _start_and_wait(project: Project) -> subprocess.Popen[str]:
    process = project.start(*project.command("preview"))
    deadline = time.monotonic() + 30
    while not (project.folder / "infra" / "started").exists():
        assert time.monotonic() < deadline, "the program did not start"
        time.sleep(0.05)
    return process


@pytest.fixture
def running() -> Callable[[Project], list[str]]:
    """Command lines of processes that still belong to a project."""

    def find(project: Project) -> list[str]:
        listing = subprocess.run(
            ["ps", "-axww", "-o", "args="], check=True, capture_output=True, text=True
        )
        return [line for line in listing.stdout.splitlines() if str(project.folder) in line]

    return find
