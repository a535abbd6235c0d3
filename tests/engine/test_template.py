"""`pulumi new` makes a project of this repository under any name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.engine.conftest import MakeProgram
from tools.setup.layout import REPOSITORY

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("name", ["outlay", "my-serving"])
def test_a_project_of_any_name_comes_out_of_the_template(
    make_program: MakeProgram, tmp_path: Path, name: str
) -> None:
    """The engine refuses types for settings of another namespace than the project's."""
    template = tmp_path / "template"
    (template / "infra").mkdir(parents=True)
    (template / "infra" / "__main__.py").touch()
    shutil.copyfile(REPOSITORY / "Pulumi.yaml", template / "Pulumi.yaml")
    made = tmp_path / "made"
    made.mkdir()
    arguments = ("--yes", "--generate-only", "--name", name, "--dir", str(made))
    make_program("").pulumi("new", str(template), *arguments).ok()
    project = yaml.safe_load((made / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert project["name"] == name
    assert project["config"]["targetRps"]["type"] == "string"
