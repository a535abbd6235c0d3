"""Projects for the real engine: copies of a folder, or a program given as text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from tests.engine.harness import Project, copy_project
from tools.setup.errors import SetupError
from tools.setup.layout import REPOSITORY, Layout
from tools.setup.record import Engine, chosen_engine

PROJECT_FILE = """\
name: tiny
runtime: {{name: python, options: {options}}}
main: infra
"""
OPTIONS = "{toolchain: pip, virtualenv: .venv}"
PACK_FILE = """\
description: tiny
version: 0.1.0
runtime: {name: python, options: {toolchain: pip, virtualenv: ../.venv}}
"""


class MakeProgram(Protocol):
    """Make a project from a program's text."""

    def __call__(
        self,
        program: str,
        *,
        settings: str = "config: {}\n",
        pack: str | None = None,
        options: str = OPTIONS,
    ) -> Project: ...


class MakeStack(Protocol):
    """Make a project of this repository's program with the settings of one stack."""

    def __call__(self, settings: str) -> Project: ...


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine that set-up recorded."""
    try:
        return chosen_engine(Layout.of(REPOSITORY))
    except SetupError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def own_host(engine: Engine) -> None:
    """Only for our own language host: upstream's says some things in other words."""
    if engine.origin != "built":
        pytest.skip("the engine on this machine brings its own language host")


@pytest.fixture
def make_program(engine: Engine, tmp_path: Path) -> MakeProgram:
    """A project with one program, one stack `dev` and, if given, a policy pack in `policies`."""
    return program_maker(engine, tmp_path)


def program_maker(engine: Engine, home: Path) -> MakeProgram:
    """Return what makes a project in `home`, for fixtures of any scope."""

    def make(
        program: str,
        *,
        settings: str = "config: {}\n",
        pack: str | None = None,
        options: str = OPTIONS,
    ) -> Project:
        source = home / "source"
        files = {
            "Pulumi.yaml": PROJECT_FILE.format(options=options),
            "Pulumi.dev.yaml": settings,
            "infra/__main__.py": textwrap.dedent(program),
        }
        if pack is not None:
            files |= {
                "policies/PulumiPolicy.yaml": PACK_FILE,
                "policies/__main__.py": textwrap.dedent(pack),
            }
        for name, text in files.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return copy_project(source, home=home, engine=engine.bin, stack="dev", plugins=False)

    return make


@pytest.fixture
def repository_project(engine: Engine, tmp_path: Path) -> Callable[[str], Project]:
    """A copy of this repository's own project, with the sandbox's clouds."""

    def make(stack: str) -> Project:
        return copy_project(REPOSITORY, home=tmp_path, engine=engine.bin, stack=stack, plugins=True)

    return make


@pytest.fixture
def stack_project(engine: Engine, tmp_path: Path) -> MakeStack:
    """A copy of this repository's own project with a stack `own` of these settings."""

    def make(settings: str) -> Project:
        return copy_project(
            REPOSITORY,
            home=tmp_path,
            engine=engine.bin,
            stack="own",
            plugins=True,
            settings=settings,
        )

    return make
